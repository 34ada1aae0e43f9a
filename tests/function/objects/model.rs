//! The rules for records and pages, written as simply as possible. The model uses no code of the collector, so that the
//! two cannot share a mistake.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::api::Call;
use super::given::{Line, Mapping, PAGE, Received, Run, Topic};
use super::values::GOOD_URLS;

/// Replaces any time within the run.
pub const WITHIN_THE_RUN: &str = "within the run";

/// The expected result of a run.
pub struct Expected<'r> {
    pub calls: Vec<Call>,
    /// The result for each model of the job, in the order of the mappings.
    pub models: Vec<Stored<'r>>,
    /// The topics whose responses had more records than requested, and how many more.
    pub surplus: Vec<(&'static str, usize)>,
}

/// The expected objects of one model.
#[derive(Default)]
pub struct Stored<'r> {
    pub records: Vec<Vec<(&'static str, Value)>>,
    /// The run's topics, each with its user id, the number of its records, and the id of another account.
    pub topics: Vec<(&'static str, &'r str, usize, Option<String>)>,
    pub rejected: Vec<Rejected>,
    pub defaulted: ByFieldAndReason,
}

pub type ByFieldAndReason = BTreeMap<String, BTreeMap<String, Vec<Defaulted>>>;

/// A record that is left out, as in the quality object.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejected {
    pub topic: String,
    pub reason: String,
    /// As JSON text.
    #[serde(deserialize_with = "json_text")]
    pub record: String,
}

/// A field that gets its default, as in the quality object.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaulted {
    pub id: String,
    /// The value as JSON text; `None` if the response had none.
    #[serde(default, deserialize_with = "some_json_text")]
    pub value: Option<String>,
}

fn json_text<'d, D: Deserializer<'d>>(value: D) -> Result<String, D::Error> {
    Box::<RawValue>::deserialize(value).map(|raw| raw.get().to_owned())
}

fn some_json_text<'d, D: Deserializer<'d>>(value: D) -> Result<Option<String>, D::Error> {
    json_text(value).map(Some)
}

impl Stored<'_> {
    pub fn defaults(&self) -> usize {
        self.defaulted.values().flat_map(BTreeMap::values).map(Vec::len).sum()
    }
}

pub fn expected(run: &Run) -> Expected<'_> {
    let models = run.mappings.iter().map(|_| Stored::default()).collect();
    let mut expected = Expected { calls: Vec::new(), models, surplus: Vec::new() };
    let asked = |topic: &&Topic| run.subset.as_ref().is_none_or(|subset| subset.contains(&topic.name));
    for topic in run.topics.iter().filter(asked) {
        if let [brand, _] = &run.mappings[..] {
            let received = as_received(&topic.profile);
            add(&mut expected.models[0], brand, topic, &topic.profile, received, &mut BTreeSet::new());
        }
        media(run, topic, &mut expected);
        for stored in &mut expected.models {
            let before: usize = stored.topics.iter().map(|(_, _, records, _)| records).sum();
            let of_an_account = id(&topic.profile).ok().filter(|id| run.mappings.len() == 2 && *id != topic.user_id);
            stored.topics.push((topic.name, &topic.user_id, stored.records.len() - before, of_an_account));
        }
    }
    expected.calls.sort();
    expected
}

/// The media of a topic, page by page: up to the configured number, or a page without a next page.
fn media(run: &Run, topic: &Topic, expected: &mut Expected<'_>) {
    let (mapping, stored) = run.mappings.iter().zip(&mut expected.models).next_back().unwrap();
    let (mut seen, mut surplus) = (BTreeSet::new(), 0);
    for (n, page) in topic.pages.iter().enumerate() {
        let limit = PAGE.min(run.media - n * PAGE);
        expected.calls.push(Call { topic: topic.name.to_owned(), page: n, limit });
        let kept = &page.records[..limit.min(page.records.len())];
        surplus += page.records.len() - kept.len();
        for record in kept {
            add(stored, mapping, topic, record, run.text(record), &mut seen);
        }
        if !page.cursor {
            break;
        }
    }
    if surplus > 0 {
        expected.surplus.push((topic.name, surplus));
    }
}

