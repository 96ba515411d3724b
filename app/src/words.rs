//! How figures and moments are said to a person: ages, sizes, counts.
//! Whole numbers only, and nothing of where they come from.

use model::clock::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long ago, in one unit, as `5 hours ago`.
pub(crate) fn age(then: Timestamp, now: Timestamp) -> String {
    match then.until(now).as_secs() {
        seconds if seconds < MINUTE => "just now".to_owned(),
        seconds if (DAY..2 * DAY).contains(&seconds) => "yesterday".to_owned(),
        seconds => format!("{} ago", span(seconds)),
    }
}

/// How long from now, as `in 3 weeks`; `expired` for what is past.
pub(crate) fn ahead(then: Timestamp, now: Timestamp) -> String {
    match now.until(then).as_secs() {
        0 => "expired".to_owned(),
        // What was set to last 90 days a moment ago has 3 months left, not 2.
        seconds if seconds > HOUR => format!("in {}", span(seconds.next_multiple_of(HOUR))),
        seconds => format!("in {}", span(seconds)),
    }
}

fn span(seconds: u64) -> String {
    let (length, one, many) = match seconds {
        _ if seconds < HOUR => (MINUTE, "minute", "minutes"),
        _ if seconds < DAY => (HOUR, "hour", "hours"),
        _ if seconds < 14 * DAY => (DAY, "day", "days"),
        _ if seconds < 60 * DAY => (7 * DAY, "week", "weeks"),
        _ if seconds < 730 * DAY => (30 * DAY, "month", "months"),
        _ => (365 * DAY, "year", "years"),
    };
    plural((seconds / length).max(1), one, many)
}

/// The moment itself, as `2026-11-22 10:00 UTC`.
pub(crate) fn exact(moment: Timestamp) -> String {
    let text = moment.rfc3339();
    format!("{} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
}

/// Bytes in binary units, as `38.2 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return plural(count, "byte", "bytes");
    }
    let mut unit = UNITS[0];
    let mut size = 1024_u64;
    for larger in UNITS.into_iter().skip(1) {
        if count / size < 1024 {
            break;
        }
        unit = larger;
        size = size.saturating_mul(1024);
    }
    format!("{} {unit}", tenths(count, size))
}

/// How many there are that a bounded list does not show; nothing where it shows all.
pub(crate) fn more(of: usize, shown: usize) -> Option<String> {
    of.checked_sub(shown).filter(|left| *left > 0).map(|left| format!("and {left} more"))
}

/// The beginning of a text that may be of any length: `most` characters at most, and a sign where it goes on.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A count in four characters or so, as `1.2k`.
pub(crate) fn count(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{}k", tenths(number, 1_000)),
        1_000_000..1_000_000_000 => format!("{}M", tenths(number, 1_000_000)),
        _ => format!("{}G", tenths(number, 1_000_000_000)),
    }
}

/// `number / unit` with one decimal below a hundred, where there is one.
fn tenths(number: u64, unit: u64) -> String {
    let whole = number / unit;
    // The largest unit is a PiB: ten of its remainder fit.
    let tenth = number % unit * 10 / unit;
    if whole >= 100 || tenth == 0 { whole.to_string() } else { format!("{whole}.{tenth}") }
}

/// A number with its noun.
pub(crate) fn plural(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn ago(seconds: i64) -> String {
        age(Timestamp::from_micros((NOW - seconds) * 1_000_000), Timestamp::from_micros(NOW * 1_000_000))
    }

    #[test]
    fn what_is_cut_says_so_and_what_is_left_out_is_counted() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüx", 3), "äöü…");
        assert_eq!(more(5, 3).as_deref(), Some("and 2 more"));
        assert_eq!(more(3, 3), None);
        assert_eq!(more(2, 3), None);
    }

    #[test]
    fn what_was_just_set_to_last_has_all_its_time_ahead() {
        let left = |seconds: i64| ahead(Timestamp::from_micros(seconds * 1_000_000), Timestamp::from_micros(1));
        let told = [0, 60 * 30, 30 * 86_400, 90 * 86_400, 365 * 86_400].map(left);
        assert_eq!(told, ["expired", "in 29 minutes", "in 4 weeks", "in 3 months", "in 12 months"]);
    }

    #[test]
    fn an_age_is_told_in_one_unit() {
        let told = [0, 61, 7_200, 90_000, 6 * 86_400, 21 * 86_400, 90 * 86_400, 800 * 86_400].map(ago);
        let expected = [
            "just now",
            "1 minute ago",
            "2 hours ago",
            "yesterday",
            "6 days ago",
            "3 weeks ago",
            "3 months ago",
            "2 years ago",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_past_has_expired() {
        let now = Timestamp::from_micros(NOW * 1_000_000);
        assert_eq!(ahead(Timestamp::from_micros(0), now), "expired");
        assert_eq!(ahead(Timestamp::from_micros((NOW + 86_400) * 1_000_000), now), "in 1 day");
    }

    #[test]
    fn sizes_are_binary_and_counts_decimal() {
        let sizes = [1, 1023, 1024, 40_055_603, 120 * 1024 * 1024, 3 << 40].map(bytes);
        assert_eq!(sizes, ["1 byte", "1023 bytes", "1 KiB", "38.1 MiB", "120 MiB", "3 TiB"]);
        assert_eq!([999, 1_000, 1_250, 48_100_000].map(count), ["999", "1k", "1.2k", "48.1M"]);
    }
}
