//! The engine itself: one function a request, over a ledger and a storage.
//! It refuses to know accounts and rights; a [`Call`] is made by whoever has settled them.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response};
use model::clock::Clock;
use model::oci::RepositoryName;

use crate::answer::Body;
use crate::error::Error;
use crate::ledger::{Ledger, Place};
use crate::request::Operation;
use crate::storage::Storage;

/// Any error of a request's body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How much the engine takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A manifest's bytes; the specification wants 4 MiB at least.
    pub manifest: u64,
    /// A blob's bytes.
    pub blob: u64,
    /// Items on a page of a list; a larger `n` is clamped to it.
    pub page: u64,
    /// Whether manifests of unknown media types are stored as they are, without a look at what they refer to.
    pub unknown_media_types: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { manifest: 4 << 20, blob: u64::MAX, page: 1_000, unknown_media_types: false }
    }
}

/// A request that may be done: where, and on whose word.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The repository.
    pub place: &'a Place,
    /// Its name as it was asked for, which answers repeat.
    pub name: &'a RepositoryName,
    /// The repository that a mount may read from, if it may.
    pub mount_from: Option<&'a Place>,
    /// The request's headers.
    pub headers: &'a HeaderMap,
}

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
}

impl Engine {
    /// An engine over these.
    pub fn new(ledger: Arc<dyn Ledger>, storage: Arc<dyn Storage>, clock: Clock, limits: Limits) -> Self {
        Self { inner: Arc::new(Inner { ledger, storage, clock, limits }) }
    }

    /// Does what a request within one repository asks. An error becomes an answer by [`Error::into_response`].
    pub async fn handle<B>(&self, call: Call<'_>, operation: Operation, body: B) -> Result<Response<Body>, Error>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let _ = (call, operation, body);
        Err(Error::NoSuchPath)
    }
}
