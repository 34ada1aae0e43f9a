//! Where the objects of a location are, in the form that the templates need.

use anyhow::{Result, bail};
use chrono::format::{Item, Numeric, Pad, StrftimeItems};
use serde::Serialize;

use crate::stored::{Notation, Pattern};
use collector::config::Locations;
use collector::record::Model;

use super::Target;

/// The objects of a model's records, or all quality objects.
#[derive(Debug, Serialize)]
pub(super) struct Objects {
    /// The bucket or folder, without a slash at its end.
    root: String,
    /// All objects, including parts of runs, but none of another model: `media_*` would match `media_hashtag_...` too.
    glob: String,
    /// The same without the root.
    below_root: String,
    /// A regular expression that matches a key at the end of a path.
    key_pattern: String,
    /// A regular expression that matches a whole path.
    path_pattern: String,
    /// For engines that read folders: the folder that holds all objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    /// For engines that read folders: its folders by date, if it has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<Partition>,
}

/// The folders of a location by date.
#[derive(Debug, Serialize)]
struct Partition {
    /// The path of a folder, with `${ymd}` for the date.
    path: String,
    /// The format of the date in Java's notation, and the unit in which it advances. Athena only.
    #[serde(flatten)]
    date: Option<JavaDate>,
}

#[derive(Debug, Serialize)]
struct JavaDate {
    format: String,
    unit: &'static str,
}

/// How to read the time of a run from an object's key.
#[derive(Debug, Serialize)]
pub(super) struct Moment {
    /// A regular expression of keys with a group for each part of the time.
    pattern: String,
    /// The replacement that gives the time, as in `2026-11-24T03:00:00+0000`, with `$1` for the first group.
    time: String,
    /// The replacement that gives the day, as in `2026-11-24`.
    day: String,
}

/// Checks that no other model shares the folders of a model's records.
///
/// # Errors
/// If the engine reads folders, and another model has the same folders.
pub(super) fn check_folders(locations: &Locations, model: Model, target: Target) -> Result<()> {
    let folders = |model| Pattern::records(locations, model).folders();
    let shares = |other: &Model| *other != model && folders(*other) == folders(model);
    if target.reads_folders()
        && let Some(other) = Model::ALL.into_iter().find(shares)
    {
        bail!(
            "{model} and {other} share the folder {:?}: an engine that reads whole folders cannot tell them apart; give each its own in [common]",
            folders(model)
        );
    }
    Ok(())
}

impl Objects {
    /// The objects of a pattern.
    ///
    /// # Errors
    /// If the engine reads folders, and the folders of the location are not those of a date.
    pub(super) fn new(pattern: &Pattern<'_>, locations: &Locations, root: &str, target: Target) -> Result<Self> {
        let mut number = |_: &Numeric, width| "[0-9]".repeat(width);
        let glob = pattern.written(Notation { text: &str::to_owned, number: &mut number, any: "*" });
        let mut number = |_: &Numeric, width| digits(width);
        let keys = pattern.written(Notation { text: &escaped, number: &mut number, any: ".*" });
        let within = |folder: &str| format!("{root}/{folder}{}", if folder.is_empty() { "" } else { "/" });
        let mut objects = Self {
            root: root.to_owned(),
            glob: format!("{root}/{glob}"),
            below_root: glob,
            key_pattern: format!("{keys}$"),
            path_pattern: format!(".*{keys}"),
            folder: None,
            partition: None,
        };
        if target.reads_folders() {
            let folders = pattern.folders();
            if folders.contains("{datetime}") {
                bail!(
                    "the folder {folders:?} holds {{datetime}}: each run would be a partition; keep it to the object's name in [common]"
                );
            }
            objects.folder = Some(within(&pattern.folder()));
            if folders.contains("{ymd}") {
                let date = (target == Target::Athena).then(|| java_date(locations.ymd())).transpose()?;
                objects.partition = Some(Partition { path: within(&folders.replace('{', "${")), date });
            }
        }
        Ok(objects)
    }
}

impl Moment {
    /// The time of the runs of a pattern.
    ///
    /// # Errors
    /// If the keys do not hold the day in numbers of fixed width.
    pub(super) fn new(pattern: &Pattern<'_>, locations: &Locations) -> Result<Self> {
        const UNITS: [Numeric; 6] =
            [Numeric::Year, Numeric::Month, Numeric::Day, Numeric::Hour, Numeric::Minute, Numeric::Second];
        // The first number of each unit is a group. By unit: the reference to its group.
        let mut groups: [Option<String>; 6] = Default::default();
        let mut number = |unit: &Numeric, width| {
            let (unit, century) = if *unit == Numeric::YearMod100 { (&Numeric::Year, "20") } else { (unit, "") };
            let next = groups.iter().flatten().count() + 1;
            let mut units = UNITS.iter().zip(&mut groups);
            let Some((_, group)) = units.find(|(known, group)| *known == unit && group.is_none()) else {
                return digits(width);
            };
            *group = Some(format!("{century}${next}"));
            format!("({})", digits(width))
        };
        let keys = pattern.written(Notation { text: &escaped, number: &mut number, any: ".*" });
        let [Some(year), Some(month), Some(day), hour, minute, second] = groups else {
            bail!(
                "collected_at cannot be read from names like {}: year, month and day in numbers of fixed width expected in [common] datetime, as in %Y-%m-%d_%H%M%S ({} given)",
                pattern.location,
                locations.datetime()
            );
        };
        let day = format!("{year}-{month}-{day}");
        let [hour, minute, second] = [hour, minute, second].map(|part| part.unwrap_or_else(|| "00".to_owned()));
        Ok(Self { pattern: format!("^{keys}$"), time: format!("{day}T{hour}:{minute}:{second}+0000"), day })
    }
}

/// `[common] ymd` in Java's notation.
fn java_date(ymd: &str) -> Result<JavaDate> {
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
    let mut format = String::new();
    let mut finest = UNITS.len();
    for item in StrftimeItems::new(ymd) {
        if let Item::Literal(text) | Item::Space(text) = item {
            format.push_str(&java_literal(text));
            continue;
        }
        let mut units = UNITS.iter().enumerate();
        let Some((i, (_, letters, _))) = units.find(|(_, (unit, ..))| item == Item::Numeric(unit.clone(), Pad::Zero))
        else {
            bail!("partitions cannot be made from [common] ymd = {ymd}: numbers of fixed width like %Y-%m-%d can")
        };
        format.push_str(letters);
        finest = finest.min(i);
    }
    let unit = UNITS.get(finest).map_or("DAYS", |(.., unit)| unit);
    Ok(JavaDate { format, unit })
}

fn java_literal(text: &str) -> String {
    if text.chars().any(|c| c.is_ascii_alphabetic() || c == '\'') {
        return format!("'{}'", text.replace('\'', "''"));
    }
    text.to_owned()
}

/// A text in a regular expression of any engine.
fn escaped(text: &str) -> String {
    let letter = |c: char| match c {
        c if c.is_alphanumeric() || matches!(c, '/' | '_' | '-' | ' ') => c.to_string(),
        // These have a special meaning within brackets.
        '^' | '[' | ']' => ".".to_owned(),
        c => format!("[{c}]"),
    };
    text.chars().map(letter).collect()
}

/// A regular expression of a number of `width` digits.
fn digits(width: usize) -> String {
    format!("[0-9]{{{width}}}")
}
