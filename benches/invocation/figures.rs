//! The measured figures and their goals.

use comfy_table::{CellAlignment, Table, presets};

/// The goal of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Goal {
    /// At most this.
    AtMost(f64),
    /// None: the figure is for orientation.
    None,
}

/// The figures, in the order of their first values.
#[derive(Debug, Default)]
pub(super) struct Figures(Vec<Figure>);

#[derive(Debug)]
struct Figure {
    name: String,
    unit: String,
    goal: Goal,
    values: Vec<f64>,
}

impl Figures {
    /// Adds a measured value to the figure `name`.
    pub(super) fn note(&mut self, name: &str, unit: &str, goal: Goal, value: f64) {
        match self.0.iter_mut().find(|figure| figure.name == name) {
            Some(figure) => figure.values.push(value),
            None => self.0.push(Figure { name: name.to_owned(), unit: unit.to_owned(), goal, values: vec![value] }),
        }
    }

    /// The table, in Markdown.
    pub(super) fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::ASCII_MARKDOWN);
        table.set_header(["figure", "reach", "median", "least", "most", "unit", ""]);
        for figure in &self.0 {
            let (median, least, most) = figure.spread();
            let (reach, verdict) = match figure.goal {
                Goal::None => (String::new(), ""),
                Goal::AtMost(most) if median <= most => (format!("≤ {most}"), "ok"),
                Goal::AtMost(most) => (format!("≤ {most}"), "short"),
            };
            let [median, least, most] = [median, least, most].map(written);
            table.add_row([&figure.name, &reach, &median, &least, &most, &figure.unit, verdict]);
        }
        for column in 1..=4 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

impl Figure {
    /// The median, the minimum and the maximum.
    fn spread(&self) -> (f64, f64, f64) {
        let mut values = self.values.clone();
        values.sort_by(f64::total_cmp);
        let at = |i: usize| values.get(i).copied().unwrap_or(f64::NAN);
        let last = values.len().saturating_sub(1);
        ((at(last / 2) + at(last.div_ceil(2))) / 2.0, at(0), at(last))
    }
}

/// A number with three significant digits, or a whole number.
fn written(value: f64) -> String {
    match value.abs() {
        v if v.fract() == 0.0 => format!("{value:.0}"),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
