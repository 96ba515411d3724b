//! Parser for requests. Authorisation and the engine both work with the parsed [`Request`].

use http::header::CONTENT_RANGE;
use http::{HeaderMap, Method};
use model::oci::{Algorithm, Digest, Reference, RepositoryName, Tag};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use crate::error::{Error, InvalidManifest, Unsupported};

/// The most tags that one manifest push may set.
pub const MAX_TAGS: usize = 100;

/// A request to the registry (distribution-spec, "Endpoints").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `GET /v2/` (end-1).
    Base,
    /// `GET /v2/_catalog`.
    Catalog(Page),
    /// `GET /v2/_oci/ext/discover`.
    Discover,
    /// An operation on one repository.
    Repository {
        /// The repository's name as requested; no namespace is added to a one-word name.
        name: RepositoryName,
        /// The operation.
        operation: Operation,
    },
}

/// An operation on one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `GET /v2/<name>/_oci/ext/discover`.
    Discover,
    /// GET or HEAD of a blob (end-2).
    GetBlob {
        /// The blob.
        digest: Digest,
        /// Whether the method is HEAD.
        head: bool,
    },
    /// DELETE of a blob (end-10).
    DeleteBlob(Digest),
    /// GET or HEAD of a manifest (end-3).
    GetManifest {
        /// The tag or digest.
        reference: Reference,
        /// Whether the method is HEAD.
        head: bool,
    },
    /// PUT of a manifest (end-7a, end-7b).
    PutManifest {
        /// The tag or digest to push to.
        reference: Reference,
        /// Further tags to set, if `reference` is a digest.
        tags: Vec<Tag>,
    },
    /// DELETE of a tag or a manifest (end-9).
    DeleteManifest(Reference),
    /// POST that opens an upload (end-4a, end-4c), or pushes a whole blob (end-4b).
    StartUpload {
        /// The blob's digest, if the body is the whole blob.
        digest: Option<Digest>,
        /// The algorithm to hash incoming bytes with.
        algorithm: Algorithm,
    },
    /// POST that mounts a blob from another repository (end-11), or opens an upload if that is not possible.
    MountBlob {
        /// The blob.
        digest: Digest,
        /// The repository to mount from, which the caller must be allowed to read.
        from: Option<RepositoryName>,
        /// The algorithm to hash incoming bytes with, if an upload is opened.
        algorithm: Algorithm,
    },
    /// GET or HEAD of an upload (end-13).
    UploadStatus(Uuid),
    /// PATCH of an upload, which appends a chunk (end-5).
    AppendUpload {
        /// The upload.
        upload: Uuid,
        /// The range of the chunk.
        range: Option<ContentRange>,
    },
    /// PUT of an upload, which closes it (end-6).
    CloseUpload {
        /// The upload.
        upload: Uuid,
        /// The digest of the whole blob.
        digest: Digest,
        /// The range of the last chunk.
        range: Option<ContentRange>,
    },
    /// DELETE of an upload, which cancels it (end-14). It requires the permission to push.
    CancelUpload(Uuid),
    /// `GET …/tags/list` (end-8).
    ListTags(Page),
    /// `GET …/referrers/<digest>` (end-12).
    ListReferrers {
        /// The subject.
        subject: Digest,
        /// Only referrers of this type.
        artifact_type: Option<String>,
        /// The page.
        page: Page,
    },
}

/// The page of a list that `?n=&last=` asks for: at most `limit` items after `last`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// `n`, if given; zero asks for an empty page.
    pub limit: Option<u64>,
    /// The last item of the previous page; it need not exist.
    pub last: Option<String>,
}

/// `Content-Range: <first>-<last>` of an upload's chunk. Both numbers are inclusive, and there is no unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// The first byte.
    pub first: u64,
    /// The last byte.
    pub last: u64,
}

impl ContentRange {
    /// Parses `^[0-9]+-[0-9]+$`.
    pub fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        let range = Self { first: number(first)?, last: number(last)? };
        (range.first <= range.last && range.last < u64::MAX).then_some(range)
    }

    /// Returns the number of bytes in the range.
    pub const fn length(self) -> u64 {
        self.last - self.first + 1
    }
}

