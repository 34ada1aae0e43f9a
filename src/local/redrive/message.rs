//! A message of a queue of failed events, and the event in it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::event::Event;
use crate::report;

/// A message as the queue has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: String,
    /// The attributes whose values are text.
    pub(super) attributes: BTreeMap<String, String>,
}

/// An event that was not run, or whose runs all failed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FailedEvent {
    pub(super) event: Event,
    /// The event as it was given.
    pub(super) payload: Value,
    /// The name of the function that it was for, where that is told.
    pub(super) function: Option<String>,
    /// How often the function was tried.
    pub(super) tries: u64,
    /// Why the last try failed.
    pub(super) why: String,
}

/// The event and every message that holds it.
#[derive(Debug, PartialEq)]
pub(super) struct Waiting {
    pub(super) failed: FailedEvent,
    pub(super) messages: Vec<String>,
}

/// A longer reason is cut off, in characters.
const LONGEST_REASON: usize = 200;

impl Message {
    /// The event in the message: Lambda's record of a failed asynchronous invocation has it in `requestPayload`,
    /// and in a dead-letter queue of EventBridge Scheduler the body is the event.
    ///
    /// # Errors
    /// Why it holds no event, in words for a person.
    pub(super) fn read(&self) -> Result<FailedEvent, String> {
        let body: Value = serde_json::from_str(&self.body).map_err(|error| format!("its body is no JSON ({error})"))?;
        let attribute = |name: &str| self.attributes.get(name).cloned();
        let (payload, function, tries, why) = match body.get("requestPayload") {
            Some(payload) => {
                let context = |key: &str| body.pointer(&format!("/requestContext/{key}"));
                let function = context("functionArn").and_then(Value::as_str).map(function_name);
                let tries = context("approximateInvokeCount").and_then(Value::as_u64).unwrap_or_default();
                (payload.clone(), function, tries, reason(&body))
            }
            None => {
                let function =
                    attribute("TARGET_ARN").filter(|arn| arn.contains(FUNCTION)).map(|arn| function_name(&arn));
                let words = ["ERROR_CODE", "ERROR_MESSAGE"].into_iter().filter_map(attribute).collect::<Vec<_>>();
                let why = if words.is_empty() { "never handed to Lambda".to_owned() } else { words.join(": ") };
                (body, function, 0, why)
            }
        };
        let event = Event::parse(&payload).map_err(|error| error.to_string())?;
        Ok(FailedEvent { event, payload, function, tries, why: why.chars().take(LONGEST_REASON).collect() })
    }
}

/// Why an invocation failed: the function's error, else the condition on which Lambda gave it up, such as
/// `EventAgeExceeded`.
fn reason(record: &Value) -> String {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
    let kind = text("/responsePayload/errorType");
    let words = text("/responsePayload/errorMessage").map(|words| report::parts(words).0);
    match (kind, words) {
        (Some(kind), Some(words)) => format!("{kind}: {words}"),
        (Some(kind), None) => kind.to_owned(),
        (None, Some(words)) => words,
        (None, None) => text("/requestContext/condition").unwrap_or("no reason is told").to_owned(),
    }
}

/// What a function's name follows in an ARN.
const FUNCTION: &str = ":function:";

/// A function's name, in an ARN of the function, or a name with a qualifier, or both in part.
pub(super) fn function_name(given: &str) -> String {
    name_and_qualifier(given).0.to_owned()
}

/// A function's name, and its version or alias where one is given.
pub(super) fn name_and_qualifier(given: &str) -> (&str, Option<&str>) {
    let from_name = given.rsplit_once(FUNCTION).map_or(given, |(_, rest)| rest);
    from_name.split_once(':').map_or((from_name, None), |(name, qualifier)| (name, Some(qualifier)))
}

