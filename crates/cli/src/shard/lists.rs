//! Lists of topics and credentials: CSV with a header line, a JSON array, or JSON Lines.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::{Map, Value};

use super::plan::Credential;
use crate::failure::Lines;
use collector::config::Config;
use collector::secret::SecretId;
use collector::telemetry::printable;
use collector::topic::{HashtagId, HashtagName, UserId, Username};

/// A topic, as in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Topic {
    /// The name.
    pub(super) name: String,
    /// The user id that is stored in its media.
    pub(super) user_id: String,
    /// A hashtag's id, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
}

/// The topics to plan, and the credentials.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) accounts: Vec<Topic>,
    pub(super) hashtags: Vec<Topic>,
    pub(super) credentials: Vec<Credential>,
}

impl Lists {
    /// Reads the given lists. If there is no list of topics, those of the configuration are used.
    pub(super) fn read(
        config: &Config,
        accounts: Option<&Path>,
        hashtags: Option<&Path>,
        credentials: Option<&Path>,
    ) -> Result<Self> {
        let (mut of_accounts, mut of_hashtags) = (Vec::new(), Vec::new());
        if accounts.is_none() && hashtags.is_none() {
            let topic = |name: &str, user_id: &UserId, id: Option<&HashtagId>| Topic {
                name: name.to_owned(),
                user_id: user_id.to_string(),
                id: id.map(ToString::to_string),
            };
            of_accounts = config.accounts.iter().map(|a| topic(a.username.as_str(), &a.user_id, None)).collect();
            of_hashtags = config.hashtags.iter().map(|h| topic(h.name.as_str(), &h.user_id, h.id.as_ref())).collect();
        }
        if let Some(path) = accounts {
            of_accounts = list(path, ACCOUNT, |row| topic(row, |name| Username::new(name).is_some()))?;
        }
        if let Some(path) = hashtags {
            of_hashtags = list(path, HASHTAG, |row| topic(row, |name| HashtagName::new(name).is_some()))?;
        }
        let credentials = match credentials {
            Some(path) => list(path, CREDENTIAL, credential)?,
            None => Vec::new(),
        };
        Ok(Self { accounts: of_accounts, hashtags: of_hashtags, credentials })
    }

    /// The accounts of a list, with their user ids.
    pub(super) fn accounts(path: &Path) -> Result<Vec<(String, String)>> {
        let topics = list(path, ACCOUNT, |row| topic(row, |name| Username::new(name).is_some()))?;
        Ok(topics.into_iter().map(|t| (t.name, t.user_id)).collect())
    }
}

type Row = Map<String, Value>;

