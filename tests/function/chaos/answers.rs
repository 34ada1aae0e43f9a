//! Responses of the API: errors, malformed bodies, and texts that quote secrets.

use serde_json::json;

use super::case::{ALL, ALL_BUT_ONE, Case, case};
use super::setup::Setup;
use support::harness::{APP_SECRET, NEW_TOKEN, TIME};

const TRANSIENT: &str = "in part: 1 × `transient`";
const NOTHING: &str = "error `nothing_collected`";

pub fn cases() -> Vec<Case> {
    [http(), json(), large(), quoting()].into_iter().flatten().collect()
}

fn http() -> Vec<Case> {
    let of = |what| case("HTTP", what);
    vec![
        of("429").quick().faults(&["fendi=http:429"]).leaves(
            ALL_BUT_ONE,
            "in part: 1 × `throttled`",
            &["\"level\":\"CRITICAL\""],
        ),
        of("500").faults(&["fendi=http:500"]).leaves(ALL_BUT_ONE, TRANSIENT, &["tried 3 of 3 times"]),
        of("503 once").quick().faults(&["fendi=http:503x1"]),
        of("408 once").faults(&["fendi=http:408x1"]),
        of("500 for everybody").faults(&["*=http:500"]).leaves("nothing", NOTHING, &["11 of 11 topics failed"]),
        of("503 with Retry-After of 1 s").faults(&["fendi=retry_after:1x1"]),
        of("503 with Retry-After of an hour").faults(&["fendi=retry_after:3600"]).leaves(ALL_BUT_ONE, TRANSIENT, &[]),
        of("401 without a code").faults(&["fendi=http:401"]).leaves(ALL_BUT_ONE, "in part: 1 × `permission`", &[]),
        of("404 without a code").faults(&["fendi=http:404"]).leaves(ALL_BUT_ONE, "in part: 1 × `not_there`", &[]),
        of("418").faults(&["fendi=http:418"]).leaves(ALL_BUT_ONE, "in part: 1 × `unexpected`", &[]),
        of("an account that is not there").faults(&["fendi=not_there"]).leaves(
            ALL_BUT_ONE,
            "in part: 1 × `not_there`",
            &[],
        ),
        of("a token that is refused").faults(&["fendi=token"]).leaves(
            ALL_BUT_ONE,
            "in part: 1 × `token`",
            &["\"level\":\"CRITICAL\""],
        ),
    ]
}

fn json() -> Vec<Case> {
    let of = |what| case("JSON", what);
    vec![
        of("HTML").quick().faults(&["fendi=html"]).leaves(ALL_BUT_ONE, TRANSIENT, &[]),
        of("HTML for everybody").faults(&["*=html"]).leaves("nothing", NOTHING, &[]),
        of("cut off").faults(&["fendi=truncated"]).leaves(ALL_BUT_ONE, TRANSIENT, &[]),
        of("empty").faults(&["fendi=empty"]).leaves(ALL_BUT_ONE, TRANSIENT, &[]),
        of("`null`").faults(&["fendi=null"]).leaves(ALL_BUT_ONE, TRANSIENT, &[]),
        of("`[]`").faults(&["fendi=array"]).leaves(ALL_BUT_ONE, TRANSIENT, &[]),
        of("not UTF-8").faults(&["fendi=not_utf8"]).leaves(ALL_BUT_ONE, TRANSIENT, &[]),
        of("100,000 nested lists, in all answers").quick().faults(&["*=deep"]),
        of("names given twice, in all answers").faults(&["*=twice"]),
        of("gzip in two members, in all answers").faults(&["*=members"]),
        of("gzip that is cut off").faults(&["fendi=cut_gzip"]).leaves(ALL_BUT_ONE, TRANSIENT, &[]),
        of("no media").faults(&["fendi=no_media"]).leaves(
            "11 brands, 250 media",
            "whole",
            &["the response has no media"],
        ),
        of("an empty list of media").faults(&["fendi=empty_page"]).leaves("11 brands, 250 media", "whole", &[]),
        of("no profile").faults(&["fendi=no_profile"]).leaves("10 brands, 275 media", "whole", &[]),
        of("records and fields that are bad in every way").quick().faults(&["fendi=bad_records"]).leaves(
            "11 brands, 270 media",
            "whole",
            &["records left out", "fields defaulted"],
        ),
        of("the same, in all answers").faults(&["*=bad_records"]).leaves(
            "11 brands, 220 media",
            "whole",
            &["records left out"],
        ),
        of("the same media in all answers").faults(&["*=same_media"]),
    ]
}

