//! Traces of runs for AWS X-Ray, where the variable `TRACING` is `xray`: a subsegment for the run, each topic, each
//! call and each object that is stored, sent to the daemon that Lambda runs beside the function.
//!
//! A span becomes a subsegment if it is within one that [`invocation`] made of a sampled request. Spans of the target
//! [`TARGET`] are for traces alone: they are not made where nothing is traced, and no line of the log has their fields.
//! A subsegment holds the names of things and the kinds and codes of failures. It holds no address of a call, no text
//! of an answer and no message.

use std::sync::Arc;
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Span, Subscriber, info_span};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::env::variable;
use crate::redact::Redactor;

mod daemon;
mod segment;

use daemon::Daemon;
use segment::{Segment, TraceHeader};

/// The target of spans that are made for traces alone.
pub const TARGET: &str = "traces";

/// The variable that turns traces on.
const VARIABLE: &str = "TRACING";

/// A span around one invocation. `header` is the invocation's trace header, such as
/// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
pub fn invocation(header: Option<&str>) -> Span {
    info_span!(target: TARGET, "invocation", trace_header = header)
}

/// Notes in `span` that its work is done, and the kind and code of the failure that it ended in. Work that is given up
/// is never noted.
pub(crate) fn note_end(span: &Span, failure: Option<(&str, Option<i64>)>) {
    let (kind, code) = failure.unwrap_or((DONE, None));
    span.record("kind", kind);
    if let Some(code) = code {
        span.record("code", code);
    }
}

/// The kind of work that succeeded.
const DONE: &str = "ok";

/// What sends the traces; `None` where the environment asks for none. `redactor` takes secrets out of each document.
///
/// # Errors
/// Why the environment's traces cannot be sent.
pub fn from_env<S>(redactor: Arc<Redactor>) -> Result<Option<impl Layer<S> + Send + Sync>, String>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    match variable(VARIABLE).as_deref() {
        None => return Ok(None),
        Some("xray") => {}
        Some(other) => return Err(format!("{VARIABLE}={other}: expected is xray, or nothing for no traces")),
    }
    let daemon = Daemon::from_env()?;
    Ok(Some(layer(move |document| daemon.send(&redactor.redact(document)))))
}

/// A layer that passes each subsegment to `send` when its span ends.
fn layer<S>(send: impl Fn(&str) + Send + Sync + 'static) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    let is_traced = |metadata: &Metadata<'_>| {
        metadata.is_span() && (metadata.target() == TARGET || metadata.target().starts_with("collector"))
    };
    Traces { send }.with_filter(filter_fn(is_traced).with_max_level_hint(LevelFilter::INFO))
}

struct Traces<F> {
    send: F,
}

impl<S, F> Layer<S> for Traces<F>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    F: Fn(&str) + Send + Sync + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let segment = match span.parent() {
            // Only the spans within a traced one are.
            Some(parent) => parent.extensions().get::<Segment>().map(|parent| parent.child(attributes.metadata())),
            None => {
                let mut header = HeaderField::default();
                attributes.record(&mut header);
                header.0.as_deref().and_then(TraceHeader::sampled).map(Segment::of_invocation)
            }
        };
        if let Some(mut segment) = segment {
            attributes.record(&mut segment);
            span.extensions_mut().insert(segment);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(segment) = span.extensions_mut().get_mut::<Segment>()
        {
            values.record(segment);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let segment = context.span(&id).and_then(|span| span.extensions_mut().remove::<Segment>());
        if let Some(document) = segment.and_then(|segment| segment.document(SystemTime::now())) {
            (self.send)(&document);
        }
    }
}

/// The trace header of an invocation's span.
#[derive(Default)]
struct HeaderField(Option<String>);

impl Visit for HeaderField {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "trace_header" {
            self.0 = Some(value.to_owned());
        }
    }
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests;
