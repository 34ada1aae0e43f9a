//! Changes to the configuration for the measurements.

/// `ini` with the API at `end_point`.
pub(super) fn calling(ini: &str, end_point: &str) -> String {
    with(ini, "API", &["end_point"], &format!("end_point = {end_point}/{{VERSION}}"))
}

/// `ini` with the ids of these hashtags.
pub(super) fn pinned(ini: &str, ids: &[(String, String)]) -> String {
    let tags: Vec<&str> = ids.iter().map(|(tag, _)| tag.as_str()).collect();
    let lines: Vec<String> = ids.iter().map(|(tag, id)| format!("{tag} = {id}")).collect();
    with(ini, "hashtag_id", &tags, &lines.join("\n"))
}

/// `ini` with this many accounts, and limits that allow their calls.
pub(super) fn many_accounts(ini: &str, count: usize) -> String {
    let names: Vec<String> = (0..count).map(|n| format!("house{n:05}")).collect();
    let ids: Vec<String> =
        names.iter().enumerate().map(|(n, name)| format!("{name} = {}", 17_841_400_000_000_000 + n)).collect();
    let ini = with(ini, "topic", &["accounts"], &format!("accounts = {}", names.join(" ")));
    let ini = with(&ini, "add_user_id", &[], &ids.join("\n"));
    with(&ini, "limits", &["calls_per_hour"], &format!("calls_per_hour = {}", 1_000 + 60 * count))
}

/// `ini` with `lines` in the section instead of its lines for `keys`.
fn with(ini: &str, section: &str, keys: &[&str], lines: &str) -> String {
    let header = format!("[{section}]");
    let mut inside = false;
    let mut kept: Vec<&str> = Vec::new();
    let mut found = false;
    for line in ini.lines() {
        if line.trim_start().starts_with('[') {
            inside = line.trim() == header;
            found |= inside;
            kept.push(line);
            if inside {
                kept.push(lines);
            }
        } else if !inside || !line.split_once('=').is_some_and(|(key, _)| keys.contains(&key.trim())) {
            kept.push(line);
        }
    }
    if !found {
        kept.extend([header.as_str(), lines]);
    }
    kept.join("\n") + "\n"
}
