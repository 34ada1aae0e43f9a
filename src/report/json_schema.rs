//! The schemas in docs/json, generated from the types of the documents. The tests of each crate that has some use it.

use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// Compares a schema in docs/json with its type. If `UPDATE_SCHEMAS` is set, it writes the schema.
pub(crate) fn check<T: JsonSchema>(name: &str, title: &str) {
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(RecursiveTransform(exact));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    let schema = format!("{:#}\n", schema.as_value());
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("docs/json"));
    let path = folders.into_iter().find(|folder| folder.is_dir()).unwrap().join(format!("{name}.schema.json"));
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == schema, "{} differs from its type: UPDATE_SCHEMAS=1 cargo test the_schema", path.display());
}

/// Makes a schema as strict as the documents: there are no other members, and one that may be missing is never null.
fn exact(schema: &mut Schema) {
    // JSON Schema has no format for the width of an integer.
    if schema.get("format").is_some_and(|format| format != "date-time") {
        schema.remove("format");
    }
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let optional = properties.iter_mut().filter(|(name, _)| !required.iter().any(|required| required == *name));
    for property in optional.filter_map(|(_, property)| property.as_object_mut()) {
        if let Some([kind, ..]) = property.get("type").and_then(Value::as_array).map(Vec::as_slice) {
            let kind = kind.clone();
            property.insert("type".to_owned(), kind);
        }
        if let Some(Value::Array(alternatives)) = property.remove("anyOf") {
            property.extend(alternatives.into_iter().take(1).filter_map(|first| first.as_object().cloned()).flatten());
        }
    }
    schema.insert("additionalProperties".to_owned(), false.into());
}
