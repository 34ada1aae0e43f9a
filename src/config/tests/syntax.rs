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
fn a_key_that_is_never_asked_for_is_a_notice() {
    assert_eq!(
        notices(and("[limit]\nconcurrency = 3")),
        ["[limit] concurrency: nothing reads this key; is it misspelt?"]
    );
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
