//! The trait for the engine's metadata: repositories, blobs, manifests, tags and uploads. `store::ledger` implements it
//! with an SQL database.

mod sweep;

use async_trait::async_trait;
use bytes::Bytes;
use model::clock::Timestamp;
use model::event::Actor;
use model::id::RepositoryId;
use model::oci::{Algorithm, Digest, Reference, RepositoryName, Tag};
use thiserror::Error;
use uuid::Uuid;

pub use sweep::{Freed, SweepBatch, SweepClaim, SweepCutoffs, SweepJob, SweepLedger};

/// Why the ledger failed. The change may or may not have been made.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The database cannot be reached, or the statement failed.
    #[error("the database failed")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database is full.
    #[error("the database is full")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row is malformed.
    #[error("malformed row in the database: {0}")]
    Corrupt(&'static str),
}

/// A repository and the account that acts on it. A value may only be created for an authorised request.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its id.
    pub id: RepositoryId,
    /// Its path, for events.
    pub name: RepositoryName,
    /// The acting account, if known; for events.
    pub actor: Option<Actor>,
}

/// A repository of a standalone registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownRepository {
    /// Its id.
    pub id: RepositoryId,
    /// Whether no manifest has been stored in it yet. Such a repository only exists for the push that creates it.
    pub pending: bool,
}

/// A part of a blob: one object in storage, written once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The object's key. It is unique and never reused.
    pub key: String,
    /// The number of its bytes that belong to the blob, from its start.
    pub length: u64,
}

/// A blob: the concatenation of its segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its segments, in order.
    pub segments: Vec<Segment>,
}

/// An upload in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its id, a UUID of version 7.
    pub id: Uuid,
    /// The algorithm that its bytes are hashed with as they arrive.
    pub algorithm: Algorithm,
    /// The number of acknowledged bytes.
    pub offset: u64,
    /// The state of the hash after `offset` bytes; empty at zero.
    pub hash_state: Vec<u8>,
    /// The acknowledged bytes, in order.
    pub segments: Vec<Segment>,
}

/// A manifest as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its digest.
    pub digest: Digest,
    /// Its media type, without parameters.
    pub media_type: String,
    /// Its exact bytes.
    pub payload: Bytes,
}

/// A reference from a manifest to a blob or a child manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The digest.
    pub digest: Digest,
    /// The size that the manifest states.
    pub size: u64,
}

/// A valid manifest to be stored. The blobs and manifests that it refers to may not exist.
#[derive(Clone, Debug)]
pub struct NewManifest {
    /// Its digest.
    pub digest: Digest,
    /// Its media type, without parameters.
    pub media_type: String,
    /// Its exact bytes.
    pub payload: Bytes,
    /// `artifactType`, or the config's media type if the specification says so.
    pub artifact_type: Option<String>,
    /// The manifest that this one is about; it need not exist.
    pub subject: Option<Digest>,
    /// Annotations for the referrers list, as a JSON object.
    pub annotations: String,
    /// Config and layers that must be linked to the repository.
    pub blobs: Vec<Link>,
    /// Manifests that must be in the repository.
    pub children: Vec<Link>,
    /// Tags to point at the manifest; either all of them are set or none.
    pub tags: Vec<Tag>,
    /// The precondition for each of `tags`, checked in the transaction that moves them.
    pub expect: TagPrecondition,
}

/// The precondition for moving a tag (`If-Match`, `If-None-Match` of RFC 9110).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TagPrecondition {
    /// No precondition.
    #[default]
    Anything,
    /// The tag does not exist.
    Absent,
    /// The tag exists.
    Present,
    /// The tag points at one of these.
    PointsAt(Vec<Digest>),
    /// The tag does not exist, or points at none of these.
    PointsElsewhere(Vec<Digest>),
}

