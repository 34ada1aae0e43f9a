use proptest::prelude::*;

use super::*;

mod parts;
mod schedule;
mod syntax;
mod topics;

const SHIPPED: &str = include_str!("../../configure.ini");

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text.as_bytes(), "configure.ini")
}

/// The shipped configuration with one text in it replaced by another.
fn with(old: &str, new: &str) -> Result<Config, ConfigError> {
    assert!(SHIPPED.contains(old), "{old:?} is not in configure.ini");
    parse(&SHIPPED.replacen(old, new, 1))
}

/// The shipped configuration with more text at its end.
fn and(more: &str) -> Result<Config, ConfigError> {
    parse(&format!("{SHIPPED}\n{more}"))
}

fn faults(config: Result<Config, ConfigError>) -> Vec<String> {
    match config {
        Err(ConfigError::Faults { faults, .. }) => faults.iter().map(Fault::to_string).collect(),
        other => panic!("faults expected: {other:?}"),
    }
}

fn notices(config: Result<Config, ConfigError>) -> Vec<String> {
    config.unwrap().notices.iter().map(Fault::to_string).collect()
}

/// The configuration as text, for comparing two.
fn shown(config: Result<Config, ConfigError>) -> String {
    format!("{:?}", config.unwrap())
}

#[test]
fn the_shipped_configuration_works_without_a_notice_and_with_the_defaults() {
    let config = parse(SHIPPED).unwrap();
    assert_eq!(config.notices, []);
    assert_eq!(config.end_point, "https://graph.facebook.com/v17.0");
    assert_eq!((config.accounts.len(), config.hashtags.len(), config.format), (11, 11, Format::Array));
    let fields = Model::ALL.map(|model| config.mapping(model).fields().len());
    assert_eq!(fields, [6, 10, 7]);
}

