//! A page of media: the fields that were asked for, and the cursor to the next page.

use serde_json::{Map, Value, json};

use super::expression::Node;

pub(super) fn unknown<'n>(asked: &'n [Node], known: &[&str], gone: &[&str]) -> Option<&'n str> {
    asked.iter().map(|n| n.name.as_str()).find(|name| !known.contains(name) || gone.contains(name))
}

/// The known fields among those asked for. The id is always included.
pub(super) fn only(fields: &Map<String, Value>, asked: &[Node]) -> Map<String, Value> {
    let is_requested = |name: &String| name == "id" || asked.iter().any(|n| n.name == *name);
    fields.iter().filter(|(name, _)| is_requested(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
}

/// A page and the cursor to the next one. A page that is not part of a profile also has the address of the
/// next page, with the token in it.
pub(super) fn page(media: &[Map<String, Value>], asked: &[Node], skip: usize, token: Option<&str>) -> Value {
    let records: Vec<_> = media.iter().map(|m| only(m, asked)).collect();
    let after = format!("{CURSOR}{}", skip + records.len());
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