impl TagPrecondition {
    /// Whether the precondition holds for a tag that points at `current`; `None` is a tag that does not exist.
    pub fn holds(&self, current: Option<&Digest>) -> bool {
        match self {
            Self::Anything => true,
            Self::Absent => current.is_none(),
            Self::Present => current.is_some(),
            Self::PointsAt(digests) => current.is_some_and(|digest| digests.contains(digest)),
            Self::PointsElsewhere(digests) => current.is_none_or(|digest| !digests.contains(digest)),
        }
    }
}

/// The outcome of storing a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// The manifest is stored, and the tags point at it.
    Stored,
    /// The repository lacks these blobs or children; nothing changed.
    Missing(Vec<Digest>),
    /// These blobs or children do not have the size that the manifest states; nothing changed.
    SizeMismatch(Vec<Digest>),
    /// A tag does not meet [`NewManifest::expect`]; nothing changed.
    Unexpected,
    /// The repository has been deleted; nothing changed.
    NoRepository,
}

/// The outcome of unlinking a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnlinkOutcome {
    /// The blob is unlinked.
    Done,
    /// The blob was not linked.
    Absent,
    /// A manifest of the repository refers to the blob.
    InUse,
}

/// A descriptor in a referrers list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferrerRow {
    /// The manifest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its artifact type.
    pub artifact_type: Option<String>,
    /// Its size in bytes.
    pub size: u64,
    /// Annotations as a JSON object.
    pub annotations: String,
}

/// A page of a referrers list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReferrerPage {
    /// The rows.
    pub rows: Vec<ReferrerRow>,
    /// Whether there are more.
    pub more: bool,
}

/// Returns how many items fit on a page of at most `limit` items and `max_bytes` bytes, given the size of each: at
/// least one if there is any.
pub fn fitting(sizes: impl IntoIterator<Item = u64>, limit: u64, max_bytes: u64) -> usize {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut bytes = 0_u64;
    let fits = |size: u64| {
        bytes = bytes.saturating_add(size);
        bytes <= max_bytes
    };
    let count = sizes.into_iter().take(limit).map(fits).take_while(|fits| *fits).count();
    count.max(limit.min(1))
}

/// The request for a page of an ordered list: at most `limit` items after `last`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage {
    /// The last item of the previous page; it need not exist. Items are in byte order.
    pub last: Option<String>,
    /// The most items on the page.
    pub limit: u64,
}

/// The engine's metadata. Each call is one transaction.
#[async_trait]
pub trait Ledger: SweepLedger {
    /// Returns the repository of this name, for a standalone registry. With `create`, creates a pending one if it does
    /// not exist.
    async fn repository(
        &self,
        name: &RepositoryName,
        create: bool,
        now: Timestamp,
    ) -> Result<Option<KnownRepository>, LedgerError>;

    /// Returns the names of all repositories that are not pending, in byte order, for a standalone registry.
    async fn repositories(&self, page: &ListPage) -> Result<Vec<RepositoryName>, LedgerError>;

    /// Returns a blob that is linked to this repository. Writes nothing.
    async fn blob(&self, repository: RepositoryId, digest: &Digest) -> Result<Option<Blob>, LedgerError>;

    /// Returns a blob, whether or not it is linked to a repository.
    async fn stored_blob(&self, digest: &Digest) -> Result<Option<Blob>, LedgerError>;

    /// Returns those of these blobs that are linked to this repository, with their sizes.
    async fn linked(&self, repository: RepositoryId, digests: &[Digest]) -> Result<Vec<Link>, LedgerError>;

    /// Makes sure that a link that no manifest uses yet is kept long enough for a client to push its manifest. Returns
    /// `false` if the blob is not linked.
    async fn hold_blob(&self, repository: RepositoryId, digest: &Digest, now: Timestamp) -> Result<bool, LedgerError>;

