//! `[common] answers_location`: where the API's responses go as received, if they are kept.

use super::document::IniDocument;
use super::location::{self, RESPONSES_ENDING, RESPONSES_KEY};
use super::mapping::is_response_field;
use crate::record::{Model, is_own};

/// The location as it is written; `None` if responses are not kept.
pub(super) fn resolve(document: &mut IniDocument) -> Option<String> {
    let given = document.optional("common", RESPONSES_KEY)?;
    // The two jobs start at the same time once an hour.
    let without_job = given.replace("{job}", "");
    let location = location::checked(document, RESPONSES_KEY, &without_job);
    if without_job == given {
        let problem = format!("{given:?} has no {{job}}; one job would replace the other's object");
        document.fault("common", RESPONSES_KEY, problem);
    }
    if !given.ends_with(RESPONSES_ENDING) {
        let problem = format!("{given:?} given, a location that ends in {RESPONSES_ENDING} expected");
        document.fault("common", RESPONSES_KEY, problem);
    }
    Some(given).filter(|_| !location.is_empty())
}

/// The response fields that a model's calls request in addition to those of its mapping, only for the kept responses.
pub(super) fn extra_fields(document: &mut IniDocument, model: Model) -> Vec<String> {
    let key = match model {
        Model::Brand => "answers_profile_fields",
        Model::Media => "answers_media_fields",
        Model::MediaHashtag => "answers_hashtag_fields",
    };
    let Some(given) = document.optional("common", key) else { return Vec::new() };
    if document.optional("common", RESPONSES_KEY).is_none() {
        document.fault("common", key, format!("given without {RESPONSES_KEY}; nothing would keep these fields"));
    }
    let (fields, other): (Vec<&str>, Vec<&str>) = given.split_whitespace().partition(|name| is_response_field(name));
    for name in other {
        let problem = format!("the response field {name:?} given, a name of [a-z0-9_] expected");
        document.fault("common", key, problem);
    }
    for name in fields.iter().filter(|name| is_own(model, name)) {
        document.fault(
            "common",
            key,
            format!("requests {name}, a field of the collector, which the API does not have"),
        );
    }
    fields.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::config::{Config, ConfigError, RunName};
    use crate::topic::Job;

    const INI: &str = include_str!("../../configure.ini");

    fn config(location: &str) -> Result<Config, ConfigError> {
        let text = INI.replace("[common]", &format!("[common]\nanswers_location = {location}"));
        Config::parse(text.as_bytes(), "configure.ini")
    }

    #[test]
    fn a_job_has_its_own_key_and_a_part_of_a_run_too() {
        let config = config("answers/{job}_{ymd}/{job}_{datetime}.jsonl.gz").unwrap();
        let key = |job, part| {
            let run = RunName { time: DateTime::UNIX_EPOCH, part };
            let keys = [config.locations.responses(job, run).unwrap(), config.locations.partial_responses(job, run)];
            keys.map(|key| key.to_string()).join(" ")
        };
        insta::assert_snapshot!(key(Job::Hashtag, None), @"answers/hashtag_1970-01-01/hashtag_1970-01-01_000000.jsonl.gz partial/answers/hashtag_1970-01-01/hashtag_1970-01-01_000000.jsonl.gz");
        insta::assert_snapshot!(key(Job::BrandMedia, Some("s-1")), @"answers/brand_media_1970-01-01/brand_media_1970-01-01_000000_s-1.jsonl.gz partial/answers/brand_media_1970-01-01/brand_media_1970-01-01_000000_s-1.jsonl.gz");
        assert!(config.locations.keeps_responses() && config.notices.is_empty());
    }

    #[test]
    fn without_the_key_answers_are_not_kept() {
        let config = Config::parse(INI.as_bytes(), "configure.ini").unwrap();
        let run = RunName { time: DateTime::UNIX_EPOCH, part: None };
        assert!(!config.locations.keeps_responses() && config.locations.responses(Job::Hashtag, run).is_none());
    }

    #[test]
    fn keys_that_a_later_run_would_reuse_or_that_are_too_long_are_reported_as_for_records() {
        let text = INI.replace("[common]", "[common]\nanswers_location = answers/{job}_{datetime}.jsonl.gz");
        let text = text.replace("datetime = %Y-%m-%d_%H%M%S", "datetime = %H%M");
        let notices = Config::parse(text.as_bytes(), "configure.ini").unwrap().notices;
        let [notice] = &notices[..] else { panic!("{notices:?}") };
        assert!(notice.to_string().starts_with("[common] answers_location: a run a day later"), "{notice}");
        let long = config(&format!("{}/{{job}}_{{datetime}}.jsonl.gz", "x".repeat(940))).unwrap_err().to_string();
        assert!(long.contains("[common] answers_location: its keys have"), "{long}");
    }

    #[test]
    fn fields_for_the_kept_responses_need_a_location_and_names() {
        let with = |more: &str| Config::parse(INI.replace("[common]", &format!("[common]\n{more}")).as_bytes(), "x");
        let location = "answers_location = answers/{job}_{datetime}.jsonl.gz";
        let asked = |config: &Config| Model::ALL.map(|model| config.mapping(model).requested().join(","));
        let (shipped, more) = (with("").unwrap(), "answers_media_fields = thumbnail_url  id children");
        let [brand, media, hashtag] = asked(&shipped);
        assert_eq!(
            asked(&with(&format!("{location}\n{more}")).unwrap()),
            [brand, format!("{media},thumbnail_url,children"), hashtag]
        );
        let error_of = |more: &str| with(more).unwrap_err().to_string();
        assert!(error_of(more).contains("[common] answers_media_fields: given without answers_location"));
        let bad = error_of(&format!("{location}\nanswers_profile_fields = website media{{id}}"));
        assert!(bad.contains("[common] answers_profile_fields: the response field \"media{id}\" given"), "{bad}");
        let own = error_of(&format!("{location}\nanswers_profile_fields = website asked_at"));
        assert!(own.contains("[common] answers_profile_fields: requests asked_at, a field of the collector"), "{own}");
    }

    #[test]
    fn a_location_that_cannot_work_is_reported_with_what_is_expected() {
        let error_of = |location: &str| config(location).unwrap_err().to_string();
        for (location, problem) in [
            ("answers/{datetime}.jsonl.gz", "has no {job}; one job would replace the other's object"),
            ("answers/{job}.jsonl.gz", "has no {datetime}"),
            ("answers/{job}_{datetime}.json", "a location that ends in .jsonl.gz expected"),
            ("answers/{job}_{datetime}_{model}.jsonl.gz", "holds a placeholder other than {ymd} and {datetime}"),
            ("/{job}_{datetime}.jsonl.gz", "a relative key"),
            ("", "has no {datetime}"),
        ] {
            let error = error_of(location);
            assert!(error.contains("[common] answers_location: ") && error.contains(problem), "{error}");
        }
    }
}
