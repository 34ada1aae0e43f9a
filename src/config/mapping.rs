//! The mapping sections: `<output field> = <response field> <type>[?] [A|B|C]`.

use crate::record::{Field, FieldType, ID, Mapping, Model};

use super::document::IniDocument;
use super::fault::quoted;

/// The values that the API documents for a response field, for mapping lines that list none.
fn documented(response: &str) -> Option<&'static str> {
    match response {
        "media_type" => Some("IMAGE|VIDEO|CAROUSEL_ALBUM"),
        "media_product_type" => Some("AD|FEED|STORY|REELS"),
        _ => None,
    }
}

pub(super) fn resolve(document: &mut IniDocument, model: Model) -> Mapping {
    let section = model.section();
    let lines = document.section(section);
    if lines.as_ref().is_none_or(Vec::is_empty) {
        document.fault(section, "", "missing; the mapping of the model's fields is needed");
    }
    let lines = lines.unwrap_or_default();
    let fields: Vec<Field> = lines.iter().filter_map(|(output, line)| field(document, section, output, line)).collect();
    let has_id = fields.iter().any(|f| f.response == ID && f.kind == FieldType::Str);
    if !lines.is_empty() && !has_id {
        document.fault(section, "", "no field is made from `id str`; the warehouse takes no record without an id");
    }
    Mapping::new(model, fields)
}

/// Whether a response field can have this name, which is spliced into the `fields` expression of a call.
pub(super) fn is_response_field(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn field(document: &mut IniDocument, section: &str, output: &str, line: &str) -> Option<Field> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ([response, kind] | [response, kind, _]) = *words.as_slice() else {
        let problem = format!("{} given, `<response field> <type>` and optionally `A|B|C` expected", quoted(line));
        document.fault(section, output, problem);
        return None;
    };
    // The name becomes part of the `fields` expression of a call.
    if !is_response_field(response) {
        let problem = format!("the response field {} given, a name of [a-z0-9_] expected", quoted(response));
        document.fault(section, output, problem);
    }
    let (name, nullable) = kind.strip_suffix('?').map_or((kind, false), |name| (name, true));
    let Some(kind) = FieldType::from_name(name) else {
        let known = FieldType::ALL.map(FieldType::name).join(", ");
        let kind = quoted(kind);
        let problem = format!("the type {kind} given, one of {known} expected, or one of them with `?` for null");
        document.fault(section, output, problem);
        return None;
    };
    let allowed = words.get(2).copied().or_else(|| documented(response));
    let allowed: Option<Vec<String>> = allowed.map(|values| values.split('|').map(str::to_owned).collect());
    if allowed.iter().flatten().any(String::is_empty) {
        let problem = format!("the allowed values of {} hold an empty one; write `A|B|C`", quoted(line));
        document.fault(section, output, problem);
    }
    Some(Field { nullable, allowed, ..Field::new(output, response, kind) })
}
