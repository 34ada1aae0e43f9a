//! The plan: each topic has one slot, each limit is kept, and few topics move when one is added.
//!
//! Pure. A slot is a credential in one hour of the job's cycle. Consistent hashing with bounded loads assigns topics to
//! slots (Mirrokni, Thorup, Zadimoghaddam: "Consistent Hashing with Bounded Loads", 2018): each topic starts at its own
//! point of a ring and takes the next slot with free capacity. Topics are assigned in the order of their hashes and not
//! in that of the list, so that a plan depends only on the set of topics.

use std::collections::BTreeMap;

/// What to plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// The credentials.
    pub(super) credentials: Vec<Credential>,
    /// Accounts to follow, by name.
    pub(super) accounts: Vec<String>,
    /// Hashtags to follow, by name.
    pub(super) hashtags: Vec<Hashtag>,
    /// The schedule of the job `brand_media`, and the calls of an account.
    pub(super) brand_media: Schedule,
    /// The schedule of the job `hashtag`, and the calls of a hashtag.
    pub(super) hashtag: Schedule,
    /// The maximum number of topics of a shard.
    pub(super) most_topics: usize,
    /// The percentage of each hour's calls that is reserved: for retries, and because the API's hour is a rolling
    /// window.
    pub(super) reserve_percent: u32,
}

/// A credential. Its calls count together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credential {
    /// The name of its secret.
    pub(super) secret_id: String,
    /// The calls that it may make in an hour.
    pub(super) calls_per_hour: u32,
    /// The number of different hashtags that it may request in 7 days.
    pub(super) hashtags_per_week: u32,
}

/// A hashtag to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hashtag {
    /// The name.
    pub(super) name: String,
    /// Whether the id is known. Otherwise any process may have to look it up.
    pub(super) pinned: bool,
}

/// How often a topic is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    /// The number of runs in an hour in which the topic is collected.
    pub(super) runs_per_hour: u32,
    /// The hours from one such hour to the next, a divisor of 24.
    pub(super) every_hours: u32,
    /// The calls of a topic in a run, without the look-up of its id.
    pub(super) calls: u32,
}

/// A part of a plan: the work of one invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shard {
    /// The name, which is part of its objects' names.
    pub(super) name: String,
    /// The index of its credential.
    pub(super) credential: usize,
    /// The hour of the cycle in which it runs.
    pub(super) hour: u32,
    /// The indexes of its topics, in the order of the list.
    pub(super) topics: Vec<usize>,
}

/// The shards of both jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// The shards of accounts.
    pub(super) brand_media: Vec<Shard>,
    /// The shards of hashtags.
    pub(super) hashtag: Vec<Shard>,
    /// The planned calls of each credential in its busiest hour.
    pub(super) calls: Vec<u64>,
}

/// The points of each slot on the ring. More points make the loads more even.
const POINTS: u64 = 64;

