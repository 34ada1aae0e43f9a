//! The log: one JSON object per line for Lambda, readable lines in a terminal. Metrics use it too, in CloudWatch's
//! embedded metric format.
//!
//! A field whose name starts with `json.` holds JSON text. It becomes part of the line as JSON. Under the
//! target [`METRICS`] it becomes the line's own members.

mod printable;

use std::fmt::Write as _;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::env::variable;

pub use printable::printable;

/// The target of lines that carry metrics.
pub const METRICS: &str = "collector_metrics";

/// Logs an ERROR that someone has to act on. It is written as CRITICAL, which an alarm watches.
macro_rules! critical {
    ($($fields:tt)*) => { tracing::error!(critical = true, $($fields)*) };
}
pub(crate) use critical;

/// The format of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object, with the `timestamp` and `level` that Lambda's log levels need.
    Json,
    /// Readable text. A message is always on one line.
    Text,
}

/// The most detailed level that is logged: `LOG_LEVEL`, or INFO. Lambda's own log filter stays open, since it does not
/// know the levels WARNING and CRITICAL.
///
/// # Errors
/// What was given, if it is not a level.
pub fn level_from_env() -> Result<LevelFilter, String> {
    variable("LOG_LEVEL").map_or(Ok(LevelFilter::INFO), |given| level(&given))
}

fn level(given: &str) -> Result<LevelFilter, String> {
    match given.to_ascii_uppercase().as_str() {
        "DEBUG" => Ok(LevelFilter::DEBUG),
        "INFO" => Ok(LevelFilter::INFO),
        "WARNING" => Ok(LevelFilter::WARN),
        "ERROR" | "CRITICAL" => Ok(LevelFilter::ERROR),
        _ => Err(format!("LOG_LEVEL is {given:?}, DEBUG, INFO, WARNING, ERROR or CRITICAL expected: INFO is logged")),
    }
}

/// The crates of this workspace that log, by the names of their libraries and programs.
const OURS: [&str; 3] = ["collector", "luxury_brands", "rollup"];

/// The modules of the SDK that search for a region and credentials.
const CREDENTIAL_SOURCES: [&str; 6] = ["ecs", "imds", "meta", "profile", "sts", "web_identity_token"];

/// A subscriber that passes each line to `write`. Libraries log warnings only. Metrics are always logged.
pub fn subscriber(
    format: Format,
    level: LevelFilter,
    write: impl Fn(&str) + Send + Sync + 'static,
) -> impl Subscriber + for<'s> LookupSpan<'s> + Send + Sync {
    // Without an AWS account, some of these modules warn three times that no region can be found. If a region or
    // credentials are needed, the run's error says what failed.
    let sources = if format == Format::Text { LevelFilter::ERROR } else { LevelFilter::WARN };
    let sources = CREDENTIAL_SOURCES.map(|source| (format!("aws_config::{source}"), level.min(sources)));
    let targets = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(sources)
        .with_targets(OURS.map(|target| (target, level)))
        .with_target(METRICS, LevelFilter::INFO);
    Registry::default().with(Logs { format, write }.with_filter(targets))
}

struct Logs<W> {
    format: Format,
    write: W,
}

/// The fields of a span or an event.
#[derive(Default)]
struct Fields {
    fields: Map<String, Value>,
    critical: bool,
}

impl Fields {
    fn set(&mut self, field: &Field, value: Value) {
        self.fields.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.set(field, Value::String(format!("{value:?}")));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name().strip_prefix("json.") {
            Some(name) => drop(self.fields.insert(name.to_owned(), serde_json::from_str(value).unwrap_or_default())),
            None => self.set(field, Value::from(value)),
        }
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Value::from(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, Value::from(value));
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, Value::from(value));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "critical" => self.critical = value,
            _ => self.set(field, Value::from(value)),
        }
    }
}

impl<S, W> Layer<S> for Logs<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: Fn(&str) + Send + Sync + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let Some(span) = context.span(id) else { return };
        // The job is known once the event is read. It then applies to the whole invocation.
        if let (Some(job), Some(parent)) = (fields.fields.get("job"), span.parent())
            && let Some(parent) = parent.extensions_mut().get_mut::<Fields>()
        {
            parent.fields.insert("job".to_owned(), job.clone());
        }
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut own = Fields::default();
        event.record(&mut own);
        let mut scope = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(|s| s.from_root()) {
            if let Some(fields) = span.extensions().get::<Fields>() {
                scope.extend(fields.fields.clone());
            }
        }
        let level = if own.critical { "CRITICAL" } else { level_name(*event.metadata().level()) };
        let is_metrics = event.metadata().target() == METRICS;
        match self.format {
            Format::Json => (self.write)(&json_line(level, is_metrics, scope, own.fields)),
            Format::Text if is_metrics => {}
            Format::Text => (self.write)(&printable(&text_line(level, scope, own.fields))),
        }
    }
}

const fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