/// The events of the messages and the messages that hold none, each with the reason. The events with the latest
/// time are first, since what is collected now differs the least from what it was then. Messages with the same event
/// are one.
pub(super) fn sort(messages: &[Message], function: &str) -> (Vec<Waiting>, Vec<(String, String)>) {
    let (mut waiting, mut others) = (Vec::<Waiting>::new(), Vec::new());
    for message in messages {
        let read = message.read().and_then(|failed| match &failed.function {
            Some(other) if *other != function_name(function) => {
                Err(format!("its event was for the function {other:?}, not {:?}", function_name(function)))
            }
            _ => Ok(failed),
        });
        match read {
            Err(why) => others.push((message.id.clone(), why)),
            Ok(failed) => match waiting.iter_mut().find(|known| known.failed.event == failed.event) {
                Some(known) => {
                    known.failed.tries += failed.tries;
                    known.messages.push(message.id.clone());
                }
                None => waiting.push(Waiting { failed, messages: vec![message.id.clone()] }),
            },
        }
    }
    // One without a time is always about now.
    waiting.sort_by_key(|waiting| std::cmp::Reverse(waiting.failed.event.time.map_or(i64::MAX, |at| at.timestamp())));
    (waiting, others)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:lambda:eu-west-1:000000000000:function:collector:$LATEST";

    fn record(payload: &Value) -> Value {
        json!({
            "version": "1.0", "timestamp": "2026-11-24T03:01:20.123Z",
            "requestContext": {"requestId": "r-1", "functionArn": ARN, "condition": "RetriesExhausted", "approximateInvokeCount": 2},
            "requestPayload": payload,
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": {"errorType": "secret", "errorMessage": r#"{"message":"it was denied","summary":{}}"#},
        })
    }

    fn message(id: &str, body: &Value) -> Message {
        Message { id: id.into(), body: body.to_string(), ..Message::default() }
    }

    fn at(time: &str) -> Value {
        json!({"job": "hashtag", "time": time})
    }

    #[test]
    fn a_record_of_lambda_tells_the_event_and_how_it_failed() {
        let failed = message("m", &record(&at("2026-11-24T03:00:00Z"))).read().unwrap();
        assert_eq!((failed.payload, failed.tries), (at("2026-11-24T03:00:00Z"), 2));
        assert_eq!((failed.why.as_str(), failed.function.as_deref()), ("secret: it was denied", Some("collector")));
        let mut aged = record(&json!("token"));
        aged.as_object_mut().unwrap().remove("responsePayload");
        aged["requestContext"]["condition"] = "EventAgeExceeded".into();
        assert_eq!(message("m", &aged).read().unwrap().why, "EventAgeExceeded");
        let mut ended = record(&json!("token"));
        ended["responsePayload"] = json!({"errorType": "Sandbox.Timedout"});
        assert_eq!(message("m", &ended).read().unwrap().why, "Sandbox.Timedout");
        ended["responsePayload"] = json!({"errorMessage": "é".repeat(1_000)});
        assert_eq!(message("m", &ended).read().unwrap().why, "é".repeat(LONGEST_REASON));
    }

    #[test]
    fn a_message_of_the_scheduler_is_the_event_itself() {
        let mut undelivered = message("m", &at("2026-11-24T03:00:00Z"));
        assert_eq!(undelivered.read().unwrap().why, "never handed to Lambda");
        for (name, value) in [("ERROR_CODE", "AWS.Lambda.X"), ("ERROR_MESSAGE", "gone"), ("TARGET_ARN", ARN)] {
            undelivered.attributes.insert(name.into(), value.into());
        }
        let failed = undelivered.read().unwrap();
        assert_eq!((failed.why.as_str(), failed.function.as_deref()), ("AWS.Lambda.X: gone", Some("collector")));
        assert_eq!((failed.payload, failed.tries), (at("2026-11-24T03:00:00Z"), 0));
    }

    #[test]
    fn one_event_in_many_messages_is_one_and_the_latest_is_first() {
        let (old, new) = (record(&at("2026-11-24T03:00:00Z")), record(&at("2026-11-24T03:05:00+00:00")));
        let same = record(&at("2026-11-24T05:00:00+02:00"));
        let messages = [
            message("a", &old),
            message("b", &new),
            message("c", &same),
            message("d", &record(&json!({"job": "hashtag", "time": "2026-11-24T03:00:00Z", "hashtags": ["dior"]}))),
            message("e", &record(&json!("token"))),
        ];
        let (waiting, others) = sort(&messages, "collector");
        let ids: Vec<_> = waiting.iter().map(|w| (w.messages.join(","), w.failed.tries)).collect();
        let expected = [("e", 2), ("b", 2), ("a,c", 4), ("d", 2)];
        assert_eq!(ids, expected.map(|(ids, tries)| (ids.to_owned(), tries)));
        assert!(others.is_empty());
    }

    #[test]
    fn what_holds_no_event_of_the_function_says_why() {
        let mut broken = message("c", &json!(null));
        broken.body = "{\"requestPayload\":".into();
        let messages = [
            message("a", &record(&json!({"job": "nonsense"}))),
            message("b", &json!({"Records": []})),
            broken,
            message("d", &record(&at("2026-11-24T03:00:00Z"))),
        ];
        let (waiting, others) = sort(&messages, "arn:aws:lambda:eu-west-1:000000000000:function:rollup");
        let others: Vec<_> =
            others.iter().map(|(id, why)| format!("{id}: {}", why.split(';').next().unwrap())).collect();
        assert!(waiting.is_empty());
        insta::assert_snapshot!(others.join("\n"), @r#"
        a: the event asks for the job "nonsense", "brand_media", "hashtag" or "token" expected
        b: the event has no "job" (its keys: Records), "brand_media", "hashtag" or "token" expected
        c: its body is no JSON (EOF while parsing a value at line 1 column 18)
        d: its event was for the function "collector", not "rollup"
        "#);
    }

    #[test]
    fn a_function_is_named_in_any_way_that_lambda_takes() {
        for given in ["collector", "collector:live", "000000000000:function:collector", ARN] {
            assert_eq!(function_name(given), "collector", "{given}");
        }
        let arn = ARN.strip_suffix(":$LATEST").unwrap();
        let qualifiers = [arn, "collector", "collector:live", ARN].map(|given| name_and_qualifier(given).1);
        assert_eq!(qualifiers, [None, None, Some("live"), Some("$LATEST")]);
    }

    proptest! {
        #[test]
        fn no_message_panics(text in "[\\[\\]{}:,\"a-z0-9\\\\ ]{0,60}", word in "\\PC{0,20}") {
            let body = json!({"requestPayload": word, "requestContext": word, "responsePayload": {"errorType": word}});
            for message in [message("m", &json!(text)), message("m", &body), Message { body: text, ..Message::default() }] {
                let _ = sort(&[message], &word);
            }
        }
    }
}
