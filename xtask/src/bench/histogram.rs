//! A histogram of latencies with exponential buckets: 64 per doubling, so that quantiles have an error below 2 %.

use std::time::Duration;

/// The number of buckets per doubling, as a power of two.
const FINENESS: u32 = 6;
const PER_DOUBLING: u64 = 1 << FINENESS;

/// The number of latencies in each bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// Adds a latency.
    pub(crate) fn record(&mut self, latency: Duration) {
        let bucket = bucket(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.total += 1;
    }

    /// Adds all latencies of another histogram.
    pub(crate) fn merge(&mut self, other: &Histogram) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
    }

    /// The number of latencies.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Returns the latency that `percent` of all do not exceed, rounded up to the end of its bucket; zero if there are
    /// none.
    pub(crate) fn percentile(&self, percent: u64) -> Duration {
        let rank = (self.total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(largest(bucket));
            }
        }
        Duration::ZERO
    }
}

/// Returns the bucket of a number: small numbers have their own, others share one by their highest bits.
fn bucket(number: u64) -> usize {
    let doubling = (u64::BITS - number.leading_zeros()).saturating_sub(FINENESS + 1);
    let place = u64::from(doubling) * PER_DOUBLING + (number >> doubling);
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// Returns the largest number in a bucket.
fn largest(bucket: usize) -> u64 {
    let bucket = u64::try_from(bucket).unwrap_or(u64::MAX);
    let doubling = (bucket / PER_DOUBLING).saturating_sub(1);
    let mantissa = bucket - doubling * PER_DOUBLING;
    u64::try_from(((u128::from(mantissa) + 1) << doubling) - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_lies_in_its_bucket_and_buckets_leave_no_gap() {
        for number in (0..5000).chain([1 << 20, (1 << 40) + 12345, u64::MAX - 1, u64::MAX]) {
            let own = bucket(number);
            assert!(number <= largest(own), "{number}");
            assert!(own == 0 || number > largest(own - 1), "{number}");
        }
    }

    #[test]
    fn a_percentile_is_right_within_two_percent() {
        let mut histogram = Histogram::default();
        for micros in 1..=10_000 {
            histogram.record(Duration::from_micros(micros));
        }
        for (percent, exact) in [(50, 5_000), (99, 9_900), (100, 10_000)] {
            let exact = Duration::from_micros(exact);
            let found = histogram.percentile(percent);
            assert!(found >= exact && found <= exact + exact / 50, "{percent}: {found:?}");
        }
    }

    #[test]
    fn merging_is_counting_both() {
        let (mut short, mut long) = (Histogram::default(), Histogram::default());
        for _ in 0..98 {
            short.record(Duration::from_nanos(40));
        }
        for _ in 0..2 {
            long.record(Duration::from_secs(1));
        }
        short.merge(&long);
        assert_eq!(short.total(), 100);
        assert_eq!(short.percentile(98), Duration::from_nanos(40));
        assert!(short.percentile(99) >= Duration::from_secs(1));
    }

    #[test]
    fn nothing_counted_is_nought() {
        assert_eq!(Histogram::default().percentile(99), Duration::ZERO);
    }
}
