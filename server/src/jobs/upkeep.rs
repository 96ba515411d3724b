//! Rows whose time is over, such as ended sessions, taken out now and then.
//! It refuses to know which rows those are: the store does.

use std::time::Duration;

use store::Store;
use tokio_util::sync::CancellationToken;

/// How often.
const EVERY: Duration = Duration::from_mins(10);

/// Takes expired rows out on an interval until told to stop.
pub(super) async fn run(store: Store, shutdown: CancellationToken) -> store::Result<()> {
    let viewer = store.system("upkeep");
    loop {
        // It takes some at a time, so that a long absence is not one long write.
        while store.sweep_sessions(&viewer).await? > 0 && !shutdown.is_cancelled() {}
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.cancelled() => return Ok(()),
        }
    }
}
