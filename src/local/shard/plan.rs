//! The plan: every topic in one place, every limit kept, and few topics moved when one is added.
//!
//! Pure. A place is a credential in one hour of the job's cycle. Topics are dealt over the places by
//! consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam: "Consistent Hashing with
//! Bounded Loads", 2018): each starts at its own point of a ring and goes on to the next place with room.
//! They are dealt in the order of their hashes and not in that of the list, so that a plan depends on
//! the set alone.

use std::collections::BTreeMap;

use super::infeasible::{Infeasible, missing};

/// What is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// The credentials.
    pub(super) credentials: Vec<Credential>,
    /// Accounts to follow, by name.
    pub(super) accounts: Vec<String>,
    /// Hashtags to follow, by name.
    pub(super) hashtags: Vec<Hashtag>,
    /// How the job `brand_media` runs, and what an account costs a run.
    pub(super) brand_media: Schedule,
    /// How the job `hashtag` runs, and what a hashtag costs a run.
    pub(super) hashtag: Schedule,
    /// The most topics of a shard.
    pub(super) most_topics: usize,
    /// Percent of each hour's calls that are left free: for retries, and for the hour that rolls.
    pub(super) reserve_percent: u32,
}

/// Whose calls are counted together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credential {
    /// The name of its secret.
    pub(super) secret_id: String,
    /// Calls that it may make an hour.
    pub(super) calls_per_hour: u32,
    /// Different hashtags that it may ask for in 7 days.
    pub(super) hashtags_per_week: u32,
}

/// A hashtag to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hashtag {
    /// Its name.
    pub(super) name: String,
    /// Whether its id is known; any process may have to look up one that is not.
    pub(super) pinned: bool,
}

/// How often a topic's turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    /// Runs in an hour in which it is a topic's turn.
    pub(super) runs_per_hour: u32,
    /// Hours from one turn to the next: a divisor of 24.
    pub(super) every_hours: u32,
    /// Calls of a topic in a run, without looking up its id.
    pub(super) calls: u32,
}

/// A part of a plan: what one invocation does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shard {
    /// Its name, which ends those of its objects.
    pub(super) name: String,
    /// Its credential, by position.
    pub(super) credential: usize,
    /// The hour of the cycle in which it runs.
    pub(super) hour: u32,
    /// Its topics, by position, in the order of the list.
    pub(super) topics: Vec<usize>,
}

/// The shards of both jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// Those of accounts.
    pub(super) brand_media: Vec<Shard>,
    /// Those of hashtags.
    pub(super) hashtag: Vec<Shard>,
    /// Calls that are planned with each credential in its busiest hour.
    pub(super) calls: Vec<u64>,
}

/// Points of each place on the ring: the more, the evener the loads.
const POINTS: u64 = 64;

