//! The faults of the sandbox, and their notation: `gucci=throttled`, `#dior=http:503x2`, `*=slow:1500`.

use std::str::FromStr;
use std::time::Duration;

use collector::similar::did_you_mean;
use collector::version;

mod explanation;
mod topic;

pub use explanation::Explanation;

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An error body of the API: HTTP status, code, subcode and message.
    Error {
        /// The HTTP status.
        status: u16,
        /// `code`.
        code: i64,
        /// `error_subcode`.
        subcode: Option<i64>,
        /// `message`.
        message: String,
    },
    /// An HTTP status without a body of the API.
    Http(u16),
    /// 503 with `Retry-After` in seconds.
    RetryAfter(u64),
    /// An error that quotes the call's token and proof, in every spelling.
    QuotesToken,
    /// A response after this many milliseconds.
    Slow(u64),
    /// The connection stalls after half of the response.
    Stall,
    /// The connection is closed without a response.
    HangUp,
    /// A body other than the one expected.
    Body(Body),
    /// The API no longer knows this field.
    UnknownField(String),
    /// The API refuses this field without naming it.
    RefusedField(String),
    /// The usage headers report this percentage.
    Usage(u32),
    /// The response names this version.
    Version(String),
    /// This number of other hashtags were searched for within 7 days.
    Searched(u32),
    /// `debug_token` reports this state.
    Token(TokenFault),
}

/// A body other than the one expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// A page of HTML.
    Html,
    /// The first half of the response.
    Truncated,
    /// Nothing.
    Empty,
    /// `null`.
    Null,
    /// `[]`.
    Array,
    /// The response with bytes that are not UTF-8.
    NotUtf8,
    /// 100,000 nested lists before the response's own fields.
    Deep,
    /// The response's fields given twice, first with other values.
    Twice,
    /// More than 8 MiB.
    Large,
    /// A few kilobytes of gzip that decompress to 64 MiB.
    Bomb,
    /// Compressed in two gzip members.
    Members,
    /// Compressed and truncated.
    CutGzip,
    /// 100,000 media.
    Many,
    /// 8 MiB of `{"id":"1"}`.
    Ids,
    /// Media with captions of 300 KB.
    Fat,
    /// Media with captions that quote the token, in every spelling.
    TokenInCaption,
    /// The same media on every page.
    SameMedia,
    /// A profile without media.
    NoMedia,
    /// An empty list of media.
    EmptyPage,
    /// Media without a profile.
    NoProfile,
    /// Records and fields with every kind of error.
    BadRecords,
    /// A redirect to another host.
    Redirect,
}

/// The state of a token that is not simply valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    /// Expired: HTTP 200 with `is_valid` false.
    Invalid,
    /// Undecodable: most fields are missing.
    Undecodable,
    /// Valid for 5 more days.
    Ending,
    /// Access to data for 3 more days.
    Expiring,
    /// Valid for ever.
    Never,
}

const BODIES: [(&str, Body); 22] = [
    ("html", Body::Html),
    ("truncated", Body::Truncated),
    ("empty", Body::Empty),
    ("null", Body::Null),
    ("array", Body::Array),
    ("not_utf8", Body::NotUtf8),
    ("deep", Body::Deep),
    ("twice", Body::Twice),
    ("large", Body::Large),
    ("bomb", Body::Bomb),
    ("members", Body::Members),
    ("cut_gzip", Body::CutGzip),
    ("many", Body::Many),
    ("ids", Body::Ids),
    ("fat", Body::Fat),
    ("token_in_caption", Body::TokenInCaption),
    ("same_media", Body::SameMedia),
    ("no_media", Body::NoMedia),
    ("empty_page", Body::EmptyPage),
    ("no_profile", Body::NoProfile),
    ("bad_records", Body::BadRecords),
    ("redirect", Body::Redirect),
];

const TOKENS: [(&str, TokenFault); 5] = [
    ("invalid", TokenFault::Invalid),
    ("undecodable", TokenFault::Undecodable),
    ("ending", TokenFault::Ending),
    ("expiring", TokenFault::Expiring),
    ("never", TokenFault::Never),
];

/// The error bodies of each class, as recorded or documented: word, status, code, subcode, message.
const CLASSES: [(&str, u16, i64, Option<i64>, &str); 11] = [
    ("transient", 500, 2, None, "Service temporarily unavailable"),
    ("throttled", 403, 4, None, "(#4) Application request limit reached"),
    ("blocked", 403, 4, Some(2_207_051), "(#4) We restrict certain activity to protect our community"),
    ("token", 400, 190, Some(463), "Error validating access token: Session has expired"),
    ("permission", 400, 10, None, "(#10) Application does not have permission for this action"),
    ("not_there", 400, 110, Some(2_207_013), "Invalid user id"),
    ("control_characters", 400, 10, None, "(#10) Refused\r\nCRITICAL forged line\u{1b}[31m\u{9b}1m\u{202e}"),
    ("wrong_app_secret", 400, 100, None, "Invalid appsecret_proof provided in the API argument"),
    ("wrong_app", 400, 190, None, "Invalid OAuth access token signature."),
    (
        "wrong_ig_user_id",
        400,
        100,
        None,
        "(#100) Tried accessing nonexisting field (business_discovery) on node type (User)",
    ),
    ("unexpected", 400, 506, Some(2_207_034), "This call is not possible now"),
];

