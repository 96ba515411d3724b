//! Manifests: GET, HEAD, PUT and DELETE (distribution-spec, "Pulling manifests", "Pushing Manifests", "Deleting Manifests").
//! It refuses to change a byte of what was pushed, and to convert one format into another.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION};
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use model::oci::{Algorithm, Digest, Reference, Tag};

use crate::answer::{Body, CONTENT_DIGEST, answer, bare, length_of, value};
use crate::blob::FOR_EVER;
use crate::condition::{expectation, is_known};
use crate::document::Document;
use crate::engine::{BoxError, Call, Engine, to_the_end};
use crate::error::{Error, ledger};
use crate::hash::digest_of;
use crate::ledger::{Link, Manifest, NewManifest, Place, Put};

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const TAG: HeaderName = HeaderName::from_static("oci-tag");
/// What a tag points at may change: caches ask again.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// A manifest with its headers ready.
pub(crate) struct KnownManifest {
    manifest: Manifest,
    digest: HeaderValue,
    etag: HeaderValue,
    media_type: HeaderValue,
    length: HeaderValue,
}

impl KnownManifest {
    fn new(manifest: Manifest) -> Self {
        let digest = value(manifest.digest.to_string());
        let etag = value(format!("\"{}\"", manifest.digest));
        let media_type = value(manifest.media_type.clone());
        let length = HeaderValue::from(length_of(&manifest.payload));
        Self { manifest, digest, etag, media_type, length }
    }

    /// Roughly its bytes in memory.
    pub(crate) fn weight(&self) -> u32 {
        u32::try_from(self.manifest.payload.len().saturating_add(512)).unwrap_or(u32::MAX)
    }

    fn add_headers(&self, headers: &mut HeaderMap, by_tag: bool) {
        headers.insert(CONTENT_DIGEST, self.digest.clone());
        headers.insert(ETAG, self.etag.clone());
        headers.insert(CACHE_CONTROL, if by_tag { ASK_AGAIN } else { FOR_EVER });
    }
}

impl Engine {
    /// A manifest of this repository, out of the cache where it was asked for a moment ago.
    async fn find_manifest(&self, place: &Place, reference: Reference) -> Result<Arc<KnownManifest>, Error> {
        let key = (place.id, reference);
        if let Some(known) = self.inner.manifests.get(&key) {
            return Ok(known);
        }
        let epoch = self.inner.manifests.epoch(place.id);
        let Some(manifest) = self.inner.ledger.manifest(place.id, &key.1).await.map_err(ledger)? else {
            return Err(Error::ManifestUnknown(key.1.to_string()));
        };
        let known = Arc::new(KnownManifest::new(manifest));
        self.inner.manifests.keep(key, epoch, known.clone());
        Ok(known)
    }

    /// Answers with the manifest as it was pushed. `Accept` is left alone (RFC 9110, section 12.5.1, lets it be): a client that
    /// cannot read the type says so better than a 404 would.
    pub(crate) async fn get_manifest(
        &self,
        call: Call<'_>,
        reference: Reference,
        head: bool,
    ) -> Result<Response<Body>, Error> {
        let by_tag = matches!(reference, Reference::Tag(_));
        let known = self.find_manifest(call.place, reference).await?;
        if is_known(call.headers, &known.manifest.digest) {
            let mut response = bare(StatusCode::NOT_MODIFIED);
            known.add_headers(response.headers_mut(), by_tag);
            return Ok(response);
        }
        let body = if head { Body::empty() } else { Body::whole(known.manifest.payload.clone()) };
        let mut response = answer(StatusCode::OK, body);
        let headers = response.headers_mut();
        known.add_headers(headers, by_tag);
        headers.insert(CONTENT_TYPE, known.media_type.clone());
        headers.insert(CONTENT_LENGTH, known.length.clone());
        Ok(response)
    }

