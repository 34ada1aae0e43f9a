//! Records as they were stored: a JSON array, or one object a line.

use std::fmt;

use chrono::DateTime;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Moment;
use collector::record::{ID, Mapping, Model, OWNER};

/// The fields of a record that the terminal uses, of all models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// The house: the account's id, or that of the topic.
    pub(crate) user_id: String,
    pub(crate) user_name: String,
    /// The name in a profile.
    pub(crate) name: String,
    /// The requested account or hashtag, if the mapping stores it.
    pub(crate) topic: String,
    /// When the response arrived, in seconds since 1970, if the mapping stores it.
    pub(crate) asked_at: Option<i64>,
    pub(crate) followers_count: Option<i64>,
    pub(crate) media_count: Option<i64>,
    pub(crate) media_id: String,
    /// When it was published, in seconds since 1970; `None` for the default too.
    pub(crate) timestamp: Option<i64>,
    pub(crate) caption: String,
    pub(crate) media_type: String,
    pub(crate) media_product_type: String,
    pub(crate) permalink: String,
    pub(crate) like_count: Option<i64>,
    pub(crate) comments_count: Option<i64>,
}

impl Record {
    /// When the response arrived; `None` if the mapping does not store it.
    pub(super) fn moment(&self) -> Option<Moment> {
        let at = DateTime::from_timestamp(self.asked_at?, 0)?;
        Some(Moment { at, known: true })
    }

    /// The id by which a quality object knows a record of `model`.
    pub(crate) fn id(&self, model: Model) -> &str {
        if model == Model::Brand { &self.user_id } else { &self.media_id }
    }
}

/// Where a record keeps a field.
pub(super) enum Slot<'r> {
    Text(&'r mut String),
    Figure(&'r mut Option<i64>),
    /// In seconds since 1970; `None` for the default.
    Instant(&'r mut Option<i64>),
}

/// Where a record of `model` keeps a field of the response; `None` for a field that the terminal does not use.
pub(super) fn slot(model: Model, response: &str) -> Option<fn(&mut Record) -> Slot<'_>> {
    Some(match (model, response) {
        (Model::Brand, ID) | (Model::Media | Model::MediaHashtag, OWNER) => |record| Slot::Text(&mut record.user_id),
        (_, ID) => |record| Slot::Text(&mut record.media_id),
        (_, "topic") => |record| Slot::Text(&mut record.topic),
        (_, "asked_at") => |record| Slot::Instant(&mut record.asked_at),
        (Model::Brand, "name") => |record| Slot::Text(&mut record.name),
        (_, "username") => |record| Slot::Text(&mut record.user_name),
        (_, "timestamp") => |record| Slot::Instant(&mut record.timestamp),
        (_, "caption") => |record| Slot::Text(&mut record.caption),
        (_, "media_type") => |record| Slot::Text(&mut record.media_type),
        (_, "media_product_type") => |record| Slot::Text(&mut record.media_product_type),
        (_, "permalink") => |record| Slot::Text(&mut record.permalink),
        (_, "followers_count") => |record| Slot::Figure(&mut record.followers_count),
        (_, "media_count") => |record| Slot::Figure(&mut record.media_count),
        (_, "like_count") => |record| Slot::Figure(&mut record.like_count),
        (_, "comments_count") => |record| Slot::Figure(&mut record.comments_count),
        _ => return None,
    })
}

/// The records of an object. The mapping says which field is which.
///
/// # Errors
/// The problem and its position, as text for a person.
pub(crate) fn records(mapping: &Mapping, bytes: &[u8]) -> Result<Vec<Record>, String> {
    if bytes.trim_ascii().is_empty() {
        return Err("it is empty".to_owned());
    }
    parsed(mapping, bytes).map_err(|error| error.to_string())
}

fn parsed(mapping: &Mapping, bytes: &[u8]) -> serde_json::Result<Vec<Record>> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    if bytes.trim_ascii_start().starts_with(b"[") {
        let records = json.deserialize_seq(Records(mapping))?;
        json.end()?;
        return Ok(records);
    }
    let mut records = Vec::new();
    while json.end().is_err() {
        records.push(OneRecord(mapping).deserialize(&mut json)?);
    }
    Ok(records)
}

