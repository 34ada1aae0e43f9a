//! How much of the API's limits is used, as the headers of every answer say.

use http::HeaderMap;
use serde_json::Value;

/// What the headers of one answer say. The API sends them only after "enough requests", so a missing value
/// is unknown and not 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// The highest percentage of any limit.
    pub percent: Option<u32>,
    /// Minutes until calls succeed again, where the API says so.
    pub regain_minutes: Option<u32>,
}

/// The keys that hold percentages. Other keys do not; some of them are undocumented.
const PERCENTAGES: [&str; 3] = ["call_count", "total_cputime", "total_time"];

impl Usage {
    /// A WARNING is logged from this percentage on.
    pub const WARN_PERCENT: u32 = 80;

    /// No further call is started from this percentage on.
    pub const STOP_PERCENT: u32 = 95;

    /// Reads `X-App-Usage` and `X-Business-Use-Case-Usage`. Anything that is not as documented is skipped.
    pub fn read(headers: &HeaderMap) -> Self {
        let json = |name: &str| {
            headers.get_all(name).iter().filter_map(|v| serde_json::from_slice(v.as_bytes()).ok()).collect()
        };
        let mut usage = Self::default();
        let app: Vec<Value> = json("x-app-usage");
        app.iter().for_each(|value| usage.add(value));
        let business: Vec<Value> = json("x-business-use-case-usage");
        let entries =
            business.iter().filter_map(Value::as_object).flat_map(|o| o.values()).filter_map(Value::as_array).flatten();
        for entry in entries {
            usage.add(entry);
            let minutes = entry.get("estimated_time_to_regain_access").and_then(whole).filter(|m| *m > 0);
            usage.regain_minutes = usage.regain_minutes.max(minutes);
        }
        usage
    }

    fn add(&mut self, value: &Value) {
        let highest = PERCENTAGES.iter().filter_map(|key| value.get(key).and_then(whole)).max();
        self.percent = self.percent.max(highest);
    }

    /// The higher values of both.
    pub fn max(self, other: Self) -> Self {
        Self { percent: self.percent.max(other.percent), regain_minutes: self.regain_minutes.max(other.regain_minutes) }
    }
}

fn whole(value: &Value) -> Option<u32> {
    // A float-to-integer cast saturates, so nothing that a header holds can overflow it.
    value.as_f64().filter(|n| *n >= 0.0).map(|n| n as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(app: &str, business: &str) -> Usage {
        let mut headers = HeaderMap::new();
        headers.insert("x-app-usage", HeaderValue::from_bytes(app.as_bytes()).unwrap());
        headers.insert("x-business-use-case-usage", HeaderValue::from_bytes(business.as_bytes()).unwrap());
        Usage::read(&headers)
    }

    #[test]
    fn the_highest_percentage_counts_and_minutes_are_no_percentage() {
        let business = r#"{"178":[{"type":"instagram","call_count":41,"total_cputime":25,"total_time":97,"estimated_time_to_regain_access":190}],"2":[{"call_count":3}]}"#;
        assert_eq!(
            read(r#"{"call_count":28,"total_time":25,"total_cputime":25}"#, business),
            Usage { percent: Some(97), regain_minutes: Some(190) }
        );
    }

    #[test]
    fn what_is_missing_or_not_as_documented_is_unknown() {
        assert_eq!(Usage::read(&HeaderMap::new()), Usage::default());
        assert_eq!(read("oops", r#"{"178":{"call_count":99}}"#), Usage::default());
        assert_eq!(read(r#"{"call_volume":99,"call_count":"99","total_time":-1}"#, "[]"), Usage::default());
        assert_eq!(read(r#"{"call_count":96.7}"#, "{}").percent, Some(96));
    }
}