/// Parses digits only: no sign and no spaces.
pub(crate) fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The resource that a path names. The parts are not validated.
enum Resource<'a> {
    Base,
    Catalog,
    Discover,
    RepositoryDiscover(&'a str),
    Tags(&'a str),
    Uploads(&'a str),
    Upload(&'a str, &'a str),
    Manifest(&'a str, &'a str),
    Blob(&'a str, &'a str),
    Referrers(&'a str, &'a str),
}

/// Matches literal segments from the right, so that a repository may be named `a/blobs/b` or `x/tags`.
fn locate(path: &str) -> Option<Resource<'_>> {
    let rest = path.strip_prefix("/v2/")?;
    match rest {
        "" => return Some(Resource::Base),
        "_catalog" => return Some(Resource::Catalog),
        "_oci/ext/discover" => return Some(Resource::Discover),
        _ => {}
    }
    if let Some(name) = rest.strip_suffix("/tags/list") {
        return Some(Resource::Tags(name));
    }
    if let Some(name) = rest.strip_suffix("/_oci/ext/discover") {
        return Some(Resource::RepositoryDiscover(name));
    }
    let (before, last) = rest.rsplit_once('/')?;
    if let Some(name) = before.strip_suffix("/blobs/uploads") {
        return Some(if last.is_empty() { Resource::Uploads(name) } else { Resource::Upload(name, last) });
    }
    let (name, kind) = before.rsplit_once('/')?;
    match kind {
        "manifests" => Some(Resource::Manifest(name, last)),
        "blobs" if last == "uploads" => Some(Resource::Uploads(name)),
        "blobs" => Some(Resource::Blob(name, last)),
        "referrers" => Some(Resource::Referrers(name, last)),
        _ => None,
    }
}

impl Request {
    /// Parses a request. `path` and `query` are percent-encoded; unknown parameters are ignored.
    pub fn parse(method: &Method, path: &str, query: Option<&str>, headers: &HeaderMap) -> Result<Self, Error> {
        let decoded = percent_decode_str(path).decode_utf8().map_err(|_| Error::EndpointUnknown)?;
        let resource = locate(&decoded).ok_or(Error::EndpointUnknown)?;
        let query = Query(query.unwrap_or_default());
        let head = method == Method::HEAD;
        let read = head || method == Method::GET;
        let (name, operation) = match resource {
            Resource::Base if read => return Ok(Self::Base),
            Resource::Catalog if read => return Ok(Self::Catalog(query.page()?)),
            Resource::Discover if read => return Ok(Self::Discover),
            Resource::RepositoryDiscover(name) if read => (name, Operation::Discover),
            Resource::Tags(name) if read => (name, Operation::ListTags(query.page()?)),
            Resource::Referrers(name, subject) if read => {
                let (subject, artifact_type) = (digest(subject)?, query.get("artifactType"));
                (name, Operation::ListReferrers { subject, artifact_type, page: query.page()? })
            }
            Resource::Blob(name, text) if read => (name, Operation::GetBlob { digest: digest(text)?, head }),
            Resource::Blob(name, text) if method == Method::DELETE => (name, Operation::DeleteBlob(digest(text)?)),
            Resource::Manifest(name, text) if read => {
                (name, Operation::GetManifest { reference: known_reference(text)?, head })
            }
            Resource::Manifest(name, text) if method == Method::DELETE => {
                (name, Operation::DeleteManifest(known_reference(text)?))
            }
            Resource::Manifest(name, text) if method == Method::PUT => (name, put_manifest(text, query)?),
            Resource::Uploads(name) if method == Method::POST => (name, start_upload(query)?),
            Resource::Upload(name, id) if read => (name, Operation::UploadStatus(upload(id)?)),
            Resource::Upload(name, id) if method == Method::PATCH => {
                (name, Operation::AppendUpload { upload: upload(id)?, range: content_range(headers)? })
            }
            Resource::Upload(name, id) if method == Method::PUT => {
                let given = query.get("digest").ok_or(Error::DigestInvalid)?;
                let (upload, digest) = (upload(id)?, digest(&given)?);
                (name, Operation::CloseUpload { upload, digest, range: content_range(headers)? })
            }
            Resource::Upload(name, id) if method == Method::DELETE => (name, Operation::CancelUpload(upload(id)?)),
            Resource::Base
            | Resource::Catalog
            | Resource::Discover
            | Resource::RepositoryDiscover(_)
            | Resource::Tags(_)
            | Resource::Referrers(..) => return Err(Error::MethodNotAllowed("GET, HEAD")),
            Resource::Blob(..) => return Err(Error::MethodNotAllowed("GET, HEAD, DELETE")),
            Resource::Manifest(..) => return Err(Error::MethodNotAllowed("GET, HEAD, PUT, DELETE")),
            Resource::Uploads(_) => return Err(Error::MethodNotAllowed("POST")),
            Resource::Upload(..) => return Err(Error::MethodNotAllowed("GET, HEAD, PATCH, PUT, DELETE")),
        };
        let name = RepositoryName::parse(name).map_err(|_| Error::NameInvalid)?;
        Ok(Self::Repository { name, operation })
    }

    /// Returns the requested repository's name, as in the path.
    pub const fn repository(&self) -> Option<&RepositoryName> {
        match self {
            Self::Repository { name, .. } => Some(name),
            Self::Base | Self::Catalog(_) | Self::Discover => None,
        }
    }

    /// Returns the name of the repository that a mount reads from.
    pub const fn mount_source(&self) -> Option<&RepositoryName> {
        match self {
            Self::Repository { operation: Operation::MountBlob { from, .. }, .. } => from.as_ref(),
            _ => None,
        }
    }
}

fn digest(text: &str) -> Result<Digest, Error> {
    Digest::parse(text).map_err(|_| Error::DigestInvalid)
}

/// Parses a reference to read or delete. A malformed tag is reported as an unknown manifest.
fn known_reference(text: &str) -> Result<Reference, Error> {
    Reference::parse(text).map_err(|_| {
        if text.contains(':') { Error::DigestInvalid } else { Error::ManifestUnknown(text.chars().take(128).collect()) }
    })
}

fn upload(text: &str) -> Result<Uuid, Error> {
    Uuid::try_parse(text).map_err(|_| Error::UploadUnknown)
}

fn put_manifest(text: &str, query: Query<'_>) -> Result<Operation, Error> {
    let reference = Reference::parse(text)
        .map_err(|_| if text.contains(':') { Error::DigestInvalid } else { InvalidManifest::Tag.into() })?;
    let mut tags = Vec::new();
    for text in query.all("tag") {
        let tag = Tag::parse(&text).map_err(|_| InvalidManifest::Tag)?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        if tags.len() > MAX_TAGS {
            return Err(Error::TooManyTags { max: MAX_TAGS });
        }
    }
    if matches!(reference, Reference::Tag(_)) && !tags.is_empty() {
        return Err(Unsupported::TagParameter.into());
    }
    Ok(Operation::PutManifest { reference, tags })
}

fn start_upload(query: Query<'_>) -> Result<Operation, Error> {
    let algorithm = match query.get("digest-algorithm") {
        Some(text) => text.parse().map_err(|_| Unsupported::DigestAlgorithm)?,
        None => Algorithm::Sha256,
    };
    if let Some(text) = query.get("mount") {
        let digest = digest(&text)?;
        let from = query.get("from").map(|name| RepositoryName::parse(&name)).transpose();
        let from = from.map_err(|_| Error::NameInvalid)?;
        return Ok(Operation::MountBlob { digest, from, algorithm });
    }
    let digest = query.get("digest").map(|text| digest(&text)).transpose()?;
    let algorithm = digest.as_ref().map_or(algorithm, Digest::algorithm);
    Ok(Operation::StartUpload { digest, algorithm })
}

fn content_range(headers: &HeaderMap) -> Result<Option<ContentRange>, Error> {
    let Some(value) = headers.get(CONTENT_RANGE) else { return Ok(None) };
    let range = value.to_str().ok().and_then(ContentRange::parse);
    range.map(Some).ok_or(Error::ContentRangeInvalid)
}

/// A query string. `+` is not decoded as a space, because media types contain it and no value contains spaces.
#[derive(Clone, Copy)]
struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    fn all(self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        self.0.split('&').filter_map(move |pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let matches = percent_decode_str(key).eq(name.bytes());
            (matches && !value.is_empty()).then(|| percent_decode_str(value).decode_utf8_lossy().into_owned())
        })
    }

    fn get(self, name: &'a str) -> Option<String> {
        self.all(name).next()
    }

    fn page(self) -> Result<Page, Error> {
        let limit = match self.get("n") {
            Some(text) => Some(number(&text).ok_or(Unsupported::PageSize)?),
            None => None,
        };
        Ok(Page { limit, last: self.get("last") })
    }
}

#[cfg(test)]
mod tests;
