//! A location of `[common]`, taken apart: it finds the objects of a model, and the run that a key names.

use chrono::format::{Item, Numeric, Pad, Parsed, StrftimeItems, parse_and_remainder};
use chrono::{DateTime, Utc};

use collector::config::Locations;
use collector::record::Model;

/// Where the objects of a location are.
pub(crate) struct Pattern<'c> {
    /// The location as written.
    pub(crate) location: &'c str,
    parts: Vec<Part<'c>>,
    /// The file extension. The part of a run is before it.
    ending: &'static str,
}

/// A part of a location.
enum Part<'c> {
    Text(&'c str),
    /// A part of the time of the run.
    Time(Item<'c>),
    /// The name of any model.
    Model,
}

/// How an engine writes the parts of a location.
pub(crate) struct Notation<'n> {
    pub(crate) text: &'n dyn Fn(&str) -> String,
    /// A number of fixed width.
    pub(crate) number: &'n mut dyn FnMut(&Numeric, usize) -> String,
    /// Any text.
    pub(crate) any: &'n str,
}

impl<'c> Pattern<'c> {
    /// The objects of a model's records.
    pub(crate) fn records(locations: &'c Locations, model: Model) -> Self {
        Self::new(locations, locations.pattern(model), None)
    }

    /// The quality objects of a model, or of all models.
    pub(crate) fn quality(locations: &'c Locations, model: Option<Model>) -> Self {
        Self::new(locations, Locations::quality_pattern(), model)
    }

    /// The objects of a model's records that an earlier run's object keeps from their usual keys.
    pub(crate) fn partial(locations: &'c Locations, model: Model) -> Self {
        Self::new(locations, Locations::partial_pattern(), Some(model))
    }

    /// The quality objects of [`partial`](Self::partial), of a model or of all models.
    pub(crate) fn partial_quality(locations: &'c Locations, model: Option<Model>) -> Self {
        Self::new(locations, Locations::partial_quality_pattern(), model)
    }

    fn new(locations: &'c Locations, location: &'c str, model: Option<Model>) -> Self {
        let (mut rest, ending) = location.strip_suffix(".json").map_or((location, ""), |stem| (stem, ".json"));
        let mut parts = Vec::new();
        while let Some((before, name, after)) = placeholder(rest) {
            parts.push(Part::Text(before));
            match name {
                "ymd" => parts.extend(StrftimeItems::new(locations.ymd()).map(Part::of)),
                "datetime" => parts.extend(StrftimeItems::new(locations.datetime()).map(Part::of)),
                _ => parts.push(model.map_or(Part::Model, |model| Part::Text(model.name()))),
            }
            rest = after;
        }
        parts.push(Part::Text(rest));
        Self { location, parts, ending }
    }

    /// The folders of the location, as written.
    pub(crate) fn folders(&self) -> &'c str {
        self.location.rsplit_once('/').map_or("", |(folders, _)| folders)
    }

    /// The folder that holds all objects: the folders without a placeholder.
    pub(crate) fn folder(&self) -> String {
        let fixed: Vec<&str> = self.folders().split('/').take_while(|folder| !folder.contains('{')).collect();
        fixed.join("/")
    }

    /// The time of the run and its part, which is empty for a whole run; `None` for a key of another location.
    pub(crate) fn run_of<'k>(&self, key: &'k str) -> Option<(DateTime<Utc>, &'k str)> {
        let items = self.parts.iter().map(|part| match part {
            Part::Text(text) => Item::Literal(text),
            Part::Time(item) => item.clone(),
            Part::Model => Item::Error,
        });
        let mut time = Parsed::new();
        let rest = parse_and_remainder(&mut time, key, items).ok()?;
        // The formats may leave out hours and minutes.
        if time.timestamp().is_none() && time.hour_mod_12().is_none() {
            time.set_hour(0).ok()?;
        }
        if time.timestamp().is_none() && time.minute().is_none() {
            time.set_minute(0).ok()?;
        }
        let part = rest.strip_suffix(self.ending)?;
        let part = if part.is_empty() { part } else { part.strip_prefix('_')? };
        Some((time.to_naive_datetime_with_offset(0).ok()?.and_utc(), part))
    }

    /// The keys of the location, parts of runs included.
    pub(crate) fn written(&self, Notation { text, number, any }: Notation<'_>) -> String {
        let mut written = String::new();
        for part in &self.parts {
            written.push_str(&match part {
                Part::Text(fixed) => text(fixed),
                Part::Time(Item::Numeric(unit, Pad::Zero)) => {
                    width(unit).map_or_else(|| any.to_owned(), |width| number(unit, width))
                }
                Part::Time(_) | Part::Model => any.to_owned(),
            });
        }
        written + any + &text(self.ending)
    }
}

impl<'c> Part<'c> {
    fn of(item: Item<'c>) -> Self {
        match item {
            Item::Literal(text) | Item::Space(text) => Self::Text(text),
            item => Self::Time(item),
        }
    }
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
