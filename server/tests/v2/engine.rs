//! Tests of pushing and pulling through the gateway.

use axum::body::Body;
use http::header::{CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use model::role::{Role, Visibility};
use model::token::NewToken;

use crate::common::{MANIFEST, PASSWORD, basic, digest, sign_up};
use crate::support::World;

#[tokio::test]
async fn the_first_push_makes_a_private_repository_and_what_was_pushed_comes_back() {
    let world = World::new().await;
    world.member("ada").await;
    let token = world.bearer("ada", "repository:ada/app:pull,push").await;
    let pushed = world.push("ada/app", "1", &token, b"layer").await;
    let manifest = world.get("/v2/ada/app/manifests/1", &token).await;
    assert_eq!((manifest.status, manifest.header(CONTENT_TYPE)), (StatusCode::OK, MANIFEST));
    assert_eq!(digest(&manifest.body), pushed);
    let layer = world.get(&format!("/v2/ada/app/blobs/{}", digest(b"layer")), &token).await;
    assert_eq!((layer.status, &layer.body[..]), (StatusCode::OK, &b"layer"[..]));
    let anonymous = world.bearer("", "repository:ada/app:pull").await;
    assert_eq!(world.get("/v2/ada/app/manifests/1", &anonymous).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_head_of_a_private_image_without_a_token_is_challenged_for_its_scope() {
    let world = World::new().await;
    let answer = world.call(Method::HEAD, "/v2/ada/app/manifests/1", "", Body::empty()).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::UNAUTHORIZED, 0));
    assert!(answer.header(WWW_AUTHENTICATE).ends_with(r#"scope="repository:ada/app:pull""#), "{answer:?}");
}

#[tokio::test]
async fn each_operation_asks_for_the_actions_that_it_needs() {
    let world = World::new().await;
    let blob = digest(b"x");
    let upload = "01890000-0000-7000-8000-000000000000";
    for (method, path, actions) in [
        (Method::GET, "tags/list".to_owned(), "pull"),
        (Method::GET, format!("blobs/{blob}"), "pull"),
        (Method::GET, format!("referrers/{blob}"), "pull"),
        (Method::POST, "blobs/uploads/".to_owned(), "pull,push"),
        (Method::PATCH, format!("blobs/uploads/{upload}"), "pull,push"),
        (Method::DELETE, format!("blobs/uploads/{upload}"), "pull,push"),
        (Method::PUT, "manifests/1".to_owned(), "pull,push"),
        (Method::DELETE, "manifests/1".to_owned(), "delete"),
        (Method::DELETE, format!("blobs/{blob}"), "delete"),
    ] {
        let answer = world.call(method.clone(), &format!("/v2/a/b/{path}"), "", Body::empty()).await;
        let challenge = answer.header(WWW_AUTHENTICATE);
        assert!(challenge.ends_with(&format!(r#"scope="repository:a/b:{actions}""#)), "{method} {path}: {challenge}");
    }
    let mount = format!("/v2/a/b/blobs/uploads/?mount={blob}&from=c/d");
    let answer = world.call(Method::POST, &mount, "", Body::empty()).await;
    let scope = r#"scope="repository:a/b:pull,push repository:c/d:pull""#;
    assert!(answer.header(WWW_AUTHENTICATE).ends_with(scope), "{answer:?}");
}

#[tokio::test]
async fn a_one_word_name_is_one_of_the_library() {
    let world = World::new().await;
    let ada = world.member("ada").await;
    let form = sign_up("root-user");
    world.state.store.create_account(&world.opened.system.viewer("test"), &form, true).await.unwrap();
    let token = world.bearer("root-user", "repository:alpine:pull,push").await;
    world.push("alpine", "3", &token, b"layer").await;
    let anonymous = world.bearer("", "repository:library/alpine:pull").await;
    for name in ["alpine", "library/alpine"] {
        let answer = world.get(&format!("/v2/{name}/tags/list"), &anonymous).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {answer:?}");
        assert_eq!(answer.json()["name"], name);
    }
    drop(ada);
    let denied = world.bearer("ada", "repository:busybox:pull,push").await;
    let answer = world.call(Method::POST, "/v2/busybox/blobs/uploads/", &denied, Body::empty()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_reader_pulls_but_neither_pushes_nor_deletes() {
    let (world, _) = World::shared().await;
    let token = world.bearer("bob", "repository:ada/app:pull,push,delete").await;
    assert_eq!(world.get("/v2/ada/app/manifests/1", &token).await.status, StatusCode::OK);
    for (method, path) in
        [(Method::POST, "blobs/uploads/"), (Method::PUT, "manifests/2"), (Method::DELETE, "manifests/1")]
    {
        let answer = world.call(method.clone(), &format!("/v2/ada/app/{path}"), &token, "{}").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert!(answer.header(WWW_AUTHENTICATE).ends_with(r#"error="insufficient_scope""#), "{answer:?}");
    }
    let direct = world.call(Method::DELETE, "/v2/ada/app/manifests/1", &basic("bob", PASSWORD), Body::empty()).await;
    assert_eq!((direct.status, direct.json()["errors"][0]["code"].as_str()), (StatusCode::FORBIDDEN, Some("DENIED")));
}

#[tokio::test]
async fn a_blob_is_mounted_only_from_where_the_caller_may_read() {
    let world = World::new().await;
    let ada = world.member("ada").await;
    world.member("bob").await;
    world.repository(&ada, "ada/app", Visibility::Private).await;
    let scopes = "repository:ada/app:pull,push repository:bob/copy:pull,push";
    let owner = world.bearer("ada", scopes).await;
    let blob = world.push_blob("ada/app", &owner, b"secret layer").await;
    let stranger = world.bearer("bob", scopes).await;
    let mount = |digest: &str, from: &str| format!("/v2/bob/copy/blobs/uploads/?mount={digest}&from={from}");
    let hidden = world.call(Method::POST, &mount(&blob, "ada/app"), &stranger, Body::empty()).await;
    let missing = world.call(Method::POST, &mount(&blob, "ada/none"), &stranger, Body::empty()).await;
    assert_eq!((hidden.status, missing.status), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    world.share(&ada, "ada/app", "bob", Some(Role::Reader)).await;
    let reader = world.bearer("bob", scopes).await;
    let mounted = world.call(Method::POST, &mount(&blob, "ada/app"), &reader, Body::empty()).await;
    assert_eq!(mounted.status, StatusCode::CREATED, "{mounted:?}");
    assert_eq!(mounted.header(LOCATION), format!("/v2/bob/copy/blobs/{blob}"));
}

#[tokio::test]
async fn a_personal_token_works_on_the_engine_itself_within_its_scopes() {
    let world = World::new().await;
    let ada = world.member("ada").await;
    let scopes = vec!["ada/app:pull,push".parse().unwrap()];
    let form = NewToken { label: "ci".to_owned(), scopes, expires_at: None };
    let secret = world.state.store.create_token(&ada, &form).await.unwrap().secret;
    for authorization in [format!("Bearer {secret}"), basic("ada", &secret)] {
        world.push("ada/app", "1", &authorization, b"layer").await;
        let answer = world.call(Method::POST, "/v2/ada/other/blobs/uploads/", &authorization, Body::empty()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
    }
}

#[tokio::test]
async fn the_catalog_lists_what_its_caller_may_see_page_by_page() {
    let world = World::new().await;
    let ada = world.member("ada").await;
    let bob = world.member("bob").await;
    for name in ["a", "b", "c"] {
        world.repository(&ada, &format!("ada/{name}"), Visibility::Public).await;
    }
    world.repository(&bob, "bob/private", Visibility::Private).await;
    assert_eq!(world.get("/v2/_catalog", "").await.status, StatusCode::UNAUTHORIZED);
    let token = world.bearer("ada", "registry:catalog:*").await;
    let first = world.get("/v2/_catalog?n=2", &token).await;
    assert_eq!(first.json()["repositories"], serde_json::json!(["ada/a", "ada/b"]));
    let next = first.header("link").trim_start_matches('<').split('>').next().unwrap().to_owned();
    let second = world.get(&next, &token).await;
    assert_eq!(second.json()["repositories"], serde_json::json!(["ada/c"]));
    assert_eq!(second.header("link"), "");
    let own = world.bearer("bob", "registry:catalog:*").await;
    let all = world.get("/v2/_catalog", &own).await;
    assert_eq!(all.json()["repositories"], serde_json::json!(["ada/a", "ada/b", "ada/c", "bob/private"]));
}

#[tokio::test]
async fn a_token_without_the_catalogs_scope_is_sent_back_for_one_and_even_nobodys_lists_what_is_public() {
    let world = World::new().await;
    let ada = world.member("ada").await;
    world.repository(&ada, "ada/open", Visibility::Public).await;
    world.repository(&ada, "ada/shut", Visibility::Private).await;
    for (name, seen) in [("ada", vec!["ada/open", "ada/shut"]), ("", vec!["ada/open"])] {
        for without in ["", "repository:ada/open:pull"] {
            let answer = world.get("/v2/_catalog", &world.bearer(name, without).await).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}: {answer:?}");
            let challenge = r#"scope="registry:catalog:*",error="insufficient_scope""#;
            assert!(answer.header(WWW_AUTHENTICATE).ends_with(challenge), "{answer:?}");
        }
        let answer = world.get("/v2/_catalog", &world.bearer(name, "registry:catalog:*").await).await;
        assert_eq!(answer.json()["repositories"], serde_json::json!(seen), "{name}");
    }
    let answer = world.get("/v2/_catalog", &basic("ada", PASSWORD)).await;
    assert_eq!(answer.json()["repositories"], serde_json::json!(["ada/open", "ada/shut"]));
}

#[tokio::test]
async fn whoever_could_make_a_repository_is_told_that_it_is_missing() {
    let world = World::new().await;
    world.member("ada").await;
    let token = world.bearer("ada", "repository:ada/none:pull,push").await;
    let answer = world.get("/v2/ada/none/tags/list", &token).await;
    assert_eq!(
        (answer.status, answer.json()["errors"][0]["code"].as_str()),
        (StatusCode::NOT_FOUND, Some("NAME_UNKNOWN"))
    );
    let referrers = world.get(&format!("/v2/ada/none/referrers/{}", digest(b"x")), &token).await;
    assert_eq!((referrers.status, referrers.json()["manifests"].clone()), (StatusCode::OK, serde_json::json!([])));
}

#[tokio::test]
async fn a_manifest_that_is_refused_makes_no_repository() {
    let world = World::new().await;
    world.member("ada").await;
    for authorization in [world.bearer("ada", "repository:ada/app:pull,push").await, basic("ada", PASSWORD)] {
        let refused = world.call(Method::PUT, "/v2/ada/app/manifests/1", &authorization, "no manifest").await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{refused:?}");
        assert_eq!(refused.json()["errors"][0]["code"], "NAME_UNKNOWN");
        let made = world.get("/api/v1/repositories/ada/app", &basic("ada", PASSWORD)).await;
        assert_eq!(made.status, StatusCode::NOT_FOUND, "{made:?}");
    }
}

#[tokio::test]
async fn a_token_for_something_else_still_reads_what_is_public_and_no_more() {
    let world = World::new().await;
    let ada = world.member("ada").await;
    for (path, visibility) in
        [("ada/open", Visibility::Public), ("ada/in", Visibility::Internal), ("ada/shut", Visibility::Private)]
    {
        world.repository(&ada, path, visibility).await;
        let token = world.bearer("ada", &format!("repository:{path}:pull,push")).await;
        world.push(path, "1", &token, b"layer").await;
    }
    let scopes = vec!["ada/other:pull,push".parse().unwrap()];
    let form = NewToken { label: "ci".to_owned(), scopes, expires_at: None };
    let secret = world.state.store.create_token(&ada, &form).await.unwrap().secret;
    let asked = "/token?service=portolan&scope=repository:ada/open:pull,push&scope=repository:ada/shut:pull";
    let issued = world.get(asked, &basic("ada", &secret)).await.json();
    let issued = format!("Bearer {}", issued["token"].as_str().unwrap());
    let elsewhere = world.bearer("ada", "repository:ada/other:pull").await;
    for authorization in [basic("ada", &secret), format!("Bearer {secret}"), issued, elsewhere] {
        let open = world.get("/v2/ada/open/manifests/1", &authorization).await;
        assert_eq!(open.status, StatusCode::OK, "{open:?}");
        for path in ["ada/in", "ada/shut", "ada/none"] {
            let hidden = world.get(&format!("/v2/{path}/manifests/1"), &authorization).await;
            assert!(hidden.status.is_client_error(), "{path}: {hidden:?}");
        }
        let push = world.call(Method::POST, "/v2/ada/open/blobs/uploads/", &authorization, Body::empty()).await;
        assert!(push.status.is_client_error(), "{push:?}");
    }
    let read = world.get("/api/v1/repositories/ada/open", &format!("Bearer {secret}")).await;
    assert_eq!((read.status, &read.json()["role"]), (StatusCode::OK, &serde_json::Value::Null), "as anybody would");
}

#[tokio::test]
async fn a_mount_takes_what_is_public_and_what_the_token_names() {
    let world = World::new().await;
    let ada = world.member("ada").await;
    let blob = digest(b"layer");
    for (path, visibility) in [("ada/open", Visibility::Public), ("ada/shut", Visibility::Private)] {
        world.repository(&ada, path, visibility).await;
        let token = world.bearer("ada", &format!("repository:{path}:pull,push")).await;
        world.push(path, "1", &token, b"layer").await;
    }
    world.repository(&ada, "ada/new", Visibility::Private).await;
    let (to, both) = ("repository:ada/new:pull,push", "repository:ada/new:pull,push repository:ada/shut:pull");
    for (scopes, source, status) in [
        (to, "ada/open", StatusCode::CREATED),
        (to, "ada/shut", StatusCode::ACCEPTED),
        (both, "ada/shut", StatusCode::CREATED),
    ] {
        let token = world.bearer("ada", scopes).await;
        let mount = format!("/v2/ada/new/blobs/uploads/?mount={blob}&from={source}");
        let answer = world.call(Method::POST, &mount, &token, Body::empty()).await;
        assert_eq!(answer.status, status, "{scopes} from {source}: {answer:?}");
        world.call(Method::DELETE, &format!("/v2/ada/new/blobs/{blob}"), &basic("ada", PASSWORD), Body::empty()).await;
    }
}
