//! Figures about requests for Prometheus, counted through handles that are looked up once. Labels are the surface and the
//! class of the status, never paths, names or people.

use std::time::Duration;

use http::StatusCode;
use metrics::{Counter, Histogram, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// Which part of the server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// The v2 gateway.
    Engine,
    /// Everything behind axum's router: pages, REST, tokens.
    Portal,
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// Seconds; a blob takes longer than a page.
const BUCKETS: [f64; 10] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0];

struct Handles {
    requests: [Counter; 5],
    seconds: Histogram,
}

/// The figures of this process.
pub struct Metrics {
    handle: PrometheusHandle,
    engine: Handles,
    portal: Handles,
}

impl Metrics {
    /// Figures that all stand at nought.
    pub fn new() -> Self {
        let builder = PrometheusBuilder::new();
        // The buckets are not empty, which is all that could be refused.
        let builder = builder.set_buckets(&BUCKETS).unwrap_or_default();
        let recorder = builder.build_recorder();
        Self { handle: recorder.handle(), engine: handles(&recorder, "engine"), portal: handles(&recorder, "portal") }
    }

    /// Counts an answer that took `took` until its head was ready.
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

    /// Sums up what was measured since the last time; what nobody sums up takes ever more memory.
    pub fn sum_up(&self) {
        self.handle.run_upkeep();
    }

    /// All figures in Prometheus' text format.
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
