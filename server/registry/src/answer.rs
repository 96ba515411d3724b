//! The engine's answers: its body type, the headers that every answer carries, and the few answers that need no repository.
//! It refuses to know how an answer came about and which server sends it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LINK};
use http::{HeaderValue, Response, StatusCode};
use http_body::{Frame, SizeHint};
use model::oci::RepositoryName;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::request::Page;

/// `Docker-Distribution-API-Version`, which old clients look for on everything under `/v2/`.
pub const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

const VERSION: HeaderValue = HeaderValue::from_static("registry/2.0");
const IN_QUERY: AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b':');

/// A body whose length is known: nothing, bytes at hand, or a stream out of storage.
pub struct Body(Kind);

enum Kind {
    Whole(Bytes),
    Stream { bytes: BoxStream<'static, io::Result<Bytes>>, left: u64 },
}

impl Body {
    /// No bytes.
    pub const fn empty() -> Self {
        Self(Kind::Whole(Bytes::new()))
    }

    /// These bytes.
    pub const fn whole(bytes: Bytes) -> Self {
        Self(Kind::Whole(bytes))
    }

    /// `length` bytes that are still to come; a stream that gives another number is cut off by the server.
    pub fn stream(bytes: BoxStream<'static, io::Result<Bytes>>, length: u64) -> Self {
        Self(Kind::Stream { bytes, left: length })
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.0 {
            Kind::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Stream { bytes, left } => bytes.poll_next_unpin(context).map(|next| {
                next.map(|piece| {
                    piece.map(|piece| {
                        *left = left.saturating_sub(length_of(&piece));
                        Frame::data(piece)
                    })
                })
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Stream { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.0 {
            Kind::Whole(bytes) => length_of(bytes),
            Kind::Stream { left, .. } => *left,
        })
    }
}

/// A length in memory as a length on the wire.
pub(crate) fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// An answer with the API version and room for the usual headers.
pub(crate) fn answer(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().reserve(8);
    response.headers_mut().insert(API_VERSION, VERSION);
    response
}

/// An answer without a body that says so, save where HTTP forbids to.
pub(crate) fn bare(status: StatusCode) -> Response<Body> {
    let mut response = answer(status, Body::empty());
    if status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    response
}

/// A JSON answer of this content type.
pub(crate) fn json<T: Serialize>(status: StatusCode, content_type: HeaderValue, value: &T) -> Response<Body> {
    // Only maps with keys that are no strings fail to serialise, and no answer has one.
    let mut response = answer(status, Body::whole(serde_json::to_vec(value).unwrap_or_default().into()));
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A header value out of text that holds visible ASCII by construction: digests, names, numbers, encoded queries.
pub(crate) fn value(text: impl Into<Bytes>) -> HeaderValue {
    HeaderValue::from_maybe_shared(text.into()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// `text` for use within a query.
pub(crate) fn in_query(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, &IN_QUERY)
}

/// Adds `Link: <…>; rel="next"` to a relative address (distribution-spec, "Listing Tags").
pub(crate) fn link_next(response: &mut Response<Body>, target: &str) {
    response.headers_mut().insert(LINK, value(format!("<{target}>; rel=\"next\"")));
}

/// The answer to `GET /v2/` for whoever may use the registry (end-1).
pub fn base_response() -> Response<Body> {
    let mut response = answer(StatusCode::OK, Body::whole(Bytes::from_static(b"{}")));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// The catalog's answer: `names` in order, all of them visible to the caller; with `more`, a link to what follows the last of them.
pub fn catalog_response(page: &Page, names: &[RepositoryName], more: bool) -> Response<Body> {
    #[derive(Serialize)]
    struct Catalog<'a> {
        repositories: &'a [RepositoryName],
    }
    let mut response = json(StatusCode::OK, JSON, &Catalog { repositories: names });
    if let (true, Some(last)) = (more, names.last()) {
        let limit = page.limit.map(|limit| format!("n={limit}&")).unwrap_or_default();
        link_next(&mut response, &format!("/v2/_catalog?{limit}last={}", in_query(last.as_str())));
    }
    response
}

/// The answer to extension discovery: this engine has none to tell of (distribution-spec, extensions, "discover").
pub fn discover_response() -> Response<Body> {
    #[derive(Serialize)]
    struct Extensions {
        extensions: [(); 0],
    }
    json(StatusCode::OK, JSON, &Extensions { extensions: [] })
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::{Value, json};

    use super::*;

    async fn body_of(response: Response<Body>) -> Value {
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    #[tokio::test]
    async fn the_base_is_an_empty_object() {
        let response = base_response();
        assert_eq!(response.headers()[API_VERSION], "registry/2.0");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(body_of(response).await, json!({}));
    }

    #[tokio::test]
    async fn the_catalog_links_to_what_follows() {
        let names = ["a/b", "c/d"].map(|name| RepositoryName::parse(name).unwrap());
        let page = Page { limit: Some(2), last: None };
        let response = catalog_response(&page, &names, true);
        assert_eq!(response.headers()[LINK], "</v2/_catalog?n=2&last=c/d>; rel=\"next\"");
        assert_eq!(body_of(response).await, json!({ "repositories": ["a/b", "c/d"] }));
        let last = catalog_response(&page, &[], false);
        assert!(!last.headers().contains_key(LINK));
        assert_eq!(body_of(last).await, json!({ "repositories": [] }));
    }

    #[tokio::test]
    async fn a_stream_counts_down_its_length() {
        use http_body::Body as _;
        let pieces = futures::stream::iter(["ab", "c"].map(|piece| Ok(Bytes::from(piece))));
        let mut body = Body::stream(pieces.boxed(), 3);
        for left in [3, 1, 0] {
            assert_eq!(body.size_hint().exact(), Some(left));
            assert_eq!(body.is_end_stream(), left == 0);
            let _ = body.frame().await;
        }
    }
}
