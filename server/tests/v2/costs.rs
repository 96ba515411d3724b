//! Limits the number of database statements of requests to the engine and to REST. It must not depend on how much there
//! is.

use std::time::Duration;

use axum::body::Body;
use http::Method;
use model::token::NewToken;
use serde_json::json;

use crate::common::{PASSWORD, basic, digest, image};
use crate::support::World;

/// The maximum number of statements of each request with a token of the token service.
const ENGINE: [(&str, &str, u64); 9] = [
    ("GET", "/v2/", 1),
    ("GET", "/v2/ada/app/manifests/tag-0", 2),
    ("GET", "/v2/ada/app/manifests/{manifest}", 2),
    ("HEAD", "/v2/ada/app/blobs/{layer}", 3),
    ("GET", "/v2/ada/app/blobs/{layer}", 2),
    ("GET", "/v2/ada/app/tags/list", 2),
    ("GET", "/v2/ada/app/referrers/{manifest}", 2),
    ("POST", "/v2/ada/app/blobs/uploads/", 5),
    ("POST", "/v2/ada/app/blobs/uploads/?mount={layer}&from=ada/app", 5),
];

/// The same for requests with a personal token.
const REST: [(&str, &str, u64); 11] = [
    ("GET", "/v2/_catalog", 3),
    ("GET", "/api/v1/user", 2),
    ("GET", "/api/v1/repositories", 3),
    ("GET", "/api/v1/repositories/ada/app", 4),
    ("GET", "/api/v1/repositories/ada/app/-/tags", 4),
    ("GET", "/api/v1/repositories/ada/app/-/comments", 4),
    ("GET", "/api/v1/repositories/ada/app/-/collaborators", 4),
    ("GET", "/api/v1/search?q=app", 4),
    ("PUT", "/api/v1/repositories/ada/app/-/star", 8),
    ("DELETE", "/api/v1/repositories/ada/app/-/star", 8),
    ("GET", "/v1/search?q=app", 4),
];

/// Fills a hub with this many tags, comments and other repositories, and returns its owner's token.
async fn fill(world: &World, count: usize) -> String {
    let ada = world.member("ada").await;
    let form = NewToken { label: "test".to_owned(), scopes: Vec::new(), expires_at: None };
    let secret = basic("ada", &world.state.store.create_token(&ada, &form).await.unwrap().secret);
    for number in 0..count {
        world.push("ada/app", &format!("tag-{number}"), &secret, b"layer").await;
        world.push(&format!("ada/other-{number}"), "1", &secret, b"layer").await;
        let comment = json!({ "body": number.to_string() }).to_string();
        let path = "/api/v1/repositories/ada/app/-/comments";
        world.call_with(Method::POST, path, &secret, "application/json", comment).await;
    }
    secret
}

/// Returns the number of statements of each request.
async fn costs(count: usize) -> Vec<(String, u64, u64)> {
    let world = World::new().await;
    let token = fill(&world, count).await;
    let bearer = world.bearer("ada", "repository:ada/app:pull,push").await;
    let manifest = digest(image(b"layer").to_string().as_bytes());
    let mut costs = Vec::new();
    let engine = ENGINE.iter().map(|request| (request, &bearer));
    for ((method, path, most), authorization) in engine.chain(REST.iter().map(|request| (request, &token))) {
        let path = path.replace("{manifest}", &manifest).replace("{layer}", &digest(b"layer"));
        // Wait until everything that is cached for a second has expired.
        tokio::time::sleep(Duration::from_millis(1_050)).await;
        let before = world.state.store.statements();
        let answer = world.call(method.parse().unwrap(), &path, authorization, Body::empty()).await;
        let statements = world.state.store.statements() - before;
        assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
        costs.push((format!("{method} {path}"), statements, *most));
    }
    costs
}

#[tokio::test]
async fn no_request_sends_more_statements_than_it_may() {
    let (few, many) = tokio::join!(costs(2), costs(40));
    let pairs = few.into_iter().zip(many).map(|((request, few, most), (_, many, _))| (request, few, many, most));
    let expensive: Vec<_> = pairs.filter(|(_, few, many, most)| few.max(many) > most).collect();
    assert!(expensive.is_empty(), "{expensive:#?}");
}

#[tokio::test]
async fn a_hidden_repository_takes_as_many_statements_as_a_missing_one_each_time() {
    let world = World::new().await;
    let owner = fill(&world, 1).await;
    let form = json!({ "label": "elsewhere", "scopes": ["ada/other-0:pull,push"] }).to_string();
    let created = world.call_with(Method::POST, "/api/v1/user/tokens", &owner, "application/json", form).await;
    let elsewhere = basic("ada", created.json()["token"].as_str().unwrap());
    let bob = world.member("bob").await;
    let form = NewToken { label: "test".to_owned(), scopes: Vec::new(), expires_at: None };
    let stranger = basic("bob", &world.state.store.create_token(&bob, &form).await.unwrap().secret);
    for authorization in ["", &stranger, &elsewhere] {
        for prefix in ["/api/v1/repositories", "/v2"] {
            let statements = async |name: &str| {
                let path = if prefix == "/v2" { format!("/v2/{name}/tags/list") } else { format!("{prefix}/{name}") };
                // The owner's own request must not make that of others faster.
                world.get(&path, &owner).await;
                let mut each = Vec::new();
                for _ in 0..3 {
                    let before = world.state.store.statements();
                    world.get(&path, authorization).await;
                    each.push(world.state.store.statements() - before);
                }
                each
            };
            // The first request may also record that a token is used.
            statements("ada/none").await;
            assert_eq!(statements("ada/app").await, statements("ada/absent").await, "{authorization} {prefix}");
        }
    }
}

#[tokio::test]
async fn an_expensive_token_sends_few_statements_more_than_a_plain_one() {
    let world = World::with(&[("repositories_per_hour", "0")]).await;
    let plain = fill(&world, 30).await;
    let scopes: Vec<String> = (0..50).map(|number| format!("nobody/*a*{number:0>15}*b*:pull")).collect();
    let form = json!({ "label": "expensive", "scopes": scopes }).to_string();
    let path = "/api/v1/user/tokens";
    let created = world.call_with(Method::POST, path, &basic("ada", PASSWORD), "application/json", form).await;
    let expensive = basic("ada", created.json()["token"].as_str().unwrap());
    for path in
        ["/v2/_catalog?n=2", "/api/v1/repositories?limit=2", "/api/v1/search?q=other&limit=2", "/v1/search?q=other&n=2"]
    {
        let mut statements = Vec::new();
        for token in [&plain, &expensive] {
            tokio::time::sleep(Duration::from_millis(1_050)).await;
            let before = world.state.store.statements();
            let answer = world.call(Method::GET, path, token, Body::empty()).await;
            assert!(answer.status.is_success(), "{answer:?}");
            statements.push(world.state.store.statements() - before);
        }
        assert!(statements[1] <= 10 * statements[0], "{path}: {statements:?}");
    }
}
