//! What the engine needs remembered, as one trait: repositories, links, manifests, tags and uploads by digest and name.
//! It refuses to know SQL, accounts and bytes; `store::ledger` implements it over the database.

use async_trait::async_trait;
use bytes::Bytes;
use model::account::AccountName;
use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::{Algorithm, Digest, Reference, RepositoryName, Tag};
use thiserror::Error;
use uuid::Uuid;

/// The memory did not answer; what was asked for has not happened, or is not known to have.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The database is out of reach or refused.
    #[error("the database does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database has no room left.
    #[error("the database has no room left")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row does not parse.
    #[error("the database holds a row that does not parse: {0}")]
    Corrupt(&'static str),
}

/// A repository as the engine knows it, with who acts on it. Whoever makes one has settled that they may.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its identity.
    pub id: RepositoryId,
    /// Its path, for answers and events.
    pub name: RepositoryName,
    /// Who acts, where the engine is told.
    pub actor: Option<AccountName>,
}

/// A run of a blob's bytes: one object in storage, written once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The object's key; unique, never reused.
    pub key: String,
    /// How many of its bytes count.
    pub length: u64,
}

/// A blob: the concatenation of its segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Its digest.
    pub digest: Digest,
    /// Bytes in all.
    pub size: u64,
    /// In order.
    pub segments: Vec<Segment>,
}

/// An upload under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its identity, version 7.
    pub id: Uuid,
    /// What it is hashed with while it streams.
    pub algorithm: Algorithm,
    /// Bytes acknowledged.
    pub offset: u64,
    /// The running hash after `offset` bytes, serialised; empty at zero.
    pub hash_state: Vec<u8>,
    /// Where the bytes are.
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

/// A reference to a blob or a child from within a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What is referred to.
    pub digest: Digest,
    /// Its size as the manifest states it.
    pub size: u64,
}

/// A manifest to be stored; validated already, save for what it refers to.
#[derive(Clone, Debug)]
pub struct NewManifest {
    /// Its digest.
    pub digest: Digest,
    /// Its media type, without parameters.
    pub media_type: String,
    /// Its exact bytes.
    pub payload: Bytes,
    /// `artifactType`, or the config's media type where the specification says so.
    pub artifact_type: Option<String>,
    /// What it says something about; need not exist.
    pub subject: Option<Digest>,
    /// Annotations as a JSON object, for the referrers list; `{}` when there are none.
    pub annotations: String,
    /// Config and layers that must be linked to the repository.
    pub blobs: Vec<Link>,
    /// Manifests that must be in the repository.
    pub children: Vec<Link>,
    /// Tags to point at it, all or none.
    pub tags: Vec<Tag>,
    /// What must hold of every one of `tags`; settled in the transaction that moves them.
    pub expect: Expect,
}

/// What must hold of a tag before it is moved (`If-Match`, `If-None-Match` of RFC 9110).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    #[default]
    Anything,
    /// It does not exist.
    Absent,
    /// It exists.
    Present,
    /// It points at one of these.
    PointsAt(Vec<Digest>),
    /// It is missing, or points at none of these.
    PointsElsewhere(Vec<Digest>),
}

impl Expect {
    /// Whether it holds of a tag that points at `current`, or does not exist.
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

/// What became of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is stored (or was already) and the tags point at it.
    Stored,
    /// These blobs or children are not in the repository; nothing changed.
    Missing(Vec<Digest>),
    /// These are there with another size than the manifest states; nothing changed.
    SizeMismatch(Vec<Digest>),
    /// A tag is not as [`NewManifest::expect`] wants it; nothing changed.
    Unexpected,
}

/// What became of unlinking a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlink {
    /// It is unlinked.
    Done,
    /// It was not linked.
    Absent,
    /// A manifest of the repository refers to it.
    InUse,
}

/// A descriptor in a referrers list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferrerRow {
    /// The referring manifest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its artifact type.
    pub artifact_type: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Annotations as a JSON object.
    pub annotations: String,
}

