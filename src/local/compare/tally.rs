//! The differences of all runs, counted by model, kind and field, with the first examples of each.

use std::collections::{BTreeMap, HashMap, HashSet};

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::difference::{Difference, Kind, between};
use super::record::Record;
use crate::record::Model;
use crate::telemetry::printable;

/// The differences of one kind.
#[derive(Debug, Default)]
struct Entry {
    count: usize,
    largest: Option<u64>,
    examples: Vec<String>,
}

/// The differences of one kind with `--json`.
#[derive(Serialize)]
pub(super) struct Counted<'t> {
    model: &'static str,
    difference: &'static str,
    field: Option<&'t str>,
    count: usize,
    largest: Option<u64>,
    examples: &'t [String],
}

/// The differences found so far.
#[derive(Debug)]
pub(super) struct Tally {
    entries: BTreeMap<(&'static str, Kind, String), Entry>,
    examples: usize,
    /// The records that both sides have.
    pub(super) records: usize,
}

impl Tally {
    /// No differences yet. Of each kind the first `examples` are kept.
    pub(super) fn new(examples: usize) -> Self {
        Self { entries: BTreeMap::new(), examples, records: 0 }
    }

    /// Notes a difference.
    pub(super) fn note(&mut self, model: Model, difference: Difference, of: &str) {
        let Difference { kind, field, moved, values } = difference;
        let entry = self.entries.entry((model.name(), kind, field)).or_default();
        entry.count += 1;
        entry.largest = entry.largest.max(moved);
        if entry.examples.len() < self.examples {
            entry.examples.push(if values.is_empty() { of.to_owned() } else { format!("{of}: {values}") });
        }
    }

    fn whole(&mut self, model: Model, kind: Kind, of: &str, values: String) {
        self.note(model, Difference { kind, field: String::new(), moved: None, values }, of);
    }

    /// Notes a run that only one side has.
    pub(super) fn only(&mut self, model: Model, side: &str, run: &str) {
        self.whole(model, Kind::RunOnly, run, format!("in {side}"));
    }

    /// Compares the records of two runs.
    pub(super) fn compare(&mut self, model: Model, run: &str, a: &[Record], b: &[Record]) {
        let (of_a, of_b) = (self.by_id(model, "A", run, a), self.by_id(model, "B", run, b));
        let places: HashMap<&str, &Record> = of_b.iter().map(|(id, record)| (id.as_str(), *record)).collect();
        let mut common = Vec::new();
        for (id, record) in &of_a {
            match places.get(id.as_str()) {
                None => self.whole(model, Kind::RecordOnly, run, format!("{id} in A")),
                Some(other) => {
                    self.records += 1;
                    common.push(id.as_str());
                    for difference in between(record, other) {
                        self.note(model, difference, &format!("{run} {id}"));
                    }
                }
            }
        }
        let known: HashSet<&str> = common.iter().copied().collect();
        let order: Vec<&str> = of_b.iter().map(|(id, _)| id.as_str()).filter(|id| known.contains(id)).collect();
        for (id, _) in of_b.iter().filter(|(id, _)| !known.contains(id.as_str())) {
            self.whole(model, Kind::RecordOnly, run, format!("{id} in B"));
        }
        if let Some((there, here)) = common.iter().zip(&order).find(|(a, b)| a != b) {
            self.whole(model, Kind::RecordOrder, run, format!("{there} | {here}"));
        }
    }

    /// The records by their ids. Those without one, and further ones with the same, are noted.
    fn by_id<'r>(&mut self, model: Model, side: &str, run: &str, records: &'r [Record]) -> Vec<(String, &'r Record)> {
        let (mut seen, mut by_id) = (HashSet::new(), Vec::new());
        for record in records {
            match record.id(model) {
                None => self.whole(model, Kind::NoId, run, format!("in {side}")),
                Some(id) if seen.insert(id.clone()) => by_id.push((id, record)),
                Some(id) => self.whole(model, Kind::Copies, run, format!("{id} in {side}")),
            }
        }
        by_id
    }

    /// The differences by model, kind and field.
    pub(super) fn kinds(&self) -> Vec<Counted<'_>> {
        let counted = self.entries.iter().map(|((model, kind, field), entry)| Counted {
            model,
            difference: kind.name(),
            field: Some(field.as_str()).filter(|field| !field.is_empty()),
            count: entry.count,
            largest: entry.largest,
            examples: &entry.examples,
        });
        counted.collect()
    }

    /// The number of differences.
    pub(super) fn count(&self) -> usize {
        self.entries.values().map(|entry| entry.count).sum()
    }

    /// The table by model, kind and field.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_header(["model", "difference", "field", "count", "largest", "A | B"]);
        for ((model, kind, field), entry) in &self.entries {
            let largest = entry.largest.map_or_else(String::new, |largest| largest.to_string());
            let mut examples = entry.examples.iter().map(|example| printable(example).into_owned());
            let first = examples.next().unwrap_or_default();
            let field = printable(field).into_owned();
            table.add_row([
                (*model).to_owned(),
                kind.name().to_owned(),
                field,
                entry.count.to_string(),
                largest,
                first,
            ]);
            for example in examples {
                table.add_row([String::new(), String::new(), String::new(), String::new(), String::new(), example]);
            }
        }
        for column in 3..=4 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }
}