    /// Links a blob of `from` to `to` and returns it, or `None` if `from` does not have it. The caller must have
    /// authorised reading from `from`.
    async fn mount(
        &self,
        to: RepositoryId,
        from: RepositoryId,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<Blob>, LedgerError>;

    /// Removes the link between a repository and a blob.
    async fn unlink_blob(
        &self,
        repository: RepositoryId,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<UnlinkOutcome, LedgerError>;

    /// Opens an empty upload. Returns `false` and opens none if the repository has `max` uploads already.
    async fn open_upload(
        &self,
        repository: RepositoryId,
        id: Uuid,
        algorithm: Algorithm,
        max: u64,
        now: Timestamp,
    ) -> Result<bool, LedgerError>;

    /// Returns an upload of this repository.
    async fn upload(&self, repository: RepositoryId, id: Uuid) -> Result<Option<Upload>, LedgerError>;

    /// Replaces an upload at `from_offset` by `upload`. Returns `false` and changes nothing if the stored upload is not
    /// at `from_offset`.
    async fn advance_upload(
        &self,
        repository: RepositoryId,
        upload: &Upload,
        from_offset: u64,
        now: Timestamp,
    ) -> Result<bool, LedgerError>;

    /// Turns an upload at `from_offset` into a linked blob of `upload.offset` bytes in `upload.segments`, and removes
    /// the upload. If the blob exists already, it keeps its segments and those of the upload go to the trash; if its
    /// segments are `damaged`, it is the other way round. Returns `false` and changes nothing if the upload does not
    /// exist or is not at `from_offset`.
    async fn commit_upload(
        &self,
        repository: RepositoryId,
        upload: &Upload,
        from_offset: u64,
        digest: &Digest,
        damaged: Option<&[Segment]>,
        now: Timestamp,
    ) -> Result<bool, LedgerError>;

    /// Removes an upload and moves its segments to the trash. Returns whether it existed.
    async fn cancel_upload(&self, repository: RepositoryId, id: Uuid, now: Timestamp) -> Result<bool, LedgerError>;

    /// Stores a manifest with its references and tags, and records the event. Its repository is no longer pending.
    async fn put_manifest(&self, place: &Place, manifest: &NewManifest, now: Timestamp) -> Result<Put, LedgerError>;

    /// Returns a manifest by tag or digest.
    async fn manifest(&self, repository: RepositoryId, reference: &Reference) -> Result<Option<Manifest>, LedgerError>;

    /// Deletes a tag and returns whether it existed.
    async fn delete_tag(&self, place: &Place, tag: &Tag, now: Timestamp) -> Result<bool, LedgerError>;

    /// Deletes a manifest and every tag that points at it. Returns whether the manifest existed.
    async fn delete_manifest(&self, place: &Place, digest: &Digest, now: Timestamp) -> Result<bool, LedgerError>;

    /// Returns tags in byte order.
    async fn tags(&self, repository: RepositoryId, page: &ListPage) -> Result<Vec<Tag>, LedgerError>;

    /// Returns the manifests whose subject is `subject`, in the order of their digests; only those of `artifact_type`,
    /// if given. The page also ends when its annotations exceed `max_bytes`; it has at least one row, if there is one.
    async fn referrers(
        &self,
        repository: RepositoryId,
        subject: &Digest,
        artifact_type: Option<&str>,
        page: &ListPage,
        max_bytes: u64,
    ) -> Result<ReferrerPage, LedgerError>;

    /// Returns blobs in the order of their digests, whether or not they are linked to a repository.
    async fn all_blobs(&self, page: &ListPage) -> Result<Vec<Blob>, LedgerError>;

    /// Returns uploads of all repositories in the order of their ids.
    async fn all_uploads(&self, page: &ListPage) -> Result<Vec<Upload>, LedgerError>;

    /// Returns the keys in the trash in byte order.
    async fn all_trash(&self, page: &ListPage) -> Result<Vec<String>, LedgerError>;

    /// Returns up to `limit` repositories that a blob is linked to.
    async fn repositories_of(&self, digest: &Digest, limit: u64) -> Result<Vec<RepositoryName>, LedgerError>;
}
