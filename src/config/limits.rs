//! `[limits]`: how much is asked for, and how the schedule compares with what the API allows.

use super::document::IniDocument;

/// How much is asked for, and what the API allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The number of topics that are fetched at the same time.
    pub concurrency: u32,
    /// The media of each account that are asked for. Each 50 of them take a call.
    pub media_per_account: u32,
    /// The media under each hashtag that one call asks for. The API gives at most 50 a page.
    pub media_per_hashtag: u32,
    /// Whether further pages follow under a busy hashtag: `media_per_hashtag = auto`.
    pub closes_gaps: bool,
    /// The calls that the API allows in an hour: 200 for each user of the app. One user is assumed.
    pub calls_per_hour: u32,
    /// The different hashtags that the API allows an Instagram account in 7 days.
    pub hashtags_per_week: u32,
    /// The hashtag calls that are allowed in a day.
    pub hashtag_calls_per_day: u32,
    /// How often `brand_media` runs in an hour.
    pub brand_media_runs_per_hour: u32,
    /// How often `hashtag` runs in an hour.
    pub hashtag_runs_per_hour: u32,
}

pub(super) const SECTION: &str = "limits";

/// The media of an account that one call asks for. The API documents no limit; maintained clients use 50 to
/// 100.
pub const MEDIA_PER_PAGE: u32 = 50;

/// The key that also takes a word: [`AUTO`].
pub(super) const MEDIA_PER_HASHTAG: &str = "media_per_hashtag";

/// Asks for further pages under busy hashtags.
const AUTO: &str = "auto";

/// Every key with its default and its largest useful value.
const KEYS: [(&str, u32, u32); 8] = [
    ("concurrency", 16, 256),
    ("media_per_account", 25, 1_000),
    ("media_per_hashtag", 25, 50),
    ("calls_per_hour", 200, u32::MAX),
    ("hashtags_per_week", 30, u32::MAX),
    ("hashtag_calls_per_day", 4_800, u32::MAX),
    ("brand_media_runs_per_hour", 1, 60),
    ("hashtag_runs_per_hour", 12, 60),
];

impl Limits {
    /// The calls for one account in one run. The profile comes with the first page of media.
    pub const fn calls_per_account(&self) -> u32 {
        self.media_per_account.div_ceil(MEDIA_PER_PAGE)
    }

    pub(super) fn resolve(document: &mut IniDocument) -> Self {
        let known = KEYS.map(|(key, ..)| key);
        for (key, _) in document.section(SECTION).unwrap_or_default() {
            if !known.contains(&key.as_str()) {
                document.fault(SECTION, &key, format!("no such limit; the limits are {}", known.join(", ")));
            }
        }
        let [
            concurrency,
            media_per_account,
            media_per_hashtag,
            calls_per_hour,
            hashtags_per_week,
            hashtag_calls_per_day,
            brand_media_runs_per_hour,
            hashtag_runs_per_hour,
        ] = KEYS.map(|(key, default, most)| number(document, key, default, most));
        let closes_gaps = document.optional(SECTION, MEDIA_PER_HASHTAG).is_some_and(|given| given == AUTO);
        Self {
            concurrency,
            media_per_account,
            media_per_hashtag,
            closes_gaps,
            calls_per_hour,
            hashtags_per_week,
            hashtag_calls_per_day,
            brand_media_runs_per_hour,
            hashtag_runs_per_hour,
        }
    }
}

fn number(document: &mut IniDocument, key: &str, default: u32, most: u32) -> u32 {
    let Some(given) = document.optional(SECTION, key) else { return default };
    if key == MEDIA_PER_HASHTAG && given == AUTO {
        return most;
    }
    match given.parse::<u32>() {
        Ok(number) if (1..=most).contains(&number) => number,
        _ => {
            let range = if most == u32::MAX { "of at least 1".to_owned() } else { format!("from 1 to {most}") };
            let range = if key == MEDIA_PER_HASHTAG { format!("{range}, or {},", AUTO) } else { range };
            document.fault(SECTION, key, format!("{given:?} given, a whole number {range} expected"));
            default
        }
    }
}

/// The calls of the configured schedule, and the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The limits.
    pub limits: Limits,
    /// The number of accounts followed.
    pub accounts: u32,
    /// The number of hashtags followed.
    pub hashtags: u32,
    /// The number of hashtags without an id in `[hashtag_id]`. A new process asks for each id once.
    pub unpinned: u32,
}

impl Plan {
    pub(super) fn new(limits: &Limits, accounts: usize, hashtags: impl Iterator<Item = bool>) -> Self {
        let pinned: Vec<bool> = hashtags.collect();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let unpinned = count(pinned.iter().filter(|p| !**p).count());
        Self { limits: limits.clone(), accounts: count(accounts), hashtags: count(pinned.len()), unpinned }
    }

    /// The calls in an hour of a process that knows every hashtag's id.
    pub fn calls_per_hour(&self) -> u64 {
        u64::from(self.accounts) * self.calls_per_account_and_hour() + self.hashtag_calls_per_hour()
    }

