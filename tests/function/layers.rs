//! The layers of the code: a module imports those of the layers below it, so that no imports form a cycle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use support::aws::walk;

/// The modules by layer, from the lowest. A module may import those of the layers before its own.
const LAYERS: [&[&str]; 11] = [
    &["counted", "diagnosis", "env", "lock", "similar"],
    &["causes", "clock", "file", "http", "ini", "json", "memory", "redact", "stop", "telemetry", "topic", "version"],
    &["aws", "kept_responses", "record"],
    &["config"],
    &["config_file", "secret"],
    &["event", "graph", "sink"],
    &["body", "collect", "error", "quality"],
    &["notices"],
    &["report"],
    &["token"],
    &["function"],
];

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

/// The files of its own module that each file imports: its neighbours and its parent by `super::`, and its children.
/// What a parent only re-exports with `pub use` does not count.
fn relatives() -> BTreeMap<String, BTreeSet<String>> {
    let code = code();
    let mut relatives = BTreeMap::new();
    for (name, text) in &code {
        let mut imported = BTreeSet::new();
        if let Some((parent, _)) = name.rsplit_once('/') {
            for other in text.split("super::").skip(1).flat_map(named) {
                let neighbour = format!("{parent}/{other}");
                imported.insert(if code.contains_key(&neighbour) { neighbour } else { parent.to_owned() });
            }
        }
        for child in text.lines().filter_map(|line| line.split_once("mod ")?.1.strip_suffix(';')) {
            let uses = |item: &str| [" ", "(", "\n"].iter().any(|before| item.contains(&format!("{before}{child}::")));
            let is_export = |item: &str| item.contains("pub use ") || item.contains("pub(crate) use ");
            if text.split(';').any(|item| uses(item) && !is_export(item)) {
                imported.insert(format!("{name}/{child}"));
            }
        }
        imported.retain(|other| code.contains_key(other));
        relatives.insert(name.clone(), imported);
    }
    relatives
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
fn a_module_imports_only_those_of_the_layers_below_it() {
    let layer = |module: &str| LAYERS.iter().position(|modules| modules.contains(&module));
    for (module, known) in modules() {
        if module == "main" || module == "lib" {
            continue;
        }
        let own =
            layer(&module).unwrap_or_else(|| panic!("{module} has no layer; give it one in tests/function/layers.rs"));
        for other in known {
            let below = layer(&other).is_some_and(|layer| layer < own);
            assert!(below, "{module} imports {other}, which is not in a layer below it");
        }
    }
}

/// Files that still import from their parent, which imports them.
const KNOWN: [&str; 2] = ["collect/pages", "secret/writer/file"];

#[test]
fn the_files_of_a_module_import_each_other_in_no_circle() {
    let mut left = relatives();
    assert!(left["graph/session"].contains("graph/client"), "the imports are found");
    assert!(left["config"].contains("config/document"), "those of a child too");
    for (name, others) in &mut left {
        if KNOWN.iter().any(|known| name.starts_with(known)) {
            others.retain(|other| !name.starts_with(&format!("{other}/")));
        }
    }
    // Files that import none of the remaining ones are in no cycle.
    while let Some(free) = left.iter().find(|(_, others)| others.is_empty()).map(|(name, _)| name.clone()) {
        left.remove(&free);
        for others in left.values_mut() {
            others.remove(&free);
        }
    }
    assert!(left.is_empty(), "a circle of imports: {left:#?}");
}
