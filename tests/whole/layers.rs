//! The layers of the code: a module imports those of the layers below it alone, so that no imports form a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::aws::walk;

/// The modules by layer, from the lowest. A module may import those of the layers before its own. `local` and
/// `sandbox` may import everything.
const LAYERS: [&[&str]; 10] = [
    &["env", "lock"],
    &["causes", "file", "http", "ini", "json", "memory", "redact", "stop", "telemetry", "topic", "version"],
    &["answers", "aws", "record"],
    &["config"],
    &["config_file", "secret"],
    &["event", "graph", "quality", "sink"],
    &["body", "collect", "error"],
    &["report"],
    &["token"],
    &["function", "rollup"],
];

const EVERYTHING: [&str; 4] = ["local", "sandbox", "main", "bin"];

/// The code of each file outside of its tests, by the file's path below `src`.
fn code() -> BTreeMap<String, String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    walk(&src, &mut |path| {
        let name = path.strip_prefix(&src).unwrap().with_extension("").to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if path.extension().is_some_and(|e| e == "rs") && !name.ends_with("tests") {
            files.insert(name, text.split("#[cfg(test)]").next().unwrap().to_owned());
        }
    });
    files
}

/// The modules that each file imports by `crate::`.
fn files() -> BTreeMap<String, BTreeSet<String>> {
    let imports = |code: String| code.split("crate::").skip(1).flat_map(named).collect();
    code().into_iter().map(|(name, code)| (name, imports(code))).collect()
}

/// The files beside it that each file imports by `super::`.
fn neighbours() -> BTreeMap<String, BTreeSet<String>> {
    let code = code();
    let beside = |name: &str, other: &str| name.rsplit_once('/').map(|(folder, _)| format!("{folder}/{other}"));
    let imports = |name: &str, text: &str| {
        let modules = text.split("super::").skip(1).flat_map(named);
        modules.filter_map(|other| beside(name, &other)).filter(|other| code.contains_key(other)).collect()
    };
    code.iter().map(|(name, text)| (name.clone(), imports(name, text))).collect()
}

/// The modules that follow one `crate::` or `super::`. They may be a list.
fn named(path: &str) -> Vec<String> {
    let names = |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    let list = path.strip_prefix('{').and_then(|list| list.split("};").next());
    list.map_or_else(|| vec![names(path)], |list| list.split(',').map(|name| names(name.trim())).collect())
}

fn module(file: &str) -> &str {
    file.split('/').next().unwrap()
}

/// The other modules that each module imports.
fn modules() -> BTreeMap<String, BTreeSet<String>> {
    let mut modules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, known) in files() {
        let module = module(&file).to_owned();
        let others = known.into_iter().filter(|other| *other != module);
        modules.entry(module.clone()).or_default().extend(others);
    }
    modules
}

#[test]
fn a_module_imports_those_of_the_layers_below_it_alone() {
    let layer = |module: &str| LAYERS.iter().position(|modules| modules.contains(&module));
    for (module, known) in modules() {
        if EVERYTHING.contains(&module.as_str()) || module == "lib" {
            continue;
        }
        let own =
            layer(&module).unwrap_or_else(|| panic!("{module} has no layer; give it one in tests/whole/layers.rs"));
        for other in known {
            let below = layer(&other).is_some_and(|layer| layer < own);
            assert!(below, "{module} imports {other}, which is not in a layer below it");
        }
    }
}

#[test]
fn the_files_of_a_module_import_each_other_in_no_circle() {
    let mut left = neighbours();
    assert!(left["graph/session"].contains("graph/client"), "the imports are found");
    // Files that import none of those left are in no circle.
    while let Some(free) = left.iter().find(|(_, others)| others.is_empty()).map(|(name, _)| name.clone()) {
        left.remove(&free);
        for others in left.values_mut() {
            others.remove(&free);
        }
    }
    assert!(left.is_empty(), "a circle of imports: {left:#?}");
}

#[test]
fn the_drawing_of_the_layers_is_that_of_the_code() {
    let mut dot = "// Which module imports which, drawn from the code by tests/whole/layers.rs.\n// `PLAN_WRITE=1 cargo test --test whole layers` writes it, `dot -Tsvg -O dev_logs/plan.dot` draws it.\ndigraph plan {\n  rankdir=TB; bgcolor=\"white\"; node [shape=box, style=\"rounded,filled\", fillcolor=\"#f6f4ef\", fontname=\"Helvetica\"];\n".to_owned();
    // `graph` is a keyword of the dot language.
    let quoted = |names: Vec<String>| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" ");
    for modules in LAYERS.into_iter().rev() {
        dot += &format!("  {{ rank=same; {} }}\n", quoted(modules.iter().map(|module| (*module).to_owned()).collect()));
    }
    for (module, known) in modules() {
        if !EVERYTHING.contains(&module.as_str()) && !known.is_empty() {
            dot += &format!("  \"{module}\" -> {{ {} }}\n", quoted(known.into_iter().collect()));
        }
    }
    dot += "}\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("dev_logs/plan.dot");
    if std::env::var_os("PLAN_WRITE").is_some() {
        std::fs::write(&path, &dot).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap_or_default() == dot, "run it with PLAN_WRITE=1");
}

/// The most lines of a file of Rust, tests included.
const MOST_LINES: usize = 300;

#[test]
fn no_file_of_rust_has_more_than_300_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut too_long = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz/fuzz_targets"] {
        walk(&root.join(folder), &mut |path| {
            if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                let name = path.strip_prefix(root).unwrap().display();
                too_long.extend((lines > MOST_LINES).then(|| format!("{name} has {lines} lines")));
            }
        });
    }
    assert!(
        too_long.is_empty(),
        "{}: at most {MOST_LINES} expected; move one of the things that the file is about into a file of its own, named for it",
        too_long.join(", ")
    );
}