    pub(crate) async fn put_manifest<B>(
        &self,
        call: Call<'_>,
        reference: Reference,
        mut tags: Vec<Tag>,
        body: &mut B,
    ) -> Result<Response<Body>, Error>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let content_type = match call.headers.get(CONTENT_TYPE).map(HeaderValue::to_str) {
            Some(Err(_)) => return Err(Error::ManifestInvalid("unknown manifest media type".to_owned())),
            Some(Ok(text)) => Some(text),
            None => None,
        };
        let payload = read_payload(body, self.inner.limits.manifest).await?;
        let document = Document::parse(content_type, &payload, self.inner.limits.unknown_media_types)?;
        let (digest, extra_tags) = match reference {
            Reference::Tag(tag) => {
                tags = vec![tag];
                (digest_of(Algorithm::Sha256, &payload)?, false)
            }
            Reference::Digest(digest) if digest_of(digest.algorithm(), &payload)? == digest => (digest, true),
            Reference::Digest(_) => return Err(Error::DigestMismatch),
        };
        let (blobs, children) = self.references(call.place, &document).await?;
        let expect = expectation(call.headers);
        if tags.is_empty() && !expect.holds(self.stored(call.place, &digest).await?.as_ref()) {
            return Err(Error::PreconditionFailed);
        }
        let mut response = bare(StatusCode::CREATED);
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

    /// Stores it, and forgets what was known of the repository, even when the client has gone.
    async fn store(&self, place: &Place, manifest: NewManifest) -> Result<(), Error> {
        let (inner, place) = (self.inner.clone(), place.clone());
        to_the_end(async move {
            let outcome = inner.ledger.put_manifest(&place, &manifest, inner.clock.now()).await.map_err(ledger);
            inner.manifests.forget(place.id);
            match outcome? {
                Put::Stored => Ok(()),
                Put::Missing(digests) => Err(Error::ManifestBlobUnknown(digests)),
                Put::SizeMismatch(digests) => {
                    let digests: Vec<&str> = digests.iter().map(Digest::as_str).collect();
                    Err(Error::ManifestInvalid(format!("the size is not that of the content: {}", digests.join(", "))))
                }
                Put::Unexpected => Err(Error::PreconditionFailed),
            }
        })
        .await
    }

    /// The blobs and the children that the repository must have. What may live elsewhere counts where the repository has it, so that
    /// it is kept for as long as the manifest is.
    async fn references(&self, place: &Place, document: &Document) -> Result<(Vec<Link>, Vec<Link>), Error> {
        let (mut blobs, mut children) = (document.blobs.clone(), document.children.clone());
        for link in &document.foreign {
            if self.has_blob(place, link).await? {
                blobs.push(link.clone());
            }
        }
        for link in &document.others {
            let kind = if self.has_blob(place, link).await? { &mut blobs } else { &mut children };
            kind.push(link.clone());
        }
        blobs.sort_by(|one, other| one.digest.cmp(&other.digest));
        children.sort_by(|one, other| one.digest.cmp(&other.digest));
        Ok((blobs, children))
    }

    async fn has_blob(&self, place: &Place, link: &Link) -> Result<bool, Error> {
        let blob = self.inner.ledger.blob(place.id, &link.digest).await.map_err(ledger)?;
        Ok(blob.is_some_and(|blob| blob.size == link.size))
    }

    /// The digest itself, if a manifest of that digest is there.
    async fn stored(&self, place: &Place, digest: &Digest) -> Result<Option<Digest>, Error> {
        let reference = Reference::Digest(digest.clone());
        let stored = self.inner.ledger.manifest(place.id, &reference).await.map_err(ledger)?;
        Ok(stored.map(|manifest| manifest.digest))
    }

    pub(crate) async fn delete_manifest(&self, call: Call<'_>, reference: Reference) -> Result<Response<Body>, Error> {
        let (inner, place) = (self.inner.clone(), call.place.clone());
        to_the_end(async move {
            let now = inner.clock.now();
            let outcome = match &reference {
                Reference::Tag(tag) => inner.ledger.delete_tag(&place, tag, now).await,
                Reference::Digest(digest) => inner.ledger.delete_manifest(&place, digest, now).await,
            };
            inner.manifests.forget(place.id);
            if outcome.map_err(ledger)? {
                Ok(bare(StatusCode::ACCEPTED))
            } else {
                Err(Error::ManifestUnknown(reference.to_string()))
            }
        })
        .await
    }
}

/// The whole body, if it is no larger than a manifest may be.
async fn read_payload<B>(body: &mut B, limit: u64) -> Result<Bytes, Error>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
    B::Error: Into<BoxError>,
{
    if body.size_hint().lower() > limit {
        return Err(Error::ManifestTooLarge);
    }
    let mut payload = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Error::BodyCutOff)?.into_data() else { continue };
        if length_of(&payload).saturating_add(length_of(&data)) > limit {
            return Err(Error::ManifestTooLarge);
        }
        payload.extend_from_slice(&data);
    }
    Ok(payload.freeze())
}
