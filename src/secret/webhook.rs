//! The address of a webhook. Its path is what lets somebody post there, so it is as secret as a token.

use url::Url;

use crate::http::is_on_loopback;

/// Whether messages may go to `url`: nobody on the way reads them, or they never leave this machine.
pub(super) fn is_safe(url: &str) -> bool {
    match Url::parse(url).ok().filter(Url::has_host).as_ref().map(Url::scheme) {
        Some("https") => true,
        Some("http") => is_on_loopback(url),
        _ => false,
    }
}
