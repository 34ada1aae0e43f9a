//! The calls of the configured schedule, compared with what the API allows.

use super::document::IniDocument;
use super::limits::{Limits, MEDIA_PER_HASHTAG, SECTION};
use crate::counted::counted;

/// The calls of the configured schedule, and the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The limits.
    pub limits: Limits,
    /// The number of accounts followed.
    pub accounts: u32,
    /// The number of hashtags followed.
    pub hashtags: u32,
    /// The number of hashtags without an id in `[hashtag_id]`. A new process looks up each id once.
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

    /// The calls in an hour for one account.
    pub fn calls_per_account_and_hour(&self) -> u64 {
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

    /// Calls that a run of `hashtag` may make: one page of each hashtag, and if gaps are closed an equal
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

    /// Reports a schedule that exceeds a limit: as a fault if it does so every hour, as a notice if it does
    /// so only when a process starts.
    pub(super) fn check(&self, document: &mut IniDocument) {
        let Limits { calls_per_hour, hashtags_per_week, hashtag_calls_per_day, .. } = self.limits;
        let Self { accounts, hashtags, unpinned, limits } = self;
        let (brand_runs, hashtag_runs) = (limits.brand_media_runs_per_hour, limits.hashtag_runs_per_hour);
        let pages = match limits.calls_per_account() {
            1 => String::new(),
            pages => format!(" × {pages} pages"),
        };
        let (of_accounts, of_hashtags) = (counted(*accounts, "account"), counted(*hashtags, "hashtag"));
        let runs = counted(hashtag_runs, "run");
        let sum = format!("{of_accounts} × {brand_runs}{pages} + {of_hashtags} × {runs} an hour");
        if self.calls_per_hour() > u64::from(calls_per_hour) {
            let calls = self.calls_per_hour();
            let problem = format!(
                "{sum} make {calls} calls an hour, {calls_per_hour} are allowed; follow fewer topics or run less often"
            );
            document.fault(SECTION, "calls_per_hour", problem);
        } else if self.cold_calls_per_hour() > u64::from(calls_per_hour) {
            let calls = self.cold_calls_per_hour();
            let problem = format!(
                "{sum} and {} make {calls} calls in an hour in which a process starts, {calls_per_hour} are allowed; pin the ids in [hashtag_id]",
                counted(*unpinned, "look-up")
            );
            document.notice(SECTION, "calls_per_hour", problem);
        }
        if limits.closes_gaps && *hashtags > 0 && self.calls_per_hashtag_run() == u64::from(*hashtags) {
            let problem = "auto given, and the schedule leaves a run no call for a further page; follow fewer topics, run less often or pin the ids in [hashtag_id]";
            document.notice(SECTION, MEDIA_PER_HASHTAG, problem);
        }
        if *hashtags > hashtags_per_week {
            let problem =
                format!("{hashtags} hashtags are followed, {hashtags_per_week} different ones are allowed in 7 days");
            document.fault(SECTION, "hashtags_per_week", problem);
        }
        if self.hashtag_calls_per_day() > u64::from(hashtag_calls_per_day) {
            let calls = self.hashtag_calls_per_day();
            let problem =
                format!("{of_hashtags} × {runs} an hour make {calls} calls a day, {hashtag_calls_per_day} are allowed");
            document.fault(SECTION, "hashtag_calls_per_day", problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigError, Plan};

    const INI: &str = include_str!("../../configure.ini");

    fn config(limits: &str) -> Result<Config, ConfigError> {
        Config::parse(format!("{INI}\n[limits]\n{limits}").as_bytes(), "configure.ini")
    }

    fn plan(limits: &str) -> Plan {
        config(&format!("media_per_hashtag = auto\n{limits}")).unwrap().plan()
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
            let hashtag_calls = plan.calls_per_hashtag_run() * u64::from(plan.limits.hashtag_runs_per_hour);
            let for_accounts = u64::from(plan.accounts) * plan.calls_per_account_and_hour();
            let cold = for_accounts + hashtag_calls + u64::from(plan.unpinned);
            assert!(cold <= u64::from(plan.limits.calls_per_hour), "{limits}");
            assert!(hashtag_calls * 24 <= u64::from(plan.limits.hashtag_calls_per_day), "{limits}");
        }
    }

    #[test]
    fn a_schedule_without_a_call_to_spare_is_reported_and_one_beyond_the_limits_refused() {
        let notices = |limits: &str| config(&format!("media_per_hashtag = auto\n{limits}")).unwrap().notices;
        assert!(notices("").is_empty() && config("calls_per_hour = 160").unwrap().notices.is_empty());
        let found = notices("calls_per_hour = 160");
        assert!(found.len() == 1 && found[0].to_string().contains("no call for a further page"), "{found:?}");
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
