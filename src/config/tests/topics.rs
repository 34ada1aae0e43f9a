//! Accounts, hashtags and their user ids.

use super::*;

#[test]
fn a_topic_needs_a_user_id() {
    assert_eq!(
        faults(with("valentino = 17841400090660624\nmiumiu", "miumiu")),
        [r#"[topic] hashtags: "valentino" has no user id; add `valentino = <user id>` to [add_user_id]"#]
    );
}

#[test]
fn a_username_holds_nothing_that_could_be_read_as_part_of_a_call() {
    let long = "a".repeat(31);
    for bad in ["Dior", "d){id}", "dior,name", "di-or", "dïor", "@dior", long.as_str()] {
        let found = faults(with("accounts = hermes", &format!("accounts = {bad} hermes")));
        let expected = format!("[topic] accounts: {bad:?} given, a username of [a-z0-9._]{{1,30}} expected");
        assert!(found.iter().any(|fault| fault.starts_with(&expected)), "{found:?}");
    }
}

#[test]
fn hashtags_of_any_script_can_be_followed() {
    // Plain letters; a combining vowel sign and a virama; joiners; decomposed letters; digits.
    for name in ["에르메스", "हर्मेस", "می\u{200c}خواهم", "ක්\u{200d}ර", "e\u{301}te\u{301}", "ディオール2026", "ห้องน้ำ"]
    {
        let ids = SHIPPED.replace("[add_user_id]", &format!("[add_user_id]\n{name} = 17"));
        let config = parse(&ids.replace("hashtags = hermes", &format!("hashtags = {name} hermes"))).unwrap();
        assert_eq!(config.hashtags[0].name.as_str(), name);
    }
    for name in ["#dior", "a-b", "a,b", "a.b", "a/b", "👜", "a\u{200b}b", "\u{301}", "\u{200d}", "¿que"] {
        let found = faults(with("hashtags = hermes", &format!("hashtags = {name} hermes")));
        assert!(found[0].contains("hashtag of letters"), "{name}: {found:?}");
    }
}

#[test]
fn names_are_separated_by_spaces_and_not_by_commas() {
    for (old, new, word) in [
        ("accounts = hermes ", "accounts = hermes, ", "hermes,"),
        ("hashtags = hermes ", "hashtags = hermes,dior ", "hermes,dior"),
    ] {
        let found = faults(with(old, new));
        let key = old.split(' ').next().unwrap();
        assert!(found[0].starts_with(&format!("[topic] {key}: {word:?} given, ")), "{found:?}");
        assert!(found[0].ends_with("expected; names are separated by spaces"), "{found:?}");
    }
}
