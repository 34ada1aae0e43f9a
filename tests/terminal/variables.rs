//! The standard variables of AWS and of proxies.

use support::variables::{VARIABLES, assert_effects};

use crate::terminal::{command, text};

#[tokio::test(flavor = "multi_thread")]
async fn each_standard_variable_counts_in_the_terminal() {
    assert_effects(true, async |folder, environment| {
        let mut run = command(folder, &["brand_media", "--accounts", "hermes"]);
        run.env_clear().envs(environment);
        let output = tokio::task::spawn_blocking(move || run.output().unwrap()).await.unwrap();
        text(&output.stdout) + &text(&output.stderr)
    })
    .await;
}

#[test]
fn the_variables_in_docs_are_those_that_are_tried() {
    let docs = include_str!("../../docs/configuration.md");
    let table = docs.split("### Standard variables").nth(1).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let listed: Vec<(&str, &str)> = rows
        .map(|row| {
            let mut cells = row.split('|').map(str::trim).skip(1);
            (cells.next().unwrap().trim_matches('`'), cells.next().unwrap())
        })
        .collect();
    let programs = |in_a_terminal_only| if in_a_terminal_only { "terminal" } else { "both" };
    let tried = VARIABLES.iter().map(|variable| (variable.name, programs(variable.in_a_terminal_only)));
    assert_eq!(listed, tried.collect::<Vec<_>>());
}
