use collector::config::Config;

use super::figures::{Figures, Goal};
use super::topics;

const CONFIGURE_INI: &str = include_str!("../../configure.ini");

#[test]
fn the_median_is_held_against_the_goal() {
    let mut figures = Figures::default();
    for value in [1.0, 30.0, 2.0, 1.5] {
        figures.note("start", "ms", Goal::AtMost(1.8), value);
    }
    figures.note("calls", "calls", Goal::AtMost(143.0), 144.0);
    figures.note("memory", "MiB", Goal::None, 7.899);
    insta::assert_snapshot!(figures.table(), @r"
    | figure | reach | median | least | most | unit  |       |
    |--------|-------|--------|-------|------|-------|-------|
    | start  | ≤ 1.8 |   1.75 |     1 |   30 | ms    | ok    |
    | calls  | ≤ 143 |    144 |   144 |  144 | calls | short |
    | memory |       |   7.90 |  7.90 | 7.90 | MiB   |       |
    ");
}

#[test]
fn every_change_leaves_a_configuration_that_loads() {
    let read = |ini: &str| Config::parse(ini.as_bytes(), "configure.ini").unwrap();
    assert_eq!(read(&topics::many_accounts(CONFIGURE_INI, 1_000)).accounts.len(), 1_000);
    let elsewhere = read(&topics::calling(CONFIGURE_INI, "https://localhost:7"));
    assert!(elsewhere.end_point.starts_with("https://localhost:7/v"));
    let pinned = read(&topics::pinned(CONFIGURE_INI, &[("dior".to_owned(), "17843857450040591".to_owned())]));
    assert_eq!(pinned.hashtags.iter().filter(|h| h.id.is_some()).count(), 1);
}
