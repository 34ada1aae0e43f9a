//! When each job is due. The times are those of `template.yaml`: evenly over the hour, and the token once a day.

use chrono::{DateTime, SecondsFormat, Utc};
use tracing::warn;

use collector::config::Config;
use collector::topic::Job;

const HOUR: i64 = 60 * 60;

const DAY: i64 = 24 * HOUR;

/// The time of day, in UTC, of the job `token`: a minute at which no other run starts.
const TOKEN_AT: i64 = 6 * HOUR + 17 * 60;

/// The maximum number of times that a WARNING lists one by one. A day of `hashtag` has 288.
const MAX_LISTED: i64 = 12;

/// The times of a job. They are numbered from 1970 on.
#[derive(Debug)]
struct Times {
    job: Job,
    /// In seconds.
    period: i64,
    /// The times in each period.
    per_period: i64,
    /// The first time of a period, in seconds after its start.
    offset: i64,
    /// The number of the last time that was taken.
    taken: i64,
}

impl Times {
    /// The number of the last time up to `now`.
    fn last(&self, now: DateTime<Utc>) -> i64 {
        let since = now.timestamp() - self.offset;
        let within = since.rem_euclid(self.period);
        let past = (1..self.per_period).filter(|n| n * self.period / self.per_period <= within).count();
        since.div_euclid(self.period) * self.per_period + i64::try_from(past).unwrap_or_default()
    }

    fn at(&self, number: i64) -> DateTime<Utc> {
        let (period, n) = (number.div_euclid(self.per_period), number.rem_euclid(self.per_period));
        let seconds = self.offset + period * self.period + n * self.period / self.per_period;
        DateTime::from_timestamp(seconds, 0).unwrap_or_default()
    }

    fn next(&self) -> DateTime<Utc> {
        self.at(self.taken + 1)
    }
}

/// The schedule of a process, and which of its times were taken.
#[derive(Debug)]
pub(super) struct Schedule(Vec<Times>);

/// The jobs that have no topics, and the keys that would list them. They do not run.
pub(super) fn without_topics(config: &Config) -> impl Iterator<Item = (Job, &'static str)> {
    let jobs = [Job::BrandMedia, Job::Hashtag].into_iter().filter(|job| config.topics(*job).is_empty());
    jobs.filter_map(|job| Some((job, job.topics_key()?)))
}

impl Schedule {
    /// The schedule of `config`. Its first times come after `now`.
    pub(super) fn new(config: &Config, now: DateTime<Utc>) -> Self {
        let times = |job, period, per_period: u32, offset| {
            let times = Times { job, period, per_period: per_period.max(1).into(), offset, taken: 0 };
            Times { taken: times.last(now), ..times }
        };
        let mut schedule = vec![
            times(Job::BrandMedia, HOUR, config.limits.brand_media_runs_per_hour, 0),
            times(Job::Hashtag, HOUR, config.limits.hashtag_runs_per_hour, 0),
            times(Job::Token, DAY, 1, TOKEN_AT),
        ];
        schedule.retain(|times| without_topics(config).all(|(job, _)| job != times.job));
        Self(schedule)
    }

    /// The next time of each job.
    pub(super) fn next_of_each(&self) -> impl Iterator<Item = (Job, DateTime<Utc>)> {
        self.0.iter().map(|times| (times.job, times.next()))
    }

    /// The next time of all.
    pub(super) fn next(&self) -> DateTime<Utc> {
        self.next_of_each().map(|(_, time)| time).min().unwrap_or_default()
    }

    /// Takes the run that is due at `now`; `None` if none is. If several times of a job have passed, the last one is
    /// taken, and the others are logged as missed.
    pub(super) fn take(&mut self, now: DateTime<Utc>) -> Option<(Job, DateTime<Utc>)> {
        for times in &mut self.0 {
            // Otherwise the job would wait until the time of a wrong clock.
            if times.last(now) + times.per_period < times.taken {
                warn!(kind = "schedule", "{}: the clock was set back to {}", times.job, shown(now));
                times.taken = times.last(now);
            }
        }
        let is_due = |times: &&mut Times| times.last(now) > times.taken;
        let times = self.0.iter_mut().filter(is_due).min_by_key(|times| times.at(times.last(now)))?;
        let (first, last) = (times.taken + 1, times.last(now));
        if first < last {
            tell_missed(times, first, last - 1);
        }
        times.taken = last;
        Some((times.job, times.at(last)))
    }
}

fn tell_missed(times: &Times, first: i64, last: i64) {
    let (job, count) = (times.job, last - first + 1);
    let list = match count {
        ..=MAX_LISTED => (first..=last).map(|n| shown(times.at(n))).collect::<Vec<_>>().join(", "),
        _ => format!("{} to {}", shown(times.at(first)), shown(times.at(last))),
    };
    warn!(
        kind = "missed",
        count,
        "{job}: missed at {list}, since another run took long or the process was suspended; the API returns only the current state, so they are not made up for"
    );
}

