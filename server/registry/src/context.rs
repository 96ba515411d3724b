//! What the operations share: the engine's parts, its limits, and the request that is being answered.

use std::sync::Arc;

use http::HeaderMap;
use model::clock::Clock;
use model::oci::RepositoryName;

use crate::error::{Error, InternalError};
use crate::ledger::{Ledger, Place};
use crate::request::Page;
use crate::storage::Storage;

/// Limits on what the engine accepts and returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest manifest, in bytes; the specification wants 4 MiB at least.
    pub manifest: u64,
    /// The largest blob, in bytes.
    pub blob: u64,
    /// The most items on a page of a list; a larger `n` is clamped to it.
    pub page: u64,
    /// Whether manifests of unknown media types are stored, without checking what they refer to.
    pub unknown_media_types: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { manifest: 4 << 20, blob: u64::MAX, page: 1_000, unknown_media_types: false }
    }
}

impl Limits {
    /// How many items a page has at most.
    pub(crate) fn page_size(&self, page: &Page) -> u64 {
        page.limit.unwrap_or(u64::MAX).min(self.page)
    }
}

/// An authorised request: the repository it is about, and its headers.
#[derive(Clone, Copy)]
pub struct AuthorizedRequest<'a> {
    /// The repository.
    pub place: &'a Place,
    /// Its name as requested, which responses repeat.
    pub name: &'a RepositoryName,
    /// The repository that a mount may read from, if it may.
    pub mount_from: Option<&'a Place>,
    /// The request's headers.
    pub headers: &'a HeaderMap,
}

/// The parts that every operation works with.
pub(crate) struct Context {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
}

/// Runs work to its end even when the client disconnects, so that nothing is left half done and a lease is held until the ledger has
/// answered.
pub(crate) async fn run_to_completion<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(work).await.unwrap_or(Err(Error::Internal(InternalError::Panic)))
}
