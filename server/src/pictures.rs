//! Pictures in READMEs and comments: the hub fetches them, so that other hosts learn nothing about its readers.

mod fetch;
mod kind;
mod links;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, StatusCode};
use moka::Expiry;
use moka::future::Cache;
use tokio::sync::Semaphore;
use url::Url;

use self::fetch::{Failure, Picture, fetch};
pub use self::links::{PREFIX, PictureLinks};
use crate::outbound::Outbound;

/// The capacity of the cache, in bytes.
const ROOM: u64 = 64 << 20;
/// The approximate size of an entry without its bytes.
const ENTRY: usize = 256;
/// How many pictures are fetched at the same time.
const SLOTS: usize = 16;
/// How long fetching a picture may take, and how long it may wait until it begins.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// How long a picture is kept, here and by browsers.
const LIFETIME: Duration = Duration::from_hours(1);
/// How long a failure is kept.
const FAILURE_LIFETIME: Duration = Duration::from_mins(1);

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A picture may contain styles and other pictures, but no scripts, not even on a page of its own.
const SANDBOX: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox";

type Fetched = Result<Picture, Failure>;

/// The pictures that this node fetches and keeps for a while.
pub struct Pictures {
    links: Option<Arc<PictureLinks>>,
    outbound: Outbound,
    slots: Semaphore,
    time_limit: Duration,
    kept: Cache<Url, Fetched>,
}

/// All slots stayed taken.
#[derive(Clone, Copy, Debug)]
struct Busy;

impl Pictures {
    /// Creates an empty cache. Without `links` no picture exists.
    pub fn new(links: Option<Arc<PictureLinks>>, outbound: Outbound) -> Self {
        let weight = |url: &Url, fetched: &Fetched| {
            let bytes = fetched.as_ref().map_or(0, |picture| picture.bytes.len());
            u32::try_from(bytes.saturating_add(url.as_str().len()).saturating_add(ENTRY)).unwrap_or(u32::MAX)
        };
        let kept = Cache::builder().max_capacity(ROOM).weigher(weight).expire_after(Lifetimes).build();
        Self { links, outbound, slots: Semaphore::new(SLOTS), time_limit: TIME_LIMIT, kept }
    }

    /// Answers the request for the picture with this path. The hash has to match.
    pub async fn respond(&self, hash: &str, encoded: &str) -> Response {
        let Some(url) = self.links.as_ref().and_then(|links| links.source(hash, encoded)) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        match self.get(url).await {
            Ok(Ok(picture)) => {
                let headers = [
                    (CONTENT_TYPE, picture.media_type),
                    (CONTENT_DISPOSITION, "inline"),
                    (CONTENT_SECURITY_POLICY, SANDBOX),
                    (RESOURCE_POLICY, "same-origin"),
                ];
                (headers, [keep(LIFETIME)], Body::from(picture.bytes)).into_response()
            }
            Ok(Err(Failure::Missing)) => (StatusCode::NOT_FOUND, [keep(FAILURE_LIFETIME)]).into_response(),
            Ok(Err(Failure::Unusable)) => (StatusCode::BAD_GATEWAY, [keep(FAILURE_LIFETIME)]).into_response(),
            Err(Busy) => {
                let wait = [(RETRY_AFTER, self.time_limit.as_secs().to_string())];
                (StatusCode::SERVICE_UNAVAILABLE, wait).into_response()
            }
        }
    }

    /// Returns a picture, from the cache if possible. Concurrent calls for the same one fetch it once.
    async fn get(&self, url: Url) -> Result<Fetched, Busy> {
        let fetched = async {
            let slot = tokio::time::timeout(self.time_limit, self.slots.acquire()).await;
            let Ok(Ok(_slot)) = slot else { return Err(Busy) };
            Ok(fetch(&self.outbound, url.clone(), self.time_limit).await)
        };
        self.kept.try_get_with_by_ref(&url, fetched).await.map_err(|busy| *busy)
    }
}

fn keep(time: Duration) -> (HeaderName, String) {
    (CACHE_CONTROL, format!("public, max-age={}", time.as_secs()))
}

/// How long entries of the cache live.
struct Lifetimes;

impl Expiry<Url, Fetched> for Lifetimes {
    fn expire_after_create(&self, _: &Url, fetched: &Fetched, _: Instant) -> Option<Duration> {
        Some(if fetched.is_ok() { LIFETIME } else { FAILURE_LIFETIME })
    }
}

#[cfg(test)]
mod tests;
