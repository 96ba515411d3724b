//! What the engine answers when it does not do as asked: one variant an outcome, each with its status and OCI error code.
//! It refuses to know who asked; the constructors for sign-in and rights are for whoever guards the engine.

use http::{HeaderValue, StatusCode};
use model::oci::Digest;
use serde_json::Value;
use thiserror::Error;

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
}

/// The ledger's failures are the engine's, named so that `?` is never silent about it; a full one has its own answer.
pub fn ledger(error: LedgerError) -> Error {
    if matches!(error, LedgerError::Full(_)) { Error::LedgerFull(error) } else { Error::Ledger(error) }
}

/// The storage's failures are the engine's; a full one has its own answer.
pub(crate) fn storage(error: StorageError) -> Error {
    if matches!(error, StorageError::Full(_)) { Error::StorageFull(error) } else { Error::Storage(error) }
}
