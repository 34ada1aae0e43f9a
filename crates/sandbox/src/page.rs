//! A page of media: the requested fields, and the cursor to the next page.

use serde_json::{Map, Value, json};

use super::expression::Node;
use super::reply::Reply;
use collector::record::Place;

/// The API's response to a call that requests a field that `place` does not have; `None` if it has them all.
pub(super) fn refused(asked: &[Node], place: Place, removed: &[&str]) -> Option<Reply> {
    let node = if place == Place::Profile { "IGUser" } else { "IGMedia" };
    asked.iter().find_map(|Node { name, fields, .. }| {
        if place.has(name) && !removed.contains(&name.as_str()) {
            let is_album = name == "children";
            return if is_album { refused(fields, Place::Child, removed) } else { None };
        }
        Some(match place {
            _ if removed.contains(&name.as_str()) => Reply::unknown_field(name, node),
            // Quoted by public projects from live responses; neither names the field.
            Place::Child if place.refuses(name) => {
                Reply::error(400, 100, None, "(#100) Field is not available for Carousel children media")
            }
            Place::Media | Place::Hashtag if place.refuses(name) => {
                Reply::error(400, 100, None, "(#100) Please read documentation for supported fields")
            }
            _ => Reply::unknown_field(name, node),
        })
    })
}

/// The requested fields that exist, and always the id. The same for an album's elements.
pub(super) fn only(fields: &Map<String, Value>, asked: &[Node]) -> Map<String, Value> {
    let requested = |(name, value): (&String, &Value)| {
        let node = asked.iter().find(|node| node.name == *name);
        let value = match (node, value.get("data").and_then(Value::as_array)) {
            (Some(node), Some(parts)) => {
                let part = |part: &Value| part.as_object().map(|part| only(part, &node.fields));
                json!({ "data": parts.iter().filter_map(part).collect::<Vec<_>>() })
            }
            _ => value.clone(),
        };
        (node.is_some() || name == "id").then(|| (name.clone(), value))
    };
    fields.iter().filter_map(requested).collect()
}

/// A page and the cursor to the next one. A page that is not part of a profile also has the address of the
/// next page, with the token in it.
pub(super) fn page(media: &[Map<String, Value>], asked: &[Node], skip: usize, token: Option<&str>) -> Value {
    let records: Vec<_> = media.iter().map(|m| only(m, asked)).collect();
    let after = format!("{CURSOR}{}", skip + records.len());
    if records.is_empty() {
        return json!({"data": records});
    }
    let mut page = json!({"data": records, "paging": {"cursors": {"after": after}}});
    if let (Some(token), Some(paging)) = (token, page.pointer_mut("/paging").and_then(Value::as_object_mut)) {
        paging.insert(
            "next".to_owned(),
            format!("https://graph.facebook.com/next?after={after}&access_token={token}").into(),
        );
    }
    page
}

const CURSOR: &str = "QVFIUsandbox";

pub(super) fn skipped(after: Option<&str>) -> usize {
    after.and_then(|a| a.strip_prefix(CURSOR)?.parse().ok()).unwrap_or(0)
}
