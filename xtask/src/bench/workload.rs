//! The workloads that are measured, each with what counts about it and what it has to reach.

use std::time::Duration;

use crate::bench::load::Sample;
use crate::bench::number::{GIB, MIB, real};

/// Something that a registry is asked to do, over and over.
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

/// What is divided by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Requests per second of the server's processor time, ours to theirs.
    Requests,
    /// The server's processor seconds per GiB, ours to theirs.
    Gibibytes,
    /// Seconds on the wall per unit, ours to theirs.
    Wall,
    /// The 99th percentile of latency in seconds, as it is.
    P99,
    /// Resident memory in bytes, as it is.
    Memory,
    /// From the start to the first answer in seconds, as it is.
    Start,
}

/// What has to be reached, if anything.
pub(crate) type Goal = (Measure, Option<f64>);

/// Every workload, in the order of the table.
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
    /// What it is called, on the command line too.
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

    /// What counts about it, with the bound that it has to keep.
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

    /// Only ours can do it, or only ours is asked to.
    pub(crate) fn ours_alone(self) -> bool {
        matches!(self, Workload::ManyTags | Workload::Page) || self.wants_filled_server()
    }

    /// It asks for what one run of each server holds.
    pub(crate) fn wants_standing_server(self) -> bool {
        !self.wants_fresh_server() && !self.wants_filled_server()
    }

    /// It is measured on a hub with many repositories, once for each number of them.
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

    /// It leaves much behind, or is about the start: each round begins with an empty folder.
    pub(crate) fn wants_fresh_server(self) -> bool {
        matches!(self, Workload::BlobPut | Workload::Push | Workload::Idle)
    }

    /// Requests that are under way at once. Where latency counts nobody else is asking.
    pub(crate) fn connections(self) -> usize {
        match self {
            Workload::ManifestByDigest | Workload::ManifestByTag | Workload::BlobHead => 16,
            _ => 1,
        }
    }

    /// Its size is what is counted, not its requests.
    pub(crate) fn counts_bytes(self) -> bool {
        matches!(self, Workload::BlobGet | Workload::BlobPut | Workload::Push)
    }
}

impl Measure {
    /// The figure of one sample, as it goes into a ratio.
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

    /// Whether it is compared with the peer; otherwise it stands alone.
    pub(crate) fn is_ratio(self) -> bool {
        matches!(self, Measure::Requests | Measure::Gibibytes | Measure::Wall)
    }

    /// Whether a value keeps the bound.
    pub(crate) fn keeps(self, value: f64, bound: f64) -> bool {
        if self == Measure::Requests { value >= bound } else { value <= bound }
    }

    /// What it is called in a table.
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

/// How many requests or GiB a sample holds.
pub(crate) fn units(workload: Workload, sample: &Sample) -> f64 {
    let load = &sample.load;
    if workload.counts_bytes() { real(load.bytes) / real(GIB) } else { real(load.latencies.total()) }
}

/// The server's processor seconds for one request or GiB; never nought, since Linux counts in hundredths.
pub(crate) fn cpu_per_unit(workload: Workload, sample: &Sample) -> f64 {
    sample.cpu.max(Duration::from_millis(1)).as_secs_f64() / units(workload, sample).max(f64::MIN_POSITIVE)
}

/// MiB per second.
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
