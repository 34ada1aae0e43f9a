//! The time of a run, read from an object's key by a regular expression.

use chrono::format::Numeric;

/// A regular expression of keys, and which of its groups holds which part of the time.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    regex: String,
    /// The number of the group of year, month, day, hour, minute and second.
    groups: [Option<usize>; 6],
    /// Whether the year has two digits.
    short_year: bool,
}

impl Moment {
    /// The pattern of a number of `width` digits: a group where it is the first one of its unit.
    pub(super) fn number(&mut self, unit: &Numeric, width: usize) -> String {
        let digits = digits(width);
        let index = match unit {
            Numeric::Year | Numeric::YearMod100 => 0,
            Numeric::Month => 1,
            Numeric::Day => 2,
            Numeric::Hour => 3,
            Numeric::Minute => 4,
            Numeric::Second => 5,
            _ => return digits,
        };
        let next = self.groups.iter().flatten().count() + 1;
        let Some(group) = self.groups.get_mut(index).filter(|group| group.is_none()) else { return digits };
        *group = Some(next);
        self.short_year |= *unit == Numeric::YearMod100;
        format!("({digits})")
    }

    /// Whether year, month and day are known.
    pub(super) fn has_day(&self) -> bool {
        self.groups.iter().take(3).all(Option::is_some)
    }

    pub(super) fn within(self, regex: String) -> Self {
        Self { regex, ..self }
    }

    /// The regular expression. It matches a whole key.
    pub(super) fn regex(&self) -> String {
        format!("^{}$", self.regex)
    }

    /// What a match is replaced by to give the day, as in `2026-11-24`. `reference` writes the reference to a group.
    pub(super) fn day(&self, reference: impl Fn(usize) -> String) -> String {
        let part = |index: usize| self.groups.get(index).copied().flatten().map_or_else(|| "00".to_owned(), &reference);
        format!("{}{}-{}-{}", if self.short_year { "20" } else { "" }, part(0), part(1), part(2))
    }

    /// What a match is replaced by to give the instant in UTC, as in `2026-11-24T03:00:00+0000`.
    pub(super) fn instant(&self, reference: impl Fn(usize) -> String) -> String {
        let part = |index: usize| self.groups.get(index).copied().flatten().map_or_else(|| "00".to_owned(), &reference);
        format!("{}T{}:{}:{}+0000", self.day(&reference), part(3), part(4), part(5))
    }
}

/// A regular expression of a number of `width` digits.
pub(super) fn digits(width: usize) -> String {
    format!("[0-9]{{{width}}}")
}
