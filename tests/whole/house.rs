//! The house's plan: which room knows which. Arrows point down alone, and go in no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::aws::walk;

/// The rooms from the ground up: each may know those before it. `local` and `sandbox` know everything.
const FLOORS: [&[&str]; 10] = [
    &["env", "lock"],
    &["causes", "file", "http", "ini", "json", "memory", "redact", "stop", "telemetry", "topic"],
    &["answers", "aws", "record"],
    &["config"],
    &["secret"],
    &["event", "graph", "quality"],
    &["body", "collect", "error", "sink"],
    &["report"],
    &["rollup", "token"],
    &["function"],
];

const EVERYTHING: [&str; 4] = ["local", "sandbox", "main", "bin"];

/// The rooms that each file's code names, its tests left out, by the file's path below `src`.
fn files() -> BTreeMap<String, BTreeSet<String>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    walk(&src, &mut |path| {
        let name = path.strip_prefix(&src).unwrap().with_extension("").to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let is_code = path.extension().is_some_and(|e| e == "rs") && !name.ends_with("tests");
        if is_code {
            let code = text.split("#[cfg(test)]").next().unwrap();
            files.insert(name, code.split("crate::").skip(1).flat_map(named).collect());
        }
    });
    files
}

/// The rooms that stand behind one `crate::`, which may be a list of them.
fn named(path: &str) -> Vec<String> {
    let names = |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    let list = path.strip_prefix('{').and_then(|list| list.split("};").next());
    list.map_or_else(|| vec![names(path)], |list| list.split(',').map(|name| names(name.trim())).collect())
}

fn room(file: &str) -> &str {
    file.split('/').next().unwrap()
}

/// What each room knows of the others.
fn rooms() -> BTreeMap<String, BTreeSet<String>> {
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, known) in files() {
        let room = room(&file).to_owned();
        let others = known.into_iter().filter(|other| *other != room);
        rooms.entry(room.clone()).or_default().extend(others);
    }
    rooms
}

#[test]
fn a_room_knows_those_on_the_floors_below_it_alone() {
    let floor = |room: &str| FLOORS.iter().position(|rooms| rooms.contains(&room));
    for (room, known) in rooms() {
        if EVERYTHING.contains(&room.as_str()) || room == "lib" {
            continue;
        }
        let own =
            floor(&room).unwrap_or_else(|| panic!("{room} stands on no floor; give it one in tests/whole/house.rs"));
        for other in known {
            let below = floor(&other).is_some_and(|floor| floor < own);
            assert!(below, "{room} knows {other}, which is not below it");
        }
    }
}

#[test]
fn the_picture_of_the_plan_is_that_of_the_code() {
    let mut dot = "// Which room knows which, drawn from the code by tests/whole/house.rs.\n// `PLAN_WRITE=1 cargo test --test whole house` writes it, `dot -Tsvg -O dev_logs/plan.dot` draws it.\ndigraph plan {\n  rankdir=TB; bgcolor=\"white\"; node [shape=box, style=\"rounded,filled\", fillcolor=\"#f6f4ef\", fontname=\"Helvetica\"];\n".to_owned();
    // `graph` is a word of the language.
    let quoted = |names: Vec<String>| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" ");
    for rooms in FLOORS.into_iter().rev() {
        dot += &format!("  {{ rank=same; {} }}\n", quoted(rooms.iter().map(|room| (*room).to_owned()).collect()));
    }
    for (room, known) in rooms() {
        if !EVERYTHING.contains(&room.as_str()) && !known.is_empty() {
            dot += &format!("  \"{room}\" -> {{ {} }}\n", quoted(known.into_iter().collect()));
        }
    }
    dot += "}\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("dev_logs/plan.dot");
    if std::env::var_os("PLAN_WRITE").is_some() {
        std::fs::write(&path, &dot).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap_or_default() == dot, "run it with PLAN_WRITE=1");
}
