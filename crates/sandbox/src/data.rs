//! The sandbox's data. It is generated from a seed, has the shapes of real responses, and changes with the clock.

use chrono::{DateTime, Duration, Utc};
use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::address::cdn;
use super::by_type;

/// The longest period between an account's posts, in minutes.
const MAX_ACCOUNT_PERIOD: u64 = 40 * 60;

/// The longest period between posts under a hashtag, in seconds.
const MAX_HASHTAG_PERIOD: u64 = 150;

/// Real captions have every script, emoji, mathematical letters and Windows line ends.
const CAPTIONS: [&str; 12] = [
    "A new bag 👜 for the season. Crafted in the atelier, carried everywhere.",
    "Herm\u{e8}s — l'\u{e9}t\u{e9} \u{e0} Paris, jusqu'au 27 ao\u{fb}t.\r\n\r\nRendez-vous au kiosque.",
    "서울 플래그십 스토어가 문을 엽니다.\r\n새로운 컬렉션을 만나 보세요 ✨",
    "新作コレクション、本日発売。\n店舗とオンラインで。",
    "全新系列现已登场 🌸",
    "مجموعة جديدة من العطور \u{200f}✨",
    "คอลเลกชันใหม่มาแล้ว ✨\r\n",
    "𝐍𝐞𝐰 𝐢𝐧 \u{200b}· \"quoted\" \\ back\tslash",
    "Новая коллекция уже в бутиках.",
    "Mirror mirror… Reveal the patterns with the special mirror included with every scarf.\n\u{a0}\nVideo by @atelier",
    "❤️‍🔥👩🏽‍🎨 #OOTD",
    "Νέα συλλογή — ανακαλύψτε την.",
];

const MEDIA_TYPES: [(&str, &str); 5] =
    [("IMAGE", "FEED"), ("CAROUSEL_ALBUM", "FEED"), ("VIDEO", "REELS"), ("IMAGE", "FEED"), ("CAROUSEL_ALBUM", "FEED")];

