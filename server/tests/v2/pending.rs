//! Tests of a push that creates a repository, before and without its first manifest.

use axum::body::Body;
use http::{Method, StatusCode};
use model::token::NewToken;

use crate::common::{MANIFEST, digest};
use crate::support::World;

#[tokio::test]
async fn a_push_that_is_only_tried_leaves_nothing_behind() {
    let world = World::with(&[("repositories_per_hour", "1")]).await;
    let ada = world.member("ada").await;
    let token = world.bearer("ada", "repository:ada/app:pull,push repository:ada/absent:pull,push").await;
    let listing = world.bearer("ada", "registry:catalog:*").await;
    let form = NewToken { label: "rest".to_owned(), scopes: Vec::new(), expires_at: None };
    let rest = format!("Bearer {}", world.state.store.create_token(&ada, &form).await.unwrap().secret);
    let nothing = async || {
        assert_eq!(world.get("/v2/_catalog", &listing).await.json()["repositories"], serde_json::json!([]));
        for (path, token) in
            [("/v2/{}/tags/list", &token), ("/v2/{}/manifests/1", &token), ("/api/v1/repositories/{}", &rest)]
        {
            let there = world.get(&path.replace("{}", "ada/app"), token).await;
            let missing = world.get(&path.replace("{}", "ada/absent"), token).await;
            assert_eq!(there.status, StatusCode::NOT_FOUND, "{path}: {there:?}");
            assert_eq!(there.text().replace("ada/app", "?"), missing.text().replace("ada/absent", "?"), "{path}");
        }
    };
    // What kaniko does before a build; the second time counts as no other repository.
    for _ in 0..2 {
        let upload = world.open_upload("ada/app", &token).await;
        nothing().await;
        let cancelled = world.call(Method::DELETE, &upload, &token, Body::empty()).await;
        assert_eq!(cancelled.status, StatusCode::NO_CONTENT, "{cancelled:?}");
        nothing().await;
    }
}

#[tokio::test]
async fn a_push_finds_its_own_blobs_and_its_manifest_makes_the_repository_appear() {
    let world = World::new().await;
    world.member("ada").await;
    let token = world.bearer("ada", "repository:ada/app:pull,push").await;
    let listing = world.bearer("ada", "registry:catalog:*").await;
    let layer = world.push_blob("ada/app", &token, b"layer").await;
    let blob = format!("/v2/ada/app/blobs/{layer}");
    let head = world.call(Method::HEAD, &blob, &token, Body::empty()).await;
    assert_eq!(head.status, StatusCode::OK, "{head:?}");
    let reading = world.bearer("ada", "repository:ada/app:pull").await;
    assert_eq!(world.get(&blob, &reading).await.body, "layer");
    world.member("bob").await;
    let stranger = world.bearer("bob", "repository:ada/app:pull").await;
    let missing = world.get(&blob.replace("ada/app", "ada/absent"), &stranger).await.status;
    assert_eq!(world.get(&blob, &stranger).await.status, missing);
    let deleting = world.bearer("ada", "repository:ada/app:delete").await;
    let deleted = world.call(Method::DELETE, &blob, &deleting, Body::empty()).await;
    assert_eq!(deleted.status, StatusCode::ACCEPTED, "{deleted:?}");
    assert_eq!(world.get(&blob, &reading).await.status, StatusCode::NOT_FOUND);
    world.push_blob("ada/app", &token, b"layer").await;
    let refused = world.call_with(Method::PUT, "/v2/ada/app/manifests/1", &token, MANIFEST, "{}").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    assert_eq!(world.get("/v2/_catalog", &listing).await.json()["repositories"], serde_json::json!([]));
    world.push("ada/app", "1", &token, b"layer").await;
    assert_eq!(world.get("/v2/ada/app/manifests/1", &token).await.status, StatusCode::OK);
    assert_eq!(world.get(&format!("/v2/ada/app/blobs/{}", digest(b"layer")), &reading).await.status, StatusCode::OK);
    assert_eq!(world.get("/v2/_catalog", &listing).await.json()["repositories"], serde_json::json!(["ada/app"]));
}
