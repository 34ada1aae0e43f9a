//! A subsegment of a trace, in X-Ray's own form ("AWS X-Ray segment documents", AWS X-Ray Developer Guide).

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use tracing::Metadata;
use tracing::field::{Field, Visit};

use super::DONE;

/// The ids of a sampled request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TraceHeader {
    root: String,
    parent: String,
}

impl TraceHeader {
    /// The ids in a trace header; `None` where the request is not sampled, or an id is missing.
    pub(super) fn sampled(text: &str) -> Option<Self> {
        let of = |key: &str| text.split(';').find_map(|part| part.trim().strip_prefix(key)?.strip_prefix('='));
        let ids = Self { root: of("Root")?.to_owned(), parent: of("Parent")?.to_owned() };
        (of("Sampled") == Some("1")).then_some(ids)
    }
}

/// The kind of work that was given up before it was done.
const GIVEN_UP: &str = "given_up";

/// A subsegment under way.
pub(super) struct Segment {
    trace: Arc<str>,
    id: String,
    /// `None` in that of the invocation, which Lambda itself sends.
    parent: Option<String>,
    name: &'static str,
    /// Whether the kind of its end is noted.
    has_kind: bool,
    started: SystemTime,
    fields: Map<String, Value>,
}

impl Segment {
    /// The segment of an invocation, which Lambda has made.
    pub(super) fn of_invocation(TraceHeader { root, parent }: TraceHeader) -> Self {
        let (started, fields) = (SystemTime::now(), Map::new());
        Self { trace: root.into(), id: parent, parent: None, name: "", has_kind: false, started, fields }
    }

    /// A subsegment that begins now.
    pub(super) fn child(&self, span: &'static Metadata<'static>) -> Self {
        Self {
            trace: Arc::clone(&self.trace),
            id: format!("{:016x}", fastrand::u64(1..)),
            parent: Some(self.id.clone()),
            name: span.name(),
            has_kind: span.fields().field("kind").is_some(),
            started: SystemTime::now(),
            fields: Map::new(),
        }
    }

    /// The document of a subsegment that ended at `now`; `None` for the segment of an invocation.
    ///
    /// A span's field `host` names another service's host, `service` and `operation` one of AWS. `status` is that of an
    /// HTTP answer. All other fields are annotations, which X-Ray finds traces by.
    pub(super) fn document(mut self, now: SystemTime) -> Option<String> {
        let parent = self.parent?;
        let mut document = Map::new();
        let [host, service, operation, status] =
            ["host", "service", "operation", "status"].map(|name| self.fields.remove(name));
        if let Some(status) = status {
            document.insert("http".to_owned(), json!({"response": {"status": status}}));
        }
        if host.is_some() {
            document.insert("namespace".to_owned(), "remote".into());
        } else if service.is_some() {
            document.insert("namespace".to_owned(), "aws".into());
            document.insert("aws".to_owned(), json!({ "operation": operation }));
        }
        if self.has_kind {
            let kind = self.fields.entry("kind").or_insert_with(|| GIVEN_UP.into());
            let flags: &[&str] = match kind.as_str().unwrap_or_default() {
                DONE => &[],
                "throttled" => &["error", "throttle"],
                "transient" => &["fault"],
                _ => &["error"],
            };
            document.extend(flags.iter().map(|flag| ((*flag).to_owned(), true.into())));
        }
        let told = host.or(service).or_else(|| self.fields.get("topic").cloned());
        let name = told.and_then(|told| allowed_name(told.as_str()?)).unwrap_or_else(|| self.name.to_owned());
        document.extend([
            ("type".to_owned(), "subsegment".into()),
            ("trace_id".to_owned(), (*self.trace).into()),
            ("parent_id".to_owned(), parent.into()),
            ("id".to_owned(), self.id.into()),
            ("name".to_owned(), name.into()),
            ("start_time".to_owned(), seconds(self.started).into()),
            ("end_time".to_owned(), seconds(now).into()),
            ("annotations".to_owned(), self.fields.into()),
        ]);
        Some(Value::Object(document).to_string())
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// The text with the characters that a name may have; `None` where none is left. A name has at most 200.
fn allowed_name(text: &str) -> Option<String> {
    let allowed = |c: &char| c.is_alphanumeric() || *c == ' ' || "_.:/%&#=+\\-@".contains(*c);
    let name: String = text.chars().filter(allowed).take(200).collect();
    (!name.is_empty()).then_some(name)
}

impl Segment {
    fn set(&mut self, field: &Field, value: Value) {
        self.fields.insert(field.name().to_owned(), value);
    }
}

impl Visit for Segment {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field, format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_sampled_request_has_a_trace() {
        let sampled = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:1";
        let header = TraceHeader::sampled(sampled).unwrap();
        assert_eq!((header.root.len(), header.parent.as_str()), (35, "53995c3f42cd8ad8"));
        for other in ["", "Sampled=1", "Root=1-a;Sampled=1", "Root=1-a;Parent=b", "Root=1-a;Parent=b;Sampled=0"] {
            assert_eq!(TraceHeader::sampled(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_has_allowed_characters_alone() {
        assert_eq!(allowed_name("été 2026?\u{1b}").as_deref(), Some("été 2026"));
        assert_eq!(allowed_name("a".repeat(300).as_str()).unwrap().len(), 200);
        assert_eq!(allowed_name("!?"), None);
    }

    proptest! {
        #[test]
        fn no_header_panics(text in "\\PC{0,60}") {
            let _ = TraceHeader::sampled(&text);
            let _ = TraceHeader::sampled(&format!("Root={text};Parent={text};Sampled=1"));
        }
    }
}
