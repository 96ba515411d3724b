//! Tests of tags and images, and of searching for their contents.

use bytes::Bytes;
use model::image::{ImageConfig, Layer};
use model::oci::{Digest, RepositoryName, Tag};
use registry::ledger::{NewManifest, Place, Put, TagPrecondition};
use serde_json::{Value, json};
use sha2::Digest as _;
use store::access::Push;

use crate::interface::assert_described;
use crate::world::{Caller, World};

/// Stores an inspected image with these tags, as the engine and the inspection would.
async fn push(world: &World, owner: &Caller, path: &str, tags: &[&str]) -> Digest {
    let Caller::Token(secret) = owner else { panic!("push with a token") };
    let store = &world.hub.state.store;
    let viewer = store.secret_viewer(secret).await.unwrap();
    let name: RepositoryName = path.parse().unwrap();
    let permit = store.permit::<Push>(&viewer, &name).await.unwrap();
    let payload = Bytes::from(format!("{{\"of\":\"{path} {tags:?}\"}}"));
    let hex = data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(&payload));
    let digest: Digest = format!("sha256:{hex}").parse().unwrap();
    let manifest = NewManifest {
        digest: digest.clone(),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        payload,
        artifact_type: None,
        subject: None,
        annotations: "{\"org.example.note\":\"x\"}".to_owned(),
        blobs: Vec::new(),
        children: Vec::new(),
        tags: tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect(),
        expect: TagPrecondition::Anything,
    };
    let place = Place { id: permit.repository(), name, actor: permit.viewer().actor() };
    assert_eq!(world.hub.ledger.put_manifest(&place, &manifest, world.now()).await.unwrap(), Put::Stored);
    let config =
        ImageConfig { platform: "linux/amd64".to_owned(), env: vec!["A=b".to_owned()], ..ImageConfig::default() };
    let layer = Layer {
        digest: digest.clone(),
        media_type: "application/x".to_owned(),
        size: 7,
        created_by: "COPY".to_owned(),
        title: String::new(),
    };
    store
        .record_image(&world.hub.system, permit.repository(), &digest, "linux/amd64", config, vec![layer])
        .await
        .unwrap();
    digest
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn tags_are_listed_filtered_and_shown_one_by_one() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    world.repository(&ada, "ada/app", "public").await;
    let document = world.get("/openapi.json", &ada).await.expect(200);
    let old = push(&world, &ada, "ada/app", &["1.0", "stable"]).await;
    let new = push(&world, &ada, "ada/app", &["2.0"]).await;
    let list = world.get("/repositories/ada/app/-/tags", &Caller::Nobody).await.expect(200);
    assert_eq!(names(&list)[0], "2.0");
    assert_described(&document, "Tag", &list["items"][0]);
    assert_eq!(list["items"][0]["platforms"], json!(["linux/amd64"]));
    let named = world.get("/repositories/ada/app/-/tags?sort=name", &Caller::Nobody).await.expect(200);
    assert_eq!(names(&named), ["1.0", "2.0", "stable"]);
    let filtered =
        world.get("/repositories/ada/app/-/tags?contains=.0&sort=name&limit=1", &Caller::Nobody).await.expect(200);
    assert_eq!(names(&filtered), ["1.0"]);
    assert!(filtered["next"].is_string());
    let one = world.get("/repositories/ada/app/-/tags/stable", &Caller::Nobody).await.expect(200);
    assert_eq!(one["digest"], old.as_str());
    assert_ne!(old, new);
    for missing in ["3.0", "-bad", "%20"] {
        assert_eq!(world.get(&format!("/repositories/ada/app/-/tags/{missing}"), &ada).await.refusal().0, 404);
    }
}

#[tokio::test]
async fn an_image_is_shown_by_its_digest() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    world.repository(&ada, "ada/app", "public").await;
    let document = world.get("/openapi.json", &ada).await.expect(200);
    let digest = push(&world, &ada, "ada/app", &["1.0"]).await;
    for written in [digest.to_string(), digest.as_str().replace(':', "%3A")] {
        let image =
            world.get(&format!("/repositories/ada/app/-/manifests/{written}"), &Caller::Nobody).await.expect(200);
        assert_described(&document, "Image", &image);
        assert_eq!((&image["tags"], &image["config"]["env"]), (&json!(["1.0"]), &json!(["A=b"])));
        assert_eq!(image["layers"][0]["created_by"], "COPY");
    }
    assert_eq!(world.get("/repositories/ada/app/-/manifests/1.0", &ada).await.refusal().0, 404);
}

#[tokio::test]
async fn a_tag_is_deleted_by_maintainers_alone() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    world.repository(&ada, "ada/app", "public").await;
    push(&world, &ada, "ada/app", &["1.0"]).await;
    let tag = "/repositories/ada/app/-/tags/1.0";
    let place = "/repositories/ada/app/-/collaborators/eve";
    world.call("PUT", place, &ada, Some(json!({"role": "writer"}))).await.expect(204);
    assert_eq!(world.call("DELETE", tag, &eve, None).await.refusal().0, 403);
    world.call("PUT", place, &ada, Some(json!({"role": "maintainer"}))).await.expect(204);
    world.call("DELETE", tag, &eve, None).await.expect(204);
    assert_eq!(world.call("DELETE", tag, &eve, None).await.refusal().0, 404);
}

#[tokio::test]
async fn a_search_counts_only_what_the_caller_may_see() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    for (path, visibility) in
        [("ada/lighthouse-one", "public"), ("ada/lighthouse-two", "public"), ("ada/lighthouse-dark", "private")]
    {
        world.repository(&ada, path, visibility).await;
    }
    let state = &world.hub.state;
    state.store.settle_events(&world.hub.system).await.unwrap();
    server::search::follow::catch_up(&state.search, &world.hub.system).await.unwrap();
    let document = world.get("/openapi.json", &eve).await.expect(200);
    let first = world.get("/search?q=lighthouse&limit=1", &eve).await.expect(200);
    assert_eq!(first["total"], 2);
    assert_described(&document, "SearchHit", &first["items"][0]);
    let second = world
        .get(&format!("/search?q=lighthouse&limit=1&cursor={}", first["next"].as_str().unwrap()), &eve)
        .await
        .expect(200);
    assert_ne!(first["items"][0]["path"], second["items"][0]["path"]);
    assert_eq!(second["next"], json!(null));
    assert_eq!(world.get("/search?q=lighthouse", &ada).await.expect(200)["total"], 3);
    for query in ["cursor=x", "cursor=0", "sort=name", &format!("q={}", "x".repeat(600))] {
        assert_eq!(world.get(&format!("/search?{query}"), &eve).await.refusal().0, 422, "{query}");
    }
}
