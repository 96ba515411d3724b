//! Prometheus metrics of requests and sweeps, with handles that are created once. Labels never contain paths, names or
//! users.

use std::time::Duration;

use http::StatusCode;
use metrics::{Counter, Histogram, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use registry::ledger::Freed;

/// The part of the server that handled a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// The v2 gateway.
    Engine,
    /// Everything in axum's router: pages, REST, tokens.
    Portal,
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// The histogram's buckets, in seconds, for pages and the slower blobs.
const BUCKETS: [f64; 10] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0];

struct Handles {
    requests: [Counter; 5],
    seconds: Histogram,
}

/// The metrics of this process.
pub struct Metrics {
    handle: PrometheusHandle,
    engine: Handles,
    portal: Handles,
    sweep: SweepHandles,
}

/// What garbage collection has done.
struct SweepHandles {
    runs: Counter,
    failures: Counter,
    seconds: Histogram,
    manifests: Counter,
    blobs: Counter,
    uploads: Counter,
    objects: Counter,
    bytes: Counter,
}

impl Metrics {
    /// Creates metrics that are all zero.
    pub fn new() -> Self {
        let builder = PrometheusBuilder::new();
        // `set_buckets` fails only for an empty list.
        let builder = builder.set_buckets(&BUCKETS).unwrap_or_default();
        let recorder = builder.build_recorder();
        Self {
            handle: recorder.handle(),
            engine: handles(&recorder, "engine"),
            portal: handles(&recorder, "portal"),
            sweep: sweep_handles(&recorder),
        }
    }

    /// Counts a response whose head was ready after `took`.
    pub fn count(&self, surface: Surface, status: StatusCode, took: Duration) {
        let handles = match surface {
            Surface::Engine => &self.engine,
            Surface::Portal => &self.portal,
        };
        if let Some(counter) = handles.requests.get(usize::from(status.as_u16() / 100).saturating_sub(1)) {
            counter.increment(1);
        }
        handles.seconds.record(took.as_secs_f64());
    }

    /// Counts a sweep of this process and what it has freed.
    pub fn swept(&self, freed: &Freed, took: Duration) {
        self.sweep.runs.increment(1);
        self.sweep.seconds.record(took.as_secs_f64());
        self.sweep.manifests.increment(freed.manifests);
        self.sweep.blobs.increment(freed.blobs);
        self.sweep.uploads.increment(freed.uploads);
        self.sweep.objects.increment(freed.objects);
        self.sweep.bytes.increment(freed.bytes);
    }

    /// Counts a sweep that has failed.
    pub fn sweep_failed(&self) {
        self.sweep.failures.increment(1);
    }

    /// Aggregates the measurements since the last call. Must be called regularly, because they use memory until then.
    pub fn sum_up(&self) {
        self.handle.run_upkeep();
    }

    /// Returns all metrics in the Prometheus text format.
    pub fn render(&self) -> String {
        self.sum_up();
        self.handle.render()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn handles(recorder: &PrometheusRecorder, surface: &'static str) -> Handles {
    let metadata = metrics::Metadata::new(module_path!(), metrics::Level::INFO, Some(module_path!()));
    let requests = CLASSES.map(|class| {
        let labels = vec![metrics::Label::new("surface", surface), metrics::Label::new("status", class)];
        recorder.register_counter(&metrics::Key::from_parts("portolan_requests_total", labels), &metadata)
    });
    let key = metrics::Key::from_parts("portolan_request_seconds", vec![metrics::Label::new("surface", surface)]);
    recorder.describe_counter("portolan_requests_total".into(), None, "Requests answered.".into());
    recorder.describe_histogram("portolan_request_seconds".into(), None, "Time until the head of the answer.".into());
    Handles { requests, seconds: recorder.register_histogram(&key, &metadata) }
}

fn sweep_handles(recorder: &PrometheusRecorder) -> SweepHandles {
    let metadata = metrics::Metadata::new(module_path!(), metrics::Level::INFO, Some(module_path!()));
    let counter = |name: &'static str, labels: Vec<metrics::Label>, help: &'static str| {
        recorder.describe_counter(name.into(), None, help.into());
        recorder.register_counter(&metrics::Key::from_parts(name, labels), &metadata)
    };
    let runs = |outcome| {
        let labels = vec![metrics::Label::new("outcome", outcome)];
        counter("portolan_sweeps_total", labels, "Sweeps of unused data by this process.")
    };
    let freed = |kind| {
        let labels = vec![metrics::Label::new("kind", kind)];
        counter("portolan_sweep_freed_total", labels, "Manifests, blobs, uploads and objects freed.")
    };
    let seconds = metrics::Key::from_name("portolan_sweep_seconds");
    recorder.describe_histogram("portolan_sweep_seconds".into(), None, "Duration of a sweep.".into());
    SweepHandles {
        runs: runs("done"),
        failures: runs("failed"),
        seconds: recorder.register_histogram(&seconds, &metadata),
        manifests: freed("manifests"),
        blobs: freed("blobs"),
        uploads: freed("uploads"),
        objects: freed("objects"),
        bytes: counter("portolan_sweep_freed_bytes_total", Vec::new(), "Bytes of the objects freed."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_surface_and_class() {
        let metrics = Metrics::new();
        metrics.count(Surface::Engine, StatusCode::NOT_FOUND, Duration::from_millis(2));
        let text = metrics.render();
        assert!(text.contains(r#"portolan_requests_total{surface="engine",status="4xx"} 1"#), "{text}");
        assert!(text.contains(r#"portolan_request_seconds_count{surface="engine"} 1"#), "{text}");
    }
}
