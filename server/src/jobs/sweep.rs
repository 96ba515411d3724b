//! Garbage collection in the background.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use registry::Engine;
use registry::ledger::Freed;
use registry::sweep::{SweepEnd, SweepObserver, SweepOptions, SweepStage};
use tokio_util::sync::CancellationToken;

use crate::http::trace::cause;
use crate::metrics::Metrics;

/// The time between two reports of a long sweep in the log.
const REPORT: Duration = Duration::from_mins(1);

/// Sweeps at regular intervals until told to stop. A sweep that fails is repeated by the next one.
pub(super) async fn run(
    engine: Engine,
    options: SweepOptions,
    every: Duration,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
) -> Result<(), std::convert::Infallible> {
    loop {
        let started = Instant::now();
        let observer = LogObserver { shutdown: shutdown.clone(), reported: Mutex::new(started) };
        match engine.sweep(&options, &observer).await {
            Ok((SweepEnd::Busy | SweepEnd::Paused, freed)) if freed == Freed::default() => {}
            Ok((_, freed)) => {
                metrics.swept(&freed, started.elapsed());
                if freed != Freed::default() {
                    let Freed { manifests, blobs, uploads, objects, bytes } = freed;
                    tracing::info!(manifests, blobs, uploads, objects, bytes, "unused data has been freed");
                }
            }
            Err(error) => {
                metrics.sweep_failed();
                tracing::warn!(error = cause(&error), "the sweep has failed and will be repeated");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = shutdown.cancelled() => return Ok(()),
        }
    }
}

/// Reports a long sweep in the log, and stops it with the process.
struct LogObserver {
    shutdown: CancellationToken,
    reported: Mutex<Instant>,
}

impl SweepObserver for LogObserver {
    fn progress(&self, stage: SweepStage, examined: u64, freed: &Freed) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.elapsed() >= REPORT {
            *reported = Instant::now();
            let (objects, bytes) = (freed.objects, freed.bytes);
            tracing::info!(stage = stage.as_str(), examined, objects, bytes, "sweeping");
        }
    }

    fn stops(&self) -> bool {
        self.shutdown.is_cancelled()
    }
}
