//! Ages in settings and flags, such as `24h` or `30d`.

use std::time::Duration;

/// What an age looks like.
pub(crate) const FORM: &str = "a number and a unit: s, m, h, d or w, such as 24h";

/// Parses an age; `None` if it is malformed or too large.
pub(crate) fn age(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        'w' => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    // Times are microseconds in 64 bits.
    number.checked_mul(seconds).filter(|seconds| *seconds <= MAX_SECONDS).map(Duration::from_secs)
}

/// The longest age: a thousand years.
const MAX_SECONDS: u64 = 1_000 * 366 * 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_and_a_unit() {
        assert_eq!(age("0s"), Some(Duration::ZERO));
        assert_eq!(age("90m"), Some(Duration::from_mins(90)));
        assert_eq!(age("24h"), Some(Duration::from_hours(24)));
        assert_eq!(age("30d"), Some(Duration::from_hours(30 * 24)));
        assert_eq!(age("2w"), Some(Duration::from_hours(14 * 24)));
        for wrong in
            ["", "h", "24", "-1h", "1.5h", "1 h", "24H", "1y", "99999999w", "18446744073709551615s", "٣d", "9é", "90dd"]
        {
            assert_eq!(age(wrong), None, "{wrong}");
        }
    }
}