/// FNV-1a with a final step that mixes all bits. It is the same in every version and on every machine, so that a new
/// build moves no topic.
pub(super) fn hash(parts: &[&[u8]]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

impl Request {
    /// The calls of a credential in an hour that may be planned.
    pub(super) fn calls(&self, credential: &Credential) -> u64 {
        u64::from(credential.calls_per_hour) * u64::from(100_u32.saturating_sub(self.reserve_percent)) / 100
    }

    /// The calls of a topic in an hour in which it is collected.
    pub(super) const fn cost(schedule: Schedule, pinned: bool) -> u64 {
        let calls = if pinned { schedule.calls } else { schedule.calls + 1 };
        schedule.runs_per_hour as u64 * calls as u64
    }

    /// The plan; `None` if not all topics fit.
    pub(super) fn try_plan(&self) -> Option<Plan> {
        let budgets: Vec<u64> = self.credentials.iter().map(|c| self.calls(c)).collect();
        // Hashtags come first: each needs more calls than an account, and the week limits them too. A hashtag counts
        // the same whether or not its id is known, so that pinning an id moves no topic.
        let pinned = self.hashtags.iter().all(|h| h.pinned);
        let weeks = self.credentials.iter().map(|c| c.hashtags_per_week as usize).collect();
        let names: Vec<&str> = self.hashtags.iter().map(|h| h.name.as_str()).collect();
        let mut ring = Ring::new(self, self.hashtag, Self::cost(self.hashtag, pinned), &budgets, weeks);
        let hashtags = ring.assign(&names)?;
        let by_hashtags = ring.busiest(self.credentials.len());

        let left: Vec<u64> = budgets.iter().zip(&by_hashtags).map(|(budget, used)| budget - used).collect();
        let names: Vec<&str> = self.accounts.iter().map(String::as_str).collect();
        let any = vec![usize::MAX; self.credentials.len()];
        let mut ring = Ring::new(self, self.brand_media, Self::cost(self.brand_media, true), &left, any);
        let accounts = ring.assign(&names)?;
        let by_accounts = ring.busiest(self.credentials.len());

        let calls = by_hashtags.iter().zip(&by_accounts).map(|(a, b)| a + b).collect();
        let brand_media = self.shards(accounts, &self.accounts.iter().map(String::as_str).collect::<Vec<_>>());
        let hashtag = self.shards(hashtags, &self.hashtags.iter().map(|h| h.name.as_str()).collect::<Vec<_>>());
        Some(Plan { brand_media, hashtag, calls })
    }

    /// Cuts the topics of each slot into shards that are not too large.
    fn shards(&self, slots: BTreeMap<(usize, u32), Vec<usize>>, names: &[&str]) -> Vec<Shard> {
        let mut shards = Vec::new();
        for ((credential, hour), topics) in slots {
            let secret_id = self.credentials.get(credential).map_or("", |c| c.secret_id.as_str());
            let name = format!("{:010x}-{hour:02}", hash(&[secret_id.as_bytes()]) & 0xff_ffff_ffff);
            let hashed =
                topics.into_iter().filter_map(|t| Some((hash(&[b"cut", names.get(t)?.as_bytes()]), t))).collect();
            let mut parts = Vec::new();
            cut(hashed, self.most_topics.max(1), 0, String::new(), &mut parts);
            shards.extend(parts.into_iter().map(|(part, topics)| {
                let name = if part.is_empty() { name.clone() } else { format!("{name}-{part}") };
                Shard { name, credential, hour, topics }
            }));
        }
        shards
    }
}

/// Halves the topics by successive bits of their hashes while there are too many. An additional topic then splits one
/// part at most.
fn cut(topics: Vec<(u64, usize)>, most: usize, bit: u32, name: String, parts: &mut Vec<(String, Vec<usize>)>) {
    if topics.len() <= most || bit >= MAX_BITS {
        // After the last bit, they are split by number. The hashes of real names do not collide that far.
        for (i, chunk) in topics.chunks(most).enumerate() {
            let mut chunk: Vec<usize> = chunk.iter().map(|(_, topic)| *topic).collect();
            chunk.sort_unstable();
            parts.push((if i == 0 { name.clone() } else { format!("{name}-{i}") }, chunk));
        }
        return;
    }
    let (low, high): (Vec<_>, Vec<_>) = topics.into_iter().partition(|(hash, _)| hash >> (63 - bit) & 1 == 0);
    for (half, digit) in [(low, '0'), (high, '1')] {
        if !half.is_empty() {
            cut(half, most, bit + 1, format!("{name}{digit}"), parts);
        }
    }
}

/// The maximum number of bits. A shard's name has at most 32 characters; these bits and a number take 18 of them.
const MAX_BITS: u32 = 14;

/// The slots of a job on a ring.
struct Ring {
    /// The points in their order, each with its slot.
    points: Vec<(u64, u32)>,
    /// For each point, the next one whose slot may have free capacity.
    next: Vec<usize>,
    hours: u32,
    cost: u64,
    /// The calls left in each slot.
    left: Vec<u64>,
    used: Vec<u64>,
    /// The topics that each credential may still take.
    topics: Vec<usize>,
}

impl Ring {
    fn new(request: &Request, schedule: Schedule, cost: u64, budgets: &[u64], topics: Vec<usize>) -> Self {
        let hours = schedule.every_hours.max(1);
        let mut points = Vec::new();
        let mut slot = 0;
        for credential in &request.credentials {
            for hour in 0..hours {
                let of_slot = [credential.secret_id.as_bytes(), &hour.to_le_bytes()];
                points.extend((0..POINTS).map(|n| (hash(&[of_slot[0], of_slot[1], &n.to_le_bytes()]), slot)));
                slot += 1;
            }
        }
        points.sort_unstable();
        let left: Vec<u64> = budgets.iter().flat_map(|budget| (0..hours).map(|_| *budget)).collect();
        let used = vec![0; left.len()];
        Self { next: (0..points.len()).collect(), points, hours, cost, left, used, topics }
    }

    /// Assigns the topics to slots; `None` if not all fit.
    fn assign(&mut self, names: &[&str]) -> Option<BTreeMap<(usize, u32), Vec<usize>>> {
        let mut hashed: Vec<(u64, usize)> = names.iter().map(|name| hash(&[name.as_bytes()])).zip(0..).collect();
        hashed.sort_unstable_by(|(a, i), (b, j)| (a, names.get(*i)).cmp(&(b, names.get(*j))));
        let mut slots: BTreeMap<(usize, u32), Vec<usize>> = BTreeMap::new();
        for (hash, topic) in hashed {
            let start = self.points.partition_point(|(at, _)| *at < hash);
            let slot = self.slot_with_capacity(start)?;
            let credential = slot / self.hours as usize;
            *self.left.get_mut(slot)? -= self.cost;
            *self.used.get_mut(slot)? += self.cost;
            *self.topics.get_mut(credential)? -= 1;
            slots.entry((credential, (slot % self.hours as usize) as u32)).or_default().push(topic);
        }
        Some(slots)
    }

    /// The next slot with free capacity from a point on. A full slot stays full, so later searches skip it.
    fn slot_with_capacity(&mut self, start: usize) -> Option<usize> {
        let all = self.points.len();
        let mut at = if start >= all { 0 } else { start };
        let mut passed = Vec::new();
        for _ in 0..=all {
            let to = *self.next.get(at)?;
            if to != at {
                passed.push(at);
                at = to;
                continue;
            }
            let slot = self.points.get(at)?.1 as usize;
            let has_capacity = *self.left.get(slot)? >= self.cost && *self.topics.get(slot / self.hours as usize)? > 0;
            if has_capacity {
                for point in passed {
                    *self.next.get_mut(point)? = at;
                }
                return Some(slot);
            }
            passed.push(at);
            let after = if at + 1 == all { 0 } else { at + 1 };
            *self.next.get_mut(at)? = after;
            at = after;
        }
        None
    }

    /// The calls of each credential in its busiest hour.
    fn busiest(&self, credentials: usize) -> Vec<u64> {
        let by_hour = self.used.chunks(self.hours as usize).map(|hours| hours.iter().copied().max().unwrap_or(0));
        by_hour.take(credentials).collect()
    }
}

#[cfg(test)]
mod tests;