impl Fault {
    /// The words of all faults, for errors.
    fn words() -> String {
        Self::explanations().iter().map(|explanation| explanation.fault).collect::<Vec<_>>().join(", ")
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || {
            let meant = did_you_mean(text, Self::explanations().iter().map(|explanation| explanation.fault));
            format!("{text:?} given{meant}, a fault expected: {}", Self::words())
        };
        let (word, argument) = text.split_once(':').map_or((text, None), |(w, a)| (w, Some(a)));
        if let Some((_, status, code, subcode, message)) = CLASSES.iter().find(|c| c.0 == text) {
            return Ok(Self::Error { status: *status, code: *code, subcode: *subcode, message: (*message).to_owned() });
        }
        if let Some((_, body)) = BODIES.iter().find(|b| b.0 == text) {
            return Ok(Self::Body(*body));
        }
        if let Some((_, token)) = TOKENS.iter().find(|t| t.0 == text) {
            return Ok(Self::Token(*token));
        }
        let number = |a: &str| a.parse::<u32>().map_err(|_| unknown());
        match (word, argument) {
            ("stall", None) => Ok(Self::Stall),
            ("hang_up", None) => Ok(Self::HangUp),
            ("quotes_token", None) => Ok(Self::QuotesToken),
            ("http", Some(a)) => a.parse().ok().filter(|s| (200..600).contains(s)).map(Self::Http).ok_or_else(unknown),
            ("retry_after", Some(a)) => Ok(Self::RetryAfter(number(a)?.into())),
            ("slow", Some(a)) => Ok(Self::Slow(number(a)?.into())),
            ("usage", Some(a)) => Ok(Self::Usage(number(a)?)),
            ("searched", Some(a)) => Ok(Self::Searched(number(a)?)),
            ("version", Some(name)) if version::compare(name, name).is_some() => Ok(Self::Version(name.to_owned())),
            ("unknown_field", Some(field)) => Ok(Self::UnknownField(field.to_owned())),
            ("refused_field", Some(field)) => Ok(Self::RefusedField(field.to_owned())),
            ("code", Some(a)) => {
                let (code, subcode) = a.split_once('/').map_or((a, None), |(c, s)| (c, Some(s)));
                let code = code.parse().map_err(|_| unknown())?;
                let subcode = subcode.map(|s| s.parse().map_err(|_| unknown())).transpose()?;
                Ok(Self::Error { status: 400, code, subcode, message: format!("(#{code}) fault of the sandbox") })
            }
            _ => Err(unknown()),
        }
    }
}

/// A fault, the calls that it applies to, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    /// An account, `#hashtag`, `#*` for every call about hashtags, `hashtags` for the list of those searched for,
    /// `token`, a version that is requested, or `*` for every call.
    pub topic: String,
    /// The fault.
    pub fault: Fault,
    /// The number of calls that it applies to; `None` for all.
    pub times: Option<u32>,
}

impl FaultRule {
    /// The delay of the response.
    pub(super) fn delay(&self) -> Option<Duration> {
        match self.fault {
            Fault::Slow(ms) => Some(Duration::from_millis(ms)),
            _ => None,
        }
    }
}

impl FromStr for FaultRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (topic, rest) =
            text.split_once('=').ok_or_else(|| format!("{text:?} given, <topic>=<fault>[x<times>] expected"))?;
        let times = rest.rsplit_once('x').and_then(|(fault, n)| Some((fault, n.parse().ok()?)));
        let (fault, times) = times.map_or((rest, None), |(fault, n)| (fault, Some(n)));
        if times == Some(0) {
            return Err(format!("{text:?} given, x1 or more expected"));
        }
        Ok(Self { topic: topic.to_owned(), fault: fault.parse()?, times })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_with_their_topic_argument_and_times() {
        let rule: FaultRule = "#dior=http:503x2".parse().unwrap();
        assert_eq!(rule, FaultRule { topic: "#dior".into(), fault: Fault::Http(503), times: Some(2) });
        let rule: FaultRule = "*=code:100/33".parse().unwrap();
        assert!(matches!(rule.fault, Fault::Error { code: 100, subcode: Some(33), .. }) && rule.times.is_none());
    }

    #[test]
    fn an_unknown_fault_is_an_error_that_lists_the_known_ones() {
        for bad in ["gucci", "gucci=throtled", "gucci=http:9", "gucci=slow:x", "gucci=throttledx0"] {
            assert!(bad.parse::<FaultRule>().unwrap_err().contains("expected"), "{bad}");
        }
    }
}
