//! Errors of requests, with their status, OCI error code and message.

use http::{HeaderValue, StatusCode};
use model::oci::Digest;
use serde_json::Value;
use thiserror::Error;

use crate::ledger::LedgerError;
use crate::storage::StorageError;

/// Why a request failed. `Display` is the message in the response; sources are only logged.
#[derive(Debug, Error)]
pub enum Error {
    /// No endpoint has this path.
    #[error("endpoint unknown")]
    EndpointUnknown,
    /// The endpoint does not support the method; holds the `Allow` header.
    #[error("method not allowed")]
    MethodNotAllowed(&'static str),
    /// A parameter or a document is of an unsupported kind.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// Not a repository name.
    #[error("invalid repository name")]
    NameInvalid,
    /// The repository does not exist, or the caller may not see it.
    #[error("repository name not known to registry")]
    NameUnknown,
    /// Not a digest, or one of an unknown algorithm.
    #[error("invalid digest")]
    DigestInvalid,
    /// The content does not have the digest that was given.
    #[error("provided digest did not match uploaded content")]
    DigestMismatch,
    /// The repository does not have this blob.
    #[error("blob unknown to registry")]
    BlobUnknown(Digest),
    /// A manifest of the repository refers to the blob.
    #[error("blob is referenced by a manifest in this repository")]
    BlobInUse,
    /// The blob is too large.
    #[error("blob exceeds the limit of {limit} bytes")]
    BlobTooLarge {
        /// The largest size in bytes.
        limit: u64,
    },
    /// The `Range` is outside the blob.
    #[error("range not satisfiable: blob has {size} bytes")]
    RangeNotSatisfiable {
        /// The blob's size in bytes.
        size: u64,
    },
    /// The repository has no such upload.
    #[error("blob upload unknown to registry")]
    UploadUnknown,
    /// `Content-Range` is not `<first>-<last>`.
    #[error("Content-Range must be <first>-<last>, in bytes")]
    ContentRangeInvalid,
    /// The body does not have the length that its `Content-Range` states.
    #[error("body length does not match Content-Range")]
    ContentRangeMismatch,
    /// Another request is writing to the upload.
    #[error("another request is writing to this upload")]
    UploadBusy,
    /// The chunk does not start at the upload's offset (distribution-spec, "Pushing a blob in chunks").
    #[error("chunk out of order: upload has {offset} bytes")]
    ChunkOutOfOrder {
        /// The upload's location, as a path.
        location: String,
        /// The upload's offset.
        offset: u64,
    },
    /// The connection ended before the body did.
    #[error("request body ended early")]
    BodyIncomplete,
    /// The manifest is not valid.
    #[error(transparent)]
    ManifestInvalid(#[from] InvalidManifest),
    /// The manifest is too large.
    #[error("manifest exceeds the limit of {limit} bytes")]
    ManifestTooLarge {
        /// The largest size in bytes.
        limit: u64,
    },
    /// The repository has no such manifest; holds the requested reference.
    #[error("manifest unknown")]
    ManifestUnknown(String),
    /// The manifest refers to blobs or manifests that the repository does not have.
    #[error("manifest refers to blobs or manifests unknown to this repository")]
    ManifestBlobUnknown(Vec<Digest>),
    /// Too many tags in one request.
    #[error("more than {max} tags in one request")]
    TooManyTags {
        /// The largest number of tags.
        max: usize,
    },
    /// The condition of `If-Match` or `If-None-Match` does not hold.
    #[error("precondition failed")]
    PreconditionFailed,
    /// The caller must sign in.
    #[error("authentication required")]
    Unauthorized {
        /// The `WWW-Authenticate` header.
        challenge: HeaderValue,
        /// The required scopes, for the body; `null` for none.
        detail: Value,
    },
    /// The caller lacks the permission.
    #[error("requested access to the resource is denied")]
    Denied,
    /// The caller sends too many requests; holds the number of seconds to wait.
    #[error("too many requests")]
    TooManyRequests(u64),
    /// The storage is full.
    #[error("registry storage is full")]
    StorageFull(#[source] StorageError),
    /// The database is full.
    #[error("registry database is full")]
    LedgerFull(#[source] LedgerError),
    /// The storage failed.
    #[error("registry storage is unavailable")]
    Storage(#[source] StorageError),
    /// The database failed.
    #[error("registry database is unavailable")]
    Ledger(#[source] LedgerError),
    /// A bug or corrupt data.
    #[error("internal error")]
    Internal(#[from] InternalError),
}

/// An unsupported parameter or document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unsupported {
    /// A Docker manifest of schema 1.
    #[error("manifests of schema 1 are not supported")]
    Schema1,
    /// An unknown `digest-algorithm`.
    #[error("unknown digest algorithm")]
    DigestAlgorithm,
    /// An `n` that is not a number.
    #[error("n must be a number of items")]
    PageSize,
    /// `tag` parameters together with a tag in the path.
    #[error("the tag parameter requires a digest in the path")]
    TagParameter,
}

/// Why a manifest is not valid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidManifest {
    /// The media type is unknown.
    #[error("unknown manifest media type")]
    MediaTypeUnknown,
    /// `Content-Type` and `mediaType` differ.
    #[error("mediaType does not match Content-Type")]
    MediaTypeMismatch,
    /// A media type contains control characters.
    #[error("media types must not contain control characters")]
    MediaTypeCharacters,
    /// The manifest is not a JSON object in UTF-8.
    #[error("manifest must be a JSON object in UTF-8")]
    NotAnObject,
    /// The manifest is not valid JSON.
    #[error("invalid JSON: {reason}")]
    Syntax {
        /// The parser's message.
        reason: String,
    },
    /// A member has the wrong type or format.
    #[error("invalid {path}: {reason}")]
    Member {
        /// The member's path, such as `layers[0].digest`.
        path: String,
        /// The parser's message.
        reason: String,
    },
    /// `schemaVersion` is not 2.
    #[error("schemaVersion must be 2")]
    SchemaVersion,
    /// An image without a config.
    #[error("an image manifest must have a config")]
    ConfigMissing,
    /// An image with manifests.
    #[error("an image manifest must not have manifests")]
    ManifestsInImage,
    /// An index without manifests.
    #[error("an index must have manifests")]
    ManifestsMissing,
    /// An index with a config or layers.
    #[error("an index must not have config or layers")]
    LayersInIndex,
    /// A layer has a URL whose scheme is neither `http` nor `https`.
    #[error("layer URLs must be http or https")]
    LayerUrl,
    /// Two descriptors have the same digest and different sizes.
    #[error("conflicting sizes for {0}")]
    ConflictingSizes(Digest),
    /// The manifest refers to too many blobs or manifests.
    #[error("more than {max} references")]
    TooManyReferences {
        /// The largest number of references.
        max: usize,
    },
    /// The stored content does not have the sizes that the manifest states.
    #[error("size does not match the content of {}", list(.0))]
    SizeMismatch(Vec<Digest>),
    /// Not a tag.
    #[error("invalid tag")]
    Tag,
}

/// A bug or corrupt data; only logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InternalError {
    /// A computed digest is malformed.
    #[error("a computed digest is malformed")]
    Digest,
    /// Annotations cannot be serialised.
    #[error("annotations cannot be serialised")]
    Annotations,
    /// The request or a task that it started panicked.
    #[error("the request panicked")]
    Panic,
}

fn list(digests: &[Digest]) -> String {
    digests.iter().map(Digest::as_str).collect::<Vec<_>>().join(", ")
}

impl Error {
    /// Converts an error of the ledger; a full ledger has its own variant.
    pub fn from_ledger(error: LedgerError) -> Self {
        if matches!(error, LedgerError::Full(_)) { Self::LedgerFull(error) } else { Self::Ledger(error) }
    }

    /// Converts an error of the storage; a full storage has its own variant.
    pub(crate) fn from_storage(error: StorageError) -> Self {
        if matches!(error, StorageError::Full(_)) { Self::StorageFull(error) } else { Self::Storage(error) }
    }

    /// Returns the status and the error code (distribution-spec, "Error Codes").
    pub fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::EndpointUnknown => (StatusCode::NOT_FOUND, "UNSUPPORTED"),
            Self::MethodNotAllowed(_) | Self::BlobInUse => (StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED"),
            Self::Unsupported(_) => (StatusCode::BAD_REQUEST, "UNSUPPORTED"),
            Self::NameInvalid => (StatusCode::BAD_REQUEST, "NAME_INVALID"),
            Self::NameUnknown => (StatusCode::NOT_FOUND, "NAME_UNKNOWN"),
            Self::DigestInvalid | Self::DigestMismatch => (StatusCode::BAD_REQUEST, "DIGEST_INVALID"),
            Self::BlobUnknown(_) => (StatusCode::NOT_FOUND, "BLOB_UNKNOWN"),
            Self::BlobTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID"),
            Self::RangeNotSatisfiable { .. } | Self::ChunkOutOfOrder { .. } => {
                (StatusCode::RANGE_NOT_SATISFIABLE, "SIZE_INVALID")
            }
            Self::UploadUnknown => (StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"),
            Self::ContentRangeInvalid | Self::ContentRangeMismatch => (StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID"),
            Self::UploadBusy => (StatusCode::CONFLICT, "BLOB_UPLOAD_INVALID"),
            Self::BodyIncomplete => (StatusCode::BAD_REQUEST, "SIZE_INVALID"),
            Self::ManifestInvalid(_) => (StatusCode::BAD_REQUEST, "MANIFEST_INVALID"),
            Self::ManifestTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "MANIFEST_INVALID"),
            Self::ManifestUnknown(_) => (StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"),
            Self::ManifestBlobUnknown(_) => (StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN"),
            Self::TooManyTags { .. } => (StatusCode::URI_TOO_LONG, "UNSUPPORTED"),
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "DENIED"),
            Self::Unauthorized { .. } => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            Self::Denied => (StatusCode::FORBIDDEN, "DENIED"),
            Self::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS"),
            Self::StorageFull(_) | Self::LedgerFull(_) => (StatusCode::INSUFFICIENT_STORAGE, "STORAGE_FULL"),
            Self::Storage(_) | Self::Ledger(_) => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN"),
        }
    }
}
