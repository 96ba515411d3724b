//! A test repository, filled through the ledger as by pushes.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use model::account::AccountName;
use model::clock::Timestamp;
use model::event::{Actor, Event, EventKind};
use model::oci::{Algorithm, Digest, RepositoryName, Tag};
use registry::ledger::{Ledger, Link, ListPage, NewManifest, Place, Put, Segment, TagPrecondition, Upload};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::Store;
use crate::access::System;
use crate::sql;
use crate::testing::{Fixture, all_events};

/// The media type of the test manifests.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A repository with its store and ledger.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) system: System,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) place: Place,
}

impl World {
    /// Creates an empty repository with this name.
    pub(crate) async fn new(fixture: &Fixture, name: &str) -> Self {
        let (store, system, ledger) = (fixture.store.clone(), fixture.system.clone(), Arc::clone(&fixture.ledger));
        let name = RepositoryName::parse(name).unwrap();
        let id = ledger.repository(&name, true, store.clock().now()).await.unwrap().unwrap().id;
        let actor = Some(Actor { account: None, name: AccountName::parse("ana").unwrap(), credential: None });
        Self { store, system, ledger, place: Place { id, name, actor } }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.store.clock().now()
    }

    /// Opens an upload and returns it with these bytes in one segment with the key `key`. The stored upload is still
    /// empty.
    pub(crate) async fn upload(&self, bytes: &[u8], key: &str) -> Upload {
        let id = Uuid::now_v7();
        self.ledger.open_upload(self.place.id, id, Algorithm::Sha256, u64::MAX, self.now()).await.unwrap();
        let offset = u64::try_from(bytes.len()).unwrap();
        let segments = vec![Segment { key: key.to_owned(), length: offset }];
        Upload { id, algorithm: Algorithm::Sha256, offset, hash_state: vec![1, 2, 3], segments }
    }

    /// Creates a blob with these bytes, linked to the repository.
    pub(crate) async fn blob(&self, bytes: &[u8]) -> Link {
        let digest = digest_of(bytes);
        let upload = self.upload(bytes, &format!("o/{}", Uuid::now_v7())).await;
        assert!(self.ledger.commit_upload(self.place.id, &upload, 0, &digest, None, self.now()).await.unwrap());
        Link { digest, size: upload.offset }
    }

    /// Stores a manifest with these tags and returns its digest. Panics if it is not stored.
    pub(crate) async fn push(&self, payload: &str, blobs: &[Link], tags: &[&str]) -> Digest {
        let manifest = manifest(payload, blobs, tags);
        assert_eq!(self.put(&manifest).await, Put::Stored);
        manifest.digest
    }

    /// Stores a manifest and returns the outcome.
    pub(crate) async fn put(&self, manifest: &NewManifest) -> Put {
        self.ledger.put_manifest(&self.place, manifest, self.now()).await.unwrap()
    }

    /// Returns all tags.
    pub(crate) async fn tags(&self) -> Vec<String> {
        let tags = self.ledger.tags(self.place.id, &ListPage { last: None, limit: 1000 }).await.unwrap();
        tags.into_iter().map(String::from).collect()
    }

    /// Returns the repository's tag count and size in bytes.
    pub(crate) async fn counters(&self) -> (i64, i64) {
        let select = "SELECT tag_count, size FROM repository WHERE id = $1";
        let row = sql::first(self.store.database().pool(), select, [self.place.id.0.into()]).await.unwrap().unwrap();
        (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())
    }

    /// Returns the number that a query selects.
    pub(crate) async fn number(&self, select: &str) -> i64 {
        let row = sql::first(self.store.database().pool(), select, []).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    /// Returns the keys of the objects in the trash.
    pub(crate) async fn trash(&self) -> Vec<String> {
        self.ledger.trash(100).await.unwrap().into_iter().map(|object| object.key).collect()
    }

    /// Returns all events except the creation of the repository.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let events = all_events(&self.system).await.into_iter();
        events.filter(|event| event.kind != EventKind::RepositoryCreated).collect()
    }
}

/// Returns a manifest that refers to these blobs, with tags.
pub(crate) fn manifest(payload: &str, blobs: &[Link], tags: &[&str]) -> NewManifest {
    NewManifest {
        digest: digest_of(payload.as_bytes()),
        media_type: MANIFEST.to_owned(),
        payload: payload.to_owned().into(),
        artifact_type: None,
        subject: None,
        annotations: "{}".to_owned(),
        blobs: blobs.to_vec(),
        children: Vec::new(),
        tags: tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect(),
        expect: TagPrecondition::Anything,
    }
}

/// Returns the digest of these bytes.
pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    Digest::parse(&format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(bytes)))).unwrap()
}
