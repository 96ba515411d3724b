//! Periodic clean-up: expired rows, such as sessions, and unneeded objects.

use std::time::Duration;

use registry::Engine;
use store::access::System;
use tokio_util::sync::CancellationToken;

use super::inspect;
use crate::http::trace::cause;
use crate::state::State;

/// The time between two runs.
const EVERY: Duration = Duration::from_mins(10);

/// The number of objects in a batch, and the maximum number of batches in a run. The next run continues.
const OBJECTS: u64 = 500;
const AT_MOST: usize = 200;

/// Deletes expired rows and unneeded objects at regular intervals until told to stop.
pub(super) async fn run(system: System, hub: State, shutdown: CancellationToken) -> store::Result<()> {
    loop {
        // In batches, so that a long downtime is not followed by one long write.
        let store = system.store();
        hub.limits.tidy();
        while store.sweep_sessions(&system).await? > 0 && !shutdown.is_cancelled() {}
        while store.sweep_refresh_tokens(&system).await? > 0 && !shutdown.is_cancelled() {}
        store.sweep_sign_in_failures(&system).await?;
        store.sweep_invitations(&system).await?;
        while store.trim_events(&system, &[inspect::NAME]).await? > 0 && !shutdown.is_cancelled() {}
        clean_up(&hub.engine, hub.config.upload_age, &shutdown).await;
        if !runs_again(&shutdown).await {
            return Ok(());
        }
    }
}

/// The same for a registry without the hub.
pub(super) async fn run_standalone(
    engine: Engine,
    upload_age: Duration,
    system: System,
    shutdown: CancellationToken,
) -> store::Result<()> {
    loop {
        while system.store().trim_events(&system, &[]).await? > 0 && !shutdown.is_cancelled() {}
        clean_up(&engine, upload_age, &shutdown).await;
        if !runs_again(&shutdown).await {
            return Ok(());
        }
    }
}

/// Waits for the next run. Returns `false` if there is none.
async fn runs_again(shutdown: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(EVERY) => true,
        () = shutdown.cancelled() => false,
    }
}

/// Deletes what pushes have left behind.
async fn clean_up(engine: &Engine, upload_age: Duration, shutdown: &CancellationToken) {
    in_batches("expired uploads", shutdown, || engine.expire_uploads(upload_age, OBJECTS)).await;
    in_batches("abandoned repositories", shutdown, || engine.delete_abandoned(OBJECTS)).await;
    in_batches("unneeded objects", shutdown, || engine.delete_trash(OBJECTS)).await;
}

/// Deletes things in batches until there are none left. Failures are retried in the next run.
async fn in_batches<F>(what: &'static str, shutdown: &CancellationToken, delete: impl Fn() -> F)
where
    F: Future<Output = Result<usize, registry::Error>>,
{
    for _ in 0..AT_MOST {
        if shutdown.is_cancelled() {
            return;
        }
        match delete().await {
            Ok(0) => return,
            Ok(count) => tracing::debug!(count, "deleted {what}"),
            Err(error) => {
                tracing::warn!(error = cause(&error), "cannot delete {what}");
                return;
            }
        }
    }
}