    pub(super) fn calls_per_account_and_hour(&self) -> u64 {
        u64::from(self.limits.brand_media_runs_per_hour) * u64::from(self.limits.calls_per_account())
    }

    /// The calls in the hour in which a process starts that knows only the configured ids.
    pub fn cold_calls_per_hour(&self) -> u64 {
        self.calls_per_hour() + u64::from(self.unpinned)
    }

    fn hashtag_calls_per_hour(&self) -> u64 {
        u64::from(self.hashtags) * u64::from(self.limits.hashtag_runs_per_hour)
    }

    /// The hashtag calls in a day.
    pub fn hashtag_calls_per_day(&self) -> u64 {
        self.hashtag_calls_per_hour() * 24
    }

    /// The number of further accounts that the limits allow.
    pub fn more_accounts(&self) -> u64 {
        self.calls_left(self.calls_per_hour()) / self.calls_per_account_and_hour()
    }

    /// The number of further accounts that the limits allow in the hour in which a process starts.
    pub fn cold_more_accounts(&self) -> u64 {
        self.calls_left(self.cold_calls_per_hour()) / self.calls_per_account_and_hour()
    }

    /// The number of further hashtags that the limits allow.
    pub fn more_hashtags(&self) -> u64 {
        let runs = u64::from(self.limits.hashtag_runs_per_hour);
        self.hashtags_by_day_and_week().min(self.calls_left(self.calls_per_hour()) / runs)
    }

    /// The number of further hashtags without a configured id that the limits allow in the hour in which a
    /// process starts.
    pub fn cold_more_hashtags(&self) -> u64 {
        let runs = u64::from(self.limits.hashtag_runs_per_hour);
        self.hashtags_by_day_and_week().min(self.calls_left(self.cold_calls_per_hour()) / (runs + 1))
    }

    fn calls_left(&self, calls: u64) -> u64 {
        u64::from(self.limits.calls_per_hour).saturating_sub(calls)
    }

    fn hashtags_by_day_and_week(&self) -> u64 {
        let a_day = 24 * u64::from(self.limits.hashtag_runs_per_hour);
        let by_day = u64::from(self.limits.hashtag_calls_per_day).saturating_sub(self.hashtag_calls_per_day()) / a_day;
        by_day.min(u64::from(self.limits.hashtags_per_week.saturating_sub(self.hashtags)))
    }

    /// Reports a schedule that exceeds a limit: as a fault where it does so every hour, as a notice where
    /// it does so only when a process starts.
    pub(super) fn check(&self, document: &mut IniDocument) {
        let Limits { calls_per_hour, hashtags_per_week, hashtag_calls_per_day, .. } = self.limits;
        let Self { accounts, hashtags, unpinned, limits } = self;
        let (brand_runs, hashtag_runs) = (limits.brand_media_runs_per_hour, limits.hashtag_runs_per_hour);
        let pages = match limits.calls_per_account() {
            1 => String::new(),
            pages => format!(" × {pages} pages"),
        };
        let sum =
            format!("{accounts} accounts × {brand_runs}{pages} + {hashtags} hashtags × {hashtag_runs} runs an hour");
        if self.calls_per_hour() > u64::from(calls_per_hour) {
            let calls = self.calls_per_hour();
            let problem = format!(
                "{sum} make {calls} calls an hour, {calls_per_hour} are allowed; follow fewer topics or run less often"
            );
            document.fault(SECTION, "calls_per_hour", problem);
        } else if self.cold_calls_per_hour() > u64::from(calls_per_hour) {
            let calls = self.cold_calls_per_hour();
            let problem = format!(
                "{sum} and {unpinned} look-ups make {calls} calls in an hour in which a process starts, {calls_per_hour} are allowed; pin the ids in [hashtag_id]"
            );
            document.notice(SECTION, "calls_per_hour", problem);
        }
        self.check_gaps(document);
        if *hashtags > hashtags_per_week {
            let problem =
                format!("{hashtags} hashtags are followed, {hashtags_per_week} different ones are allowed in 7 days");
            document.fault(SECTION, "hashtags_per_week", problem);
        }
        if self.hashtag_calls_per_day() > u64::from(hashtag_calls_per_day) {
            let calls = self.hashtag_calls_per_day();
            let problem = format!(
                "{hashtags} hashtags × {hashtag_runs} runs an hour make {calls} calls a day, {hashtag_calls_per_day} are allowed"
            );
            document.fault(SECTION, "hashtag_calls_per_day", problem);
        }
    }

    /// Calls that a run of `hashtag` may make: one page of each hashtag, and where gaps are closed an equal
    /// share of what the hour and the day have left. An hour's calls for accounts are set aside first, and the
    /// look-ups of one process that starts.
    pub fn calls_per_hashtag_run(&self) -> u64 {
        let first_pages = u64::from(self.hashtags);
        if !self.limits.closes_gaps {
            return first_pages;
        }
        let runs = u64::from(self.limits.hashtag_runs_per_hour);
        let look_ups = u64::from(self.unpinned);
        let for_accounts = u64::from(self.accounts) * self.calls_per_account_and_hour();
        let of_hour = u64::from(self.limits.calls_per_hour).saturating_sub(for_accounts + look_ups) / runs;
        let of_day = u64::from(self.limits.hashtag_calls_per_day).saturating_sub(look_ups) / (24 * runs);
        of_hour.min(of_day).max(first_pages)
    }

