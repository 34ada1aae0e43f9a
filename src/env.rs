//! The environment.

/// The value of a variable; `None` if it is empty, not set or not UTF-8.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
