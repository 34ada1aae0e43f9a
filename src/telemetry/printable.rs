//! Text from outside on a terminal, which interprets control characters instead of showing them.

use std::borrow::Cow;

/// `text` in which each character that a terminal would interpret is an escape: a line break is ` `, ESC is `\u{1b}`.
/// Such characters are the control characters of C0 and C1, the line and paragraph separators, and the embeddings,
/// overrides and isolates of writing direction. With them a text could forge a line, hide one, or show its letters in
/// another order.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_act_on_a_terminal_is_written_as_an_escape() {
        for (text, shown) in [
            ("a\nb\r\tc", r"a\nb\r\tc"),
            ("\u{0}\u{1b}[31mred\u{7f}", r"\u{0}\u{1b}[31mred\u{7f}"),
            ("\u{9b}1m\u{85}", r"\u{9b}1m\u{85}"),
            ("a\u{2028}\u{2029}\u{202e}b\u{2066}c\u{2069}", r"a\u{2028}\u{2029}\u{202e}b\u{2066}c\u{2069}"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn everything_else_is_shown_as_it_is() {
        for text in ["", r#"a\b "quoted" 'x'"#, "에르메스 हर्मेस می\u{200c}خواهم 👜\u{200d}é"]
        {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_printable_acts_and_it_stays_as_it_is(text in any::<String>()) {
            let shown = printable(&text).into_owned();
            prop_assert!(!shown.contains(acts));
            prop_assert_eq!(printable(&shown), shown.as_str());
        }
    }
}
