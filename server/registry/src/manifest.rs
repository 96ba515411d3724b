//! Manifests: GET, HEAD, PUT and DELETE (distribution-spec, "Pulling manifests", "Pushing Manifests", "Deleting
//! Manifests"). They are served byte for byte as they were pushed; formats are not converted.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION};
use http::{Response, StatusCode};
use model::id::RepositoryId;
use model::oci::{Algorithm, Digest, Reference, Tag};

use crate::body::{Body, RequestBody, length_of, next_frame};
use crate::cache::Cache;
use crate::condition::{not_modified, precondition};
use crate::context::{AuthorizedRequest, Context, run_to_completion};
use crate::document::Document;
use crate::error::{Error, InvalidManifest};
use crate::hash::digest_of;
use crate::ledger::{Link, Manifest, NewManifest, Place, Put};
use crate::response::{CONTENT_DIGEST, IMMUTABLE, empty, response, value};

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const TAG: HeaderName = HeaderName::from_static("oci-tag");
/// `Cache-Control` for a manifest pulled by tag: the tag may move, so caches must revalidate.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// The capacity of the cache, in bytes.
const CACHE_CAPACITY: u64 = 64 << 20;

/// A manifest with its header values.
struct CachedManifest {
    manifest: Manifest,
    digest: HeaderValue,
    etag: HeaderValue,
    media_type: HeaderValue,
    length: HeaderValue,
}

impl CachedManifest {
    fn new(manifest: Manifest) -> Self {
        let digest = value(manifest.digest.to_string());
        let etag = value(format!("\"{}\"", manifest.digest));
        let media_type = value(manifest.media_type.clone());
        let length = HeaderValue::from(length_of(&manifest.payload));
        Self { manifest, digest, etag, media_type, length }
    }

    /// Returns the approximate size in memory.
    fn weight(&self) -> u32 {
        u32::try_from(self.manifest.payload.len().saturating_add(512)).unwrap_or(u32::MAX)
    }

    fn add_headers(&self, headers: &mut HeaderMap, by_tag: bool) {
        headers.insert(CONTENT_DIGEST, self.digest.clone());
        headers.insert(ETAG, self.etag.clone());
        headers.insert(CACHE_CONTROL, if by_tag { REVALIDATE } else { IMMUTABLE });
    }
}

/// The operations on manifests.
#[derive(Clone)]
pub(crate) struct Manifests {
    context: Arc<Context>,
    cache: Arc<Cache<Reference, CachedManifest>>,
}

