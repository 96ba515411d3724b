//! Formats numbers and times for people in the language of the request: ages, sizes, counts. Whole numbers only.

use model::clock::Timestamp;
use model::repository::Freeable;
use model::role::Role;

use crate::actions::stars::StarCount;
use crate::texts::{Locale, locale, text};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A duration in its largest fitting unit.
enum Span {
    Minutes(u64),
    Hours(u64),
    Days(u64),
    Weeks(u64),
    Months(u64),
    Years(u64),
}

impl Span {
    fn of(seconds: u64) -> Self {
        let whole = |length: u64| (seconds / length).max(1);
        match seconds {
            _ if seconds < HOUR => Self::Minutes(whole(MINUTE)),
            _ if seconds < DAY => Self::Hours(whole(HOUR)),
            _ if seconds < 14 * DAY => Self::Days(whole(DAY)),
            _ if seconds < 60 * DAY => Self::Weeks(whole(7 * DAY)),
            _ if seconds < 730 * DAY => Self::Months(whole(30 * DAY)),
            _ => Self::Years(whole(365 * DAY)),
        }
    }
}

/// A past time in one unit, such as `5 hours ago`.
pub(crate) fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = then.until(now).as_secs();
    if seconds < MINUTE {
        return text!(format.just_now).to_owned();
    }
    if (DAY..2 * DAY).contains(&seconds) {
        return text!(format.yesterday).to_owned();
    }
    match Span::of(seconds) {
        Span::Minutes(count) => text!(format.minutes_ago, count = count),
        Span::Hours(count) => text!(format.hours_ago, count = count),
        Span::Days(count) => text!(format.days_ago, count = count),
        Span::Weeks(count) => text!(format.weeks_ago, count = count),
        Span::Months(count) => text!(format.months_ago, count = count),
        Span::Years(count) => text!(format.years_ago, count = count),
    }
}

/// A future time in one unit, such as `in 3 weeks`; `Expired` if it has passed.
pub(crate) fn ahead(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.until(then).as_secs();
    if seconds == 0 {
        return text!(format.expired).to_owned();
    }
    // Round up to the hour, so that an expiry set to 90 days a moment ago is shown as 3 months, not 2.
    let seconds = if seconds > HOUR { seconds.next_multiple_of(HOUR) } else { seconds };
    match Span::of(seconds) {
        Span::Minutes(count) => text!(format.in_minutes, count = count),
        Span::Hours(count) => text!(format.in_hours, count = count),
        Span::Days(count) => text!(format.in_days, count = count),
        Span::Weeks(count) => text!(format.in_weeks, count = count),
        Span::Months(count) => text!(format.in_months, count = count),
        Span::Years(count) => text!(format.in_years, count = count),
    }
}

/// The exact time, such as `Nov 22, 2026, 10:00 UTC`.
pub(crate) fn exact(moment: Timestamp) -> String {
    let text = moment.rfc3339();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
    let month = match text.get(5..7).unwrap_or_default() {
        "01" => text!(format.month_1),
        "02" => text!(format.month_2),
        "03" => text!(format.month_3),
        "04" => text!(format.month_4),
        "05" => text!(format.month_5),
        "06" => text!(format.month_6),
        "07" => text!(format.month_7),
        "08" => text!(format.month_8),
        "09" => text!(format.month_9),
        "10" => text!(format.month_10),
        "11" => text!(format.month_11),
        _ => text!(format.month_12),
    };
    let day = part(8, 10).trim_start_matches('0').to_owned();
    text!(format.moment, year = part(0, 4), month = month, day = day, time = part(11, 16))
}

/// Bytes in binary units, such as `38.2 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return text!(format.bytes, count = count);
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

/// The storage that a deletion frees.
pub(crate) fn freed(freed: &Freeable) -> String {
    let size = bytes(freed.bytes);
    match freed {
        Freeable { more: true, .. } => text!(freed.more, size = size),
        Freeable { bytes: 0, .. } => text!(freed.nothing).to_owned(),
        Freeable { is_exact: true, .. } => text!(freed.exact, size = size),
        _ => text!(freed.at_most, size = size),
    }
}

/// The number of items that a limited list does not show; `None` if it shows all.
pub(crate) fn more(of: usize, shown: usize) -> Option<String> {
    of.checked_sub(shown).filter(|left| *left > 0).map(|left| text!(format.more, count = left))
}

/// The beginning of a text: up to `most` characters, with an ellipsis if it continues.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A count in about four characters, such as `1.2k` or `1.2 万`.
pub(crate) fn count(number: u64) -> String {
    let base: u64 = match locale() {
        Locale::en => 1_000,
        Locale::zh_CN => 10_000,
    };
    let (second, third) = (base.pow(2), base.pow(3));
    if number < base {
        number.to_string()
    } else if number < second {
        text!(format.compact_1, number = tenths(number, base))
    } else if number < third {
        text!(format.compact_2, number = tenths(number, second))
    } else {
        text!(format.compact_3, number = tenths(number, third))
    }
}

/// A number in full, such as `12,345`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The number of stars.
pub(crate) fn stars(number: u64) -> StarCount {
    StarCount { number: count(number), unit: text!(repository.star_unit, count = number) }
}

/// A role's name.
pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::Reader => text!(roles.reader),
        Role::Writer => text!(roles.writer),
        Role::Maintainer => text!(roles.maintainer),
        Role::Owner => text!(roles.owner),
    }
}

/// `label: value`.
pub(crate) fn labelled(label: &str, value: &str) -> String {
    text!(format.labelled, label = label, value = value)
}

/// Formats `number / unit` with one decimal if it is below a hundred and the decimal is not zero.
fn tenths(number: u64, unit: u64) -> String {
    let whole = number / unit;
    // The largest unit is a PiB, so ten times the remainder fits into 64 bits.
    let tenth = number % unit * 10 / unit;
    if whole >= 100 || tenth == 0 { whole.to_string() } else { format!("{whole}.{tenth}") }
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
        assert_eq!(told, ["Expired", "in 29 minutes", "in 4 weeks", "in 3 months", "in 12 months"]);
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
        assert_eq!(ahead(Timestamp::from_micros(0), now), "Expired");
        assert_eq!(ahead(Timestamp::from_micros((NOW + 86_400) * 1_000_000), now), "in 1 day");
    }

    #[test]
    fn a_moment_names_its_month() {
        assert_eq!(exact(Timestamp::parse_rfc3339("2026-11-02T09:05:07Z").unwrap()), "Nov 2, 2026, 09:05 UTC");
    }

    #[test]
    fn sizes_are_binary_and_counts_decimal() {
        let sizes = [1, 1023, 1024, 40_055_603, 120 * 1024 * 1024, 3 << 40].map(bytes);
        assert_eq!(sizes, ["1 byte", "1023 bytes", "1 KiB", "38.1 MiB", "120 MiB", "3 TiB"]);
        assert_eq!([999, 1_000, 1_250, 48_100_000].map(count), ["999", "1k", "1.2k", "48.1M"]);
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
