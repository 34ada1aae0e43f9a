use proptest::prelude::*;

use super::*;

const SHIPPED: &str = include_str!("../../configure.ini");

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text.as_bytes(), "configure.ini")
}

/// The shipped configuration with one text in it replaced by another.
fn with(old: &str, new: &str) -> Result<Config, ConfigError> {
    assert!(SHIPPED.contains(old), "{old:?} is not in configure.ini");
    parse(&SHIPPED.replacen(old, new, 1))
}

/// The shipped configuration with more at its end.
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
fn a_percent_sign_may_be_written_twice() {
    let doubled = SHIPPED.replace("= %Y-%m-%d", "= %%Y-%%m-%%d");
    assert!(doubled.contains("%%Y-%%m-%%d_%H%M%S"), "both spellings stand in one value");
    assert_eq!(shown(parse(&doubled)), shown(parse(SHIPPED)));
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let windows = format!("\u{feff}{}", SHIPPED.replace('\n', "\r\n"));
    assert_eq!(shown(parse(&windows)), shown(parse(SHIPPED)));
}

#[test]
fn a_colon_separates_as_the_equals_sign_does() {
    assert_eq!(shown(with("hermes = 17841400681603877", "hermes: 17841400681603877")), shown(parse(SHIPPED)));
}

#[test]
fn a_list_may_go_on_in_indented_lines() {
    let accounts = "accounts = hermes chanelofficial dior louisvuitton";
    let spread = [
        "accounts = hermes chanelofficial\n    dior\n\tlouisvuitton",
        "accounts =\n  hermes\n  chanelofficial\n  dior louisvuitton",
        "accounts = hermes chanelofficial\r\n    dior louisvuitton",
        "accounts = hermes chanelofficial\n    # the French ones\n\n    dior louisvuitton",
        "accounts = hermes chanelofficial\n# the French ones\n  dior louisvuitton",
    ];
    for spread in spread {
        assert_eq!(shown(with(accounts, spread)), shown(parse(SHIPPED)), "{spread:?}");
    }
}

#[test]
fn every_fault_is_told_at_once_by_section_and_key() {
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
    configuration configure.ini cannot work, 28 faults to mend:
      lost: stands before the first section; put it under one
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
      [luxury_profile] name: the type "text" given, one of str, url, timestamp, int expected, or one of them with `?` for null
      [luxury_profile]: no field is made from `id str`; the warehouse takes no record without an id
      [luxury_media] caption: the response field "caption{id}" given, a name of [a-z0-9_] expected
      [luxury_media] media_type: the allowed values of "media_type str IMAGE||VIDEO" hold an empty one; write `A|B|C`
      [hashtag_media]: missing; the mapping of the model's fields is needed
      [add_user_id] Dior: "seventeen" given, an id made of digits expected
      [hashtag_id] hermes: "#1" given, an id made of digits expected
      [topic] accounts: "Dior" given, a username of [a-z0-9._]{1,30} expected
      [topic] accounts: "hermes" is listed twice
      [topic] accounts: "way_too_long_for_an_instagram_name" given, a username of [a-z0-9._]{1,30} expected
      [topic] accounts: "gucci" has no user id; add `gucci = <user id>` to [add_user_id]
      [topic] hashtags: "#dior" given, a hashtag of letters, digits and _ without # (at most 100) expected
      [limits] calls_per_day: no such limit; the limits are concurrency, media_per_account, media_per_hashtag, calls_per_hour, hashtags_per_week, hashtag_calls_per_day, brand_media_runs_per_hour, hashtag_runs_per_hour
      [limits] concurrency: "0" given, a whole number from 1 to 256 expected
      [limits] media_per_hashtag: "51" given, a whole number from 1 to 50 expected
    "##);
}

