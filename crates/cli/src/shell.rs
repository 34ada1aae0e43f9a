//! Commands that a person pastes into a shell.

/// The arguments in one line, each quoted if a shell would read it otherwise.
pub(super) fn line<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    arguments.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted(argument: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_shell_reads_the_arguments_as_they_are() {
        let arguments = ["--out", "s3://lux-raw", "my folder/it's", "", "$HOME", r#"{"job":"hashtag"}"#, "été*"];
        let mut printed = std::process::Command::new("sh");
        printed.args(["-c", &format!("printf '%s\\n' {}", line(arguments))]);
        let printed = String::from_utf8(printed.output().unwrap().stdout).unwrap();
        assert_eq!(printed.lines().collect::<Vec<_>>(), arguments);
        assert_eq!(line(["hashtag", "--event", "{}"]), "hashtag --event '{}'");
    }
}