    /// Calls an hour, where every run of `hashtag` makes all that it may.
    pub fn most_calls_per_hour(&self) -> u64 {
        u64::from(self.accounts) * self.calls_per_account_and_hour()
            + self.calls_per_hashtag_run() * u64::from(self.limits.hashtag_runs_per_hour)
    }

    /// Hashtag calls a day, where every run makes all that it may.
    pub fn most_hashtag_calls_per_day(&self) -> u64 {
        self.calls_per_hashtag_run() * u64::from(self.limits.hashtag_runs_per_hour) * 24
    }

    /// Tells of a schedule that leaves a run no call for a further page.
    pub(super) fn check_gaps(&self, document: &mut IniDocument) {
        if self.limits.closes_gaps && self.hashtags > 0 && self.calls_per_hashtag_run() == u64::from(self.hashtags) {
            let problem = "auto given, and the schedule leaves a run no call for a further page; follow fewer topics, run less often or pin the ids in [hashtag_id]";
            document.notice(SECTION, MEDIA_PER_HASHTAG, problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Plan};

    const INI: &str = include_str!("../../configure.ini");

    fn config(limits: &str) -> Result<Config, crate::config::ConfigError> {
        Config::parse(format!("{INI}\n[limits]\n{limits}").as_bytes(), "configure.ini")
    }

    #[test]
    fn each_50_media_of_an_account_are_a_call_of_their_own() {
        for (media, calls) in [(1, 11), (50, 11), (51, 22), (100, 22), (101, 33)] {
            let plan = config(&format!("media_per_account = {media}")).unwrap().plan();
            assert_eq!(plan.calls_per_hour(), calls + 132, "{media}");
        }
    }

    #[test]
    fn a_schedule_whose_pages_exceed_the_limit_is_refused_with_its_sum() {
        let error = config("media_per_account = 400").unwrap_err().to_string();
        assert!(error.contains("11 accounts × 1 × 8 pages + 11 hashtags × 12 runs an hour make 220 calls"), "{error}");
    }

    fn plan(limits: &str) -> Plan {
        config(&format!("media_per_hashtag = auto\n{limits}")).unwrap().plan()
    }

    #[test]
    fn a_run_has_an_equal_share_of_the_calls_that_are_left() {
        // (200 - 11 for accounts - 11 look-ups) / 12 runs.
        assert_eq!(plan("").calls_per_hashtag_run(), 14);
        assert_eq!(plan("calls_per_hour = 400").calls_per_hashtag_run(), 16, "(4800 - 11) / 288 runs a day");
        assert_eq!(plan("calls_per_hour = 400\nhashtag_calls_per_day = 10000").calls_per_hashtag_run(), 31);
        assert_eq!(plan("hashtag_runs_per_hour = 1").calls_per_hashtag_run(), 178);
        assert_eq!(plan("media_per_account = 100").calls_per_hashtag_run(), 13);
        assert_eq!(config("").unwrap().plan().calls_per_hashtag_run(), 11, "off: a page of each hashtag");
    }

    #[test]
    fn all_that_the_runs_may_make_stays_within_the_limits() {
        for limits in ["", "calls_per_hour = 155", "hashtag_calls_per_day = 3200", "hashtag_runs_per_hour = 7"] {
            let plan = plan(limits);
            let cold = plan.most_calls_per_hour() + u64::from(plan.unpinned);
            assert!(cold <= u64::from(plan.limits.calls_per_hour), "{limits}");
            assert!(plan.most_hashtag_calls_per_day() <= u64::from(plan.limits.hashtag_calls_per_day), "{limits}");
        }
    }

    #[test]
    fn a_schedule_without_a_call_to_spare_is_told_and_one_beyond_the_limits_refused() {
        let notices = |limits: &str| config(&format!("media_per_hashtag = auto\n{limits}")).unwrap().notices;
        assert!(notices("").is_empty() && config("calls_per_hour = 160").unwrap().notices.is_empty());
        let told = notices("calls_per_hour = 160");
        assert!(told.len() == 1 && told[0].to_string().contains("no call for a further page"), "{told:?}");
        assert!(config("media_per_hashtag = auto\ncalls_per_hour = 142").is_err());
    }

    #[test]
    fn a_page_is_the_largest_and_another_word_is_refused() {
        let limits = plan("").limits;
        assert!(limits.closes_gaps && limits.media_per_hashtag == 50);
        let error = config("media_per_hashtag = all").unwrap_err().to_string();
        assert!(error.contains("\"all\" given, a whole number from 1 to 50, or auto, expected"), "{error}");
        assert!(config("media_per_account = auto").is_err());
    }
}
