//! The secret's file: replaces the token in its text, and the file by a new one.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use ini::Ini;
use secrecy::{ExposeSecret, SecretString};

use super::super::{SecretError, from_file};
use super::{SecretWriteError, holds};

/// Replaces `old` with `new`. Comments, order and spelling of everything else stay, as do the file's mode and owner.
pub(super) fn replace(path: &Path, old: &SecretString, new: &SecretString) -> Result<(), SecretWriteError> {
    holds(&from_file(path)?, old)?;
    let bytes = crate::file::read(path).map_err(|cause| SecretError::Unreadable { path: path.to_owned(), cause })?;
    let text = std::str::from_utf8(&bytes).ok().ok_or(SecretWriteError::NotOnlyToken)?;
    let changed = with_token(text, old.expose_secret(), new.expose_secret()).ok_or(SecretWriteError::NotOnlyToken)?;
    Ok(replace_whole(path, changed.expose_secret().as_bytes())?)
}

/// The text with the new token and nothing else changed; `None` if that is impossible.
fn with_token(text: &str, old: &str, new: &str) -> Option<SecretString> {
    let value = value_of_token(text)?;
    let start = value + text.get(value..)?.find(old)?;
    let changed = format!("{}{new}{}", text.get(..start)?, text.get(start + old.len()..)?);
    let (before, after) = (entries(text)?, entries(&changed)?);
    let token = ("SECRET".to_owned(), "access_token".to_owned());
    let is_token = |entry: &Entry| (&entry.0, &entry.1) == (&token.0, &token.1);
    let is_same = |(before, after): (&Entry, &Entry)| {
        if is_token(before) { is_token(after) && after.2 == new } else { before == after }
    };
    let is_alone = before.len() == after.len() && before.iter().zip(&after).all(is_same);
    is_alone.then(|| changed.into())
}

/// A section, a key in it and its value.
type Entry = (String, String, String);

fn entries(text: &str) -> Option<Vec<Entry>> {
    let ini: Ini = crate::ini::parse(text.as_bytes()).ok()?;
    let of_section = |(section, keys): (Option<&str>, &ini::Properties)| {
        let entry =
            |(key, value): (&str, &str)| (section.unwrap_or_default().to_owned(), key.to_owned(), value.to_owned());
        keys.iter().map(entry).collect::<Vec<_>>()
    };
    Some(ini.iter().flat_map(of_section).collect())
}

/// Where the value of `access_token` of `[SECRET]` starts.
fn value_of_token(text: &str) -> Option<usize> {
    let (mut at, mut is_secret) = (0, false);
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start_matches('\u{feff}').trim();
        if trimmed.starts_with('[') {
            is_secret = trimmed == "[SECRET]";
        } else if let Some(sign) = line.find(['=', ':']).filter(|_| is_secret)
            && line.get(..sign).is_some_and(|key| key.trim() == "access_token")
        {
            return Some(at + sign + 1);
        }
        at += line.len();
    }
    None
}

/// Replaces a file with a new one that has its mode and owner. A file without write permission stays.
fn replace_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // The file that a link names is replaced, and not the link.
    let path = &path.canonicalize()?;
    let about = OpenOptions::new().append(true).open(path)?.metadata()?;
    // Nobody else may read it before it has the mode and the owner.
    let mut part = crate::file::part(path, None)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let own = part.as_file().metadata()?;
        if (own.uid(), own.gid()) != (about.uid(), about.gid()) {
            fchown(part.as_file(), Some(about.uid()), Some(about.gid()))?;
        }
    }
    part.as_file().set_permissions(about.permissions())?;
    part.write_all(bytes)?;
    part.as_file().sync_all()?;
    part.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const OLD: &str = "placeholder-old";
    const NEW: &str = "placeholder-new";

    const FILE: &str = "\u{feff}# placeholder-old is of last week\r\n[OTHER]\r\naccess_token = placeholder-old\r\n[SECRET]\r\n; keep\r\nig_user_id=1\r\naccess_token :   placeholder-old  \r\nbucket = lux-raw\r\nnote = placeholder-old\r\n\r\n";

    fn changed(text: &str) -> Option<String> {
        with_token(text, OLD, NEW).map(|text| text.expose_secret().to_owned())
    }

    #[test]
    fn only_the_token_changes() {
        let expected = FILE.replace(":   placeholder-old", ":   placeholder-new");
        assert_eq!(changed(FILE).unwrap(), expected);
        let indented = "[SECRET]\n bucket = lux-raw\n  access_token = placeholder-old";
        assert_eq!(changed(indented).unwrap(), indented.replace(OLD, NEW));
        let below = "[SECRET]\naccess_token =\n  # of last week\n  placeholder-old\nbucket = lux-raw\n";
        assert_eq!(changed(below).unwrap(), below.replace(OLD, NEW));
    }

    #[test]
    fn nothing_changes_if_more_than_the_token_would() {
        for text in [
            "[SECRET]\naccess_token = other\nnote = placeholder-old\n",
            "[SECRET]\naccess_token =\n # placeholder-old\n placeholder-old\n",
            "[OTHER]\naccess_token = placeholder-old\n",
            "[SECRET]\ntoken = placeholder-old\n",
        ] {
            assert_eq!(changed(text), None, "{text}");
        }
    }

    /// A file with the old token, in a separate folder.
    fn file() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dev_secret.ini");
        fs::write(&path, FILE).unwrap();
        (folder, path)
    }

    fn put(path: &Path) -> Result<(), SecretWriteError> {
        replace(path, &OLD.into(), &NEW.into())
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_mode_and_a_link_to_it_stays_one() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, path) = file();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link.ini");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        put(&link).unwrap();
        assert!(link.is_symlink() && fs::read_to_string(&path).unwrap().contains(NEW));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_that_cannot_be_replaced_stays_as_it_is() {
        let (folder, short) = file();
        // The name of the part file exceeds the longest possible name.
        let path = folder.path().join("x".repeat(250));
        fs::rename(&short, &path).unwrap();
        let error = put(&path).unwrap_err();
        assert!(
            matches!(error, SecretWriteError::File(_)) && !format!("{error} {error:?}").contains("placeholder"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), FILE);
        fs::rename(&path, &short).unwrap();
        put(&short).unwrap();
        assert!(matches!(put(&short), Err(SecretWriteError::Rotated)), "it holds another one now");
    }
}
