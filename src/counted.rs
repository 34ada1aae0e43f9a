//! A number with its noun, in the number's form.

use std::fmt::Display;

/// `1 object`, `2 objects`. `noun` is the singular.
pub fn counted<N: Display + PartialEq + From<u8>>(n: N, noun: &str) -> String {
    match noun.strip_suffix("medium") {
        _ if n == N::from(1) => format!("1 {noun}"),
        Some(before) => format!("{n} {before}media"),
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
