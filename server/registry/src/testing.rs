//! A test suite for implementations of the ledger, and a registry for it to run against. `requirements!` creates one
//! test for each requirement.
#![expect(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "these are tests, whose names say what they check"
)]

pub mod blobs;
pub mod fuzz;
pub mod lists;
pub mod manifests;
pub mod memory;
pub mod storages;
pub mod uploads;

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use model::clock::{Clock, Timestamp};
use model::oci::{Algorithm, Digest, RepositoryName};
use serde_json::{Value, json};

use crate::document::OCI_MANIFEST;
use crate::hash::digest_of;
use crate::ledger::{Freed, Ledger, Place};
use crate::referrers::no_referrers;
use crate::request::{Operation, Request};
use crate::storage::Storage;
use crate::sweep::{SweepEnd, SweepOptions, UnknownObjects};
use crate::{AuthorizedRequest, Engine, Error, Limits};

use memory::MemoryStorage;

/// The repository that most tests use.
pub const REPOSITORY: &str = "team/here";
/// Another repository.
pub const OTHER_REPOSITORY: &str = "team/there";

/// The time of all requests.
const NOW: Timestamp = Timestamp::from_micros(1_795_305_600_000_000);

/// A registry with two empty repositories.
pub struct TestRegistry {
    /// The engine.
    pub engine: Engine,
    /// Its ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Its storage.
    pub storage: MemoryStorage,
}

impl TestRegistry {
    /// Creates a registry over an empty ledger.
    pub async fn new(ledger: Arc<dyn Ledger>) -> Self {
        for name in [REPOSITORY, OTHER_REPOSITORY] {
            ledger.repository(&RepositoryName::parse(name).unwrap(), true, NOW).await.unwrap().unwrap();
        }
        let storage = MemoryStorage::default();
        let clock = Clock::new(|| NOW);
        let engine = Engine::new(ledger.clone(), Arc::new(storage.clone()), clock, Limits::default());
        Self { engine, ledger, storage }
    }

    /// Returns the same registry with an engine that has other limits.
    #[must_use]
    pub fn with_limits(&self, limits: Limits) -> Self {
        self.with_engine(Arc::new(self.storage.clone()), limits)
    }

    /// Returns the same registry with an engine over another storage, such as that of another node.
    #[must_use]
    pub fn with_engine(&self, storage: Arc<dyn Storage>, limits: Limits) -> Self {
        let engine = Engine::new(self.ledger.clone(), storage, Clock::new(|| NOW), limits);
        Self { engine, ledger: self.ledger.clone(), storage: self.storage.clone() }
    }

