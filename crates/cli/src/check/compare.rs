//! `luxury-brands check --api-version`: requests every mapped field from two versions, the configured one and another,
//! and shows what would change.

use super::super::backend::{self, Backend};
use super::checklist::Checklist;
use super::probe::{Fields, Probe, probe};
use collector::config::Config;
use collector::counted::counted;
use collector::diagnosis::Diagnosis;
use collector::graph::HashtagIds;
use collector::record::Model;
use collector::secret::Secret;
use collector::version;

/// A version to compare with, as written on the command line: `v26.0`, `v26` or `26`.
pub(super) fn version(text: &str) -> Result<String, String> {
    let numbers = text.strip_prefix('v').unwrap_or(text);
    let name = if numbers.contains('.') { format!("v{numbers}") } else { format!("v{numbers}.0") };
    match version::compare(&name, &name) {
        Some(_) => Ok(name),
        None => Err(format!("{text:?} given, a version like {} expected", version::TESTED)),
    }
}

/// Requests the mapped fields from both versions, and reports what would change.
pub(super) async fn compare(
    checklist: &mut Checklist,
    backend: &Backend,
    config: &Config,
    secret: &Secret,
    other: &str,
) {
    let Some(end_point) = end_point(config, other) else {
        let message = "[API] end_point has no {VERSION}, so that no other version can be requested";
        return checklist.fail("version", message, Diagnosis::Configuration);
    };
    let mut moved = config.clone();
    (moved.end_point, moved.version) = (end_point, other.to_owned());
    let mut ids = HashtagIds::new();
    let (now, then) = (asked(backend, config, secret, &mut ids).await, asked(backend, &moved, secret, &mut ids).await);
    for Probe { version, served, calls, failures, .. } in [&now, &then] {
        let calls = counted(*calls, "call");
        match served {
            Some(served) if served != version => {
                checklist.warn(
                    "version",
                    format!("{version} is requested and {served} responds, whose fields follow ({calls})"),
                    Diagnosis::VersionEnded,
                );
            }
            _ => checklist.ok("version", format!("{version} is requested and responds ({calls})")),
        }
        for (topic, failure) in failures {
            let message = format!("{version}: {topic}: {}", failure.explained());
            checklist.fail("version", message, failure.diagnosis);
        }
    }
    for model in Model::ALL {
        if let (Some(now), Some(then)) = (now.fields_of(model), then.fields_of(model)) {
            report(checklist, model, (&config.version, now), (other, then));
        }
    }
    checklist.ok("calls", format!("this comparison made {}", counted(now.calls + then.calls, "call")));
}

/// The end point with the other version instead of the configured one.
fn end_point(config: &Config, other: &str) -> Option<String> {
    let is_version = |part: &&str| *part == config.version;
    config.end_point.split('/').any(|part| is_version(&part)).then(|| {
        let parts = config.end_point.split('/').map(|part| if is_version(&part) { other } else { part });
        parts.collect::<Vec<_>>().join("/")
    })
}

async fn asked(backend: &Backend, config: &Config, secret: &Secret, ids: &mut HashtagIds) -> Probe {
    let client = backend.client(config, secret);
    let session = backend::session(&client);
    probe(&session, &client, config, ids).await
}

/// Reports for a model which fields would be lost, which would be added, and in how many records each field is missing.
fn report(checklist: &mut Checklist, model: Model, (now, old): (&str, &Fields), (then, new): (&str, &Fields)) {
    let name = model.name();
    let names = |fields: Vec<&str>| fields.join(", ");
    let (lost, come) = (names(old.known_but_not_in(new)), names(new.known_but_not_in(old)));
    let neither = names(new.unknown.iter().filter(|field| old.unknown.contains(field)).map(String::as_str).collect());
    if !lost.is_empty() {
        checklist.fail(name, format!("{then} does not know {lost}, which {now} does"), Diagnosis::UnknownField);
    }
    if !neither.is_empty() {
        checklist.warn(name, format!("neither {now} nor {then} knows {neither}"), Diagnosis::UnknownField);
    }
    if !come.is_empty() {
        checklist.ok(name, format!("{then} knows {come}, which {now} does not"));
    }
    let missing = missing(new, old, now);
    let (known, records) = (new.known.len(), counted(new.records, "record"));
    let asked = counted(known + new.unknown.len(), "field");
    checklist.ok(name, format!("{then} knows {known} of {asked}; missing values in {records}: {missing}"));
}

/// In how many records each field is missing. For fields that the version `now` also knows, the number with that
/// version follows.
fn missing(new: &Fields, old: &Fields, now: &str) -> String {
    let fields = new.known.iter().filter_map(|(field, count)| {
        let missing = new.records - count;
        match old.known.iter().find(|(of, _)| of == field).map(|(_, count)| old.records - count) {
            Some(before) => (missing + before > 0).then(|| format!("{field} {missing} ({before} with {now})")),
            None => (missing > 0).then(|| format!("{field} {missing}")),
        }
    });
    let fields = fields.collect::<Vec<_>>().join(", ");
    if fields.is_empty() { "nothing".to_owned() } else { fields }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_accepted_in_every_spelling() {
        for text in ["v26.0", "v26", "26", "26.0"] {
            assert_eq!(version(text).as_deref(), Ok("v26.0"), "{text}");
        }
        for text in ["", "v", "latest", "v26.x", "26/../x", "-1"] {
            assert!(version(text).unwrap_err().contains("v26.0 expected"), "{text}");
        }
    }

    #[test]
    fn missing_fields_are_reported_for_both_versions() {
        let fields = |records, known: &[(&str, usize)]| {
            let known = known.iter().map(|(field, count)| ((*field).to_owned(), *count)).collect();
            Fields { records, known, unknown: Vec::new() }
        };
        let old = fields(50, &[("id", 50), ("caption", 47), ("like_count", 50)]);
        let new = fields(40, &[("id", 40), ("caption", 40), ("like_count", 38), ("views", 9)]);
        assert_eq!(missing(&new, &old, "v17.0"), "caption 0 (3 with v17.0), like_count 2 (0 with v17.0), views 31");
        assert_eq!(missing(&old, &old, "v17.0"), "caption 3 (3 with v17.0)");
        assert_eq!(missing(&fields(1, &[("id", 1)]), &old, "v17.0"), "nothing");
    }

    #[test]
    fn the_version_in_the_end_point_is_replaced() {
        let mut config = Config::parse(include_bytes!("../../../../configure.ini"), "").unwrap();
        assert_eq!(end_point(&config, "v26.0").as_deref(), Some("https://graph.facebook.com/v26.0"));
        config.end_point = "https://proxy.example/v17.0x/graph".to_owned();
        assert_eq!(end_point(&config, "v26.0"), None);
    }
}
