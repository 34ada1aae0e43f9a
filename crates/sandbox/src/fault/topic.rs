//! The topics of a sandbox's rules.

use super::FaultRule;
use crate::Options;
use collector::similar::did_you_mean;
use collector::version::VERSIONS;

/// The topics of rules other than accounts, hashtags and versions.
const OTHERS: [&str; 7] = ["*", "#*", "hashtags", "token", "exchange", "new_token", "self"];

/// The maximum number of names in an error.
const MAX_NAMES: usize = 20;

impl FaultRule {
    /// The rule, if the sandbox of `options` has its topic.
    ///
    /// # Errors
    /// What was given, and what the sandbox has.
    pub fn known_to(self, options: &Options) -> Result<Self, String> {
        let accounts = options.accounts.iter().map(|(name, _)| name.clone());
        let hashtags = options.hashtags.iter().map(|name| format!("#{name}"));
        let is_version = VERSIONS.iter().any(|version| version.name == self.topic);
        if OTHERS.contains(&self.topic.as_str())
            || is_version
            || accounts.clone().chain(hashtags.clone()).any(|name| name == self.topic)
        {
            return Ok(self);
        }
        let known = accounts.clone().chain(hashtags.clone()).collect::<Vec<_>>();
        let meant = did_you_mean(&self.topic, known.iter().map(String::as_str));
        let versions = VERSIONS.iter().map(|version| version.name.to_owned());
        Err(format!(
            "{:?} given{meant}, which the sandbox does not have; it has {}; the accounts {}; the hashtags {}; the versions {}",
            self.topic,
            OTHERS.join(", "),
            listed(accounts),
            listed(hashtags),
            listed(versions),
        ))
    }
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let first = names.iter().take(MAX_NAMES).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_NAMES) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_about_what_the_sandbox_lacks_names_what_it_has() {
        let accounts = (0..30).map(|n| (format!("account{n}"), "1".to_owned())).collect();
        let options = Options { accounts, hashtags: vec!["dior".to_owned()], ..Options::default() };
        for topic in ["account29", "#dior", "*", "#*", "hashtags", "token", "exchange", "v25.0"] {
            let rule: FaultRule = format!("{topic}=throttled").parse().unwrap();
            assert!(rule.known_to(&options).is_ok(), "{topic}");
        }
        for topic in ["nosuch", "dior", "#account1", "v1", ""] {
            let rule: FaultRule = format!("{topic}=throttled").parse().unwrap();
            let error = rule.known_to(&options).unwrap_err();
            let expected = ["#*, hashtags, token", "account19 and 10 more", "the hashtags #dior", "v25.0"];
            assert!(
                error.contains(&format!("{topic:?} given")) && expected.iter().all(|t| error.contains(t)),
                "{error}"
            );
        }
    }
}