/// Stores a record once, or notes why it is left out.
fn add(
    stored: &mut Stored<'_>,
    mapping: &Mapping,
    topic: &Topic,
    record: &Received,
    text: String,
    seen: &mut BTreeSet<String>,
) {
    let id = match id(record) {
        Ok(id) => id,
        Err(reason) => {
            let (topic, reason) = (topic.name.to_owned(), reason.to_owned());
            return stored.rejected.push(Rejected { topic, reason, record: for_any_reader(text) });
        }
    };
    if !seen.insert(id.clone()) {
        return;
    }
    let mut fields = Vec::new();
    for line in &mapping.lines {
        let received = field(record, line.response);
        let value = match received {
            _ if line.response == "topic" => Ok(Value::from(topic.name)),
            _ if line.response == "asked_at" => Ok(Value::from(WITHIN_THE_RUN)),
            _ if mapping.model != "brand" && line.response == "user_id" => Ok(Value::from(topic.user_id.clone())),
            Some(text) => value(line, text),
            None => Err("not found field"),
        };
        fields.push((
            line.output,
            value.unwrap_or_else(|reason| {
                let of_field = stored.defaulted.entry(line.output.to_owned()).or_default();
                let listed = Defaulted { id: id.clone(), value: received.map(|text| for_any_reader(text.to_owned())) };
                of_field.entry(reason.to_owned()).or_default().push(listed);
                default(line)
            }),
        ));
    }
    stored.records.push(fields);
}

/// A JSON text, or a string that holds it if a strict reader rejects it at five levels, the depth at which it is
/// stored.
fn for_any_reader(text: String) -> String {
    match serde_json::from_str::<Value>(&format!("[[[[[{text}]]]]]")) {
        Ok(_) => text,
        Err(_) => Value::from(text).to_string(),
    }
}

/// A profile's own fields. The quality object has the profile without its media, so it is written again, without
/// spaces.
fn as_received(profile: &Received) -> String {
    let Received::Object(fields) = profile else { return String::new() };
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}:{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

/// The last field with a name.
fn field<'r>(record: &'r Received, name: &str) -> Option<&'r str> {
    let Received::Object(fields) = record else { return None };
    let named = |text: &str| serde_json::from_str::<String>(text).is_ok_and(|text| text == name);
    fields.iter().rfind(|(text, _)| named(text)).map(|(_, value)| value.as_str())
}

/// A record's id, or why the record is left out.
pub fn id(record: &Received) -> Result<String, &'static str> {
    if let Received::Other(_) = record {
        return Err("record is not an object");
    }
    match serde_json::from_str(field(record, "id").ok_or("id not found")?) {
        Ok(Value::String(id)) if !id.is_empty() && id.chars().all(|c| c.is_ascii_digit()) => Ok(id),
        Ok(Value::String(_)) => Err("id is not made of digits"),
        _ => Err("id is not a string"),
    }
}

fn value(line: &Line, text: &str) -> Result<Value, &'static str> {
    let read = serde_json::from_str::<Value>(text);
    if line.kind == "int" {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.chars().all(|c| c.is_ascii_digit()) {
            return Err("wrong type");
        }
        let number: i64 = text.parse().map_err(|_| "out of range")?;
        return allowed(line, &number.to_string()).map(|()| number.into());
    }
    let text = match read {
        Ok(Value::String(text)) => text,
        Err(_) if text.starts_with('"') => return Err("not unicode"),
        _ => return Err("wrong type"),
    };
    let text = match line.kind {
        "url" if !text.is_empty() && !GOOD_URLS.contains(&text.as_str()) => return Err("not a url"),
        "timestamp" => timestamp(&text).ok_or("not a timestamp")?,
        _ => text,
    };
    allowed(line, &text).map(|()| text.into())
}

fn allowed(line: &Line, text: &str) -> Result<(), &'static str> {
    let values = match (line.allowed, line.response) {
        ("", "media_type") => "IMAGE|VIDEO|CAROUSEL_ALBUM",
        ("", "media_product_type") => "AD|FEED|STORY|REELS",
        ("", _) => return Ok(()),
        (values, _) => values,
    };
    if values.split('|').any(|value| value == text) { Ok(()) } else { Err("not an allowed value") }
}

fn default(line: &Line) -> Value {
    match line.kind {
        _ if line.nullable => Value::Null,
        "int" => 0.into(),
        "timestamp" => "1970-01-01T00:00:00+0000".into(),
        _ => "".into(),
    }
}

/// The stored form of `YYYY-MM-DDTHH:MM:SS` with `Z`, `+HHMM` or `+HH:MM`. It has the offset as `+HHMM`.
fn timestamp(text: &str) -> Option<String> {
    let form: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let (local, offset) = form.split_at_checked(19)?;
    if local != "0000-00-00T00:00:00" {
        return None;
    }
    let offset = match offset {
        "Z" => "+0000".to_owned(),
        "+0000" | "-0000" | "+00:00" | "-00:00" => text[19..].replace(':', ""),
        _ => return None,
    };
    let number = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap();
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    let real = year > 0 && (1..=days).contains(&day);
    let clock = number(11, 13) < 24 && number(14, 16) < 60 && number(17, 19) < 60;
    let zone = offset[1..3].parse::<u32>().unwrap() < 24 && offset[3..].parse::<u32>().unwrap() < 60;
    let offset = if offset == "-0000" { "+0000" } else { &offset };
    (real && clock && zone).then(|| format!("{}{offset}", &text[..19]))
}
