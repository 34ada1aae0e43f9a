//! The mapping sections: `<output field> = <response field> <type>[?] [A|B|C]`.

use std::collections::HashMap;

use crate::record::{ASKED_AT, Field, FieldType, ID, Mapping, Model, Place, TOPIC};

use super::document::{IniDocument, misread};
use crate::similar::did_you_mean;

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
        document.missing(section, "", "the mapping of the model's fields is needed");
    }
    let lines = lines.unwrap_or_default();
    let fields: Vec<Field> = lines.iter().filter_map(|(output, line)| field(document, section, output, line)).collect();
    check_own(document, section, &fields);
    check_requests(document, model, &fields);
    let has_id = fields.iter().any(|f| f.response == ID && f.kind == FieldType::Str);
    if !lines.is_empty() && !has_id {
        document.fault(section, "", "no field is made from `id str`; a warehouse needs the id of each record");
    }
    Mapping::new(model, fields)
}

/// Reports a field of the collector's own whose type does not fit its values, or that lists allowed values, which are
/// not checked for such fields.
fn check_own(document: &mut IniDocument, section: &str, fields: &[Field]) {
    for field in fields {
        let expected = match field.response.as_str() {
            TOPIC => FieldType::Str,
            ASKED_AT => FieldType::Timestamp,
            _ => continue,
        };
        if field.kind != expected || field.allowed.is_some() {
            let (name, kind) = (&field.response, expected.name());
            let problem =
                format!("{name} is a field of the collector: `{name} {kind}` without allowed values expected");
            document.fault(section, &field.output, problem);
        }
    }
}

/// The field of a profile that holds its media.
const MEDIA: &str = "media";

/// Reports response fields that are requested in two ways, or that the API is known to refuse.
fn check_requests(document: &mut IniDocument, model: Model, fields: &[Field]) {
    let mut first: HashMap<&str, &Field> = HashMap::new();
    for field in fields {
        let other = *first.entry(&field.response).or_insert(field);
        if other.request != field.request {
            let problem = format!(
                "requests {}, and {} requests {}: give both the same",
                field.request, other.output, other.request
            );
            document.fault(model.section(), &field.output, problem);
        }
        if model == Model::Brand && field.response == MEDIA {
            let problem = format!("requests {MEDIA}, which each call requests already: [luxury_media] maps them");
            document.fault(model.section(), &field.output, problem);
        }
        let (name, within) = field.request.split_once('{').unwrap_or((&field.request, ""));
        let of_children = within.trim_end_matches('}').split(',').filter(|name| Place::Child.refuses(name));
        for name in Some(name).filter(|name| Place::of(model).refuses(name)).into_iter().chain(of_children) {
            let problem = format!(
                "the API is known to refuse a call that requests {name} here: no {model} record would be collected"
            );
            document.notice(model.section(), &field.output, problem);
        }
    }
}

/// Whether a response field can have this name, which becomes part of the `fields` expression of a call.
pub(super) fn is_response_field(name: &str) -> bool {
    requested(name, FieldType::Str).is_ok()
}

fn field(document: &mut IniDocument, section: &str, output: &str, line: &str) -> Option<Field> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ([response, kind] | [response, kind, _]) = *words.as_slice() else {
        let problem = format!("{line:?} given, `<response field> <type>` and optionally `A|B|C` expected");
        document.fault(section, output, problem);
        return None;
    };
    if response.contains('{') && !response.contains('}') {
        let problem = format!("{line:?} given, braces without spaces expected: name{{name,name}}");
        document.fault(section, output, problem);
        return None;
    }
    let (name, nullable) = kind.strip_suffix('?').map_or((kind, false), |name| (name, true));
    let Some(kind) = FieldType::from_name(name) else {
        let known = FieldType::ALL.map(FieldType::name).join(", ");
        let meant = did_you_mean(name, FieldType::ALL.map(FieldType::name));
        let problem =
            format!("the type {kind:?} given{meant}, one of {known} expected, or one of them with `?` for null");
        document.fault(section, output, problem);
        return None;
    };
    let request = response;
    let response = match requested(request, kind) {
        Ok(name) => name,
        Err(problem) => {
            document.fault(section, output, problem);
            return None;
        }
    };
    if kind == FieldType::Json && words.len() > 2 {
        document.fault(section, output, format!("{line:?} gives allowed values, which a json field cannot have"));
    }
    let allowed = words.get(2).copied().or_else(|| documented(response));
    if let Some(problem) = misread(line) {
        document.fault(section, output, format!("{line:?} given, and {problem}"));
    }
    let allowed: Option<Vec<String>> = allowed.map(|values| values.split('|').map(str::to_owned).collect());
    if allowed.iter().flatten().any(String::is_empty) {
        let problem = format!("the allowed values of {line:?} hold an empty one; write `A|B|C`");
        document.fault(section, output, problem);
    }
    Some(Field { nullable, allowed, request: request.to_owned(), ..Field::new(output, response, kind) })
}

/// The response field that `request` names. It becomes part of the `fields` expression of a call, so it may hold no
/// character that has a meaning there, except the braces of a `json` field.
fn requested(request: &str, kind: FieldType) -> Result<&str, String> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let given = || format!("the response field {request:?} given");
    let (name, within) = match request.split_once('{') {
        None => (request, None),
        Some((name, within)) => (name, Some(within.strip_suffix('}').unwrap_or_default())),
    };
    if kind != FieldType::Json && within.is_some() {
        return Err(format!("{}, a name of [a-z0-9_] expected; only a json field asks for fields within it", given()));
    }
    if !is_name(name) || within.is_some_and(|fields| !fields.split(',').all(is_name)) {
        let form = if kind == FieldType::Json { ", or name{name,name} without spaces," } else { "" };
        return Err(format!("{}, a name of [a-z0-9_]{form} expected", given()));
    }
    Ok(name)
}
