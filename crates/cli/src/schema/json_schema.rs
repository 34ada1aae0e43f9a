//! A JSON Schema of an object's array, or of one line if the format is ndjson.

use anyhow::{Result, anyhow};
use serde_json::{Map, Value, json};

use crate::failure::UsageError;
use collector::config::{Config, Format};
use collector::record::{Field, FieldType, ID, Model};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of a single model's objects, or a schema with a definition for each model.
pub(super) fn text(config: &Config, models: &[Model]) -> Result<String> {
    let schema = match models {
        [] => {
            let error =
                anyhow!("JSON Schema describes objects of records: brand, media, media_hashtag or no part expected");
            return Err(UsageError(error).into());
        }
        [one] => {
            let mut schema = of_model(config, *one);
            schema.insert("$schema".to_owned(), DIALECT.into());
            Value::Object(schema)
        }
        several => {
            let definitions: Map<String, Value> =
                several.iter().map(|model| (model.name().to_owned(), of_model(config, *model).into())).collect();
            json!({ "$schema": DIALECT, "$defs": definitions })
        }
    };
    Ok(format!("{schema:#}\n"))
}

fn of_model(config: &Config, model: Model) -> Map<String, Value> {
    let fields = config.mapping(model).fields();
    let properties: Map<String, Value> = fields.iter().map(|field| (field.output.clone(), of_field(field))).collect();
    let names: Vec<&str> = fields.iter().map(|field| field.output.as_str()).collect();
    let mut record = Map::new();
    record.insert("type".to_owned(), "object".into());
    record.insert("properties".to_owned(), properties.into());
    record.insert("required".to_owned(), names.into());
    record.insert("additionalProperties".to_owned(), false.into());
    let (title, mut schema) = match config.format {
        Format::Ndjson => (format!("A line of a {model} object"), record),
        Format::Array => {
            let mut array = Map::new();
            array.insert("type".to_owned(), "array".into());
            array.insert("minItems".to_owned(), 1.into());
            array.insert("items".to_owned(), record.into());
            (format!("A {model} object"), array)
        }
    };
    schema.insert("title".to_owned(), title.into());
    schema
}

fn of_field(field: &Field) -> Value {
    let default = field.default_value();
    if let Some(allowed) = &field.allowed {
        let mut values: Vec<Value> = allowed.iter().filter_map(|text| typed(field.kind, text)).collect();
        if !values.contains(&default) {
            values.push(default);
        }
        return json!({ "enum": values });
    }
    let mut schema = of_type(field);
    if field.nullable
        && let Some(name) = schema.get_mut("type")
    {
        *name = json!([name.take(), "null"]);
    }
    schema
}

fn of_type(field: &Field) -> Value {
    match field.kind {
        // A record without an id is left out, so no stored id is the default.
        FieldType::Str if field.response == ID => json!({ "type": "string", "pattern": "^[0-9]+$" }),
        FieldType::Str => json!({ "type": "string" }),
        FieldType::Url => json!({ "type": "string", "pattern": "^$|^[hH][tT][tT][pP][sS]?://" }),
        FieldType::Timestamp => {
            json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{4}$" })
        }
        // Empty if the API left the field out.
        FieldType::Json => json!({ "type": "string", "contentMediaType": "application/json" }),
        FieldType::Int => json!({ "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX }),
    }
}

/// An allowed value as JSON; `None` if the field's type cannot have it.
fn typed(kind: FieldType, text: &str) -> Option<Value> {
    match kind {
        FieldType::Int => text.parse::<i64>().ok().map(Value::from),
        _ => Some(text.into()),
    }
}
