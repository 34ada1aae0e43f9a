//! The addresses of pictures and videos.

use chrono::{DateTime, Utc};
use fastrand::Rng;

/// A signed CDN address. It changes with each call, as the real ones do.
pub(super) fn cdn(rng: &mut Rng, now: DateTime<Utc>, file: &str) -> String {
    let word = |rng: &mut Rng, n: usize| std::iter::repeat_with(|| rng.alphanumeric()).take(n).collect::<String>();
    let (a, b) = (rng.u64(10_000_000..400_000_000), rng.u64(100_000_000_000_000..999_999_999_999_999));
    let expiry = now.timestamp() + 4 * 86_400;
    format!(
        "https://scontent-icn2-1.cdninstagram.com/v/t51.36329-15/{a}_{b}_n.{file}?_nc_cat=1{}&ccb=1-7&_nc_sid=8ae9d6&_nc_ohc={}&_nc_ht=scontent-icn2-1.cdninstagram.com&edm=AL-3X8kEAAAA&oh=00_{}&oe={expiry:X}",
        rng.u8(0..10),
        word(rng, 24),
        word(rng, 45),
    )
}
