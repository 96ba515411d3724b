//! Tests of image inspection and of counting pulls.

use std::sync::Arc;

use crate::world::World;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use model::clock::Timestamp;
use model::oci::{Algorithm, Digest, Reference, Tag};
use registry::ledger::{Link, NewManifest, Place, Put, TagPrecondition, Upload};
use registry::storage::disk::Disk;
use registry::storage::{Lease, Storage};
use serde_json::{Value, json};
use server::jobs::inspect::Inspector;
use server::pulls::PullCounter;
use sha2::{Digest as _, Sha256};
use store::access::See;
use uuid::Uuid;

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// A hub with storage and a public repository to push to.
struct PushFixture {
    world: World,
    storage: Arc<dyn Storage>,
    place: Place,
    uploads: std::cell::Cell<u128>,
}

impl PushFixture {
    async fn new() -> Self {
        let world = World::new().await;
        let ann = world.member("ann").await;
        let id = world.public(&ann, "ann/app", "", "").await;
        let storage = Arc::new(Disk::open(&world.folder.path().join("blobs")).unwrap());
        let place = Place { id, name: "ann/app".parse().unwrap(), actor: None };
        Self { world, storage, place, uploads: std::cell::Cell::new(1) }
    }

    fn now(&self) -> Timestamp {
        self.world.store.clock().now()
    }

    async fn blob(&self, bytes: &[u8]) -> Link {
        let id = Uuid::from_u128(self.uploads.replace(self.uploads.get() + 1));
        let ledger = &self.world.ledger;
        ledger.open_upload(self.place.id, id, Algorithm::Sha256, u64::MAX, self.now()).await.unwrap();
        let mut writer = self.storage.writer(id, Vec::new(), Lease::new(())).await.unwrap();
        writer.write(Bytes::copy_from_slice(bytes)).await.unwrap();
        let segments = writer.finish().await.unwrap();
        let size = u64::try_from(bytes.len()).unwrap();
        let upload = Upload { id, algorithm: Algorithm::Sha256, offset: size, hash_state: Vec::new(), segments };
        let digest = digest(bytes);
        assert!(ledger.commit_upload(self.place.id, &upload, 0, &digest, None, self.now()).await.unwrap());
        Link { digest, size }
    }

    async fn put(
        &self,
        media_type: &str,
        payload: &Value,
        blobs: Vec<Link>,
        children: Vec<Link>,
        tags: &[&str],
    ) -> Link {
        let payload = Bytes::from(payload.to_string());
        let (digest, size) = (digest(&payload), u64::try_from(payload.len()).unwrap());
        let manifest = NewManifest {
            digest: digest.clone(),
            media_type: media_type.to_owned(),
            payload,
            artifact_type: None,
            subject: None,
            annotations: "{}".to_owned(),
            blobs,
            children,
            tags: tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect(),
            expect: TagPrecondition::Anything,
        };
        let put = self.world.ledger.put_manifest(&self.place, &manifest, self.now()).await.unwrap();
        assert_eq!(put, Put::Stored);
        Link { digest, size }
    }

    async fn image(&self, config: &[u8], config_type: &str, tags: &[&str]) -> Link {
        let (config, layer) = (self.blob(config).await, self.blob(b"layer").await);
        let payload = json!({
            "schemaVersion": 2, "mediaType": IMAGE,
            "config": {"mediaType": config_type, "digest": config.digest, "size": config.size},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer.digest, "size": layer.size}],
        });
        self.put(IMAGE, &payload, vec![config, layer], Vec::new(), tags).await
    }

    async fn inspect(&self) {
        let inspector =
            Inspector::new(self.world.system.clone(), Arc::clone(&self.world.ledger), Arc::clone(&self.storage));
        self.world.store.settle_events(&self.world.system).await.unwrap();
        while inspector.catch_up().await.unwrap() > 0 {}
    }

    async fn shown(&self, reference: &str) -> model::image::Image {
        let permit = self.world.store.permit::<See>(&self.world.store.anonymous(), &self.place.name).await.unwrap();
        self.world.store.image(&permit, &Reference::parse(reference).unwrap()).await.unwrap()
    }
}

fn digest(bytes: &[u8]) -> Digest {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(bytes))).parse().unwrap()
}

fn config(architecture: &str) -> Vec<u8> {
    let config = json!({
        "os": "linux", "architecture": architecture,
        "config": {"Entrypoint": ["/app"], "Labels": {"team": "harbour"}},
        "history": [{"created_by": "COPY app /app"}],
    });
    config.to_string().into_bytes()
}

#[tokio::test]
async fn an_artifact_shows_its_files_by_title_and_has_no_platform() {
    let dock = PushFixture::new().await;
    let (config, file) = (dock.blob(&config("amd64")).await, dock.blob(b"notes").await);
    let title = |title: Value| json!({"org.opencontainers.image.title": title});
    for (tag, config_type, artifact_type, annotations, expected) in [
        ("named", "application/vnd.oci.empty.v1+json", "text/notes", title(json!("notes.txt")), "notes.txt"),
        ("typed", CONFIG, "text/notes", title(json!("notes.txt")), "notes.txt"),
        ("unnamed", "application/x", "", Value::Null, ""),
        ("number", "application/x", "", title(json!(7)), ""),
        ("long", "application/x", "", title(json!("n".repeat(256))), ""),
    ] {
        let payload = json!({
            "schemaVersion": 2, "mediaType": IMAGE, "artifactType": artifact_type,
            "config": {"mediaType": config_type, "digest": config.digest, "size": config.size},
            "layers": [{
                "mediaType": "text/plain", "digest": file.digest, "size": file.size, "annotations": annotations,
            }],
        });
        dock.put(IMAGE, &payload, vec![config.clone(), file.clone()], Vec::new(), &[tag]).await;
        dock.inspect().await;
        let image = dock.shown(tag).await;
        assert_eq!(image.layers[0].title, expected, "{tag}");
        assert_eq!(image.config.unwrap().platform, "", "{tag}");
    }
}