    /// Creates a request. The path may have a query.
    pub fn request(&self, method: Method, path: impl Into<String>) -> TestRequest<'_> {
        TestRequest {
            registry: self,
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: TestBody::whole(Bytes::new()),
        }
    }

    /// Sends a GET request.
    pub async fn get(&self, path: impl Into<String>) -> TestResponse {
        self.request(Method::GET, path).send().await
    }

    /// Sends a HEAD request.
    pub async fn head(&self, path: impl Into<String>) -> TestResponse {
        self.request(Method::HEAD, path).send().await
    }

    /// Sends a DELETE request.
    pub async fn delete(&self, path: impl Into<String>) -> TestResponse {
        self.request(Method::DELETE, path).send().await
    }

    /// Opens an upload and returns its location.
    pub async fn open(&self) -> String {
        let response = self.request(Method::POST, format!("/v2/{REPOSITORY}/blobs/uploads/")).send().await;
        assert_eq!(response.status, StatusCode::ACCEPTED);
        response.header(&LOCATION).to_owned()
    }

    /// Pushes a blob and returns its digest.
    pub async fn push_blob(&self, repository: &str, bytes: impl Into<Bytes>) -> Digest {
        let bytes = bytes.into();
        let digest = sha256(&bytes);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        let response = self.request(Method::POST, path).body(bytes).send().await;
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
        digest
    }

    /// Pushes a manifest.
    pub async fn push_manifest(
        &self,
        reference: &str,
        media_type: &'static str,
        payload: impl Into<Bytes>,
    ) -> TestResponse {
        let path = format!("/v2/{REPOSITORY}/manifests/{reference}");
        let media_type = HeaderValue::from_static(media_type);
        self.request(Method::PUT, path).with(http::header::CONTENT_TYPE, media_type).body(payload.into()).send().await
    }

    /// Pushes a config and a layer, and returns an image manifest of them. `marker` makes it unique.
    pub async fn image(&self, marker: &str) -> Value {
        let config = format!("{{\"config\":\"{marker}\"}}");
        let layer = format!("layer {marker}");
        let (config_digest, layer_digest) =
            (self.push_blob(REPOSITORY, config.clone()).await, self.push_blob(REPOSITORY, layer.clone()).await);
        json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config_digest, config.len()),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &layer_digest, layer.len())],
        })
    }

    /// Deletes the objects in the trash, and frees nothing else.
    pub async fn empty_trash(&self) -> Freed {
        let day = Duration::from_hours(24);
        let unknown_objects = UnknownObjects::Not;
        let options = SweepOptions { grace: day, untagged: None, uploads: day, rate: 0, unknown_objects };
        let (end, freed) = self.engine.sweep(&options, &()).await.unwrap();
        assert_eq!(end, SweepEnd::Done);
        freed
    }

    /// Returns the keys of objects that are to be deleted.
    pub async fn trash(&self) -> Vec<String> {
        self.ledger.trash(100).await.unwrap().into_iter().map(|object| object.key).collect()
    }

    /// Pushes an image under a tag and returns its digest.
    pub async fn push_image(&self, tag: &str) -> Digest {
        let payload = self.image(tag).await.to_string();
        let digest = sha256(payload.as_bytes());
        let response = self.push_manifest(tag, OCI_MANIFEST, payload).await;
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
        digest
    }

    async fn place(&self, name: &RepositoryName) -> Option<Place> {
        let id = self.ledger.repository(name, false, Timestamp::from_micros(0)).await.unwrap()?.id;
        Some(Place { id, name: name.clone(), actor: None })
    }

    /// Handles a request without authorisation.
    async fn route(&self, request: TestRequest<'_>) -> Result<http::Response<crate::Body>, Error> {
        let (path, query) =
            request.path.split_once('?').map_or((&*request.path, None), |(path, query)| (path, Some(query)));
        let parsed = Request::parse(&request.method, path, query, &request.headers)?;
        let source = match parsed.mount_source() {
            Some(name) => self.place(name).await,
            None => None,
        };
        let Request::Repository { name, operation } = parsed else { return Err(Error::EndpointUnknown) };
        let Some(place) = self.place(&name).await else {
            return match operation {
                Operation::ListReferrers { artifact_type, .. } => Ok(no_referrers(artifact_type.as_deref())),
                _ => Err(Error::NameUnknown),
            };
        };
        let call =
            AuthorizedRequest { place: &place, name: &name, mount_from: source.as_ref(), headers: &request.headers };
        self.engine.handle(call, operation, request.body).await
    }
}

/// A request.
pub struct TestRequest<'a> {
    registry: &'a TestRegistry,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: TestBody,
}

impl TestRequest<'_> {
    /// Adds a header.
    #[must_use]
    pub fn with<V: TryInto<HeaderValue>>(mut self, name: HeaderName, value: V) -> Self {
        self.headers.append(name, value.try_into().ok().unwrap());
        self
    }

    /// Sets a body of known length.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        self.body = TestBody::whole(bytes.into());
        self
    }

    /// Sets a body of unknown length. At `None`, the connection breaks.
    #[must_use]
    pub fn streamed(mut self, pieces: impl IntoIterator<Item = Option<Bytes>>) -> Self {
        self.body = TestBody { pieces: pieces.into_iter().collect(), length: None, stalls: false };
        self
    }

    /// Sets a body that starts with these pieces and never ends.
    #[must_use]
    pub fn stalled(mut self, pieces: impl IntoIterator<Item = Bytes>) -> Self {
        self.body = TestBody { pieces: pieces.into_iter().map(Some).collect(), length: None, stalls: true };
        self
    }

    /// Sends the request.
    pub async fn send(self) -> TestResponse {
        let method = self.method.clone();
        let response = self.registry.route(self).await.unwrap_or_else(|error| error.into_response(&method));
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        TestResponse { status: parts.status, headers: parts.headers, body }
    }
}

/// The body of a request.
struct TestBody {
    pieces: VecDeque<Option<Bytes>>,
    length: Option<u64>,
    stalls: bool,
}

