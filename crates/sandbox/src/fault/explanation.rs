//! What each fault does and what a run then shows: `luxury-brands sandbox faults`.

use serde::Serialize;

use super::Fault;

/// A fault in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Explanation {
    /// How it is written.
    pub fault: &'static str,
    /// What the sandbox does.
    pub does: &'static str,
    /// What a run shows.
    pub shows: &'static str,
}

const fn of(fault: &'static str, does: &'static str, shows: &'static str) -> Explanation {
    Explanation { fault, does, shows }
}

/// Every fault.
pub(super) const EXPLANATIONS: [Explanation; 50] = [
    of("transient", "HTTP 500, code 2: unavailable", "3 tries, then the topic fails (transient); with x2 it recovers"),
    of(
        "throttled",
        "code 4: the limit of calls is reached",
        "CRITICAL; no further call, and what was collected is stored",
    ),
    of("blocked", "code 4/2207051: the activity is restricted", "the topic fails (permission)"),
    of("token", "code 190: the token has expired", "CRITICAL; the secret is read once more, then no further call"),
    of("permission", "code 10: not permitted", "the topic fails (permission)"),
    of("not_there", "code 110/2207013: no such account", "the topic fails (not_there)"),
    of("control_characters", "code 10, with control characters in its message", "they are shown as escapes"),
    of("wrong_app_secret", "code 100, which names appsecret_proof", "CRITICAL (set_up); no further call"),
    of("wrong_app", "code 190, as for an app that is refused", "for `token` with an app: CRITICAL (set_up)"),
    of("wrong_ig_user_id", "code 100, which names business_discovery", "CRITICAL (set_up); no further call"),
    of("unexpected", "code 506, which is not documented", "the topic fails (unexpected), without a second try"),
    of("stall", "stops in the middle of the response", "the call's time ends, then as transient"),
    of("hang_up", "closes the connection without a response", "as transient"),
    of("quotes_token", "code 10, whose message quotes the token", "the topic fails; a real token is REDACTED"),
    of("html", "a page of HTML, with HTTP 200", "as transient"),
    of("truncated", "the first half of the response", "as transient"),
    of("empty", "an empty response", "as transient"),
    of("null", "null", "as transient"),
    of("array", "[]", "as transient"),
    of("not_utf8", "bytes that are not UTF-8", "as transient"),
    of("deep", "100,000 nested lists before the fields", "nothing: they are skipped"),
    of("twice", "every record's id and likes twice", "nothing: the last one of each counts"),
    of("large", "9 MiB", "the topic fails: at most 8 MiB are read"),
    of("bomb", "a few kilobytes that decompress to 64 MiB", "the topic fails: at most 8 MiB are read"),
    of("members", "compressed in two members", "nothing: both are read"),
    of("cut_gzip", "compressed and truncated", "as transient"),
    of("many", "100,000 media", "the first are kept, the others counted (too_many_records)"),
    of("ids", "8 MiB of media with only an id", "the first are kept, with defaults; the others counted"),
    of("fat", "media with captions of 300 KB", "large objects"),
    of("token_in_caption", "media whose captions quote the token", "a real token is REDACTED in the objects"),
    of("same_media", "the same media on every page", "each is stored once"),
    of("no_media", "a profile without media", "a WARNING; the profile is stored"),
    of("empty_page", "an empty list of media", "a WARNING; the profile is stored"),
    of("no_profile", "media without a profile", "a WARNING; the media are stored"),
    of("bad_records", "records and fields with every kind of error", "rejected records and defaulted fields"),
    of("redirect", "a redirect to another host", "the topic fails: it is not followed"),
    of("invalid", "for `token`: it has expired", "token and check fail, CRITICAL"),
    of("undecodable", "for `token`: not a token", "token and check fail, CRITICAL"),
    of("ending", "for `token`: 5 days left", "a WARNING of token and check"),
    of("expiring", "for `token`: 3 days of access to data left", "a WARNING of token and check"),
    of("never", "for `token`: it never expires", "token and check say so"),
    of("code:<code>[/<subcode>]", "an error of the API with this code", "what docs/failures.md says about the code"),
    of("http:<status>", "this HTTP status without an error of the API", "5xx, 408: as transient; 429: as throttled"),
    of("retry_after:<s>", "HTTP 503 with Retry-After: <s>", "the next try waits that long, if it is short"),
    of(
        "slow:<ms>",
        "the response is <ms> milliseconds late",
        "a slower run; past --timeout, the topic fails (deadline)",
    ),
    of("unknown_field:<name>", "this field is not known", "requested once more without it; it is defaulted, one ERROR"),
    of("refused_field:<name>", "code 100 for this field, without its name", "the topic fails (not_there)"),
    of("version:<name>", "this version responds", "one line, a WARNING if the requested version has ended"),
    of("usage:<percent>", "this share of the limit is used", "from 80 a WARNING, from 95 no further call"),
    of(
        "searched:<hashtags>",
        "for `hashtags`: this number of others searched for",
        "check counts them towards the 30 in 7 days",
    ),
];

impl Fault {
    /// Every fault in words.
    pub fn explanations() -> &'static [Explanation] {
        &EXPLANATIONS
    }

    /// Every fault on a separate line.
    pub fn explained() -> String {
        let width = |column: fn(&Explanation) -> &'static str| {
            EXPLANATIONS.iter().map(|explanation| column(explanation).len()).max().unwrap_or_default()
        };
        let (fault, does) = (width(|e| e.fault), width(|e| e.does));
        let line = |e: &Explanation| format!("{:<fault$}  {:<does$}  {}", e.fault, e.does, e.shows);
        let head = of("fault", "what the sandbox does", "what a run shows");
        std::iter::once(&head).chain(&EXPLANATIONS).map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BODIES, CLASSES, TOKENS};
    use super::*;
    use crate::json_schema;

    #[test]
    fn the_schema_in_docs_is_that_of_the_type() {
        json_schema::check::<Vec<Explanation>>("faults", "luxury-brands sandbox faults");
    }

    #[test]
    fn every_fault_is_explained_and_nothing_else_is() {
        for Explanation { fault, .. } in EXPLANATIONS {
            let example = fault.replace("<code>[/<subcode>]", "4/2").replace("<status>", "503");
            let example = example.replace("field:<name>", "field:like_count").replace("<name>", "v21.0");
            let example = example.split_once('<').map_or(example.clone(), |(word, _)| format!("{word}7"));
            assert!(example.parse::<Fault>().is_ok(), "{example}");
        }
        let words = CLASSES.iter().map(|c| c.0).chain(BODIES.iter().map(|b| b.0)).chain(TOKENS.iter().map(|t| t.0));
        for word in words {
            assert_eq!(EXPLANATIONS.iter().filter(|e| e.fault == word).count(), 1, "{word}");
        }
    }
}
