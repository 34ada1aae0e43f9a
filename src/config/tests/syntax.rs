//! The syntax of the file.

use super::*;

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
    for (more, notice) in [
        ("[limit]\nconcurrency = 3", "[limit]: nothing reads this section; did you mean [limits]?"),
        ("[warehouse]\nhost = x", "[warehouse]: nothing reads this section; is it misspelt?"),
    ] {
        assert_eq!(notices(and(more)), [notice]);
    }
    for (key, notice) in [
        ("fromat = ndjson", "[common] fromat: nothing reads this key; did you mean `format`?"),
        ("owner = me", "[common] owner: nothing reads this key; is it misspelt?"),
    ] {
        assert_eq!(notices(with("[common]", &format!("[common]\n{key}"))), [notice]);
    }
}

#[test]
fn a_misspelt_name_is_the_fault_in_place_of_what_is_missing_because_of_it() {
    let nothing_reads = |what: &str, meant: &str| format!("nothing reads this {what}; did you mean {meant}?");
    for (old, new, fault) in [
        ("end_point", "endpoint", format!("[API] endpoint: {}", nothing_reads("key", "`end_point`"))),
        ("accounts =", "account =", format!("[topic] account: {}", nothing_reads("key", "`accounts`"))),
        ("[topic]", "[topics]", format!("[topics]: {}", nothing_reads("section", "[topic]"))),
        ("[API]", "[api]", format!("[api]: {}", nothing_reads("section", "[API]"))),
        (
            "[luxury_media]",
            "[luxury_medias]",
            format!("[luxury_medias]: {}", nothing_reads("section", "[luxury_media]")),
        ),
    ] {
        assert_eq!(faults(with(old, new)), [fault]);
    }
    let secret = "[SECRET]\nig_user_id = 1\naccess_token = placeholder\n";
    let found = faults(parse(secret));
    assert!(found[0].starts_with("[SECRET]: this is the file of a secret"), "{found:?}");
    let found = faults(with("hermes = 178", "hermess = 178"));
    assert!(found[0].contains("\"hermes\" has no user id (did you mean `hermess`?); add"), "{found:?}");
    let found = faults(with("like_count int", "like_count integer"));
    assert!(found[0].contains("the type \"integer\" given (did you mean `int`?), one of"), "{found:?}");
    let found = faults(with("[add_user_id]", "[add_user_ids]"));
    assert_eq!(found[0], "[add_user_ids]: nothing reads this section; did you mean [add_user_id]?");
    let meant = faults(and("[limits]\ncalls_per_day = 1"));
    assert!(meant[0].ends_with("hashtag_runs_per_hour (did you mean `hashtag_calls_per_day`?)"), "{meant:?}");
}

#[test]
fn a_value_with_a_comment_or_quotes_or_an_interpolation_is_a_fault() {
    let location = "raw/brand_{ymd}/brand_{datetime}.json";
    let (comment, quotes) = ("a comment here is part of the value", "the quotes are part of the value");
    for (old, new, key, problem) in [
        (location, &*format!("{location}  # hourly"), "[common] profiles_location", comment),
        (location, &format!("{location} ;hourly"), "[common] profiles_location", comment),
        (location, &format!("{location};"), "[common] profiles_location", comment),
        (location, &format!("\"{location}\""), "[common] profiles_location", quotes),
        (location, &format!("'{location}'"), "[common] profiles_location", quotes),
        (location, &format!("%(root)s/{location}"), "[common] profiles_location", "`%(name)s` is not replaced"),
        (location, &format!("raw/%Y/{location}"), "[common] profiles_location", "time formats are not replaced"),
        ("ymd = %Y-%m-%d", "ymd = %Y-%m-%d # a day", "[common] ymd", comment),
        ("ymd = %Y-%m-%d", "ymd = '%Y-%m-%d'", "[common] ymd", quotes),
        ("like_count int", "like_count int #hidden", "[luxury_media] like_count", comment),
        ("accounts = hermes", "accounts = hermes # two", "[topic] accounts", comment),
    ] {
        let found = faults(with(old, new));
        assert!(found.len() == 1 && found[0].starts_with(&format!("{key}: ")), "{new}: {found:?}");
        assert!(found[0].contains(" given, and ") && found[0].contains(problem), "{new}: {found:?}");
    }
}

#[test]
fn a_file_in_another_encoding_is_an_error_with_the_position() {
    let error = Config::parse(b"[API]\nend_point = caf\xe9", "configure.ini").unwrap_err().to_string();
    assert_eq!(error, "configuration configure.ini is not UTF-8 (at byte 21); save it as UTF-8");
}

#[test]
fn a_malformed_line_is_an_error_with_its_number() {
    let message = |text: &str| parse(text).unwrap_err().to_string();
    assert_eq!(
        message("[API]\nversion = v21.0\nnonsense\nend_point = x\n"),
        "configuration configure.ini, line 3: `[section]`, `key = value` or `# comment` expected"
    );
    for text in ["[API]\nversion = v21.0\n= x\n", "[API]\n\n[topic\n"] {
        assert!(message(text).starts_with("configuration configure.ini, line 3:"), "{}", message(text));
    }
}