fn json_line(level: &str, is_metrics: bool, scope: Map<String, Value>, mut own: Map<String, Value>) -> String {
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let mut line = Map::new();
    line.insert("timestamp".to_owned(), now.into());
    line.insert("level".to_owned(), level.into());
    line.insert("message".to_owned(), own.remove("message").unwrap_or_default());
    line.extend(scope);
    if is_metrics {
        line.extend(
            own.into_iter().filter_map(|(_, v)| if let Value::Object(v) = v { Some(v) } else { None }).flatten(),
        );
    } else {
        line.extend(own);
    }
    Value::Object(line).to_string()
}

fn text_line(level: &str, scope: Map<String, Value>, mut own: Map<String, Value>) -> String {
    let message = own.remove("message").unwrap_or_default();
    let mut line = format!("{level:<8} {}", message.as_str().unwrap_or_default());
    for (name, value) in scope.iter().chain(&own).filter(|(k, v)| *k != "requestId" && *k != "job" && !v.is_object()) {
        // Writing into a string cannot fail.
        let _ = match value {
            Value::String(text) => write!(line, " {name}={text}"),
            other => write!(line, " {name}={other}"),
        };
    }
    line
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn logged(format: Format, level: LevelFilter, run: impl FnOnce()) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let subscriber = subscriber(format, level, move |line| sink.lock().unwrap().push(line.to_owned()));
        tracing::subscriber::with_default(subscriber, run);
        Arc::into_inner(lines).unwrap().into_inner().unwrap()
    }

    fn events() {
        let outer = tracing::info_span!("runtime", requestId = "r-1").entered();
        let inner = tracing::info_span!("run", job = "hashtag").entered();
        tracing::warn!(topic = "dior", code = 4, missing = Option::<i64>::None, "careful");
        tracing::debug!("detail");
        tracing::info!(json.summary = r#"{"files":[1]}"#, "done");
        tracing::info!(target: METRICS, { json.metrics = r#"{"records":7,"_aws":{}}"# }, "metrics");
        drop(inner);
        critical!(kind = "token", "dead");
        drop(outer);
    }

    #[test]
    fn a_json_line_has_its_level_the_request_the_job_and_its_own_fields() {
        let lines: Vec<Value> = logged(Format::Json, LevelFilter::INFO, events)
            .iter()
            .map(|line| {
                let mut line: Map<String, Value> = serde_json::from_str(line).unwrap();
                let stamp = line.remove("timestamp").unwrap();
                assert!(chrono::DateTime::parse_from_rfc3339(stamp.as_str().unwrap()).is_ok());
                Value::Object(line)
            })
            .collect();
        insta::assert_snapshot!(lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n"), @r#"
        {"code":4,"job":"hashtag","level":"WARNING","message":"careful","requestId":"r-1","topic":"dior"}
        {"job":"hashtag","level":"INFO","message":"done","requestId":"r-1","summary":{"files":[1]}}
        {"_aws":{},"job":"hashtag","level":"INFO","message":"metrics","records":7,"requestId":"r-1"}
        {"job":"hashtag","kind":"token","level":"CRITICAL","message":"dead","requestId":"r-1"}
        "#);
    }

    #[test]
    fn a_person_reads_levels_words_and_fields_and_no_metrics() {
        insta::assert_snapshot!(logged(Format::Text, LevelFilter::DEBUG, events).join("\n"), @r"
        WARNING  careful code=4 topic=dior
        DEBUG    detail
        INFO     done
        CRITICAL dead kind=token
        ");
    }

    #[test]
    fn a_message_or_a_field_cannot_forge_a_line_for_a_person_and_is_whole_in_json() {
        let forged = "odd\nCRITICAL forged\u{1b}[31m";
        let run = || tracing::warn!(topic = forged, code = 4, "{forged}");
        assert_eq!(
            logged(Format::Text, LevelFilter::INFO, run),
            [r"WARNING  odd\nCRITICAL forged\u{1b}[31m code=4 topic=odd\nCRITICAL forged\u{1b}[31m"]
        );
        let lines = logged(Format::Json, LevelFilter::INFO, run);
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!((&line["message"], &line["topic"]), (&Value::from(forged), &Value::from(forged)));
    }

    #[test]
    fn each_level_of_the_log_is_known_and_lets_critical_lines_pass() {
        for (given, passed) in [("DEBUG", 5), ("info", 4), ("WARNING", 3), ("ERROR", 2), ("CRITICAL", 2)] {
            let lines = logged(Format::Json, level(given).unwrap(), events);
            assert!(lines.len() == passed && lines.iter().any(|l| l.contains("CRITICAL")), "{given}: {lines:?}");
        }
    }

    #[test]
    fn metrics_leave_at_any_level() {
        let lines = logged(Format::Json, LevelFilter::ERROR, events);
        assert!(lines.iter().any(|l| l.contains("_aws")) && lines.len() == 2, "{lines:?}");
    }
}