/// The random numbers of one item. They depend only on the seed, the kind and the number.
fn rng(seed: u64, kind: &str, number: u64) -> Rng {
    // FNV-1a, so that different items get different streams.
    let hash = kind.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    Rng::with_seed(hash ^ seed.rotate_left(17) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn timestamp(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

/// A day in seconds.
const DAY: f64 = 86_400.0;

/// How far the busiest hour of a day is above the average, and the quietest below it.
const SWING: f64 = 0.65;

/// The time until which as many events happen at an even pace as really happen until `time`: more by day
/// and fewer by night, around the hour `peak` in UTC.
fn paced(time: f64, peak: f64) -> f64 {
    let turn = std::f64::consts::TAU / DAY;
    time + SWING / turn * ((time - peak * 3_600.0) * turn).sin()
}

/// The time that [`paced`] maps to `even`.
fn unpaced(even: f64, peak: f64) -> f64 {
    // Each step halves the error. SWING bounds it to less than 3 hours on either side.
    let (mut low, mut high) = (even - DAY / 8.0, even + DAY / 8.0);
    for _ in 0..24 {
        let middle = low.midpoint(high);
        if paced(middle, peak) < even { low = middle } else { high = middle }
    }
    high
}

/// The start of 2026, in seconds since 1970. The followers of accounts are counted from there.
const START: f64 = 1_767_225_600.0;

/// How far the followers of an hour may be above those at an even pace.
const WOBBLE: f64 = 200.0;

/// The true number of an account's followers, which a response reports on one of two levels.
pub fn followers(seed: u64, username: &str, now: DateTime<Utc>) -> i64 {
    followers_of(&mut rng(seed, username, 0), seed, username, now)
}

/// The same, with the first random numbers of the profile.
fn followers_of(profile: &mut Rng, seed: u64, username: &str, now: DateTime<Utc>) -> i64 {
    // On average; some accounts lose followers.
    let (base, an_hour) = (profile.i64(5_000_000..60_000_000), profile.i64(-200..780));
    let seconds = now.timestamp() as f64;
    let hours = (paced(seconds, profile.f64() * 24.0) - START) / 3_600.0;
    let (hour, part) = ((seconds / 3_600.0).floor(), (seconds / 3_600.0).fract());
    let wobble = |hour: f64| rng(seed, &format!("wobble of {username}"), hour as u64).f64() * WOBBLE;
    let wobble = wobble(hour) * (1.0 - part) + wobble(hour + 1.0) * part;
    (base + (hours * an_hour as f64 + wobble) as i64).max(0)
}

/// The part of the responses that have the higher level. With it, 45 % of the steps between two minutes change level.
const HIGHER_LEVEL: f64 = 0.34;

/// What a response adds to the number of followers.
///
/// The API reports `followers_count` from two levels that grow alike: a day of hourly runs of 11 accounts had 115
/// changes of level in 253 steps, of 6,000 to 36,000 followers. So the second level is the true number plus a constant
/// of the account. Each minute, a response has one of them at random.
fn level(seed: u64, username: &str, now: DateTime<Utc>) -> i64 {
    let kind = format!("level of {username}");
    let is_higher = rng(seed, &kind, now.timestamp().unsigned_abs() / 60).f64() < HIGHER_LEVEL;
    if is_higher { rng(seed, &kind, 0).i64(6_000..36_000) } else { 0 }
}

/// An account's profile, with all fields that the account has.
pub(super) fn profile(seed: u64, username: &str, user_id: &str, now: DateTime<Utc>) -> Map<String, Value> {
    let mut rng = rng(seed, username, 0);
    let followers = followers_of(&mut rng, seed, username, now) + level(seed, username, now);
    let posted = newest_post(seed, username, now);
    let fields = json!({
        "id": user_id,
        "username": username,
        "name": display_name(username),
        "biography": CAPTIONS[0],
        "website": format!("https://www.{username}.example/"),
        "profile_picture_url": cdn(&mut rng, now, "jpg"),
        "followers_count": followers,
        "follows_count": rng.u16(0..400),
        "media_count": posted,
    });
    let mut fields = object(fields);
    if rng.u8(0..11) == 0 {
        fields.remove("name");
    }
    fields
}

/// The name in a profile, which differs from the username as real ones do. An unknown account has its username.
fn display_name(username: &str) -> &str {
    match username {
        "hermes" => "Hermès",
        "chanelofficial" => "CHANEL",
        "dior" => "Dior",
        "louisvuitton" => "Louis Vuitton",
        "gucci" => "Gucci",
        "prada" => "Prada",
        "ysl" => "Saint Laurent",
        "celine" => "CELINE",
        "maisonvalentino" => "Valentino",
        "miumiu" => "Miu Miu",
        "fendi" => "Fendi",
        other => other,
    }
}

/// The period between an account's posts.
fn period(seed: u64, username: &str) -> Duration {
    Duration::minutes(rng(seed, username, 1).u64(6 * 60..MAX_ACCOUNT_PERIOD) as i64)
}

fn newest_post(seed: u64, username: &str, now: DateTime<Utc>) -> i64 {
    now.timestamp() / period(seed, username).num_seconds().max(1) - 9_000
}

/// The account's posts, newest first, from `skip` on, at most `limit`.
pub(super) fn account_media(
    seed: u64,
    username: &str,
    now: DateTime<Utc>,
    skip: usize,
    limit: usize,
) -> Vec<Map<String, Value>> {
    let period = period(seed, username).num_seconds().max(1);
    let newest = now.timestamp() / period;
    let post = |n: i64| {
        let mut rng = rng(seed, username, n.unsigned_abs() + 2);
        let at = n * period + rng.i64(0..period / 2);
        (DateTime::from_timestamp(at, 0).unwrap_or(now), rng)
    };
    let posts = (0..).map(|age| post(newest - age)).filter(|(at, _)| *at <= now);
    let posts = posts.skip(skip).take(limit);
    let of_account = |mut fields: Map<String, Value>| {
        fields.insert("username".to_owned(), username.into());
        fields
    };
    posts.map(|(at, mut rng)| of_account(medium(&mut rng, username, at, now, 40_000.0))).collect()
}

/// The newest posts under a hashtag. The API returns those of the last 24 hours.
pub(super) fn hashtag_media(
    seed: u64,
    hashtag: &str,
    now: DateTime<Utc>,
    skip: usize,
    limit: usize,
) -> Vec<Map<String, Value>> {
    let kind = format!("#{hashtag}");
    let mut of_hashtag = rng(seed, &kind, 0);
    let (period, peak) = (of_hashtag.i64(10..MAX_HASHTAG_PERIOD as i64), of_hashtag.f64() * 12.0 + 8.0);
    let newest = paced(now.timestamp() as f64, peak) as i64 / period;
    let posts = (skip..skip + limit).map(|age| {
        let number = newest - age as i64;
        let mut rng = rng(seed, &kind, number.unsigned_abs() + 1);
        let at = unpaced((number * period) as f64, peak) as i64;
        let mut fields = medium(&mut rng, hashtag, DateTime::from_timestamp(at, 0).unwrap_or(now), now, 60.0);
        // Documented: an album under a hashtag has no address of its own.
        if fields.contains_key("children") {
            fields.remove("media_url");
        }
        fields
    });
    posts.collect()
}

/// The posts of the last 24 hours under a hashtag that has `pace` of them in 5 minutes: the newest first, but in
/// reversed groups of three.
pub(super) fn paced_hashtag_media(
    seed: u64,
    hashtag: &str,
    now: DateTime<Utc>,
    pace: u32,
    (skip, limit): (usize, usize),
) -> Vec<Map<String, Value>> {
    const FIVE_MINUTES: i64 = 300_000;
    let (pace, kind) = (i64::from(pace), format!("#{hashtag}"));
    let newest = now.timestamp_millis() * pace / FIVE_MINUTES;
    let in_a_day = usize::try_from(24 * 12 * pace).unwrap_or_default();
    let posts = (skip..in_a_day.min(skip + limit)).map(|place| {
        let age = place / 3 * 3 + 2 - place % 3;
        let number = newest - age as i64;
        let at = DateTime::from_timestamp_millis(number * FIVE_MINUTES / pace).unwrap_or(now);
        medium(&mut rng(seed, &kind, number.unsigned_abs() + 1), hashtag, at, now, 60.0)
    });
    posts.collect()
}

/// One post. Its likes grow with its age. It sometimes lacks the fields that real posts lack.
fn medium(rng: &mut Rng, topic: &str, at: DateTime<Utc>, now: DateTime<Utc>, reach: f64) -> Map<String, Value> {
    let (media_type, product) = rng.choice(MEDIA_TYPES).unwrap_or(("IMAGE", "FEED"));
    let id = format!("1{}{:015}", rng.u8(7..9), rng.u64(0..1_000_000_000_000_000));
    let code: String = std::iter::repeat_with(|| rng.alphanumeric()).take(11).collect();
    let caption = format!("{}\n#{topic}", rng.choice(CAPTIONS).unwrap_or_default());
    let hours = (now - at).num_seconds() as f64 / 3_600.0;
    let grown = 1.0 - (-hours / 14.0).exp();
    let likes = (reach * (0.1 + rng.f64()) * grown) as i64;
    let kind = if product == "REELS" { "reel" } else { "p" };
    let [no_caption, hidden_likes, licensed] = [30, 12, 15].map(|one_in| rng.u8(0..one_in) == 0);
    let fields = json!({
        "id": id,
        "caption": caption,
        "media_type": media_type,
        "media_product_type": product,
        "media_url": cdn(rng, now, if media_type == "VIDEO" { "mp4" } else { "jpg" }),
        "permalink": format!("https://www.instagram.com/{kind}/{code}/"),
        "timestamp": timestamp(at),
        "like_count": likes,
        "comments_count": likes / rng.i64(40..140),
    });
    let mut fields = object(fields);
    if no_caption {
        fields.remove("caption");
    }
    if hidden_likes {
        fields.remove("like_count");
    }
    if licensed && media_type == "VIDEO" {
        fields.remove("media_url");
    }
    let id = fields.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    fields.extend(by_type::fields(rng, media_type, &id, now, likes));
    fields
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The id of a hashtag. It is always the same.
pub(super) fn hashtag_id(hashtag: &str) -> String {
    format!("1784{:013}", rng(0, hashtag, 0).u64(0..10_000_000_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u32) -> DateTime<Utc> {
        format!("2026-11-24T{hour:02}:00:00Z").parse().unwrap()
    }

    #[test]
    fn the_same_moment_gives_the_same_data_and_another_moves_it() {
        assert_eq!(profile(1, "dior", "1", at(3)), profile(1, "dior", "1", at(3)));
        assert_ne!(followers(1, "dior", at(4)), followers(1, "dior", at(3)));
        assert_ne!(account_media(1, "dior", at(3), 0, 25), account_media(1, "dior", at(4), 0, 25));
        assert_ne!(profile(1, "dior", "1", at(3)), profile(2, "dior", "1", at(3)));
    }

    const ACCOUNTS: [&str; 11] = [
        "hermes",
        "chanelofficial",
        "dior",
        "louisvuitton",
        "gucci",
        "prada",
        "ysl",
        "celine",
        "maisonvalentino",
        "miumiu",
        "fendi",
    ];

    #[test]
    fn followers_have_two_levels_that_grow_by_the_true_growth() {
        let (mut changes, mut steps) = (0, 0);
        for account in ACCOUNTS {
            let reported = |hour| profile(1, account, "1", at(hour))["followers_count"].as_i64().unwrap();
            let above: Vec<i64> = (0..24).map(|hour| reported(hour) - followers(1, account, at(hour))).collect();
            let levels: std::collections::BTreeSet<i64> = above.iter().copied().collect();
            let size = levels.last().unwrap();
            assert!(
                levels.len() == 2 && levels.contains(&0) && (6_000..36_000).contains(size),
                "{account}: {levels:?}"
            );
            let growth = (1..24).map(|hour| followers(1, account, at(hour)) - followers(1, account, at(hour - 1)));
            assert!(growth.clone().all(|step| step.abs() <= 1_500 && step.abs() < size / 2), "{account}");
            changes += above.windows(2).filter(|pair| pair[0] != pair[1]).count();
            steps += growth.count();
        }
        assert!((40..=50).contains(&(changes * 100 / steps)), "{changes} of {steps} steps change level");
    }

    #[test]
    fn most_accounts_gain_followers_and_some_lose_them() {
        let a_day = |account| followers(1, account, at(23)) - followers(1, account, at(0));
        let gained = ACCOUNTS.map(a_day);
        let losing = gained.iter().filter(|gained| **gained < 0).count();
        assert!((1..=4).contains(&losing), "{gained:?}");
    }

    #[test]
    fn posts_come_newest_first_and_pages_do_not_overlap() {
        let stamps: Vec<_> =
            account_media(1, "dior", at(3), 0, 50).iter().map(|m| m["timestamp"].to_string()).collect();
        assert!(stamps.is_sorted_by(|a, b| a > b), "{stamps:?}");
        let second = account_media(1, "dior", at(3), 25, 25);
        assert_eq!(stamps[25..], second.iter().map(|m| m["timestamp"].to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn hashtags_have_busy_and_quiet_hours_and_no_post_of_the_future() {
        let posts_within_an_hour = |hour| {
            let now = at(hour);
            let stamps: Vec<_> = hashtag_media(1, "dior", now, 0, 1_000)
                .iter()
                .map(|m| DateTime::parse_from_str(m["timestamp"].as_str().unwrap(), "%Y-%m-%dT%H:%M:%S%z").unwrap())
                .collect();
            assert!(stamps.is_sorted_by(|a, b| a >= b) && stamps[0] <= now, "{stamps:?}");
            stamps.iter().filter(|t| now.signed_duration_since(**t) < Duration::hours(1)).count()
        };
        let by_hour: Vec<_> = (0..24).map(posts_within_an_hour).collect();
        assert!(by_hour.iter().max() > by_hour.iter().min().map(|least| least * 3).as_ref(), "{by_hour:?}");
    }

    #[test]
    fn the_sandbox_leaves_out_what_real_responses_lack_and_never_sends_null() {
        let media: Vec<_> = (0..40).flat_map(|n| account_media(n, "dior", at(3), 0, 25)).collect();
        for field in ["caption", "like_count", "media_url"] {
            let missing = media.iter().filter(|m| !m.contains_key(field)).count();
            assert!((1..200).contains(&missing), "{field}: {missing} of {}", media.len());
        }
        assert!(media.iter().flat_map(Map::values).all(|v| !v.is_null()));
    }
}
