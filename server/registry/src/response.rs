//! Responses: common headers, error responses, and the responses that are not about a single repository.

use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderName, LINK, LOCATION, RANGE, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use model::oci::RepositoryName;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::body::{Body, length_of};
use crate::error::Error;
use crate::request::Page;

/// `Docker-Distribution-API-Version`, which old clients expect on every response under `/v2/`.
pub const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// `Cache-Control` for content that is requested by its digest.
pub(crate) const IMMUTABLE: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

const VERSION: HeaderValue = HeaderValue::from_static("registry/2.0");
const QUERY_SET: AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b':');

/// Creates a response with the API version and room for the usual headers.
pub(crate) fn response(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().reserve(8);
    response.headers_mut().insert(API_VERSION, VERSION);
    response
}

/// Creates a response without a body, with `Content-Length: 0` if HTTP allows that header for the status.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = response(status, Body::empty());
    if status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    response
}

/// Creates a JSON response of this content type.
pub(crate) fn json<T: Serialize>(status: StatusCode, content_type: HeaderValue, value: &T) -> Response<Body> {
    // Only maps whose keys are not strings fail to serialise, and no response has such a map.
    let mut response = response(status, Body::whole(serde_json::to_vec(value).unwrap_or_default().into()));
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Creates a header value from text that is always visible ASCII: digests, names, numbers, encoded queries.
pub(crate) fn value(text: impl Into<Bytes>) -> HeaderValue {
    HeaderValue::from_maybe_shared(text.into()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Percent-encodes text for a query.
pub(crate) fn encode_query(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, &QUERY_SET)
}

/// Adds `Link: <target>; rel="next"` (distribution-spec, "Listing Tags").
pub(crate) fn add_next_link(response: &mut Response<Body>, target: &str) {
    response.headers_mut().insert(LINK, value(format!("<{target}>; rel=\"next\"")));
}

/// Creates the response to `GET /v2/` for a caller who may use the registry (end-1).
pub fn base() -> Response<Body> {
    let mut response = response(StatusCode::OK, Body::whole(Bytes::from_static(b"{}")));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// Creates a page of the catalog from `names`, which are in order and visible to the caller. If there is more after
/// `next`, the response links to it.
pub fn catalog(page: &Page, names: &[RepositoryName], next: Option<&str>) -> Response<Body> {
    #[derive(Serialize)]
    struct Catalog<'a> {
        repositories: &'a [RepositoryName],
    }
    let mut response = json(StatusCode::OK, JSON, &Catalog { repositories: names });
    if let Some(last) = next {
        let limit = page.limit.map(|limit| format!("n={limit}&")).unwrap_or_default();
        add_next_link(&mut response, &format!("/v2/_catalog?{limit}last={}", encode_query(last)));
    }
    response
}

/// Creates the response to extension discovery (distribution-spec, extensions, "discover"): this engine has no
/// extensions.
pub fn discover() -> Response<Body> {
    #[derive(Serialize)]
    struct Extensions {
        extensions: [(); 0],
    }
    json(StatusCode::OK, JSON, &Extensions { extensions: [] })
}

impl Error {
    /// Turns the error into the response to a request with this method: JSON as the specification defines it, or no
    /// body for HEAD.
    pub fn into_response(self, method: &Method) -> Response<Body> {
        let (status, code) = self.status_and_code();
        let details = self.details();
        let errors: Vec<Value> = details
            .into_iter()
            .map(|detail| json!({ "code": code, "message": self.to_string(), "detail": detail }))
            .collect();
        let body = Bytes::from(json!({ "errors": errors }).to_string());
        let length = HeaderValue::from(length_of(&body));
        let mut response = response(status, if method == Method::HEAD { Body::empty() } else { Body::whole(body) });
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        response.headers_mut().insert(CONTENT_LENGTH, length);
        self.add_headers(response.headers_mut());
        response
    }

    /// Returns the `detail` of each entry in `errors`.
    fn details(&self) -> Vec<Value> {
        match self {
            Self::BlobUnknown(digest) => vec![json!({ "digest": digest })],
            Self::ManifestUnknown(reference) => vec![json!({ "reference": reference })],
            Self::ManifestBlobUnknown(digests) => digests.iter().map(|digest| json!({ "digest": digest })).collect(),
            Self::Unauthorized { detail, .. } => vec![detail.clone()],
            _ => vec![Value::Null],
        }
    }

    fn add_headers(self, headers: &mut HeaderMap) {
        match self {
            Self::MethodNotAllowed(allow) => {
                headers.insert(ALLOW, HeaderValue::from_static(allow));
            }
            Self::BlobInUse => {
                headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            Self::RangeNotSatisfiable { size } => {
                headers.insert(CONTENT_RANGE, value(format!("bytes */{size}")));
            }
            Self::ChunkOutOfOrder { location, offset } => {
                headers.insert(LOCATION, value(location));
                headers.insert(RANGE, upload_range(offset));
            }
            Self::Unauthorized { challenge, .. } => {
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            Self::TooManyRequests(seconds) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            Self::Storage(_) | Self::Ledger(_) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
    }
}

/// Returns the `Range` header of an upload with `offset` bytes. It is `0-0` for an empty upload, because clients can
/// parse that and the conformance suite expects it.
pub(crate) fn upload_range(offset: u64) -> HeaderValue {
    value(format!("0-{}", offset.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::ledger::LedgerError;

    async fn body_of(response: Response<Body>) -> Value {
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    #[tokio::test]
    async fn the_base_is_an_empty_object() {
        let response = base();
        assert_eq!(response.headers()[API_VERSION], "registry/2.0");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(body_of(response).await, json!({}));
    }

    #[tokio::test]
    async fn the_catalog_links_to_what_follows() {
        let names = ["a/b", "c/d"].map(|name| RepositoryName::parse(name).unwrap());
        let page = Page { limit: Some(2), last: None };
        let response = catalog(&page, &names, Some("c/d"));
        assert_eq!(response.headers()[LINK], "</v2/_catalog?n=2&last=c/d>; rel=\"next\"");
        assert_eq!(body_of(response).await, json!({ "repositories": ["a/b", "c/d"] }));
        let last = catalog(&page, &[], None);
        assert!(!last.headers().contains_key(LINK));
        assert_eq!(body_of(last).await, json!({ "repositories": [] }));
    }

    async fn parts(error: Error, method: &Method) -> (StatusCode, HeaderMap, Value) {
        let (parts, body) = error.into_response(method).into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[tokio::test]
    async fn a_challenge_comes_with_the_error_and_the_api_version() {
        let challenge = HeaderValue::from_static("Bearer realm=\"/token\"");
        let wanted = json!([{ "Type": "repository", "Name": "a/b", "Action": "pull" }]);
        let error = Error::Unauthorized { challenge: challenge.clone(), detail: wanted.clone() };
        let (status, headers, body) = parts(error, &Method::GET).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(headers[WWW_AUTHENTICATE], challenge);
        assert_eq!(headers[API_VERSION], "registry/2.0");
        let message = "authentication required";
        assert_eq!(body, json!({ "errors": [{ "code": "UNAUTHORIZED", "message": message, "detail": wanted }] }));
    }

    #[tokio::test]
    async fn an_answer_to_head_has_headers_only() {
        let (status, headers, body) = parts(Error::NameUnknown, &Method::HEAD).await;
        assert_eq!((status, body), (StatusCode::NOT_FOUND, Value::Null));
        let (_, with_body, _) = parts(Error::NameUnknown, &Method::GET).await;
        assert_eq!(headers, with_body);
    }

    #[tokio::test]
    async fn who_asks_too_much_is_told_how_long_to_wait() {
        let (status, headers, body) = parts(Error::TooManyRequests(7), &Method::GET).await;
        assert_eq!((status, &headers[RETRY_AFTER]), (StatusCode::TOO_MANY_REQUESTS, &HeaderValue::from_static("7")));
        assert_eq!(body["errors"][0]["code"], "TOOMANYREQUESTS");
    }

    #[tokio::test]
    async fn a_full_ledger_is_told_from_one_that_does_not_answer() {
        let (status, _, body) = parts(Error::from_ledger(LedgerError::Full("disk".into())), &Method::PUT).await;
        assert_eq!((status, &body["errors"][0]["code"]), (StatusCode::INSUFFICIENT_STORAGE, &json!("STORAGE_FULL")));
        let (status, _, body) = parts(Error::from_ledger(LedgerError::Unavailable("gone".into())), &Method::PUT).await;
        assert_eq!((status, &body["errors"][0]["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("UNAVAILABLE")));
    }

    #[tokio::test]
    async fn what_failed_inside_stays_inside() {
        let cause = LedgerError::Unavailable("password=secret".into());
        let (status, headers, body) = parts(Error::Ledger(cause), &Method::GET).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(headers.contains_key(RETRY_AFTER));
        assert!(!body.to_string().contains("secret"));
    }
}
