//! Where a model's objects are, in the notations of the engines. It follows from the location and the time
//! formats.

use anyhow::{Result, bail};
use chrono::format::{Item, Numeric, Pad, StrftimeItems};

use crate::config::Locations;
use crate::record::Model;

/// Where a model's objects are.
pub(super) struct Files<'a> {
    locations: &'a Locations,
    model: Model,
    root: &'a str,
}

/// The folders of a model's objects, by date.
pub(super) struct Folders {
    /// The common prefix, with a slash at its end.
    pub(super) fixed: String,
    /// The whole path, with `${ymd}` for the date; `None` where all dates have one folder.
    pub(super) template: Option<String>,
}

/// A date format in Java's notation, and the unit in which it advances.
pub(super) struct JavaDate {
    pub(super) pattern: String,
    pub(super) unit: &'static str,
}

impl<'a> Files<'a> {
    pub(super) fn new(locations: &'a Locations, model: Model, root: &'a str) -> Self {
        Self { locations, model, root }
    }

    /// Where the data is, without a slash at its end.
    pub(super) fn root(&self) -> &str {
        self.root
    }

    /// A glob of all objects of the model, shards included, and of no other model's: `media_*` alone would
    /// match `media_hashtag_...` too.
    pub(super) fn glob(&self) -> String {
        format!("{}/{}", self.root, self.fill(&|text| text.to_owned(), "*"))
    }

    /// A regular expression of the objects' keys.
    pub(super) fn regex(&self) -> String {
        let escaped = |text: &str| {
            let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '_' | '-' | ' ');
            text.chars().map(|c| if plain(c) { c.to_string() } else { format!("[{c}]") }).collect()
        };
        self.fill(&escaped, ".*")
    }

    fn fill(&self, literal: &dyn Fn(&str) -> String, any: &str) -> String {
        let pattern = self.locations.pattern(self.model);
        // A shard's name comes before the extension.
        let (stem, ending) = pattern.strip_suffix(".json").map_or((pattern, ""), |stem| (stem, ".json"));
        let mut text = String::new();
        let mut rest = stem;
        while let Some((before, name, after)) = placeholder(rest) {
            text.push_str(&literal(before));
            let format = if name == "ymd" { self.locations.ymd() } else { self.locations.datetime() };
            text.push_str(&digits(format, literal, any));
            rest = after;
        }
        format!("{text}{}{any}{}", literal(rest), literal(ending))
    }

    /// The folders that hold the objects.
    pub(super) fn folders(&self) -> Result<Folders> {
        let folder = |model| self.locations.pattern(model).rsplit_once('/').map_or("", |(folder, _)| folder);
        let own = folder(self.model);
        if let Some(other) = Model::ALL.into_iter().find(|m| *m != self.model && folder(*m) == own) {
            bail!(
                "{} and {other} share the folder {own:?}: an engine that reads whole folders cannot tell them apart; give each its own in [common]",
                self.model
            );
        }
        if own.contains("{datetime}") {
            bail!(
                "the folder {own:?} holds {{datetime}}: each run would be a partition; keep it to the object's name in [common]"
            );
        }
        let within = |folder: &str| {
            if folder.is_empty() { format!("{}/", self.root) } else { format!("{}/{folder}/", self.root) }
        };
        let template = own.contains("{ymd}").then(|| within(&own.replace("{ymd}", "${ymd}")));
        let fixed: Vec<&str> = own.split('/').take_while(|part| !part.contains('{')).collect();
        Ok(Folders { fixed: within(&fixed.join("/")), template })
    }

    /// The start of every object's address, with `placeholder` for the date where there is one.
    pub(super) fn prefix(&self, placeholder: &str) -> String {
        let pattern = self.locations.pattern(self.model);
        let stem = pattern.split("{datetime}").next().unwrap_or_default();
        format!("{}/{}", self.root, stem.replace("{ymd}", placeholder))
    }

    /// `[common] ymd` in Java's notation.
    pub(super) fn java_date(&self) -> Result<JavaDate> {
        const UNITS: [(Numeric, &str, &str); 8] = [
            (Numeric::Second, "ss", "SECONDS"),
            (Numeric::Minute, "mm", "MINUTES"),
            (Numeric::Hour, "HH", "HOURS"),
            (Numeric::Day, "dd", "DAYS"),
            (Numeric::Ordinal, "DDD", "DAYS"),
            (Numeric::Month, "MM", "MONTHS"),
            (Numeric::Year, "yyyy", "YEARS"),
            (Numeric::YearMod100, "yy", "YEARS"),
        ];
        let ymd = self.locations.ymd();
        let mut pattern = String::new();
        let mut finest = UNITS.len();
        for item in StrftimeItems::new(ymd) {
            match item {
                Item::Literal(text) | Item::Space(text) => pattern.push_str(&java_literal(text)),
                Item::Numeric(unit, Pad::Zero) if UNITS.iter().any(|u| u.0 == unit) => {
                    for (i, (_, letters, _)) in UNITS.iter().enumerate().filter(|(_, u)| u.0 == unit) {
                        pattern.push_str(letters);
                        finest = finest.min(i);
                    }
                }
                _ => bail!(
                    "partitions cannot be made from [common] ymd = {ymd}: numbers of fixed width like %Y-%m-%d can"
                ),
            }
        }
        let unit = UNITS.get(finest).map_or("DAYS", |(.., unit)| unit);
        Ok(JavaDate { pattern, unit })
    }
}

fn java_literal(text: &str) -> String {
    if text.chars().any(|c| c.is_ascii_alphabetic() || c == '\'') {
        return format!("'{}'", text.replace('\'', "''"));
    }
    text.to_owned()
}

/// The first placeholder of a location, with the text before and after it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// The results of a time format as a pattern: `[0-9]` for each digit of a number of fixed width.
fn digits(format: &str, literal: &dyn Fn(&str) -> String, any: &str) -> String {
    let part = |item: Item<'_>| match item {
        Item::Literal(text) | Item::Space(text) => literal(text),
        Item::Numeric(number, Pad::Zero) => width(&number).map_or_else(|| any.to_owned(), |n| "[0-9]".repeat(n)),
        _ => any.to_owned(),
    };
    StrftimeItems::new(format).map(part).collect()
}

const fn width(number: &Numeric) -> Option<usize> {
    match number {
        Numeric::Year | Numeric::IsoYear => Some(4),
        Numeric::Ordinal => Some(3),
        Numeric::YearMod100
        | Numeric::IsoYearMod100
        | Numeric::Month
        | Numeric::Day
        | Numeric::WeekFromSun
        | Numeric::WeekFromMon
        | Numeric::IsoWeek
        | Numeric::Hour
        | Numeric::Hour12
        | Numeric::Minute
        | Numeric::Second => Some(2),
        _ => None,
    }
}
