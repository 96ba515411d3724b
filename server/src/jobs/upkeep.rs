//! Periodic clean-up: expired rows, such as sessions, and unneeded objects.

use std::time::Duration;

use registry::Engine;
use store::access::System;
use tokio_util::sync::CancellationToken;

use super::inspect;
use crate::http::trace::cause;

/// The time between two runs.
const EVERY: Duration = Duration::from_mins(10);

/// The number of objects in a batch, and the maximum number of batches in a run. The next run continues.
const OBJECTS: u64 = 500;
const AT_MOST: usize = 200;

/// Deletes expired rows and unneeded objects at regular intervals until told to stop.
pub(super) async fn run(system: System, engine: Engine, shutdown: CancellationToken) -> store::Result<()> {
    loop {
        // In batches, so that a long downtime is not followed by one long write.
        let store = system.store();
        while store.sweep_sessions(&system).await? > 0 && !shutdown.is_cancelled() {}
        while store.sweep_refresh_tokens(&system).await? > 0 && !shutdown.is_cancelled() {}
        store.sweep_sign_in_failures(&system).await?;
        while store.trim_events(&system, &[inspect::NAME]).await? > 0 && !shutdown.is_cancelled() {}
        take_out_trash(&engine, &shutdown).await;
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.cancelled() => return Ok(()),
        }
    }
}

/// Deletes the objects in the trash. Failures are retried in the next run.
async fn take_out_trash(engine: &Engine, shutdown: &CancellationToken) {
    for _ in 0..AT_MOST {
        if shutdown.is_cancelled() {
            return;
        }
        match engine.delete_trash(OBJECTS).await {
            Ok(0) => return,
            Ok(objects) => tracing::debug!(objects, "deleted unreferenced objects"),
            Err(error) => {
                tracing::warn!(error = cause(&error), "cannot delete unreferenced objects");
                return;
            }
        }
    }
}
