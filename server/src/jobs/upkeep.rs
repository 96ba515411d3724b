//! Periodic deletion of expired rows, such as sessions.

use std::time::Duration;

use store::access::System;
use tokio_util::sync::CancellationToken;

use super::inspect;
use crate::state::State;

/// The time between two runs.
const EVERY: Duration = Duration::from_mins(10);

/// Deletes expired rows at regular intervals until told to stop.
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
        if !runs_again(&shutdown).await {
            return Ok(());
        }
    }
}

/// The same for a registry without the hub.
pub(super) async fn run_standalone(system: System, shutdown: CancellationToken) -> store::Result<()> {
    loop {
        while system.store().trim_events(&system, &[]).await? > 0 && !shutdown.is_cancelled() {}
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
