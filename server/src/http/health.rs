//! Whether the process lives and whether its database and storage answer.
//! It refuses to say what is wrong: that is in the log.

use axum::response::IntoResponse;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use registry::storage::Storage;
use store::Store;

use crate::http::trace::cause;

/// `GET /healthz`: the process answers.
pub async fn alive() -> impl IntoResponse {
    (StatusCode::OK, [(CACHE_CONTROL, "no-store")], "alive\n")
}

/// `GET /readyz`: the database and the storage answer.
pub async fn ready(store: &Store, storage: &dyn Storage) -> impl IntoResponse + use<> {
    let database = store.ping().await;
    let storage = storage.check().await;
    if let Err(error) = &database {
        tracing::warn!(error = cause(error), "the database does not answer");
    }
    if let Err(error) = &storage {
        tracing::warn!(error = cause(error), "the storage does not answer");
    }
    let (status, text) = match (database.is_ok(), storage.is_ok()) {
        (true, true) => (StatusCode::OK, "ready\n"),
        (false, true) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
        (true, false) => (StatusCode::SERVICE_UNAVAILABLE, "the storage does not answer\n"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "neither the database nor the storage answers\n"),
    };
    (status, [(CACHE_CONTROL, "no-store")], text)
}