/// The seconds since 1970 of an instant as records write it; `None` for the default and for any other text.
pub(super) fn seconds(timestamp: &str) -> Option<i64> {
    let time = chrono::DateTime::parse_from_str(timestamp, "%Y-%m-%dT%H:%M:%S%z").ok()?.timestamp();
    (time != 0).then_some(time)
}

/// Reads an array of records.
struct Records<'m>(&'m Mapping);

impl<'de> Visitor<'de> for Records<'_> {
    type Value = Vec<Record>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut records = Vec::new();
        while let Some(record) = array.next_element_seed(OneRecord(self.0))? {
            records.push(record);
        }
        Ok(records)
    }
}

/// Reads one record.
struct OneRecord<'m>(&'m Mapping);

impl<'de> DeserializeSeed<'de> for OneRecord<'_> {
    type Value = Record;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Record, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneRecord<'_> {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let mut record = Record::default();
        while let Some(name) = map.next_key::<String>()? {
            let field = self.0.fields().iter().find(|field| field.output == name);
            match field.and_then(|field| slot(self.0.model, &field.response)).map(|slot| slot(&mut record)) {
                // A nullable field may be null.
                Some(Slot::Text(text)) => *text = map.next_value::<Option<String>>()?.unwrap_or_default(),
                Some(Slot::Instant(instant)) => {
                    *instant = map.next_value::<Option<String>>()?.as_deref().and_then(seconds)
                }
                Some(Slot::Figure(figure)) => {
                    *figure = map.next_value().map_err(|error| A::Error::custom(format!("{name}: {error}")))?;
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use collector::config::Config;

    const SHIPPED: &str = include_str!("../../../../configure.ini");

    fn media(bytes: &[u8]) -> Result<Vec<Record>, String> {
        records(Config::parse(SHIPPED.as_bytes(), "x").unwrap().mapping(Model::Media), bytes)
    }

    #[test]
    fn an_array_and_an_object_a_line_give_the_same_records() {
        let array = media(br#"[{"media_id":"1","like_count":3},{"media_id":"2"}]"#).unwrap();
        let lines = media(b"{\"media_id\":\"1\",\"like_count\":3}\n{\"media_id\":\"2\"}\n").unwrap();
        assert_eq!(array, lines);
        assert_eq!((array.len(), array[0].like_count), (2, Some(3)));
    }

    #[test]
    fn a_field_has_the_name_that_the_mapping_gives_it() {
        let renamed = SHIPPED
            .replace("media_id = id str", "post = id str")
            .replace("user_id = user_id str", "house = user_id str")
            .replace("like_count = like_count int", "likes = like_count int");
        let config = Config::parse(renamed.as_bytes(), "x").unwrap();
        let read = records(config.mapping(Model::Media), br#"[{"house":"7","post":"1","likes":3,"like_count":9}]"#);
        let expected = Record { user_id: "7".into(), media_id: "1".into(), like_count: Some(3), ..Record::default() };
        assert_eq!(read, Ok(vec![expected]));
    }

    #[test]
    fn the_null_of_a_nullable_field_is_a_missing_one() {
        let nulls = media(
            br#"[{"user_id":"1","media_id":"2","timestamp":null,"caption":null,"media_type":null,"media_product_type":null,"permalink":null,"like_count":null}]"#,
        );
        assert_eq!(nulls, media(br#"[{"user_id":"1","media_id":"2"}]"#));
    }

    #[test]
    fn a_broken_object_is_an_error_with_the_position() {
        assert_eq!(media(b" \n").unwrap_err(), "it is empty");
        for broken in [&br#"[{"media_id":"1"},{"media_"#[..], b"{\"media_id\":\"1\"}\n{\"media_"] {
            let error = media(broken).unwrap_err();
            assert!(error.contains("EOF") && error.contains("column"), "{error}");
        }
        let error = media(br#"[{"like_count":"12"}]"#).unwrap_err();
        assert!(error.contains("like_count: invalid type: string"), "{error}");
        assert!(media(b"[] []").is_err());
    }

    #[test]
    fn the_default_timestamp_is_no_time() {
        assert_eq!(seconds("1970-01-01T00:00:00+0000"), None);
        assert_eq!(seconds("yesterday"), None);
        assert_eq!(seconds("2026-11-24T03:00:00+0900"), seconds("2026-11-23T18:00:00+0000"));
    }
}
