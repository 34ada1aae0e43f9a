//! Where objects are, in the notations of the engines. It follows from the location and the time formats.

use anyhow::{Result, bail};
use chrono::format::{Item, Numeric, Pad, StrftimeItems};

use super::moment::{Moment, digits};
use collector::config::Locations;
use collector::record::Model;

/// Where the objects of a location are.
pub(super) struct Files<'a> {
    locations: &'a Locations,
    /// `None` for quality objects, whose location is the same for all models.
    model: Option<Model>,
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

/// Writes the parts of a location in the notation of an engine.
struct Notation<'n> {
    literal: &'n dyn Fn(&str) -> String,
    /// A number of fixed width.
    number: &'n mut dyn FnMut(&Numeric, usize) -> String,
    /// Any text.
    any: &'n str,
}

impl<'a> Files<'a> {
    /// The objects of a model's records.
    pub(super) const fn new(locations: &'a Locations, model: Model, root: &'a str) -> Self {
        Self { locations, model: Some(model), root }
    }

    /// The quality objects of all models.
    pub(super) const fn quality(locations: &'a Locations, root: &'a str) -> Self {
        Self { locations, model: None, root }
    }

    /// Where the data is, without a slash at its end.
    pub(super) const fn root(&self) -> &str {
        self.root
    }

    fn pattern(&self) -> &str {
        self.model.map_or(Locations::quality_pattern(), |model| self.locations.pattern(model))
    }

    /// A glob of all objects, shards included, and of no other model's: `media_*` alone would match
    /// `media_hashtag_...` too.
    pub(super) fn glob(&self) -> String {
        let mut number = |_: &Numeric, width| "[0-9]".repeat(width);
        let glob = self.written(Notation { literal: &|text| text.to_owned(), number: &mut number, any: "*" });
        format!("{}/{glob}", self.root)
    }

    /// A regular expression of the objects' keys.
    pub(super) fn regex(&self) -> String {
        let mut number = |_: &Numeric, width| digits(width);
        self.written(Notation { literal: &escaped, number: &mut number, any: ".*" })
    }

    /// How the time of a run is read from an object's key.
    ///
    /// # Errors
    /// Where the key does not tell the day in numbers of fixed width.
    pub(super) fn moment(&self) -> Result<Moment> {
        let mut moment = Moment::default();
        let mut number = |unit: &Numeric, width| moment.number(unit, width);
        let regex = self.written(Notation { literal: &escaped, number: &mut number, any: ".*" });
        if !moment.has_day() {
            bail!(
                "collected_at cannot be read from names like {}: year, month and day in numbers of fixed width expected in [common] datetime, as in %Y-%m-%d_%H%M%S ({} given)",
                self.pattern(),
                self.locations.datetime()
            );
        }
        Ok(moment.within(regex))
    }

    fn written(&self, Notation { literal, number, any }: Notation<'_>) -> String {
        let pattern = self.pattern();
        // A shard's name comes before the extension.
        let (stem, ending) = pattern.strip_suffix(".json").map_or((pattern, ""), |stem| (stem, ".json"));
        let mut text = String::new();
        let mut rest = stem;
        while let Some((before, name, after)) = placeholder(rest) {
            text.push_str(&literal(before));
            let format = match name {
                "ymd" => self.locations.ymd(),
                "datetime" => self.locations.datetime(),
                _ => "",
            };
            if format.is_empty() {
                text.push_str(any);
            }
            for item in StrftimeItems::new(format) {
                text.push_str(&match item {
                    Item::Literal(part) | Item::Space(part) => literal(part),
                    Item::Numeric(unit, Pad::Zero) => {
                        width(&unit).map_or_else(|| any.to_owned(), |width| number(&unit, width))
                    }
                    _ => any.to_owned(),
                });
            }
            rest = after;
        }
        format!("{text}{}{any}{}", literal(rest), literal(ending))
    }

    /// The folders that hold the objects of a model.
    pub(super) fn folders(&self) -> Result<Folders> {
        let folder = |pattern: &'a str| pattern.rsplit_once('/').map_or("", |(folder, _)| folder);
        let own = folder(self.model.map_or(Locations::quality_pattern(), |model| self.locations.pattern(model)));
        let shares = |other: &Model| self.model != Some(*other) && folder(self.locations.pattern(*other)) == own;
        if let (Some(model), Some(other)) = (self.model, Model::ALL.into_iter().find(shares)) {
            bail!(
                "{model} and {other} share the folder {own:?}: an engine that reads whole folders cannot tell them apart; give each its own in [common]"
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
        let template = own.contains("{ymd}").then(|| within(&own.replace('{', "${")));
        let fixed: Vec<&str> = own.split('/').take_while(|part| !part.contains('{')).collect();
        Ok(Folders { fixed: within(&fixed.join("/")), template })
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

/// A text in a regular expression of any engine.
fn escaped(text: &str) -> String {
    let letter = |c: char| match c {
        c if c.is_alphanumeric() || matches!(c, '/' | '_' | '-' | ' ') => c.to_string(),
        // These have a meaning of their own within brackets.
        '^' | '[' | ']' => ".".to_owned(),
        c => format!("[{c}]"),
    };
    text.chars().map(letter).collect()
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