/// A row's value as text, whatever its type.
fn text(row: &Row, key: &str) -> Option<String> {
    match row.get(key)? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn topic(row: &Row, good: impl Fn(&str) -> bool) -> Option<Topic> {
    let (name, user_id) = (text(row, "name")?, text(row, "user_id")?);
    UserId::new(&user_id)?;
    let id = text(row, "id");
    let known = id.as_deref().is_none_or(|id| HashtagId::new(id).is_some());
    (good(&name) && known).then_some(Topic { name, user_id, id })
}

fn credential(row: &Row) -> Option<Credential> {
    let secret_id = text(row, "secret_id")?;
    SecretId::new(&secret_id)?;
    let number = |key: &str, default: u32| text(row, key).map_or(Some(default), |text| text.parse().ok());
    Some(Credential {
        secret_id,
        calls_per_hour: number("calls_per_hour", 200)?,
        hashtags_per_week: number("hashtags_per_week", 30)?,
    })
}

/// The maximum number of problems that are shown for a list.
const MAX_SHOWN: usize = 10;

/// The key of a list, each value of which appears once, and the columns.
type Columns = (&'static str, &'static str);

const ACCOUNT: Columns = ("name", "name (a username of [a-z0-9._]{1,30}) and user_id (digits)");
const HASHTAG: Columns = ("name", "name (without #), user_id (digits) and optionally id (digits)");
const CREDENTIAL: Columns =
    ("secret_id", "secret_id (a name, not an ARN) and optionally the numbers calls_per_hour and hashtags_per_week");

/// Reads a list. One error reports every row that is wrong or repeated.
fn list<T>(path: &Path, (key, columns): Columns, read: impl Fn(&Row) -> Option<T>) -> Result<Vec<T>> {
    let shown = path.display();
    let list = std::fs::read_to_string(path).with_context(|| format!("{shown} could not be read"))?;
    let rows = rows(&list).with_context(|| {
        format!("{shown} is neither CSV with a header line, nor a JSON array of objects, nor JSON Lines")
    })?;
    let (mut found, mut names, mut problems) = (Vec::with_capacity(rows.len()), HashSet::new(), Vec::new());
    for (n, row) in rows.iter().enumerate() {
        let what = Value::Object(row.clone());
        match read(row) {
            None => problems.push(format!("row {}: {what} cannot be used", n + 1)),
            Some(_) if !names.insert(text(row, key)) => problems.push(format!("row {}: {what} is listed twice", n + 1)),
            Some(item) => found.push(item),
        }
    }
    if rows.is_empty() {
        bail!("{shown} has no rows: {columns} expected");
    }
    if problems.is_empty() {
        return Ok(found);
    }
    let more = problems.len().saturating_sub(MAX_SHOWN);
    problems.truncate(MAX_SHOWN);
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    let lines: String = problems.iter().map(|problem| format!("\n  {}", printable(problem))).collect();
    Err(Lines(format!("{}, {columns} expected:{lines}", printable(&shown.to_string()))).into())
}

fn rows(text: &str) -> Option<Vec<Row>> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with('[') {
        return serde_json::from_str(text).ok();
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if text.starts_with('{') {
        return lines.map(|line| serde_json::from_str(line).ok()).collect();
    }
    // No value in these lists can have a comma or a quote in it.
    let head: Vec<&str> = lines.next()?.split(',').map(str::trim).collect();
    let row = |line: &str| {
        let values: Vec<&str> = line.split(',').map(str::trim).collect();
        let fields = head.iter().zip(&values).map(|(key, value)| ((*key).to_owned(), Value::from(*value)));
        (values.len() <= head.len()).then(|| fields.collect())
    };
    lines.map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Topic>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        list(file.path(), ACCOUNT, |row| topic(row, |name| Username::new(name).is_some())).map_err(|e| e.to_string())
    }

    #[test]
    fn csv_json_and_json_lines_say_the_same() {
        let csv = read("\u{feff}name, user_id\r\ndior,17\r\n\r\nprada,18\r\n").unwrap();
        assert_eq!(csv, read(r#"[{"name":"dior","user_id":"17"},{"name":"prada","user_id":18}]"#).unwrap());
        assert_eq!(
            csv,
            read("{\"name\":\"dior\",\"user_id\":\"17\"}\n{\"name\":\"prada\",\"user_id\":\"18\"}\n").unwrap()
        );
    }

    #[test]
    fn one_error_lists_every_wrong_row() {
        let error = read("name,user_id\nDior,17\nprada,x\nprada,18\nprada,19\n").unwrap_err();
        for row in ["row 1", "row 2", "row 4"] {
            assert!(error.contains(row), "{error}");
        }
        assert!(!error.contains("row 3") && error.contains("is listed twice"), "{error}");
        assert!(read("[7]").unwrap_err().contains("neither CSV"));
    }

    #[test]
    fn a_credential_has_the_limits_of_one_user_by_default() {
        let row = |json: &str| credential(&serde_json::from_str(json).unwrap());
        let own = row(r#"{"secret_id":"c/1"}"#).unwrap();
        assert_eq!((own.calls_per_hour, own.hashtags_per_week), (200, 30));
        assert_eq!(row(r#"{"secret_id":"c/1","calls_per_hour":"400"}"#).unwrap().calls_per_hour, 400);
        assert_eq!(row(r#"{"secret_id":"c/1","calls_per_hour":"many"}"#), None);
        assert_eq!(row(r#"{"secret_id":"arn:x"}"#), None);
    }
}