#[test]
fn one_error_lists_every_fault_by_section_and_key() {
    let config = "\
lost = 1

[API]
end_point = graph.facebook.com
version = 17

[common]
ymd = %Y/%m/%d
datetime = noon
profiles_location = raw/brand_{ymd}.json
media_location = ../media_{datetime}.json
hashtags_location = raw/{day}/media_{datetime}.json
format = csv

[add_user_id]
hermes = 17841400681603877
Dior = seventeen

[hashtag_id]
hermes = #1

[topic]
accounts = hermes Dior hermes gucci way_too_long_for_an_instagram_name
hashtags = hermes #dior

[luxury_profile]
user_id = id
name = name text

[luxury_media]
media_id = id str
caption = caption{id} str
media_type = media_type str IMAGE||VIDEO

[limits]
concurrency = 0
media_per_hashtag = 51
calls_per_day = 1

[topic]
accounts = fendi

[luxury_profile]
name = name str
name = name str
";
    insta::assert_snapshot!(parse(config).unwrap_err(), @r##"
    configuration configure.ini is invalid, 28 faults to correct:
      lost: is above the first section; put it under one
      [topic]: the section is given twice; merge the two
      [luxury_profile] name: given twice in its section; keep one
      [luxury_profile]: the section is given twice; merge the two
      [API] version: "17" given, a version like v21.0 expected
      [API] end_point: "graph.facebook.com" given, a URL like https://graph.facebook.com/{VERSION} expected
      [common] ymd: "%Y/%m/%d" given, a time format like %Y-%m-%d without / expected
      [common] datetime: "noon" given, a time format like %Y-%m-%d without / expected
      [common] profiles_location: "raw/brand_{ymd}.json" has no {datetime}; each run would replace the last one's object
      [common] media_location: "../media_{datetime}.json" given, a relative key like raw/brand_{ymd}/brand_{datetime}.json expected
      [common] hashtags_location: "raw/{day}/media_{datetime}.json" holds a placeholder other than {ymd} and {datetime}
      [common] format: "csv" given, array or ndjson expected
      [luxury_profile] user_id: "id" given, `<response field> <type>` and optionally `A|B|C` expected
      [luxury_profile] name: the type "text" given, one of str, url, timestamp, int, json expected, or one of them with `?` for null
      [luxury_profile]: no field is made from `id str`; a warehouse needs the id of each record
      [luxury_media] caption: the response field "caption{id}" given, a name of [a-z0-9_] expected; only a json field asks for fields within it
      [luxury_media] media_type: the allowed values of "media_type str IMAGE||VIDEO" hold an empty one; write `A|B|C`
      [hashtag_media]: missing; the mapping of the model's fields is needed
      [add_user_id] Dior: "seventeen" given, an id made of digits expected
      [hashtag_id] hermes: "#1" given, an id made of digits expected
      [topic] accounts: "Dior" given, a username of [a-z0-9._]{1,30} expected
      [topic] accounts: "hermes" is listed twice
      [topic] accounts: "way_too_long_for_an_instagram_name" given, a username of [a-z0-9._]{1,30} expected
      [topic] accounts: "gucci" has no user id; add `gucci = <user id>` to [add_user_id]
      [topic] hashtags: "#dior" given, a hashtag of letters, digits and _ without # (at most 100) expected
      [limits] calls_per_day: no such limit; the limits are concurrency, media_per_account, media_per_hashtag, calls_per_hour, hashtags_per_week, hashtag_calls_per_day, brand_media_runs_per_hour, hashtag_runs_per_hour (did you mean `hashtag_calls_per_day`?)
      [limits] concurrency: "0" given, a whole number from 1 to 256 expected
      [limits] media_per_hashtag: "51" given, a whole number from 1 to 50, or auto, expected
    "##);
}

#[test]
fn an_unknown_type_is_a_fault_that_lists_the_known_ones() {
    assert_eq!(
        faults(with("followers_count int", "followers_count integer")),
        [
            r#"[luxury_profile] followers_count: the type "integer" given (did you mean `int`?), one of str, url, timestamp, int, json expected, or one of them with `?` for null"#
        ]
    );
    for odd in ["int??", "?", "?int"] {
        let found = faults(with("followers_count int", &format!("followers_count {odd}")));
        assert!(found.len() == 1 && found[0].starts_with("[luxury_profile] followers_count: "), "{odd}: {found:?}");
    }
}

#[test]
fn a_question_mark_after_a_type_makes_the_field_nullable_and_nothing_else() {
    let config = with("like_count int", "like_count int?").unwrap();
    let fields = |model| config.mapping(model).fields().iter().filter(|f| f.nullable).map(|f| &*f.output);
    assert_eq!(fields(Model::Media).collect::<Vec<_>>(), ["like_count"]);
    let plain = parse(SHIPPED).unwrap();
    assert!(Model::ALL.iter().all(|m| plain.mapping(*m).fields().iter().all(|f| !f.nullable)));
}

#[test]
fn a_location_needs_the_datetime() {
    let found = faults(with("raw/media_{ymd}/media_{datetime}.json", "raw/media_{ymd}/media.json"));
    assert!(found[0].starts_with("[common] media_location:") && found[0].contains("{datetime}"), "{found:?}");
}

#[test]
fn two_models_may_not_share_a_location() {
    let found = faults(with("raw/media_hashtag_{ymd}/media_hashtag_{datetime}", "raw/media_{ymd}/media_{datetime}"));
    assert_eq!(
        found,
        ["[common] hashtags_location: the same location as media_location; one object would replace the other"]
    );
}

#[test]
fn a_location_may_not_be_that_of_another_object() {
    for taken in [
        "quality/brand_{ymd}/brand_{datetime}.json",
        "partial/media_{ymd}/media_{datetime}.json",
        "partial/quality/brand_{ymd}/brand_{datetime}.json",
        "summary/hashtag_{ymd}/hashtag_{datetime}.json",
        "notices.json/{datetime}.json",
    ] {
        let found = faults(with("raw/brand_{ymd}/brand_{datetime}.json", taken));
        assert!(found.len() == 1 && found[0].contains("/ is for the collector's other objects"), "{found:?}");
    }
    let answers = "answers/brand_media_{ymd}/brand_media_{datetime}.jsonl.gz";
    let text = SHIPPED.replace("raw/brand_{ymd}/brand_{datetime}.json", answers);
    let location = "answers_location = answers/{job}_{ymd}/{job}_{datetime}.jsonl.gz";
    let found = faults(parse(&text.replace("[common]", &format!("[common]\n{location}"))));
    assert_eq!(
        found,
        ["[common] answers_location: the same location as profiles_location; one object would replace the other"]
    );
}

#[test]
fn an_end_point_without_its_version_is_a_notice_that_says_what_to_write() {
    for (end, and) in [("", ""), ("/", ""), ("/v25.0", " and version = v25.0"), ("/v25.0/", " and version = v25.0")] {
        let end_point = format!("https://graph.facebook.com{end}");
        let found = notices(with("https://graph.facebook.com/{VERSION}", &end_point));
        let what = format!("[API] version: has no effect, since end_point {end_point:?} has no {{VERSION}}");
        assert_eq!(found, [format!("{what}; write end_point = https://graph.facebook.com/{{VERSION}}{and}")]);
    }
}

#[test]
fn a_time_format_makes_no_folders() {
    for bad in ["%D", "%Y/%m", "%n", "%Q", "{%Y}"] {
        let found = faults(with("ymd = %Y-%m-%d", &format!("ymd = {bad}")));
        assert_eq!(found, [format!("[common] ymd: {bad:?} given, a time format like %Y-%m-%d without / expected")]);
    }
}

#[test]
fn the_format_is_array_or_ndjson() {
    let format = |word: &str| with("[common]", &format!("[common]\nformat = {word}"));
    assert_eq!(format("array").unwrap().format, Format::Array);
    assert_eq!(format("ndjson").unwrap().format, Format::Ndjson);
    assert_eq!(faults(format("NDJSON")), [r#"[common] format: "NDJSON" given, array or ndjson expected"#]);
}

#[test]
fn a_missing_file_is_named_with_its_path() {
    let error = || Config::load(Path::new("/nowhere/configure.ini")).unwrap_err();
    let cause = "configuration /nowhere/configure.ini could not be read (No such file or directory (os error 2)); ";
    let by_default = error().to_string();
    assert!(by_default.starts_with(&format!("{cause}`luxury-brands init` writes one")), "{by_default}");
    let named = error().named_by(Some("--config")).to_string();
    assert_eq!(named, format!("{cause}--config names it (`packaged` is the one built into the program)"));
}

#[test]
fn an_empty_file_lists_what_is_needed() {
    insta::assert_snapshot!(parse("").unwrap_err(), @r##"
    configuration configure.ini is invalid, 12 faults to correct:
      [API] end_point: missing; the configuration needs it
      [API] version: missing; the configuration needs it
      [common] ymd: missing; the configuration needs it
      [common] datetime: missing; the configuration needs it
      [common] profiles_location: missing; the configuration needs it
      [common] media_location: missing; the configuration needs it
      [common] hashtags_location: missing; the configuration needs it
      [luxury_profile]: missing; the mapping of the model's fields is needed
      [luxury_media]: missing; the mapping of the model's fields is needed
      [hashtag_media]: missing; the mapping of the model's fields is needed
      [topic] accounts: missing; list the names, separated by spaces
      [topic] hashtags: missing; list the names, separated by spaces
    "##);
}

proptest! {
    #[test]
    fn any_value_of_any_key_is_a_configuration_or_an_error(line in 0usize..80, value in any::<String>()) {
        let replaced = |(i, text): (usize, &str)| match text.split_once('=') {
            Some((key, _)) if i == line => format!("{key}= {value}\n"),
            _ => format!("{text}\n"),
        };
        let text: String = SHIPPED.lines().enumerate().map(replaced).collect();
        if let Ok(config) = parse(&text) {
            let run = RunName { time: chrono::DateTime::UNIX_EPOCH, part: None };
            for model in Model::ALL {
                let key = config.locations.raw(model, run);
                prop_assert!(!key.as_str().starts_with('/') && !key.as_str().split('/').any(|p| p == ".."), "{}", key);
            }
        }
    }
}

#[test]
fn packaged_is_the_built_in_configuration() {
    assert_eq!(shown(Config::load(std::path::Path::new(PACKAGED))), shown(parse(SHIPPED)));
}

#[test]
fn a_key_longer_than_s3_takes_is_a_fault() {
    let message = |text: String| parse(&text).unwrap_err().to_string();
    let long = message(SHIPPED.replace("= raw/media_{ymd}", &format!("= {}media_{{ymd}}", "raw/".repeat(300))));
    assert!(long.contains("[common] media_location: ") && long.contains("at most 1024 bytes expected"), "{long}");
    let filled = message(SHIPPED.replace("= raw/media_{ymd}", &format!("= raw/media_{}", "{ymd}".repeat(95))));
    assert!(filled.contains("[common] media_location: its keys have 989 bytes, at most 960 expected"), "{filled}");
}

#[test]
fn a_file_that_is_too_large_is_an_error_with_both_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.ini");
    let text = format!("{SHIPPED}{}", "# comment\n".repeat(200_000));
    std::fs::write(&path, &text).unwrap();
    let message = Config::load(&path).unwrap_err().to_string();
    let sizes = format!("it has {} bytes, at most 1048576 are read: remove", text.len());
    assert!(message.contains(&sizes), "{message}");
}
