//! A further account: its user id, and the lines that add it.

use collector::config::Config;

use crate::commands::{folder, local, local_on, out};
use support::harness::{CONFIGURE_INI, Harness, TOKEN};

const LOEWE: &str = "name,user_id\nloewe,17841400000000042\n";

/// Runs the command on a sandbox that has the account `loewe`; `limits` are those of the configuration.
fn add(name: &str, more: &[&str], limits: &str) -> (Option<i32>, String, String) {
    let folder = folder(&format!("{CONFIGURE_INI}\n[limits]\n{limits}"));
    std::fs::write(folder.path().join("accounts.csv"), LOEWE).unwrap();
    let arguments = [&["add-account", name, "--sandbox", "--accounts-from", "accounts.csv"], more].concat();
    let done = local(folder.path(), &arguments, &[]);
    (done.status.code(), out(&done), String::from_utf8(done.stderr).unwrap())
}

#[test]
fn the_lines_that_are_printed_add_the_account() {
    let (status, lines, printed) = add("loewe", &[], "");
    insta::assert_snapshot!(lines, @"
    # in [add_user_id]
    loewe = 17841400000000042
    # in [topic], instead of the current line
    accounts = hermes chanelofficial dior louisvuitton gucci prada ysl celine maisonvalentino miumiu fendi loewe
    ");
    insta::assert_snapshot!(printed, @"1 API call. Put the lines into configure.ini. The schedule then makes 144 calls an hour, 200 are allowed.");
    assert_eq!(status, Some(0));
    let pasted = lines.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
    let [id, accounts] = pasted[..] else { panic!("two lines: {lines}") };
    let old = CONFIGURE_INI.lines().find(|line| line.starts_with("accounts =")).unwrap();
    let new = CONFIGURE_INI.replace(old, accounts).replace("[add_user_id]\n", &format!("[add_user_id]\n{id}\n"));
    let config = Config::parse(new.as_bytes(), "").unwrap();
    let added = config.accounts.last().unwrap();
    assert_eq!(
        (config.accounts.len(), added.username.as_str(), added.user_id.as_str()),
        (12, "loewe", "17841400000000042")
    );
}

#[test]
fn one_that_is_configured_is_said_to_be() {
    let (status, lines, printed) = add("dior", &[], "");
    assert_eq!((status, lines.as_str()), (Some(0), ""));
    assert!(
        printed.contains("dior is configured already in configure.ini, with the user id 17841401694708594"),
        "{printed}"
    );
}

#[test]
fn what_is_no_username_is_refused_with_the_grammar() {
    for name in ["@loewe", "Loewe", "loewe!", "", "https://www.instagram.com/loewe/", "l){id}", &"a".repeat(31)] {
        let (status, lines, printed) = add(name, &[], "");
        assert_eq!((status, lines.as_str()), (Some(2), ""), "{name}");
        assert!(printed.contains("a username of [a-z0-9._]{1,30} expected"), "{printed}");
    }
}

#[test]
fn a_refusal_says_what_to_do() {
    for (name, fault, expected) in [
        ("nobody.here", "loewe=slow:0", "not_there: (110"),
        ("nobody.here", "loewe=slow:0", "check that it is a professional one"),
        ("loewe", "loewe=permission", "grant instagram_basic, instagram_manage_insights and pages_read_engagement"),
        ("loewe", "loewe=throttled", "run less often or follow fewer topics (`luxury-brands plan`)"),
        ("loewe", "loewe=token", "make a new long-lived token and put it into the secret"),
        ("loewe", "loewe=no_profile", "the response has no id of the account"),
    ] {
        let (status, lines, printed) = add(name, &["--fault", fault], "");
        assert_eq!((status, lines.as_str()), (Some(1), ""), "{fault}");
        assert!(printed.contains(expected), "{fault}: {printed}");
    }
}

#[test]
fn one_more_than_the_limit_allows_costs_no_call() {
    let (status, lines, printed) = add("loewe", &["--fault", "*=permission"], "calls_per_hour = 143");
    assert_eq!((status, lines.as_str()), (Some(1), ""));
    assert!(printed.contains("one more account makes 144 calls an hour, 143 are allowed"), "{printed}");
    let (status, lines, printed) = add("loewe", &[], "calls_per_hour = 154");
    assert_eq!((status, lines.lines().count()), (Some(0), 4));
    assert!(printed.contains("WARNING  in an hour in which a process starts they are 155"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_quotes_the_token_is_shown_without_it() {
    let harness = Harness::with_faults(&["loewe=quotes_token"]).await;
    let folder = tempfile::tempdir().unwrap();
    let added = local_on(&harness.aws, folder.path(), &["add-account", "loewe", "-vv"]).await;
    let printed = String::from_utf8(added.stderr).unwrap();
    assert!(added.status.code() == Some(1) && printed.contains("REDACTED") && !printed.contains(TOKEN), "{printed}");
}

#[test]
fn a_script_gets_a_document() {
    let folder = folder(CONFIGURE_INI);
    std::fs::write(folder.path().join("accounts.csv"), LOEWE).unwrap();
    for (name, is_configured, accounts) in [("loewe", false, 12), ("dior", true, 11)] {
        let arguments = ["add-account", name, "--sandbox", "--accounts-from", "accounts.csv", "--json"];
        let document = crate::documents::document("add-account", &local(folder.path(), &arguments, &[]));
        assert_eq!(document["is_configured"], is_configured);
        assert_eq!(document["accounts"].as_array().unwrap().len(), accounts);
    }
}
