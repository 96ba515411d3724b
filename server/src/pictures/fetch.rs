//! Fetches one picture, within limits.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, LOCATION};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use url::Url;

use super::kind::media_type;
use crate::outbound::{Outbound, is_acceptable};

/// The largest picture, in bytes.
pub(super) const LARGEST: usize = 5 << 20;
/// How many redirects are followed.
const MOST_REDIRECTS: usize = 3;
/// The types that other hosts should send.
const TYPES: HeaderValue =
    HeaderValue::from_static("image/avif,image/webp,image/svg+xml,image/png,image/jpeg,image/gif,image/x-icon");

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) bytes: Bytes,
    pub(super) media_type: &'static str,
}

/// Why there is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Its host says that it does not exist.
    Missing,
    /// Its host cannot be reached or is too slow, or what it sends is too large or not a picture.
    Unusable,
}

/// Fetches a picture within a time limit.
pub(super) async fn fetch(outbound: &Outbound, url: Url, limit: Duration) -> Result<Picture, Failure> {
    tokio::time::timeout(limit, follow(outbound, url)).await.unwrap_or(Err(Failure::Unusable))
}

async fn follow(outbound: &Outbound, mut url: Url) -> Result<Picture, Failure> {
    for _ in 0..=MOST_REDIRECTS {
        let request = Request::get(url.as_str()).header(ACCEPT, TYPES).body(Full::default());
        let response = outbound.send(request.map_err(|_| Failure::Unusable)?).await.map_err(|error| {
            tracing::debug!(%url, ?error, "a picture cannot be fetched");
            Failure::Unusable
        })?;
        match response.status() {
            StatusCode::OK => return read(response).await,
            StatusCode::NOT_FOUND | StatusCode::GONE => return Err(Failure::Missing),
            status if status.is_redirection() => {
                let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
                url = location.and_then(|location| redirected(&url, location)).ok_or(Failure::Unusable)?;
            }
            _ => return Err(Failure::Unusable),
        }
    }
    Err(Failure::Unusable)
}

/// Where a redirect leads, if it may be followed: never from HTTPS to HTTP.
fn redirected(from: &Url, location: &str) -> Option<Url> {
    let to = from.join(location).ok()?;
    (is_acceptable(&to) && (from.scheme() == "http" || to.scheme() == "https")).then_some(to)
}

async fn read(response: Response<Incoming>) -> Result<Picture, Failure> {
    let is_encoded = response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity");
    let announced = response.body().size_hint().lower();
    if is_encoded || usize::try_from(announced).is_ok_and(|size| size > LARGEST) {
        return Err(Failure::Unusable);
    }
    let body = Limited::new(response.into_body(), LARGEST).collect().await.map_err(|_| Failure::Unusable)?;
    let bytes = body.to_bytes();
    let media_type = media_type(&bytes).ok_or(Failure::Unusable)?;
    Ok(Picture { bytes, media_type })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_never_leaves_tls_or_the_web() {
        let to = |from: &str, location: &str| {
            redirected(&Url::parse(from).unwrap(), location).map(|url| url.as_str().to_owned())
        };
        let (plain, safe) = ("http://x.example/a/b", "https://x.example/a/b");
        assert_eq!(to(safe, "c").as_deref(), Some("https://x.example/a/c"));
        assert_eq!(to(plain, "//y.example/c").as_deref(), Some("http://y.example/c"));
        assert_eq!(to(plain, "https://y.example/").as_deref(), Some("https://y.example/"));
        for location in
            ["http://x.example/", "http://y.example/", "file:///etc/passwd", "data:,", "https://a:b@x.example/"]
        {
            assert_eq!(to(safe, location), None, "{location}");
        }
        assert_eq!(to(plain, "http://x.example:25/"), None);
    }
}
