//! Tests of garbage collection of a whole hub with a folder: what it frees there, and that clients may go on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};
use model::token::NewToken;
use registry::ledger::Freed;
use registry::sweep::{SweepEnd, SweepOptions, UnknownObjects};
use serde_json::{Value, json};

use crate::common::{CONFIG, MANIFEST, Site, basic, digest};
use crate::support::World;

/// Frees everything that is unused now. Unknown objects are left out: the clock of tests is not that of the folder.
const AT_ONCE: SweepOptions = SweepOptions {
    grace: Duration::ZERO,
    untagged: Some(Duration::ZERO),
    uploads: Duration::from_hours(1),
    rate: 0,
    unknown_objects: UnknownObjects::Not,
};

/// The bytes of a layer: large enough that the rest of the folder does not matter.
fn layer(number: usize) -> Vec<u8> {
    format!("layer {number} ").repeat(20_000).into_bytes()
}

/// An image of these layers.
fn image(numbers: &[usize]) -> Value {
    let part = |kind: &str, bytes: &[u8]| json!({ "mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest(bytes), "size": bytes.len() });
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": part("config.v1+json", CONFIG),
        "layers": numbers.iter().map(|number| part("layer.v1.tar", &layer(*number))).collect::<Vec<_>>(),
    })
}

/// Pushes an image; `false` if a sweep has taken one of its layers in the middle.
async fn push(site: &Site, owner: &str, repository: &str, tag: &str, numbers: &[usize]) -> bool {
    site.push_blob(repository, owner, CONFIG).await;
    for number in numbers {
        site.push_blob(repository, owner, &layer(*number)).await;
    }
    let path = format!("/v2/{repository}/manifests/{tag}");
    let put = site.call_with(Method::PUT, &path, owner, MANIFEST, image(numbers).to_string()).await;
    if put.status != StatusCode::CREATED {
        let codes: Vec<Value> =
            put.json()["errors"].as_array().unwrap().iter().map(|error| error["code"].clone()).collect();
        assert!(codes.iter().all(|code| code == "MANIFEST_BLOB_UNKNOWN"), "{put:?}");
    }
    put.status == StatusCode::CREATED
}

/// Asserts that an image is there with all its layers.
async fn pull(site: &Site, reader: &str, repository: &str, reference: &str, numbers: &[usize]) {
    let manifest = site.call(Method::GET, &format!("/v2/{repository}/manifests/{reference}"), reader, "").await;
    assert_eq!(manifest.text(), image(numbers).to_string());
    for number in numbers {
        let path = format!("/v2/{repository}/blobs/{}", digest(&layer(*number)));
        assert_eq!(site.call(Method::GET, &path, reader, "").await.body, layer(*number), "{repository} {number}");
    }
}

fn bytes_in(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| if entry.path().is_dir() { bytes_in(&entry.path()) } else { entry.metadata().unwrap().len() })
        .sum()
}

async fn token(world: &World, name: &str) -> String {
    let viewer = world.member(name).await;
    let form = NewToken { label: "test".to_owned(), scopes: Vec::new(), expires_at: None };
    basic(name, &world.state.store.create_token(&viewer, &form).await.unwrap().secret)
}

/// The layers of the image of this number: one of its own and one that the next image has too.
fn layers_of(image: usize) -> [usize; 2] {
    [100 + image, image / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_folder_shrinks_by_what_was_announced_and_the_rest_can_be_pulled() {
    let world = World::new().await;
    let owner = token(&world, "ada").await;
    for number in 0..10 {
        assert!(push(&world, &owner, "ada/app", &number.to_string(), &layers_of(number)).await);
    }
    let engine = &world.state.engine;
    // Layers that were pushed twice.
    engine.sweep(&AT_ONCE, &()).await.unwrap();
    for number in 0..5 {
        let path = format!("/v2/ada/app/manifests/{number}");
        assert_eq!(world.call(Method::DELETE, &path, &owner, "").await.status, StatusCode::ACCEPTED);
    }
    let folder = world.state.config.storage_folder().unwrap();
    let before = bytes_in(&folder);
    let announced = engine.sweepable(&AT_ONCE).await.unwrap();
    assert_eq!(bytes_in(&folder), before);
    let (end, freed) = engine.sweep(&AT_ONCE, &()).await.unwrap();
    assert_eq!((end, freed), (SweepEnd::Done, announced));
    // Five layers of their own, and two that only deleted images share.
    let bytes: usize = [100, 101, 102, 103, 104, 0, 1].into_iter().map(|number| layer(number).len()).sum();
    assert_eq!((freed.manifests, freed.blobs, freed.bytes), (5, 7, u64::try_from(bytes).unwrap()));
    assert_eq!(bytes_in(&folder), before - freed.bytes);
    for number in 5..10 {
        pull(&world, &owner, "ada/app", &number.to_string(), &layers_of(number)).await;
    }
    assert_eq!(engine.sweep(&AT_ONCE, &()).await.unwrap().1, Freed::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_clients_push_and_pull_a_sweep_without_grace_takes_nothing_that_is_tagged() {
    let world = Arc::new(World::new().await);
    let owner = token(&world, "ada").await;
    assert!(push(&world, &owner, "ada/kept", "1", &[0, 1]).await);
    let stopped = Arc::new(AtomicBool::new(false));
    let sweeper = tokio::spawn({
        let (engine, stopped) = (world.state.engine.clone(), Arc::clone(&stopped));
        async move {
            let mut freed = 0;
            while !stopped.load(Ordering::SeqCst) {
                freed += engine.sweep(&AT_ONCE, &()).await.unwrap().1.blobs;
            }
            freed
        }
    });
    let pushed = Arc::new(AtomicUsize::new(0));
    let clients = (0..10).map(|client| {
        let (world, owner, pushed) = (Arc::clone(&world), owner.clone(), Arc::clone(&pushed));
        tokio::spawn(async move {
            let repository = format!("ada/app-{}", client % 3);
            for round in 0..8 {
                // Layers are shared by clients and rounds, so that they are swept while others push them.
                let numbers = [round % 3, 3 + (client + round) % 4];
                let tag = format!("tag-{client}");
                while !push(&world, &owner, &repository, &tag, &numbers).await {}
                pushed.fetch_add(1, Ordering::SeqCst);
                pull(&world, &owner, &repository, &tag, &numbers).await;
                pull(&world, &owner, "ada/kept", "1", &[0, 1]).await;
                if round % 2 == 0 {
                    let path = format!("/v2/{repository}/manifests/{tag}");
                    assert_eq!(world.call(Method::DELETE, &path, &owner, "").await.status, StatusCode::ACCEPTED);
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    stopped.store(true, Ordering::SeqCst);
    assert!(sweeper.await.unwrap() > 0);
    assert_eq!(pushed.load(Ordering::SeqCst), 80);
    world.state.engine.sweep(&AT_ONCE, &()).await.unwrap();
    // Nothing is left but what the tags need.
    let folder = world.state.config.storage_folder().unwrap();
    let mut needed: Vec<usize> = (0..10).flat_map(|client| [7 % 3, 3 + (client + 7) % 4]).chain([0, 1]).collect();
    needed.sort_unstable();
    needed.dedup();
    let needed: usize = needed.into_iter().map(|number| layer(number).len()).sum::<usize>() + CONFIG.len();
    assert_eq!(bytes_in(&folder), u64::try_from(needed).unwrap());
}