impl Manifests {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context, cache: Arc::new(Cache::new(CACHE_CAPACITY, CachedManifest::weight)) }
    }

    /// Forgets what is cached of a repository.
    pub(crate) fn forget(&self, repository: RepositoryId) {
        self.cache.forget(repository);
    }

    /// Returns a manifest of this repository.
    async fn find(&self, place: &Place, reference: Reference) -> Result<Arc<CachedManifest>, Error> {
        let key = (place.id, reference);
        if let Some(cached) = self.cache.get(&key) {
            return Ok(cached);
        }
        let epoch = self.cache.epoch(place.id);
        let Some(manifest) = self.context.ledger.manifest(place.id, &key.1).await.map_err(Error::from_ledger)? else {
            return Err(Error::ManifestUnknown(key.1.to_string()));
        };
        let cached = Arc::new(CachedManifest::new(manifest));
        self.cache.insert(key, epoch, cached.clone());
        Ok(cached)
    }

    /// Returns a manifest. `Accept` is ignored, as RFC 9110, section 12.5.1, allows: a client that cannot read the
    /// media type reports that better than a 404 would.
    pub(crate) async fn get(
        &self,
        call: AuthorizedRequest<'_>,
        reference: Reference,
        head: bool,
    ) -> Result<Response<Body>, Error> {
        let by_tag = matches!(reference, Reference::Tag(_));
        let cached = self.find(call.place, reference).await?;
        if not_modified(call.headers, &cached.manifest.digest) {
            let mut response = empty(StatusCode::NOT_MODIFIED);
            cached.add_headers(response.headers_mut(), by_tag);
            return Ok(response);
        }
        let body = if head { Body::empty() } else { Body::whole(cached.manifest.payload.clone()) };
        let mut response = response(StatusCode::OK, body);
        let headers = response.headers_mut();
        cached.add_headers(headers, by_tag);
        headers.insert(CONTENT_TYPE, cached.media_type.clone());
        headers.insert(CONTENT_LENGTH, cached.length.clone());
        Ok(response)
    }

    pub(crate) async fn put(
        &self,
        call: AuthorizedRequest<'_>,
        reference: Reference,
        mut tags: Vec<Tag>,
        body: &mut impl RequestBody,
    ) -> Result<Response<Body>, Error> {
        let content_type = match call.headers.get(CONTENT_TYPE).map(HeaderValue::to_str) {
            Some(Err(_)) => return Err(InvalidManifest::MediaTypeUnknown.into()),
            Some(Ok(text)) => Some(text),
            None => None,
        };
        let payload = read_payload(body, self.context.limits.manifest).await?;
        let document = Document::parse(content_type, &payload, self.context.limits.unknown_media_types)?;
        let (digest, extra_tags) = match reference {
            Reference::Tag(tag) => {
                tags = vec![tag];
                (digest_of(Algorithm::Sha256, &payload)?, false)
            }
            Reference::Digest(digest) if digest_of(digest.algorithm(), &payload)? == digest => (digest, true),
            Reference::Digest(_) => return Err(Error::DigestMismatch),
        };
        let (blobs, children) = self.references(call.place, &document).await?;
        let expect = precondition(call.headers);
        if tags.is_empty() && !expect.holds(self.stored_digest(call.place, &digest).await?.as_ref()) {
            return Err(Error::PreconditionFailed);
        }
        let mut response = empty(StatusCode::CREATED);
        let headers = response.headers_mut();
        headers.insert(LOCATION, value(format!("/v2/{}/manifests/{digest}", call.name)));
        headers.insert(CONTENT_DIGEST, value(digest.to_string()));
        if let Some(subject) = &document.subject {
            headers.insert(SUBJECT, value(subject.to_string()));
        }
        if extra_tags {
            for tag in &tags {
                headers.append(TAG, value(tag.to_string()));
            }
        }
        let Document { media_type, artifact_type, subject, annotations, .. } = document;
        let manifest = NewManifest {
            digest,
            media_type,
            payload,
            artifact_type,
            subject,
            annotations,
            blobs,
            children,
            tags,
            expect,
        };
        self.store(call.place, manifest).await?;
        Ok(response)
    }

    async fn store(&self, place: &Place, manifest: NewManifest) -> Result<(), Error> {
        let (manifests, place) = (self.clone(), place.clone());
        run_to_completion(async move {
            let Context { ledger, clock, .. } = &*manifests.context;
            let outcome = ledger.put_manifest(&place, &manifest, clock.now()).await.map_err(Error::from_ledger);
            manifests.cache.forget(place.id);
            match outcome? {
                Put::Stored => Ok(()),
                Put::Missing(digests) => Err(Error::ManifestBlobUnknown(digests)),
                Put::SizeMismatch(digests) => Err(InvalidManifest::SizeMismatch(digests).into()),
                Put::Unexpected => Err(Error::PreconditionFailed),
                Put::NoRepository => Err(Error::NameUnknown),
            }
        })
        .await
    }

    /// Returns the blobs and the children that the repository must have. A layer that may be stored elsewhere is
    /// included if the repository has it, so that it is kept as long as the manifest.
    async fn references(&self, place: &Place, document: &Document) -> Result<(Vec<Link>, Vec<Link>), Error> {
        let (mut blobs, mut children) = (document.blobs.clone(), document.children.clone());
        let optional: Vec<Digest> =
            document.foreign.iter().chain(&document.others).map(|link| link.digest.clone()).collect();
        if !optional.is_empty() {
            let linked = self.context.ledger.linked(place.id, &optional).await.map_err(Error::from_ledger)?;
            let sizes: HashMap<&Digest, u64> = linked.iter().map(|link| (&link.digest, link.size)).collect();
            let has = |link: &&Link| sizes.get(&link.digest) == Some(&link.size);
            blobs.extend(document.foreign.iter().filter(has).cloned());
            let (stored, others): (Vec<_>, Vec<_>) = document.others.iter().partition(has);
            blobs.extend(stored.into_iter().cloned());
            children.extend(others.into_iter().cloned());
        }
        blobs.sort_by(|one, other| one.digest.cmp(&other.digest));
        children.sort_by(|one, other| one.digest.cmp(&other.digest));
        Ok((blobs, children))
    }

    /// Returns the digest if the repository has a manifest with it.
    async fn stored_digest(&self, place: &Place, digest: &Digest) -> Result<Option<Digest>, Error> {
        let reference = Reference::Digest(digest.clone());
        let stored = self.context.ledger.manifest(place.id, &reference).await.map_err(Error::from_ledger)?;
        Ok(stored.map(|manifest| manifest.digest))
    }

    pub(crate) async fn delete(
        &self,
        call: AuthorizedRequest<'_>,
        reference: Reference,
    ) -> Result<Response<Body>, Error> {
        let (manifests, place) = (self.clone(), call.place.clone());
        run_to_completion(async move {
            let Context { ledger, clock, .. } = &*manifests.context;
            let outcome = match &reference {
                Reference::Tag(tag) => ledger.delete_tag(&place, tag, clock.now()).await,
                Reference::Digest(digest) => ledger.delete_manifest(&place, digest, clock.now()).await,
            };
            manifests.cache.forget(place.id);
            if outcome.map_err(Error::from_ledger)? {
                Ok(empty(StatusCode::ACCEPTED))
            } else {
                Err(Error::ManifestUnknown(reference.to_string()))
            }
        })
        .await
    }
}

/// Reads the whole body, up to `limit` bytes.
async fn read_payload(body: &mut impl RequestBody, limit: u64) -> Result<Bytes, Error> {
    if body.size_hint().lower() > limit {
        return Err(Error::ManifestTooLarge { limit });
    }
    let mut payload = BytesMut::new();
    while let Some(frame) = next_frame(body).await? {
        let Ok(data) = frame.into_data() else { continue };
        if length_of(&payload).saturating_add(length_of(&data)) > limit {
            return Err(Error::ManifestTooLarge { limit });
        }
        payload.extend_from_slice(&data);
    }
    Ok(payload.freeze())
}
