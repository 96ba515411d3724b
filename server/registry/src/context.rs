//! Types that all operations share: the engine's parts, its limits, and the authorised request.

use std::sync::Arc;

use http::HeaderMap;
use model::clock::Clock;
use model::oci::RepositoryName;

use crate::error::{Error, InternalError};
use crate::ledger::{Ledger, Place, Segment};
use crate::request::Page;
use crate::storage::{Storage, is_intact};

/// Limits on what the engine accepts and returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest manifest, in bytes. The specification requires at least 4 MiB.
    pub manifest: u64,
    /// The largest blob, in bytes.
    pub blob: u64,
    /// The most uploads that may be open in a repository at a time.
    pub open_uploads: u64,
    /// The most items on a page of a list. A larger `n` is clamped to it.
    pub page: u64,
    /// Whether manifests of unknown media types are accepted. Their references are not checked.
    pub unknown_media_types: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { manifest: 4 << 20, blob: u64::MAX, open_uploads: 1_000, page: 1_000, unknown_media_types: false }
    }
}

impl Limits {
    /// Returns the maximum number of items on the page.
    pub(crate) fn page_size(&self, page: &Page) -> u64 {
        page.limit.unwrap_or(u64::MAX).min(self.page)
    }
}

/// An authorised request: its repository and its headers.
#[derive(Clone, Copy)]
pub struct AuthorizedRequest<'a> {
    /// The repository.
    pub place: &'a Place,
    /// The repository's name as requested, for links in responses.
    pub name: &'a RepositoryName,
    /// The repository to mount from, if the caller may read it.
    pub mount_from: Option<&'a Place>,
    /// The request's headers.
    pub headers: &'a HeaderMap,
}

/// The parts that every operation uses.
pub(crate) struct Context {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
}

impl Context {
    /// Whether the storage has all bytes of these segments, as far as can be seen without reading them.
    pub(crate) async fn is_intact(&self, segments: &[Segment]) -> Result<bool, Error> {
        is_intact(&*self.storage, segments).await.map_err(Error::from_storage)
    }
}

/// Runs work to completion even if the client disconnects, so that nothing is left half done and a lease is held until
/// the ledger has answered.
pub(crate) async fn run_to_completion<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(work).await.unwrap_or(Err(Error::Internal(InternalError::Panic)))
}