impl TestBody {
    fn whole(bytes: Bytes) -> Self {
        let length = Some(u64::try_from(bytes.len()).unwrap());
        Self {
            pieces: if bytes.is_empty() { VecDeque::new() } else { VecDeque::from([Some(bytes)]) },
            length,
            stalls: false,
        }
    }
}

impl http_body::Body for TestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = self.pieces.pop_front();
        if next.is_none() && self.stalls {
            return Poll::Pending;
        }
        Poll::Ready(next.map(|piece| piece.map(Frame::data).ok_or_else(|| io::ErrorKind::ConnectionReset.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.length.is_some() && self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// A response.
#[derive(Debug)]
pub struct TestResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl TestResponse {
    /// Returns the only header of this name. Panics if there are none or several.
    #[track_caller]
    pub fn header(&self, name: &HeaderName) -> &str {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        assert_eq!(values.len(), 1, "{name} in {self:?}");
        values[0].to_str().unwrap()
    }

    /// Returns the body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Panics unless the response is an error with this status and code, in the format of the specification.
    #[track_caller]
    pub fn is_error(&self, status: u16, code: &str) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        let errors = self.json();
        let errors = errors["errors"].as_array().unwrap();
        assert!(!errors.is_empty());
        for error in errors {
            assert_eq!(error["code"], code, "{self:?}");
            assert!(error["message"].is_string());
        }
        assert_eq!(self.header(&crate::response::API_VERSION), "registry/2.0");
    }

    /// Panics unless the response has this status.
    #[track_caller]
    pub fn is(&self, status: StatusCode) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header(&crate::response::API_VERSION), "registry/2.0");
    }
}

/// Returns the SHA-256 digest of bytes.
pub fn sha256(bytes: &[u8]) -> Digest {
    digest_of(Algorithm::Sha256, bytes).unwrap()
}

/// Returns the SHA-512 digest of bytes.
pub fn sha512(bytes: &[u8]) -> Digest {
    digest_of(Algorithm::Sha512, bytes).unwrap()
}

/// Returns a descriptor as JSON.
pub fn descriptor(media_type: &str, digest: &Digest, size: usize) -> Value {
    json!({ "mediaType": media_type, "digest": digest, "size": size })
}

