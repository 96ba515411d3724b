//! The workloads, with their measures and targets.

use std::time::Duration;

use crate::bench::load::Sample;
use crate::bench::number::{GIB, MIB, real};

/// An operation that is repeated and measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    ManifestByDigest,
    ManifestByTag,
    BlobHead,
    BlobGet,
    Tags,
    ManyTags,
    Page,
    BlobPut,
    Push,
    Idle,
    Home,
    HomeSignedIn,
    Search,
    SearchSignedIn,
    MyRepositories,
    Namespace,
    Catalog,
}

/// A quantity that is measured, either as a ratio of our server to another or by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Requests per second of the server's CPU time, as a ratio.
    Requests,
    /// Seconds of the server's CPU time per GiB, as a ratio.
    Gibibytes,
    /// Seconds of wall-clock time per unit, as a ratio.
    Wall,
    /// The 99th percentile of the latency in seconds.
    P99,
    /// The resident memory in bytes.
    Memory,
    /// The time from the start to the first response, in seconds.
    Start,
}

/// A measure, and its target if there is one.
pub(crate) type Goal = (Measure, Option<f64>);

/// All workloads in the order of the table.
pub(crate) const ALL: [Workload; 17] = [
    Workload::ManifestByDigest,
    Workload::ManifestByTag,
    Workload::BlobHead,
    Workload::BlobGet,
    Workload::Tags,
    Workload::ManyTags,
    Workload::Page,
    Workload::BlobPut,
    Workload::Push,
    Workload::Idle,
    Workload::Home,
    Workload::HomeSignedIn,
    Workload::Search,
    Workload::SearchSignedIn,
    Workload::MyRepositories,
    Workload::Namespace,
    Workload::Catalog,
];

impl Workload {
    /// The name in tables and on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Workload::ManifestByDigest => "manifest-by-digest",
            Workload::ManifestByTag => "manifest-by-tag",
            Workload::BlobHead => "blob-head",
            Workload::BlobGet => "blob-get-200-mib",
            Workload::Tags => "tags-n-100",
            Workload::ManyTags => "tags-n-100-of-many",
            Workload::Page => "repository-page",
            Workload::BlobPut => "blob-put-200-mib",
            Workload::Push => "push-1-gib-stream",
            Workload::Idle => "idle",
            Workload::Home => "home",
            Workload::HomeSignedIn => "home-signed-in",
            Workload::Search => "search",
            Workload::SearchSignedIn => "search-signed-in",
            Workload::MyRepositories => "my-repositories",
            Workload::Namespace => "namespace",
            Workload::Catalog => "catalog-n-100",
        }
    }

    /// The measures and their targets.
    pub(crate) fn goals(self) -> &'static [Goal] {
        match self {
            Workload::ManifestByDigest => &[(Measure::Requests, Some(10.0))],
            Workload::ManifestByTag => &[(Measure::Requests, Some(9.0))],
            Workload::BlobHead => &[(Measure::Requests, Some(12.0))],
            Workload::BlobGet => &[(Measure::Gibibytes, Some(0.95))],
            Workload::Tags => &[(Measure::Requests, None), (Measure::P99, Some(0.002))],
            Workload::ManyTags => &[(Measure::P99, Some(0.002))],
            Workload::Page => &[(Measure::Requests, None), (Measure::P99, Some(0.010))],
            Workload::Home | Workload::HomeSignedIn | Workload::MyRepositories | Workload::Namespace => {
                &[(Measure::Requests, None), (Measure::P99, Some(0.010))]
            }
            Workload::Search | Workload::SearchSignedIn => &[(Measure::Requests, None), (Measure::P99, Some(0.030))],
            Workload::Catalog => &[(Measure::Requests, None), (Measure::P99, Some(0.003))],
            Workload::BlobPut => &[(Measure::Gibibytes, None), (Measure::Wall, None)],
            Workload::Push => &[(Measure::Gibibytes, Some(0.75)), (Measure::Wall, Some(0.85))],
            Workload::Idle => &[(Measure::Memory, Some(60.0 * 1_048_576.0)), (Measure::Start, Some(0.3))],
        }
    }

    /// Whether only our servers run it.
    pub(crate) fn ours_alone(self) -> bool {
        matches!(self, Workload::ManyTags | Workload::Page) || self.wants_filled_server()
    }

    /// Whether it reads what was pushed before, on a server that runs for all such workloads.
    pub(crate) fn wants_standing_server(self) -> bool {
        !self.wants_fresh_server() && !self.wants_filled_server()
    }

    /// Whether it needs a hub with many repositories; it is measured for each number of them.
    pub(crate) fn wants_filled_server(self) -> bool {
        matches!(
            self,
            Workload::Home
                | Workload::HomeSignedIn
                | Workload::Search
                | Workload::SearchSignedIn
                | Workload::MyRepositories
                | Workload::Namespace
                | Workload::Catalog
        )
    }

    /// Whether each round needs a new server with an empty folder, because it stores much data or measures the start.
    pub(crate) fn wants_fresh_server(self) -> bool {
        matches!(self, Workload::BlobPut | Workload::Push | Workload::Idle)
    }

    /// The number of concurrent requests. Only one if latency is measured.
    pub(crate) fn connections(self) -> usize {
        match self {
            Workload::ManifestByDigest | Workload::ManifestByTag | Workload::BlobHead => 16,
            _ => 1,
        }
    }

    /// Whether its unit is GiB instead of requests.
    pub(crate) fn counts_bytes(self) -> bool {
        matches!(self, Workload::BlobGet | Workload::BlobPut | Workload::Push)
    }
}

