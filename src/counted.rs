//! A number with its noun, in the number's form.

/// `1 object`, `2 objects`. `noun` is the singular.
pub fn counted(n: usize, noun: &str) -> String {
    match (n, noun.strip_suffix("medium")) {
        (1, _) => format!("1 {noun}"),
        (_, Some(before)) => format!("{n} {before}media"),
        _ => format!("{n} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn only_one_is_singular() {
        let texts = [0, 1, 2].map(|n| format!("{}, {}", counted(n, "failed topic"), counted(n, "medium")));
        assert_eq!(texts, ["0 failed topics, 0 media", "1 failed topic, 1 medium", "2 failed topics, 2 media"]);
    }
}
