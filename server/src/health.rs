//! Health checks: whether the process, its database and its storage respond. Causes of failure are logged.

use std::error::Error;
use std::time::Duration;

use axum::response::IntoResponse;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use registry::storage::Storage;
use store::Store;
use tokio::time::timeout;

use crate::http::trace::cause;

/// The time limit for each check. It is short so that a response does not wait for a connection timeout.
const SOON: Duration = Duration::from_secs(2);

/// `GET /healthz`: succeeds if the process responds.
pub async fn alive() -> impl IntoResponse {
    (StatusCode::OK, [(CACHE_CONTROL, "no-store")], "alive\n")
}

/// `GET /readyz`: succeeds if the database and the storage respond in time.
pub async fn ready(store: &Store, storage: &dyn Storage) -> impl IntoResponse + use<> {
    let (database, storage) = tokio::join!(answers("database", store.ping()), answers("storage", storage.check()));
    let (status, text) = match (database, storage) {
        (true, true) => (StatusCode::OK, "ready\n"),
        (false, true) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
        (true, false) => (StatusCode::SERVICE_UNAVAILABLE, "the storage does not answer\n"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "neither the database nor the storage answers\n"),
    };
    (status, [(CACHE_CONTROL, "no-store")], text)
}

/// Runs a check and returns whether it succeeded in time. Logs the reason if it did not.
async fn answers<E: Error + 'static>(part: &'static str, check: impl Future<Output = Result<(), E>>) -> bool {
    match timeout(SOON, check).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(part, error = cause(&error), "a health check failed");
            false
        }
        Err(_) => {
            tracing::warn!(part, seconds = SOON.as_secs(), "a health check timed out");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::io;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_that_never_answers_is_not_waited_for() {
        let asked = tokio::time::Instant::now();
        assert!(!answers("database", pending::<io::Result<()>>()).await);
        assert_eq!(asked.elapsed(), SOON);
        assert!(answers("database", ready(Ok::<_, io::Error>(()))).await);
        assert!(!answers("database", ready(Err(io::Error::other("refused")))).await);
    }
}
