//! Compares `docs/configuration.md` with the code: the same keys, the same defaults.

use std::collections::BTreeSet;

use super::document::ANY_KEY;
use super::*;

const DOC: &str = include_str!("../../docs/configuration.md");
const SHIPPED: &str = include_str!("../../configure.ini");

/// A documented key: its heading, the key and the default, as written there.
type Row<'d> = (&'d str, &'d str, &'d str);

/// The rows of the tables with the columns key, default and meaning.
fn documented() -> Vec<Row<'static>> {
    let (mut heading, mut in_table, mut rows) = ("", false, Vec::new());
    for line in DOC.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            heading = title.trim_matches(['`', '[', ']']);
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        in_table = line.starts_with('|')
            && (in_table || matches!(cells[..], [_, "key" | "variable", "default", "meaning", _]));
        if in_table && !matches!(cells[1], "key" | "variable" | "---") {
            rows.push((heading, cells[1], cells[2]));
        }
    }
    rows
}

/// The sections with free keys, and what the documentation writes for those.
fn free_keys() -> BTreeSet<(String, String)> {
    let free = [("add_user_id", "*topic*"), ("hashtag_id", "*hashtag*"), ("The mappings", "*output field*")];
    free.map(|(section, key)| (section.to_owned(), key.to_owned())).into()
}

#[test]
fn every_key_that_is_read_is_documented_and_the_other_way_round() {
    let (_, document) = Config::resolve(b"", "").unwrap();
    let asked: Vec<(&str, &str)> = document.asked().collect();
    let whole: BTreeSet<&str> = asked.iter().filter(|(_, key)| *key == ANY_KEY).map(|(section, _)| *section).collect();
    // [limits] is read as a whole too, to find keys that are no limits.
    let mappings = Model::ALL.map(Model::section);
    assert_eq!(whole, BTreeSet::from_iter(["add_user_id", "hashtag_id", "limits"].into_iter().chain(mappings)));
    assert!(mappings.iter().all(|section| DOC.contains(&format!("`[{section}]`"))));
    let own = |text: &str| text.to_owned();
    let mut read: BTreeSet<(String, String)> =
        asked.iter().filter(|(_, key)| *key != ANY_KEY).map(|(s, k)| (own(s), own(k))).collect();
    read.extend(free_keys());
    let environment = [
        "SECRET_ID",
        "SECRET_PREFIX",
        "SECRET_FILE",
        "TOKEN_RENEWAL",
        "CONFIG_FILE",
        "SERVICE",
        "BUCKET",
        "SSL_CERT_FILE",
        "AWS_LAMBDA_LOG_LEVEL",
    ];
    let environment = environment.map(own);
    read.extend(environment.map(|key| (own("The environment"), key)));
    read.extend(crate::secret::keys().iter().map(|key| (own("The secret"), own(key))));
    let documented = documented();
    let told: BTreeSet<_> = documented.iter().map(|(s, k, _)| (own(s), own(k.trim_matches('`')))).collect();
    assert_eq!(documented.len(), told.len(), "a key stands there twice");
    assert_eq!(told, read);
}

#[test]
fn every_documented_default_is_what_counts_without_the_key() {
    let without = format!("{:?}", Config::parse(SHIPPED.as_bytes(), "").unwrap());
    let mut compared = 0;
    for (section, key, default) in documented() {
        let (key, Some(default)) = (key.trim_matches('`'), default.strip_prefix('`').map(|d| d.trim_end_matches('`')))
        else {
            continue;
        };
        let text = match section {
            "common" => SHIPPED.replace("[common]", &format!("[common]\n{key} = {default}")),
            "limits" => format!("{SHIPPED}\n[limits]\n{key} = {default}"),
            _ => continue,
        };
        assert_eq!(format!("{:?}", Config::parse(text.as_bytes(), "").unwrap()), without, "{key}");
        compared += 1;
    }
    assert_eq!(compared, 9);
}

#[test]
fn what_is_documented_as_required_is_a_fault_where_it_is_missing() {
    for (section, key, default) in documented() {
        let key = key.trim_matches('`');
        if default != "*required*" || !["API", "common", "topic"].contains(&section) {
            continue;
        }
        let text: String =
            SHIPPED.lines().filter(|line| !line.starts_with(&format!("{key} ="))).map(|l| format!("{l}\n")).collect();
        let error = Config::parse(text.as_bytes(), "").unwrap_err().to_string();
        assert!(error.contains(&format!("[{section}] {key}: missing")), "{error}");
    }
}