/// A time as written in an event.
pub(super) fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::level_filters::LevelFilter;

    use super::*;
    use collector::config::Config;
    use collector::telemetry::{self, Format};

    fn time(text: &str) -> DateTime<Utc> {
        format!("2026-11-24T{text}Z").parse().unwrap()
    }

    fn config() -> Config {
        Config::load(std::path::Path::new("../../configure.ini")).unwrap()
    }

    fn schedule(brand_media: u32, hashtag: u32, now: &str) -> Schedule {
        let mut config = config();
        config.limits.brand_media_runs_per_hour = brand_media;
        config.limits.hashtag_runs_per_hour = hashtag;
        Schedule::new(&config, time(now))
    }

    /// What is taken at each time, and what the log says.
    fn taken(schedule: &mut Schedule, at: &str) -> (Vec<String>, String) {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let log = telemetry::subscriber(Format::Text, LevelFilter::WARN, move |line| {
            sink.lock().unwrap().push(line.to_owned());
        });
        let now = time(at);
        let runs = tracing::subscriber::with_default(log, || {
            std::iter::from_fn(|| schedule.take(now)).map(|(job, at)| format!("{job} {}", at.format("%T"))).collect()
        });
        let log = lines.lock().unwrap().join("\n");
        (runs, log)
    }

    #[test]
    fn the_times_are_those_of_the_template() {
        let template = include_str!("../../../../template.yaml");
        for written in ["cron(0 * * * ? *)", "cron(0/5 * * * ? *)", "cron(17 6 * * ? *)"] {
            assert!(template.contains(written), "{written}");
        }
        let mut schedule = schedule(1, 12, "05:59:59");
        let mut runs = Vec::new();
        while schedule.next() < time("07:05:00") {
            let next = schedule.next();
            runs.extend(taken(&mut schedule, &next.format("%T").to_string()).0);
        }
        insta::assert_snapshot!(runs.join(", "), @"brand_media 06:00:00, hashtag 06:00:00, hashtag 06:05:00, hashtag 06:10:00, hashtag 06:15:00, token 06:17:00, hashtag 06:20:00, hashtag 06:25:00, hashtag 06:30:00, hashtag 06:35:00, hashtag 06:40:00, hashtag 06:45:00, hashtag 06:50:00, hashtag 06:55:00, brand_media 07:00:00, hashtag 07:00:00");
    }

    #[test]
    fn other_numbers_of_runs_are_spread_evenly_even_if_they_do_not_divide_the_hour() {
        let mut schedule = schedule(2, 7, "08:00:00");
        let mut runs = Vec::new();
        while schedule.next() <= time("09:00:00") {
            let next = schedule.next();
            runs.extend(taken(&mut schedule, &next.format("%T").to_string()).0);
        }
        insta::assert_snapshot!(runs.join(", "), @"hashtag 08:08:34, hashtag 08:17:08, hashtag 08:25:42, brand_media 08:30:00, hashtag 08:34:17, hashtag 08:42:51, hashtag 08:51:25, brand_media 09:00:00, hashtag 09:00:00");
    }

    #[test]
    fn a_process_that_starts_between_two_times_waits_and_one_that_starts_at_a_time_has_missed_it() {
        assert_eq!(schedule(1, 12, "08:04:59").next(), time("08:05:00"));
        assert_eq!(schedule(1, 12, "08:05:00").next(), time("08:10:00"));
    }

    #[test]
    fn a_job_without_topics_never_runs() {
        let mut config = config();
        config.accounts.clear();
        let mut schedule = Schedule::new(&config, time("05:59:59"));
        assert_eq!(taken(&mut schedule, "06:59:59").0, ["token 06:17:00", "hashtag 06:55:00"]);
        assert_eq!(without_topics(&config).collect::<Vec<_>>(), [(Job::BrandMedia, "accounts")]);
    }

    #[test]
    fn only_the_last_of_several_times_is_taken_and_the_others_are_named() {
        let mut schedule = schedule(1, 12, "08:01:00");
        let (runs, log) = taken(&mut schedule, "08:21:00");
        assert_eq!(runs, ["hashtag 08:20:00"]);
        insta::assert_snapshot!(log, @"WARNING  hashtag: missed at 2026-11-24T08:05:00Z, 2026-11-24T08:10:00Z, 2026-11-24T08:15:00Z, since another run took long or the process was suspended; the API returns only the current state, so they are not made up for count=3 kind=missed");
        assert_eq!(taken(&mut schedule, "08:25:00"), (vec!["hashtag 08:25:00".to_owned()], String::new()));
    }

    #[test]
    fn a_long_sleep_is_reported_in_a_line_for_each_job() {
        let mut schedule = schedule(1, 12, "08:01:00");
        let (runs, log) = taken(&mut schedule, "23:02:00");
        assert_eq!(runs, ["brand_media 23:00:00", "hashtag 23:00:00"]);
        let lines: Vec<&str> = log.lines().collect();
        assert!(lines[0].contains("brand_media: missed at 2026-11-24T09:00:00Z to 2026-11-24T22:00:00Z, "), "{log}");
        assert!(lines[0].contains("count=14") && lines[1].contains("count=179") && lines.len() == 2, "{log}");
    }

    #[test]
    fn a_clock_that_is_set_back_takes_no_time_twice_and_stops_no_job() {
        let mut schedule = schedule(1, 12, "08:01:00");
        assert_eq!(taken(&mut schedule, "08:05:00").0, ["hashtag 08:05:00"]);
        assert_eq!(taken(&mut schedule, "08:04:00"), (Vec::new(), String::new()));
        assert_eq!(taken(&mut schedule, "08:05:01").0, [""; 0]);
        let (runs, log) = taken(&mut schedule, "02:03:00");
        assert!(runs.is_empty() && log.contains("hashtag: the clock was set back to 2026-11-24T02:03:00Z"), "{log}");
        assert_eq!(taken(&mut schedule, "02:05:00").0, ["hashtag 02:05:00"]);
    }
}