fn large() -> Vec<Case> {
    let of = |what| case("size", what);
    vec![
        of("9 MiB of spaces").quick().faults(&["fendi=large"]).leaves(
            ALL_BUT_ONE,
            "in part: 1 × `unexpected`",
            &["larger than 8 MiB"],
        ),
        of("9 MiB of spaces in all answers").faults(&["*=large"]).leaves("nothing", NOTHING, &[]),
        of("64 MiB compressed to 64 KB, in all answers").faults(&["*=bomb"]).leaves(
            "nothing",
            NOTHING,
            &["larger than 8 MiB"],
        ),
        of("100,000 media in one answer").faults(&["fendi=many"]).leaves(
            ALL,
            "in part: 1 × `too_many_records`",
            &["99975 records"],
        ),
        of("100,000 media in all 11 answers").faults(&["*=many"]).leaves(
            ALL,
            "in part: 11 × `too_many_records`",
            &["99975 records"],
        ),
        of("8 MiB of `{\"id\":\"1\"}`").faults(&["fendi=ids"]).leaves(
            "11 brands, 251 media",
            "in part: 1 × `too_many_records`",
            &[],
        ),
        of("8 MiB of `{\"id\":\"1\"}` in all 11 answers").faults(&["*=ids"]).leaves(
            "11 brands, 11 media",
            "in part: 11 × `too_many_records`",
            &[],
        ),
        of("captions of 300 KB in all 11 answers").faults(&["*=fat"]).leaves(
            "5 brands, 125 media",
            "in part: 6 × `memory`",
            &["need"],
        ),
        of("captions of 300 KB, twice in one process")
            .faults(&["*=fat"])
            .arranged(|setup| setup.events.push(setup.events[0].clone()))
            .leaves(
                "5 brands, 125 media; apart: 5 brands, 125 media",
                "in part: 6 × `memory`, then in part: 6 × `memory`",
                &[],
            ),
        of("the same captions, in responses that are kept as received")
            .faults(&["*=fat"])
            .arranged(Setup::keep_answers)
            .leaves("5 brands, 125 media", "in part: 6 × `memory`", &["responses did not fit"]),
    ]
}

fn quoting() -> Vec<Case> {
    let of = |what| case("secrets", what);
    vec![
        of("an error that quotes the token plain, percent-encoded and JSON-escaped")
            .quick()
            .faults(&["fendi=quotes_token"])
            .leaves(ALL_BUT_ONE, "in part: 1 × `permission`", &["REDACTED"]),
        of("the same with the app's proof, in all answers")
            .faults(&["*=quotes_token"])
            .arranged(|setup| {
                let app = json!({"app_id": "4711", "app_secret": APP_SECRET});
                setup.harness.aws.set_secrets([setup.secret(&app)]);
                let token = (json!({"job": "token"}), setup.events[0].1);
                setup.events.push(token);
            })
            .leaves("nothing", "error `nothing_collected`, then error `nothing_collected`", &["REDACTED"]),
        of("captions that quote the token").quick().faults(&["*=token_in_caption"]),
        of("the same, in responses that are kept as received")
            .quick()
            .faults(&["*=token_in_caption"])
            .arranged(Setup::keep_answers),
        of("the address of a next page, with the token in it")
            .arranged(|setup| setup.events[0].0 = json!({"job": "hashtag", "time": TIME}))
            .leaves("275 hashtag media", "whole", &[]),
        of("a token that was rotated: refused, then the new one")
            .quick()
            .with_options(|options| options.token = Some(NEW_TOKEN.to_owned()))
            .arranged(|setup| {
                let new = setup.secret(&json!({"access_token": NEW_TOKEN}));
                setup.harness.aws.set_secrets([setup.secret(&json!({})), new]);
            })
            .leaves(ALL, "whole", &["the access token was refused, the secret is read again"]),
    ]
}
