//! `[limits] media_per_hashtag = auto`: the calls that a run may make for further pages under busy hashtags.

use super::document::IniDocument;
use super::limits::{MEDIA_PER_HASHTAG, Plan, SECTION};

impl Plan {
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
    use crate::config::{Config, ConfigError, Plan};

    const INI: &str = include_str!("../../configure.ini");

    fn config(limits: &str) -> Result<Config, ConfigError> {
        Config::parse(format!("{INI}\n[limits]\n{limits}").as_bytes(), "configure.ini")
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
