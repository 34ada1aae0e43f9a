//! Suggestions for misspelt names.

use strsim::jaro_winkler;

/// The minimum similarity of a misspelt name to the one meant, from 0 to 1.
const SIMILAR: f64 = 0.85;

/// The similarity of a name to one that ends with it, as `token` to `access_token`.
const SIMILAR_END: f64 = 0.95;

/// The minimum number of letters of a name that may be the end of a longer one.
const END: usize = 4;

/// The known name that is most similar to `given`; `None` if none is. Capitals, `_` and `-` make no difference.
pub fn closest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |name: &str| name.to_lowercase().replace(['_', '-'], "");
    let given = plain(given);
    let rated = known.into_iter().map(|name| (similarity(&given, &plain(name)), name));
    let similar = rated.filter(|(similarity, _)| *similarity >= SIMILAR);
    similar.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, name)| name)
}

/// " (did you mean `name`?)"; empty if no known name is similar to `given`.
pub fn did_you_mean<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    closest(given, known).map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

fn similarity(given: &str, known: &str) -> f64 {
    let (short, long) = if given.len() < known.len() { (given, known) } else { (known, given) };
    let is_end = short.len() >= END && long.ends_with(short);
    jaro_winkler(given, known).max(if is_end { SIMILAR_END } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_recognised_and_another_one_is_not() {
        let known = ["end_point", "access_token", "accounts", "hashtags", "webhook", "throttled", "hashtag-ids"];
        for (given, meant) in [
            ("endpoint", "end_point"),
            ("End_Point", "end_point"),
            ("token", "access_token"),
            ("account", "accounts"),
            ("webhok", "webhook"),
            ("throtled", "throttled"),
            ("hashtag_id", "hashtag-ids"),
        ] {
            assert_eq!(closest(given, known), Some(meant), "{given}");
        }
        for other in ["", "x", "region", "colour", "token_of_a_bank"] {
            assert_eq!(closest(other, known), None, "{other}");
        }
        assert_eq!(did_you_mean("acounts", known), " (did you mean `accounts`?)");
        assert_eq!(did_you_mean("region", known), "");
    }
}