#[test]
fn a_type_that_does_not_exist_is_told_with_those_that_do() {
    assert_eq!(
        faults(with("followers_count int", "followers_count integer")),
        [
            r#"[luxury_profile] followers_count: the type "integer" given, one of str, url, timestamp, int expected, or one of them with `?` for null"#
        ]
    );
    for odd in ["int??", "?", "?int"] {
        let told = faults(with("followers_count int", &format!("followers_count {odd}")));
        assert!(told.len() == 1 && told[0].starts_with("[luxury_profile] followers_count: "), "{odd}: {told:?}");
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
fn a_topic_needs_a_user_id() {
    assert_eq!(
        faults(with("valentino = 17841400090660624\nmiumiu", "miumiu")),
        [r#"[topic] hashtags: "valentino" has no user id; add `valentino = <user id>` to [add_user_id]"#]
    );
}

#[test]
fn a_location_needs_the_datetime() {
    let told = faults(with("raw/media_{ymd}/media_{datetime}.json", "raw/media_{ymd}/media.json"));
    assert!(told[0].starts_with("[common] media_location:") && told[0].contains("{datetime}"), "{told:?}");
}

#[test]
fn two_models_may_not_share_a_location() {
    let told = faults(with("raw/media_hashtag_{ymd}/media_hashtag_{datetime}", "raw/media_{ymd}/media_{datetime}"));
    assert!(told[0].starts_with("[common] hashtags_location: the same location"), "{told:?}");
}

#[test]
fn names_that_a_later_run_would_take_again_are_a_notice() {
    let replaced = |datetime: &str| notices(with("datetime = %Y-%m-%d_%H%M%S", &format!("datetime = {datetime}")));
    assert_eq!(replaced("%H%M"), [""; 0], "the folder tells the day");
    let told = replaced("%Y-%m-%d_%H");
    assert!(told.len() == 1 && told[0].starts_with("[common] hashtags_location: the next run"), "{told:?}");
    let told = replaced("%Y-%m-%d_%I%M");
    assert!(told.len() == 3 && told[0].starts_with("[common] profiles_location: a run twelve hours later"), "{told:?}");
}

#[test]
fn a_time_format_makes_no_folders() {
    for bad in ["%D", "%Y/%m", "%n", "%Q", "{%Y}"] {
        let told = faults(with("ymd = %Y-%m-%d", &format!("ymd = {bad}")));
        assert_eq!(told, [format!("[common] ymd: {bad:?} given, a time format like %Y-%m-%d without / expected")]);
    }
}

#[test]
fn a_username_holds_nothing_that_could_be_read_as_part_of_a_call() {
    let long = "a".repeat(31);
    for bad in ["Dior", "d){id}", "dior,name", "di-or", "dïor", "@dior", long.as_str()] {
        let told = faults(with("accounts = hermes", &format!("accounts = {bad} hermes")));
        let expected = format!("[topic] accounts: {bad:?} given, a username of [a-z0-9._]{{1,30}} expected");
        assert!(told.contains(&expected), "{told:?}");
    }
}

#[test]
fn hashtags_of_any_script_can_be_followed() {
    // Letters alone, with a combining vowel sign and a virama, with joiners, decomposed, and with digits.
    for name in ["에르메스", "हर्मेस", "می\u{200c}خواهم", "ක්\u{200d}ර", "e\u{301}te\u{301}", "ディオール2026", "ห้องน้ำ"]
    {
        let ids = SHIPPED.replace("[add_user_id]", &format!("[add_user_id]\n{name} = 17"));
        let config = parse(&ids.replace("hashtags = hermes", &format!("hashtags = {name} hermes"))).unwrap();
        assert_eq!(config.hashtags[0].name.as_str(), name);
    }
    for name in ["#dior", "a-b", "a,b", "a.b", "a/b", "👜", "a\u{200b}b", "\u{301}", "\u{200d}", "¿que"] {
        let told = faults(with("hashtags = hermes", &format!("hashtags = {name} hermes")));
        assert!(told[0].contains("hashtag of letters"), "{name}: {told:?}");
    }
}

#[test]
fn a_section_given_twice_is_a_fault() {
    assert_eq!(faults(and("[topic]\naccounts = hermes")), ["[topic]: the section is given twice; merge the two"]);
    assert_eq!(faults(and("[add_user_id]")), ["[add_user_id]: the section is given twice; merge the two"]);
}

#[test]
fn a_key_given_twice_is_a_fault() {
    assert_eq!(
        faults(with("version = v17.0", "version = v17.0\nversion = v21.0")),
        ["[API] version: given twice in its section; keep one"]
    );
}

#[test]
fn a_key_that_nothing_reads_is_a_notice() {
    assert_eq!(
        notices(and("[limit]\nconcurrency = 3")),
        ["[limit] concurrency: nothing reads this key; is it misspelt?"]
    );
}

#[test]
fn the_format_is_array_or_ndjson() {
    let format = |word: &str| with("[common]", &format!("[common]\nformat = {word}"));
    assert_eq!(format("array").unwrap().format, Format::Array);
    assert_eq!(format("ndjson").unwrap().format, Format::Ndjson);
    assert_eq!(faults(format("NDJSON")), [r#"[common] format: "NDJSON" given, array or ndjson expected"#]);
}

#[test]
fn a_schedule_that_exceeds_a_limit_is_a_fault() {
    let told = |limit: &str| faults(and(&format!("[limits]\n{limit}")));
    assert_eq!(
        told("calls_per_hour = 142"),
        [
            "[limits] calls_per_hour: 11 accounts × 1 + 11 hashtags × 12 runs an hour make 143 calls an hour, 142 are allowed; follow fewer topics or run less often"
        ]
    );
    assert_eq!(
        told("hashtags_per_week = 10"),
        ["[limits] hashtags_per_week: 11 hashtags are followed, 10 different ones are allowed in 7 days"]
    );
    assert_eq!(
        told("hashtag_calls_per_day = 3167"),
        ["[limits] hashtag_calls_per_day: 11 hashtags × 12 runs an hour make 3168 calls a day, 3167 are allowed"]
    );
    assert_eq!(told("brand_media_runs_per_hour = 7").len(), 1);
    assert_eq!(told("hashtag_runs_per_hour = 60").len(), 2);
}

#[test]
fn a_schedule_at_its_limits_works() {
    let limits = "[limits]\ncalls_per_hour = 154\nhashtags_per_week = 11\nhashtag_calls_per_day = 3168";
    assert_eq!(notices(and(limits)), [""; 0]);
}

#[test]
fn a_limit_exceeded_only_while_a_process_starts_is_a_notice() {
    let told = notices(and("[limits]\ncalls_per_hour = 153"));
    assert!(told[0].contains("11 look-ups make 154 calls") && told[0].contains("[hashtag_id]"), "{told:?}");
}

#[test]
fn a_missing_file_is_named_with_where_it_is_looked_for() {
    let error = Config::load(Path::new("/nowhere/configure.ini")).unwrap_err().to_string();
    assert!(error.contains("/nowhere/configure.ini") && error.contains("config_file"), "{error}");
}

#[test]
fn a_file_in_another_encoding_is_told_with_the_place() {
    let error = Config::parse(b"[API]\nend_point = caf\xe9", "configure.ini").unwrap_err().to_string();
    assert_eq!(error, "configuration configure.ini is not UTF-8 (at byte 21); save it as UTF-8");
}

#[test]
fn a_line_that_is_nothing_is_told_with_its_number() {
    let told = |text: &str| parse(text).unwrap_err().to_string();
    assert_eq!(
        told("[API]\nversion = v21.0\nnonsense\nend_point = x\n"),
        "configuration configure.ini, line 3: `[section]`, `key = value` or `# comment` expected"
    );
    for text in ["[API]\nversion = v21.0\n= x\n", "[API]\n\n[topic\n"] {
        assert!(told(text).starts_with("configuration configure.ini, line 3:"), "{}", told(text));
    }
}

#[test]
fn an_empty_file_lists_what_is_needed() {
    insta::assert_snapshot!(parse("").unwrap_err(), @r##"
    configuration configure.ini cannot work, 13 faults to mend:
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
      [topic]: lists neither accounts nor hashtags; nothing would be collected
    "##);
}

proptest! {
    #[test]
    fn any_bytes_are_a_configuration_or_an_error(bytes in any::<Vec<u8>>()) {
        let _ = Config::parse(&bytes, "x").map_err(|e| e.to_string());
    }

    #[test]
    fn any_text_is_a_configuration_or_an_error(text in "([\\[\\]=:;#% \t\n\ra-z0-9{}é-]|accounts|common|%Y){0,120}") {
        let _ = parse(&text).map_err(|e| e.to_string());
    }

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
fn packaged_stands_for_the_configuration_that_was_built_in() {
    assert_eq!(shown(Config::load(std::path::Path::new(PACKAGED))), shown(parse(SHIPPED)));
}