/// FNV-1a with a finish that spreads it over all bits. Stable over versions and machines: a plan must
/// not move topics because the program was built anew.
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
    /// Calls that may be planned with a credential in an hour.
    pub(super) fn calls(&self, credential: &Credential) -> u64 {
        u64::from(credential.calls_per_hour) * u64::from(100_u32.saturating_sub(self.reserve_percent)) / 100
    }

    /// Calls of a topic in an hour in which it is its turn.
    pub(super) const fn cost(schedule: Schedule, pinned: bool) -> u64 {
        let calls = if pinned { schedule.calls } else { schedule.calls + 1 };
        schedule.runs_per_hour as u64 * calls as u64
    }

    /// The plan.
    ///
    /// # Errors
    /// [`Infeasible`]: what is missing, and which schedule would fit.
    pub(super) fn plan(&self) -> Result<Plan, Infeasible> {
        self.try_plan().ok_or_else(|| missing(self))
    }

    /// The plan; `None` where there is no room for all topics.
    pub(super) fn try_plan(&self) -> Option<Plan> {
        let budgets: Vec<u64> = self.credentials.iter().map(|c| self.calls(c)).collect();
        // Hashtags first: each needs more calls than an account, and the week bounds them as well. Those
        // whose ids are not known are counted alike, so that pinning one moves none.
        let pinned = self.hashtags.iter().all(|h| h.pinned);
        let weeks = self.credentials.iter().map(|c| c.hashtags_per_week as usize).collect();
        let names: Vec<&str> = self.hashtags.iter().map(|h| h.name.as_str()).collect();
        let mut ring = Ring::new(self, self.hashtag, Self::cost(self.hashtag, pinned), &budgets, weeks);
        let hashtags = ring.deal(&names)?;
        let by_hashtags = ring.busiest(self.credentials.len());

        let left: Vec<u64> = budgets.iter().zip(&by_hashtags).map(|(budget, used)| budget - used).collect();
        let names: Vec<&str> = self.accounts.iter().map(String::as_str).collect();
        let any = vec![usize::MAX; self.credentials.len()];
        let mut ring = Ring::new(self, self.brand_media, Self::cost(self.brand_media, true), &left, any);
        let accounts = ring.deal(&names)?;
        let by_accounts = ring.busiest(self.credentials.len());

        let calls = by_hashtags.iter().zip(&by_accounts).map(|(a, b)| a + b).collect();
        let brand_media = self.shards(accounts, &self.accounts.iter().map(String::as_str).collect::<Vec<_>>());
        let hashtag = self.shards(hashtags, &self.hashtags.iter().map(|h| h.name.as_str()).collect::<Vec<_>>());
        Some(Plan { brand_media, hashtag, calls })
    }

    /// Cuts what each place has into shards that are not too large.
    fn shards(&self, places: BTreeMap<(usize, u32), Vec<usize>>, names: &[&str]) -> Vec<Shard> {
        let mut shards = Vec::new();
        for ((credential, hour), topics) in places {
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

/// Cuts topics in two by one bit of their hashes after the other, as long as there are too many: one
/// more topic cuts at most the one part that it falls into.
fn cut(topics: Vec<(u64, usize)>, most: usize, bit: u32, name: String, parts: &mut Vec<(String, Vec<usize>)>) {
    if topics.len() <= most || bit >= DEEPEST {
        // Beyond the last bit they are cut by number: names that collide so far are made up.
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

/// Cuts by bits at most: a shard's name has 32 characters, of which these and a number take 18.
const DEEPEST: u32 = 14;

/// The places of a job on a ring.
struct Ring {
    /// The points in their order, each with its place.
    points: Vec<(u64, u32)>,
    /// For each point the next one whose place may have room.
    next: Vec<usize>,
    hours: u32,
    cost: u64,
    /// Calls left at each place.
    left: Vec<u64>,
    used: Vec<u64>,
    /// Topics that each credential may still take.
    topics: Vec<usize>,
}

impl Ring {
    fn new(request: &Request, schedule: Schedule, cost: u64, budgets: &[u64], topics: Vec<usize>) -> Self {
        let hours = schedule.every_hours.max(1);
        let mut points = Vec::new();
        let mut place = 0;
        for credential in &request.credentials {
            for hour in 0..hours {
                let of_place = [credential.secret_id.as_bytes(), &hour.to_le_bytes()];
                points.extend((0..POINTS).map(|n| (hash(&[of_place[0], of_place[1], &n.to_le_bytes()]), place)));
                place += 1;
            }
        }
        points.sort_unstable();
        let left: Vec<u64> = budgets.iter().flat_map(|budget| (0..hours).map(|_| *budget)).collect();
        let used = vec![0; left.len()];
        Self { next: (0..points.len()).collect(), points, hours, cost, left, used, topics }
    }

    /// Deals the topics over the places; `None` where not all find room.
    fn deal(&mut self, names: &[&str]) -> Option<BTreeMap<(usize, u32), Vec<usize>>> {
        let mut hashed: Vec<(u64, usize)> = names.iter().map(|name| hash(&[name.as_bytes()])).zip(0..).collect();
        hashed.sort_unstable_by(|(a, i), (b, j)| (a, names.get(*i)).cmp(&(b, names.get(*j))));
        let mut places: BTreeMap<(usize, u32), Vec<usize>> = BTreeMap::new();
        for (hash, topic) in hashed {
            let start = self.points.partition_point(|(at, _)| *at < hash);
            let place = self.with_room(start)?;
            let credential = place / self.hours as usize;
            *self.left.get_mut(place)? -= self.cost;
            *self.used.get_mut(place)? += self.cost;
            *self.topics.get_mut(credential)? -= 1;
            places.entry((credential, (place % self.hours as usize) as u32)).or_default().push(topic);
        }
        Some(places)
    }

    /// The next place with room from a point on. A place that is full stays full, so that the way past
    /// it is walked once.
    fn with_room(&mut self, start: usize) -> Option<usize> {
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
            let place = self.points.get(at)?.1 as usize;
            let room = *self.left.get(place)? >= self.cost && *self.topics.get(place / self.hours as usize)? > 0;
            if room {
                for point in passed {
                    *self.next.get_mut(point)? = at;
                }
                return Some(place);
            }
            passed.push(at);
            let after = if at + 1 == all { 0 } else { at + 1 };
            *self.next.get_mut(at)? = after;
            at = after;
        }
        None
    }

    /// Calls of each credential in its busiest hour.
    fn busiest(&self, credentials: usize) -> Vec<u64> {
        let by_hour = self.used.chunks(self.hours as usize).map(|hours| hours.iter().copied().max().unwrap_or(0));
        by_hour.take(credentials).collect()
    }
}

#[cfg(test)]
mod tests;
