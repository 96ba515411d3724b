//! What is over, taken out now and then: rows such as ended sessions, and objects that nothing refers to any more.

use std::time::Duration;

use registry::Engine;
use store::access::System;
use tokio_util::sync::CancellationToken;

use super::inspect;
use crate::http::trace::cause;

/// How often.
const EVERY: Duration = Duration::from_mins(10);

/// How many objects are deleted at a time, and how often in a row: the next round goes on.
const OBJECTS: u64 = 500;
const AT_MOST: usize = 200;

/// Takes expired rows and unneeded objects out on an interval until told to stop.
pub(super) async fn run(system: System, engine: Engine, shutdown: CancellationToken) -> store::Result<()> {
    loop {
        // It takes some at a time, so that a long absence is not one long write.
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

/// Deletes the objects that the ledger has put in the trash. One that fails is tried again the next time.
async fn take_out_trash(engine: &Engine, shutdown: &CancellationToken) {
    for _ in 0..AT_MOST {
        if shutdown.is_cancelled() {
            return;
        }
        match engine.delete_trash(OBJECTS).await {
            Ok(0) => return,
            Ok(objects) => tracing::debug!(objects, "deleted what nothing refers to"),
            Err(error) => {
                tracing::warn!(error = cause(&error), "what nothing refers to could not be deleted");
                return;
            }
        }
    }
}
