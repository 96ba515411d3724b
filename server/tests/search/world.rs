//! A store with a search index, and helpers for the tests of search.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use model::account::{Registration, SignUp};
use model::clock::{Clock, Timestamp};
use model::id::RepositoryId;
use model::image::ImageConfig;
use model::oci::{Digest, RepositoryName, Tag};
use model::repository::{NewRepository, RepositoryPatch};
use model::role::Visibility;
use model::search::{SearchRequest, SearchResults};
use registry::ledger::{Ledger, NewManifest, Place, Put, TagPrecondition};
use server::search::{Search, follow};
use sha2::{Digest as _, Sha256};
use store::access::{Manage, Own, Permit, System, Viewer};
use store::scratch::Scratch;
use store::{OpenStore, Store};
use tempfile::TempDir;

/// 2026-01-01T00:00:00Z, in microseconds.
const START: i64 = 1_767_225_600_000_000;

/// A store with its search index.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) store: Store,
    pub(crate) system: System,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) search: Search,
    pub(crate) scratch: Scratch,
    ticks: Arc<AtomicI64>,
}

impl World {
    /// Creates an empty store with a clock that advances by a second each time it is read.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ticks = Arc::new(AtomicI64::new(START));
        let told = Arc::clone(&ticks);
        let clock = Clock::new(move || Timestamp::from_micros(told.fetch_add(1_000_000, Ordering::SeqCst)));
        let scratch = Scratch::new(folder.path()).await.unwrap();
        let OpenStore { store, system, ledger } = Store::open(scratch.url(), clock).await.unwrap();
        let search = Search::open(&folder.path().join("index")).unwrap();
        Self { folder, store, system, ledger, search, scratch, ticks }
    }

    /// Advances the clock.
    pub(crate) fn pass(&self, by: Duration) {
        self.ticks.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) async fn member(&self, name: &str) -> Viewer {
        self.store.sign_up(&sign_up(name), Registration::Open).await.unwrap()
    }

    /// Creates `namespace/name` with a description and a README; the namespace must be the owner's.
    pub(crate) async fn repository(
        &self,
        owner: &Viewer,
        path: &str,
        visibility: Visibility,
        description: &str,
        readme: &str,
    ) -> RepositoryId {
        let (namespace, name) = path.split_once('/').unwrap();
        let form = NewRepository {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            visibility: Some(visibility),
        };
        self.store.create_repository(owner, &form).await.unwrap();
        let permit = self.manage(owner, path).await;
        let change = RepositoryPatch { overview: Some(readme.to_owned()), ..RepositoryPatch::default() };
        self.store.update_repository(&permit, &change).await.unwrap();
        permit.repository()
    }

    pub(crate) async fn public(&self, owner: &Viewer, path: &str, description: &str, readme: &str) -> RepositoryId {
        self.repository(owner, path, Visibility::Public, description, readme).await
    }

    pub(crate) async fn manage(&self, viewer: &Viewer, path: &str) -> Permit<Manage> {
        self.store.permit::<Manage>(viewer, &path.parse().unwrap()).await.unwrap()
    }

    pub(crate) async fn delete(&self, viewer: &Viewer, path: &str) {
        let permit = self.store.permit::<Own>(viewer, &path.parse().unwrap()).await.unwrap();
        self.store.delete_repository(permit).await.unwrap();
    }

    /// Stores an inspected image with this platform, these labels and these tags.
    pub(crate) async fn push(
        &self,
        id: RepositoryId,
        path: &str,
        tags: &[&str],
        platform: &str,
        labels: &[(&str, &str)],
    ) {
        let payload = Bytes::from(format!("{{\"of\":\"{path} {tags:?} {platform}\"}}"));
        let digest: Digest = format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(&payload))).parse().unwrap();
        let manifest = NewManifest {
            digest: digest.clone(),
            media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
            payload,
            artifact_type: None,
            subject: None,
            annotations: "{}".to_owned(),
            blobs: Vec::new(),
            children: Vec::new(),
            tags: tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect(),
            expect: TagPrecondition::Anything,
        };
        let name: RepositoryName = path.parse().unwrap();
        let place = Place { id, name, actor: None };
        let put = self.ledger.put_manifest(&place, &manifest, self.store.clock().now()).await.unwrap();
        assert_eq!(put, Put::Stored);
        let config = ImageConfig {
            platform: platform.to_owned(),
            labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..ImageConfig::default()
        };
        self.store.record_image(&self.system, id, &digest, platform, config, Vec::new()).await.unwrap();
    }

    /// Updates the index with all events.
    pub(crate) async fn follow(&self) {
        self.store.settle_events(&self.system).await.unwrap();
        follow::catch_up(&self.search, &self.system).await.unwrap();
    }

    pub(crate) async fn results(&self, viewer: &Viewer, query: &str) -> SearchResults {
        let request = SearchRequest { q: query.to_owned(), limit: 100, ..SearchRequest::default() };
        self.search.search(&self.store, viewer, request).await.unwrap()
    }

    /// Returns the paths that a query finds, in order.
    pub(crate) async fn found(&self, viewer: &Viewer, query: &str) -> Vec<String> {
        let results = self.results(viewer, query).await;
        assert_eq!(results.total, u64::try_from(results.hits.len()).unwrap());
        results.hits.iter().map(|hit| hit.repository.path.as_str().to_owned()).collect()
    }

    pub(crate) async fn suggested(&self, viewer: &Viewer, typed: &str) -> Vec<String> {
        let found = self.search.suggest(&self.store, viewer, typed).await.unwrap();
        found.iter().map(|repository| repository.path.as_str().to_owned()).collect()
    }
}

pub(crate) fn sign_up(name: &str) -> SignUp {
    SignUp {
        name: name.to_owned(),
        email: format!("{name}@example.com"),
        password: "correct horse battery staple".to_owned(),
        invitation: None,
    }
}
