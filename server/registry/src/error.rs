//! What the engine answers when it does not do as asked: one variant an outcome, each with its status and OCI error code.
//! It refuses to know who asked; the constructors for sign-in and rights are for whoever guards the engine.

use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use model::oci::Digest;
use serde_json::{Value, json};
use thiserror::Error;

use crate::answer::{Body, JSON, answer, length_of, value};
use crate::ledger::LedgerError;
use crate::storage::StorageError;

/// Why a request was not done. `Display` is what the client may read; sources are for the log.
#[derive(Debug, Error)]
pub enum Error {
    /// No such path below `/v2/`.
    #[error("there is nothing at this path")]
    NoSuchPath,
    /// The path is known, the method is not; holds the methods that are, as in `Allow`.
    #[error("this method is not supported here")]
    MethodNotAllowed(&'static str),
    /// A parameter or a document of a kind that is not supported.
    #[error("{0}")]
    Unsupported(&'static str),
    /// Not a repository name.
    #[error("invalid repository name")]
    NameInvalid,
    /// No such repository, or none that the caller may see.
    #[error("repository name not known to registry")]
    NameUnknown,
    /// Not a digest, or not one of a known algorithm.
    #[error("invalid digest")]
    DigestInvalid,
    /// The content has another digest than the one that was given.
    #[error("provided digest did not match uploaded content")]
    DigestMismatch,
    /// The repository does not have this blob.
    #[error("blob unknown to registry")]
    BlobUnknown(Digest),
    /// A manifest still refers to the blob.
    #[error("a manifest of this repository refers to the blob")]
    BlobInUse,
    /// The blob is larger than this registry takes.
    #[error("the blob is larger than this registry takes")]
    BlobTooLarge,
    /// A `Range` that lies outside a blob of `size` bytes.
    #[error("the range lies outside the blob")]
    RangeOutside {
        /// The blob's size in bytes.
        size: u64,
    },
    /// No such upload in this repository.
    #[error("blob upload unknown to registry")]
    UploadUnknown,
    /// The upload cannot go on like this.
    #[error("{0}")]
    UploadInvalid(&'static str),
    /// Another request is writing to the upload.
    #[error("another request is writing to this upload")]
    UploadBusy,
    /// A chunk that does not start where the upload stands (distribution-spec, "Pushing a blob in chunks").
    #[error("the chunk does not start where the upload stands")]
    OutOfOrder {
        /// Where to go on, a relative address.
        location: String,
        /// Bytes acknowledged.
        offset: u64,
    },
    /// The body ended before its end.
    #[error("the request body was cut off")]
    BodyCutOff,
    /// The manifest is not acceptable; says why.
    #[error("{0}")]
    ManifestInvalid(String),
    /// The manifest is larger than this registry takes.
    #[error("the manifest is larger than this registry takes")]
    ManifestTooLarge,
    /// No such manifest; holds the reference that was asked for.
    #[error("manifest unknown")]
    ManifestUnknown(String),
    /// The manifest refers to what the repository does not have.
    #[error("the manifest refers to blobs or manifests that are not in this repository")]
    ManifestBlobUnknown(Vec<Digest>),
    /// More tags at once than this registry takes.
    #[error("more tags at once than this registry takes")]
    TooManyTags,
    /// `If-Match` or `If-None-Match` does not hold.
    #[error("the reference is not in the state that the request expects")]
    PreconditionFailed,
    /// The caller must sign in; holds the `WWW-Authenticate` challenge and what was wanted.
    #[error("authentication required")]
    Unauthorized {
        /// The challenge.
        challenge: HeaderValue,
        /// What was wanted, for the body; `null` for nothing to say.
        detail: Value,
    },
    /// The caller may not.
    #[error("requested access to the resource is denied")]
    Denied,
    /// The caller asks too much; holds the seconds to wait.
    #[error("too many requests")]
    TooManyRequests(u64),
    /// The storage has no room left.
    #[error("the registry has no room left")]
    StorageFull(#[source] StorageError),
    /// The ledger has no room left.
    #[error("the registry's database has no room left")]
    LedgerFull(#[source] LedgerError),
    /// The storage failed.
    #[error("the registry's storage does not answer")]
    Storage(#[source] StorageError),
    /// The ledger failed.
    #[error("the registry's database does not answer")]
    Ledger(#[source] LedgerError),
    /// The engine broke off.
    #[error("the registry broke off")]
    Broken(&'static str),
}

impl Error {
    /// The status and the code of the answer (distribution-spec, "Error Codes").
    pub fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "UNSUPPORTED"),
            Self::MethodNotAllowed(_) | Self::BlobInUse => (StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED"),
            Self::Unsupported(_) => (StatusCode::BAD_REQUEST, "UNSUPPORTED"),
            Self::NameInvalid => (StatusCode::BAD_REQUEST, "NAME_INVALID"),
            Self::NameUnknown => (StatusCode::NOT_FOUND, "NAME_UNKNOWN"),
            Self::DigestInvalid | Self::DigestMismatch => (StatusCode::BAD_REQUEST, "DIGEST_INVALID"),
            Self::BlobUnknown(_) => (StatusCode::NOT_FOUND, "BLOB_UNKNOWN"),
            Self::BlobTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID"),
            Self::RangeOutside { .. } | Self::OutOfOrder { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, "SIZE_INVALID"),
            Self::UploadUnknown => (StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"),
            Self::UploadInvalid(_) => (StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID"),
            Self::UploadBusy => (StatusCode::CONFLICT, "BLOB_UPLOAD_INVALID"),
            Self::BodyCutOff => (StatusCode::BAD_REQUEST, "SIZE_INVALID"),
            Self::ManifestInvalid(_) => (StatusCode::BAD_REQUEST, "MANIFEST_INVALID"),
            Self::ManifestTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "MANIFEST_INVALID"),
            Self::ManifestUnknown(_) => (StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"),
            Self::ManifestBlobUnknown(_) => (StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN"),
            Self::TooManyTags => (StatusCode::URI_TOO_LONG, "UNSUPPORTED"),
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "DENIED"),
            Self::Unauthorized { .. } => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            Self::Denied => (StatusCode::FORBIDDEN, "DENIED"),
            Self::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS"),
            Self::StorageFull(_) | Self::LedgerFull(_) => (StatusCode::INSUFFICIENT_STORAGE, "STORAGE_FULL"),
            Self::Storage(_) | Self::Ledger(_) => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
            Self::Broken(_) => (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN"),
        }
    }

    /// The answer to a request with this method: a JSON body of the specification's shape, none for HEAD.
    pub fn into_response(self, method: &Method) -> Response<Body> {
        let (status, code) = self.status_and_code();
        let details = self.details();
        let errors: Vec<Value> = details
            .into_iter()
            .map(|detail| json!({ "code": code, "message": self.to_string(), "detail": detail }))
            .collect();
        let body = Bytes::from(json!({ "errors": errors }).to_string());
        let length = HeaderValue::from(length_of(&body));
        let mut response = answer(status, if method == Method::HEAD { Body::empty() } else { Body::whole(body) });
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        response.headers_mut().insert(CONTENT_LENGTH, length);
        self.add_headers(response.headers_mut());
        response
    }

    /// One entry for each thing that is wrong.
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
            Self::RangeOutside { size } => {
                headers.insert(CONTENT_RANGE, value(format!("bytes */{size}")));
            }
            Self::OutOfOrder { location, offset } => {
                headers.insert(LOCATION, value(location));
                headers.insert(RANGE, acknowledged(offset));
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

/// The `Range` of an upload with `offset` bytes; nothing yet is `0-0`, which clients can parse and the specification's suite expects.
pub(crate) fn acknowledged(offset: u64) -> HeaderValue {
    value(format!("0-{}", offset.saturating_sub(1)))
}

/// The ledger's failures are the engine's, named so that `?` is never silent about it; a full one has its own answer.
pub fn ledger(error: LedgerError) -> Error {
    if matches!(error, LedgerError::Full(_)) { Error::LedgerFull(error) } else { Error::Ledger(error) }
}

/// The storage's failures are the engine's; a full one has its own answer.
pub(crate) fn storage(error: StorageError) -> Error {
    if matches!(error, StorageError::Full(_)) { Error::StorageFull(error) } else { Error::Storage(error) }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::answer::API_VERSION;

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
        let (status, _, body) = parts(ledger(LedgerError::Full("disk".into())), &Method::PUT).await;
        assert_eq!((status, &body["errors"][0]["code"]), (StatusCode::INSUFFICIENT_STORAGE, &json!("STORAGE_FULL")));
        let (status, _, body) = parts(ledger(LedgerError::Unavailable("gone".into())), &Method::PUT).await;
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
