//! Numbers: conversions, the median, and formats.

/// The bytes of one MiB.
pub(crate) const MIB: u64 = 1 << 20;
/// The bytes of one GiB.
pub(crate) const GIB: u64 = 1 << 30;

/// Converts a count to a float; exact up to 2⁵³.
pub(crate) fn real(count: u64) -> f64 {
    let part = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).map_or(0.0, f64::from);
    part(count >> 32) * 4_294_967_296.0 + part(count)
}

/// Returns the median: the mean of the two middle ones if their number is even, and 0 if there are none.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let half = numbers.len() / 2;
    let upper = numbers.get(half).copied().unwrap_or_default();
    if numbers.len() % 2 == 1 {
        return upper;
    }
    let lower = half.checked_sub(1).and_then(|index| numbers.get(index)).copied().unwrap_or_default();
    f64::midpoint(lower, upper)
}

/// Formats seconds in a fitting unit: `12.3 µs`, `4.56 ms`, `1.20 s`.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 0.001 {
        format!("{:.1} µs", seconds * 1e6)
    } else if seconds < 1.0 {
        format!("{:.2} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_keeps_its_size() {
        let differs = |count: u64, expected: f64| (real(count) - expected).abs() > 0.5;
        assert!(!differs(0, 0.0) && !differs(GIB, 1_073_741_824.0));
        assert!(!differs(5_000_000_000, 5e9));
    }

    #[test]
    fn one_wild_round_does_not_move_the_median() {
        assert!((median(vec![900.0, 2.0, 3.0]) - 3.0).abs() < 1e-9);
        assert!((median(vec![4.0, 2.0]) - 3.0).abs() < 1e-9);
        assert!(median(Vec::new()).abs() < 1e-9);
    }

    #[test]
    fn times_are_shown_in_the_unit_that_fits() {
        assert_eq!(seconds(0.000_012_34), "12.3 µs");
        assert_eq!(seconds(0.004_56), "4.56 ms");
        assert_eq!(seconds(1.2), "1.20 s");
    }
}