/// Creates one test for each requirement.
///
/// The expression is a future of `Some((ledger, guard))`: an empty `Arc<dyn Ledger>`, and a value that is dropped after
/// the test. If it is a future of `None`, the ledger is not available and the test passes without doing anything.
#[macro_export]
macro_rules! requirements {
    ($ledger:expr) => {
        $crate::requirements! { $ledger =>
            blobs::a_blob_comes_back_with_its_length_and_digest,
            blobs::an_empty_blob_is_a_blob,
            blobs::a_blob_is_served_as_it_was_pushed_whatever_the_client_accepts,
            blobs::a_range_of_a_blob_is_partial,
            blobs::a_range_of_the_blob_that_the_client_began_with_is_partial,
            blobs::a_range_outside_of_a_blob_is_refused_with_its_size,
            blobs::a_range_that_is_not_understood_gets_the_whole_blob,
            blobs::a_blob_that_the_client_has_is_not_sent_again,
            blobs::a_blob_of_another_repository_is_unknown_here,
            blobs::a_malformed_digest_is_refused,
            blobs::a_mount_links_a_blob_of_another_repository,
            blobs::a_mount_of_what_is_not_there_opens_an_upload,
            blobs::a_mount_without_a_source_finds_what_is_here_and_nothing_else,
            blobs::a_malformed_mount_is_refused,
            blobs::a_deleted_blob_is_gone_at_once_and_from_its_repository_only,
            blobs::a_blob_that_a_manifest_refers_to_stays,
            blobs::a_blob_that_the_storage_has_lost_is_unknown_until_it_is_pushed_again,
            uploads::an_opened_upload_says_where_it_is,
            uploads::a_blob_is_pushed_by_post_and_put,
            uploads::a_blob_is_pushed_by_one_post,
            uploads::a_post_with_another_digest_than_its_bytes_is_refused,
            uploads::a_post_that_only_announces_a_digest_opens_an_upload,
            uploads::a_blob_is_streamed_in_one_patch,
            uploads::a_blob_is_pushed_in_chunks_the_last_with_the_put,
            uploads::a_chunk_out_of_order_is_refused_and_the_upload_survives,
            uploads::a_chunk_of_another_length_than_its_range_is_not_stored,
            uploads::an_upload_tells_where_it_stands,
            uploads::an_upload_that_is_cancelled_is_gone,
            uploads::an_upload_whose_bytes_are_lost_starts_again,
            uploads::an_upload_of_another_repository_is_unknown,
            uploads::a_repository_with_too_many_uploads_asks_to_wait,
            uploads::an_upload_is_not_closed_without_a_digest,
            uploads::an_upload_that_is_closed_with_a_wrong_digest_stands_where_it_stood,
            uploads::a_chunk_that_is_cut_off_was_never_sent,
            uploads::of_two_chunks_at_once_one_counts,
            uploads::an_announced_algorithm_is_the_one_that_counts,
            uploads::an_algorithm_that_was_not_announced_is_still_checked,
            uploads::an_unknown_algorithm_is_refused,
            uploads::the_same_blob_pushed_twice_is_stored_once,
            manifests::a_manifest_comes_back_byte_for_byte,
            manifests::a_manifest_that_the_client_has_is_not_sent_again,
            manifests::a_manifest_that_is_not_there_is_unknown,
            manifests::a_manifest_is_served_as_it_is_whatever_the_client_says_that_it_accepts,
            manifests::a_manifest_is_of_its_repository_alone,
            manifests::a_manifest_is_pushed_by_its_digest_of_either_algorithm,
            manifests::several_tags_are_set_with_one_push,
            manifests::tags_beside_a_tag_and_too_many_of_them_are_refused,
            manifests::a_tag_moves_and_what_it_pointed_at_stays,
            manifests::the_same_manifest_pushed_again_is_well,
            manifests::a_document_that_is_no_manifest_is_refused,
            manifests::a_manifest_without_a_content_type_is_what_it_says,
            manifests::a_manifest_of_four_mebibytes_is_taken_and_one_byte_more_is_not,
            manifests::every_missing_blob_is_named,
            manifests::a_size_that_is_not_the_blobs_is_refused,
            manifests::an_index_needs_its_manifests,
            manifests::a_build_cache_may_list_its_layers_in_an_index,
            manifests::a_foreign_layer_need_not_be_here,
            manifests::a_subject_need_not_be_here_and_is_echoed,
            manifests::a_conditional_push_waits_for_nothing_and_overwrites_nothing,
            manifests::a_deleted_tag_takes_nothing_with_it,
            manifests::a_deleted_manifest_takes_its_tags_with_it,
            lists::tags_are_listed_in_byte_order,
            lists::a_repository_without_tags_has_an_empty_list,
            lists::pages_of_tags_make_up_the_whole,
            lists::a_page_of_no_tags_is_empty_and_a_page_of_nonsense_refused,
            lists::a_page_larger_than_is_given_is_cut_and_says_where_to_go_on,
            lists::an_engine_tells_which_extensions_it_has,
            lists::referrers_are_listed_with_their_types_and_annotations,
            lists::what_nothing_refers_to_has_an_empty_list,
            lists::pages_of_referrers_of_one_type_make_up_the_whole,
            lists::a_referrer_that_is_deleted_is_listed_no_more,
        }
    };
    ($ledger:expr => $($room:ident::$name:ident,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let Some((ledger, _guard)) = $ledger.await else { return };
            $crate::testing::$room::$name(&$crate::testing::TestRegistry::new(ledger).await).await;
        }
    )*};
}

#[cfg(test)]
mod tests {
    mod in_memory {
        use std::future::ready;
        use std::sync::Arc;

        use crate::ledger::Ledger;
        use crate::testing::memory::MemoryLedger;

        crate::requirements!(ready::<Option<(Arc<dyn Ledger>, ())>>(Some((Arc::new(MemoryLedger::default()), ()))));
    }

    #[test]
    fn every_requirement_is_on_the_list() {
        let list = include_str!("testing.rs");
        for room in [
            include_str!("testing/blobs.rs"),
            include_str!("testing/lists.rs"),
            include_str!("testing/manifests.rs"),
            include_str!("testing/uploads.rs"),
        ] {
            for line in room.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
                let (name, _) = line.split_once('(').unwrap();
                assert!(list.contains(&format!("::{name},")), "{name}");
            }
        }
    }
}
