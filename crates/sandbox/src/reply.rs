//! A response of the API before faults change it, and the API's errors.

use serde_json::{Value, json};

/// A response of the API.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Reply {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }

    pub(super) fn error(status: u16, code: i64, subcode: Option<i64>, message: &str) -> Self {
        let transient = matches!(code, 1 | 2 | 4);
        let mut error = json!({
            "message": message, "type": "OAuthException", "code": code, "is_transient": transient, "fbtrace_id": "AsAnDbOx",
        });
        if let (Some(subcode), Some(fields)) = (subcode, error.as_object_mut()) {
            fields.insert("error_subcode".to_owned(), subcode.into());
        }
        Self { status, body: json!({ "error": error }) }
    }

    pub(super) fn unknown_field(field: &str, node: &str) -> Self {
        Self::error(
            400,
            100,
            None,
            &format!("(#100) Tried accessing nonexisting field ({field}) on node type ({node})"),
        )
    }
}