/// Where to go on in an ordered list: at most `limit` items strictly after `last`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// The last item already seen; it need not exist. Order is by bytes.
    pub last: Option<String>,
    /// How many at most.
    pub limit: u64,
}

/// The engine's memory. Each call is one transaction: it happened whole, or not at all.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// The repository of that name; for an engine alone. With `create`, it is made when it is missing.
    async fn repository(
        &self,
        name: &RepositoryName,
        create: bool,
        now: Timestamp,
    ) -> Result<Option<RepositoryId>, LedgerError>;

    /// Names of all repositories, in order; for an engine alone.
    async fn repositories(&self, page: &After) -> Result<Vec<RepositoryName>, LedgerError>;

    /// A blob, if it is linked to this repository.
    async fn blob(&self, repository: RepositoryId, digest: &Digest) -> Result<Option<Blob>, LedgerError>;

    /// Links a blob that `from` has; its size, or `None` when `from` has it not. The caller has settled that the actor may read `from`.
    async fn mount(
        &self,
        to: RepositoryId,
        from: RepositoryId,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<u64>, LedgerError>;

    /// Removes the link between a repository and a blob.
    async fn unlink_blob(&self, repository: RepositoryId, digest: &Digest) -> Result<Unlink, LedgerError>;

    /// Opens an upload with nothing in it.
    async fn open_upload(
        &self,
        repository: RepositoryId,
        id: Uuid,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<(), LedgerError>;

    /// An upload of this repository.
    async fn upload(&self, repository: RepositoryId, id: Uuid) -> Result<Option<Upload>, LedgerError>;

    /// Moves an upload on from `from_offset` to what `upload` says; `false`, and nothing changed, when it is no longer at `from_offset`.
    async fn advance_upload(
        &self,
        repository: RepositoryId,
        upload: &Upload,
        from_offset: u64,
        now: Timestamp,
    ) -> Result<bool, LedgerError>;

    /// Turns an upload that stands at `from_offset` into a blob of `upload.offset` bytes in `upload.segments` and links it; the upload
    /// is gone. When the blob exists already `upload.segments` go to the trash. `false`, and nothing changed, when the upload is gone or
    /// stands elsewhere.
    async fn commit_upload(
        &self,
        repository: RepositoryId,
        upload: &Upload,
        from_offset: u64,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<bool, LedgerError>;

    /// Ends an upload; its segments go to the trash. `false` when there was none.
    async fn cancel_upload(&self, repository: RepositoryId, id: Uuid, now: Timestamp) -> Result<bool, LedgerError>;

    /// Stores a manifest, its references and its tags, and the event of it, all at once.
    async fn put_manifest(&self, place: &Place, manifest: &NewManifest, now: Timestamp) -> Result<Put, LedgerError>;

    /// A manifest by tag or digest.
    async fn manifest(&self, repository: RepositoryId, reference: &Reference) -> Result<Option<Manifest>, LedgerError>;

    /// Removes a tag; `false` when there was none.
    async fn delete_tag(&self, place: &Place, tag: &Tag, now: Timestamp) -> Result<bool, LedgerError>;

    /// Removes a manifest and every tag that points at it; `false` when there was none.
    async fn delete_manifest(&self, place: &Place, digest: &Digest, now: Timestamp) -> Result<bool, LedgerError>;

    /// Tags in byte order.
    async fn tags(&self, repository: RepositoryId, page: &After) -> Result<Vec<Tag>, LedgerError>;

    /// Manifests whose subject is `subject`, by digest; only those of `artifact_type` when it is given.
    async fn referrers(
        &self,
        repository: RepositoryId,
        subject: &Digest,
        artifact_type: Option<&str>,
        page: &After,
    ) -> Result<Vec<ReferrerRow>, LedgerError>;

    /// Object keys whose bytes nothing needs any more, oldest first; for the sweep.
    async fn trash(&self, limit: u64) -> Result<Vec<String>, LedgerError>;

    /// Forgets trash whose objects are gone.
    async fn forget_trash(&self, keys: &[String]) -> Result<(), LedgerError>;
}