impl Measure {
    /// Returns the value of a sample.
    pub(crate) fn of(self, workload: Workload, sample: &Sample) -> f64 {
        match self {
            Measure::Requests => 1.0 / cpu_per_unit(workload, sample),
            Measure::Gibibytes => cpu_per_unit(workload, sample),
            Measure::Wall => sample.load.took.as_secs_f64() / units(workload, sample),
            Measure::P99 => sample.load.latencies.percentile(99).as_secs_f64(),
            Measure::Memory => real(sample.resident),
            Measure::Start => sample.load.latencies.percentile(100).as_secs_f64(),
        }
    }

    /// Whether it is a ratio to another server.
    pub(crate) fn is_ratio(self) -> bool {
        matches!(self, Measure::Requests | Measure::Gibibytes | Measure::Wall)
    }

    /// Whether a value meets the target.
    pub(crate) fn keeps(self, value: f64, bound: f64) -> bool {
        if self == Measure::Requests { value >= bound } else { value <= bound }
    }

    /// The name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Measure::Requests => "requests per CPU second",
            Measure::Gibibytes => "CPU seconds per GiB",
            Measure::Wall => "seconds per GiB",
            Measure::P99 => "p99",
            Measure::Memory => "resident memory",
            Measure::Start => "start to first answer",
        }
    }
}

/// Returns the number of requests or GiB in a sample.
pub(crate) fn units(workload: Workload, sample: &Sample) -> f64 {
    let load = &sample.load;
    if workload.counts_bytes() { real(load.bytes) / real(GIB) } else { real(load.latencies.total()) }
}

/// Returns the server's CPU seconds per request or GiB. At least 1 ms is counted, because Linux counts in hundredths of
/// a second and 0 could not be a divisor.
pub(crate) fn cpu_per_unit(workload: Workload, sample: &Sample) -> f64 {
    sample.cpu.max(Duration::from_millis(1)).as_secs_f64() / units(workload, sample).max(f64::MIN_POSITIVE)
}

/// Returns the throughput in MiB per second.
pub(crate) fn throughput(sample: &Sample) -> f64 {
    real(sample.load.bytes) / real(MIB) / sample.load.took.as_secs_f64().max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_given_once() {
        for (place, workload) in ALL.iter().enumerate() {
            assert!(ALL[place + 1..].iter().all(|other| other.name() != workload.name()), "{workload:?}");
        }
    }

    #[test]
    fn more_requests_are_better_and_more_seconds_are_worse() {
        assert!(Measure::Requests.keeps(11.0, 10.0) && !Measure::Requests.keeps(9.0, 10.0));
        for measure in [Measure::Gibibytes, Measure::Wall, Measure::P99, Measure::Memory, Measure::Start] {
            assert!(measure.keeps(0.5, 1.0) && !measure.keeps(1.5, 1.0), "{measure:?}");
        }
    }

    #[test]
    fn a_gibibyte_in_half_a_second_of_processor_time_is_half_a_second_per_gibibyte() {
        let mut sample = Sample::default();
        sample.load.bytes = 2 * GIB;
        sample.load.took = Duration::from_secs(4);
        sample.cpu = Duration::from_secs(1);
        assert!((Measure::Gibibytes.of(Workload::BlobGet, &sample) - 0.5).abs() < 1e-9);
        assert!((Measure::Wall.of(Workload::BlobGet, &sample) - 2.0).abs() < 1e-9);
        assert!((throughput(&sample) - 512.0).abs() < 1e-9);
    }
}