#[tokio::test]
async fn a_pushed_image_shows_its_configuration_and_can_be_found_by_its_label() {
    let dock = PushFixture::new().await;
    dock.image(&config("amd64"), CONFIG, &["1"]).await;
    dock.inspect().await;
    let image = dock.shown("1").await;
    let seen = image.config.unwrap();
    assert_eq!((seen.platform.as_str(), seen.entrypoint.as_slice()), ("linux/amd64", &["/app".to_owned()][..]));
    assert_eq!(image.layers[0].created_by, "COPY app /app");
    dock.world.follow().await;
    let nobody = dock.world.store.anonymous();
    assert_eq!(dock.world.found(&nobody, "label:team=harbour arch:amd64").await, ["ann/app"]);
}

#[tokio::test]
async fn each_image_of_an_index_is_inspected() {
    let dock = PushFixture::new().await;
    let amd = dock.image(&config("amd64"), CONFIG, &[]).await;
    let arm = dock.image(&config("arm64"), CONFIG, &[]).await;
    let payload = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": IMAGE, "digest": amd.digest, "size": amd.size, "platform": {"os": "linux", "architecture": "amd64"}},
        {"mediaType": IMAGE, "digest": arm.digest, "size": arm.size,
            "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
    ]});
    dock.put(INDEX, &payload, Vec::new(), vec![amd, arm], &["multi"]).await;
    dock.inspect().await;
    let platforms: Vec<String> = dock.shown("multi").await.platforms.into_iter().map(|image| image.platform).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64/v8"]);
}

#[tokio::test]
async fn indexes_that_repeat_or_list_very_many_images_cost_a_bounded_inspection() {
    let dock = PushFixture::new().await;
    let entry = |kind: &str, link: &Link| json!({"mediaType": kind, "digest": link.digest, "size": link.size});
    let image = dock.image(&config("amd64"), CONFIG, &[]).await;
    let index = |entries: Vec<Value>| json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
    let repeating = index(vec![entry(IMAGE, &image); 200]);
    let inner = dock.put(INDEX, &repeating, Vec::new(), vec![image], &[]).await;
    dock.inspect().await;
    let before = dock.world.store.statements();
    dock.put(INDEX, &index(vec![entry(INDEX, &inner); 200]), Vec::new(), vec![inner], &["nested"]).await;
    dock.inspect().await;
    let nested = dock.world.store.statements() - before;
    assert!(nested < 100, "{nested} statements");

    let mut images = Vec::new();
    for number in 0..250 {
        images
            .push(dock.image(format!(r#"{{"os":"linux","architecture":"a{number}"}}"#).as_bytes(), CONFIG, &[]).await);
    }
    dock.inspect().await;
    let before = dock.world.store.statements();
    let many = index(images.iter().map(|link| entry(IMAGE, link)).collect());
    dock.put(INDEX, &many, Vec::new(), images, &["many"]).await;
    dock.inspect().await;
    let wide = dock.world.store.statements() - before;
    assert!(wide < 200 * 12, "{wide} statements");
}

#[tokio::test]
async fn what_cannot_be_read_holds_nothing_up() {
    let dock = PushFixture::new().await;
    dock.image(b"not json", CONFIG, &["broken"]).await;
    dock.image(&vec![b' '; 5 * 1024 * 1024], CONFIG, &["huge"]).await;
    dock.image(b"{}", "application/vnd.cncf.helm.config.v1+json", &["chart"]).await;
    dock.put(IMAGE, &json!({"neither": "kind"}), Vec::new(), Vec::new(), &["odd"]).await;
    let ancient = br#"{"os": "linux", "architecture": "arm", "created": "0000-01-01T00:00:00+01:00"}"#;
    dock.image(ancient, CONFIG, &["ancient"]).await;
    dock.image(&config("amd64"), CONFIG, &["good"]).await;
    dock.inspect().await;
    dock.world.follow().await;
    assert_eq!(dock.world.found(&dock.world.store.anonymous(), "tag:good arch:arm").await, ["ann/app"]);
    assert_eq!(dock.shown("ancient").await.config.unwrap().created, None);
    assert_eq!(dock.shown("good").await.config.unwrap().platform, "linux/amd64");
    for tag in ["broken", "huge", "chart"] {
        assert_eq!(dock.shown(tag).await.layers.len(), 1, "{tag}");
    }
}

#[tokio::test]
async fn pulls_are_written_in_batches_and_an_index_is_only_the_way_to_one() {
    let dock = PushFixture::new().await;
    dock.image(&config("amd64"), CONFIG, &["1"]).await;
    let (pulls, tag) = (PullCounter::default(), Tag::parse("1").unwrap());
    for _ in 0..3 {
        pulls.resolve(dock.place.id, &tag);
        pulls.record(dock.place.id, None);
    }
    let store = &dock.world.store;
    pulls.flush(&dock.world.system).await.unwrap();
    pulls.flush(&dock.world.system).await.unwrap();
    let nobody = store.anonymous();
    let permit = store.permit::<See>(&nobody, &dock.place.name).await.unwrap();
    assert_eq!(store.repository(&permit).await.unwrap().pulls, 3);
    assert!(store.tag(&permit, &tag).await.unwrap().pulled_at.is_some());
}
