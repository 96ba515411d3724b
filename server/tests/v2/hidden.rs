//! Checks that the registry does not reveal whether a hidden repository exists.

use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode};
use model::role::Visibility;
use model::token::NewToken;
use server::v2::ROUTES;

use crate::common::{Answer, PASSWORD, basic, digest};
use crate::support::World;

/// Removes the repository's name from a response.
fn nameless(mut answer: Answer, name: &str) -> Answer {
    let blank = |text: &str| text.replace(name, "?");
    answer.body = blank(std::str::from_utf8(&answer.body).unwrap()).into();
    for value in answer.headers.values_mut() {
        *value = blank(value.to_str().unwrap()).parse().unwrap();
    }
    answer.comparable()
}

/// Returns the path of a route for a repository.
fn path(route: &str, name: &str, blob: &str) -> String {
    route
        .replace("{name}", name)
        .replace("{digest}", blob)
        .replace("{reference}", "1")
        .replace("{source}", name)
        .replace("{upload}", "01890000-0000-7000-8000-000000000000")
}

#[tokio::test]
async fn a_stranger_cannot_tell_a_private_repository_from_a_missing_one() {
    let world = World::new().await;
    let ada = world.member("ada").await;
    let eve = world.member("eve").await;
    // Names of the same length, so that the lengths of responses can be compared.
    let (hidden, missing) = ("ada/secret", "ada/absent");
    let owner = world.bearer("ada", &format!("repository:{hidden}:pull,push")).await;
    world.push(hidden, "1", &owner, b"layer").await;
    let all = |name: &str| format!("repository:{name}:pull,push,delete");
    let form = |label: &str, scopes| NewToken { label: label.to_owned(), scopes, expires_at: None };
    let secret = world.state.store.create_token(&eve, &form("all", Vec::new())).await.unwrap().secret;
    let elsewhere = form("elsewhere", vec!["ada/other:pull,push,delete".parse().unwrap()]);
    let narrowed = world.state.store.create_token(&ada, &elsewhere).await.unwrap().secret;
    let blob = digest(b"layer");
    for (actor, seen, unseen) in [
        ("nobody", String::new(), String::new()),
        ("nobody with a token", world.bearer("", &all(hidden)).await, world.bearer("", &all(missing)).await),
        ("a stranger's token", world.bearer("eve", &all(hidden)).await, world.bearer("eve", &all(missing)).await),
        ("a stranger's password", basic("eve", PASSWORD), basic("eve", PASSWORD)),
        ("a stranger's personal token", format!("Bearer {secret}"), format!("Bearer {secret}")),
        ("the owner's token for something else", format!("Bearer {narrowed}"), format!("Bearer {narrowed}")),
    ] {
        for (method, route) in ROUTES.iter().filter(|(_, route)| route.contains("{name}")) {
            let method: Method = method.parse().unwrap();
            let there = world.call(method.clone(), &path(route, hidden, &blob), &seen, Body::empty()).await;
            let gone = world.call(method.clone(), &path(route, missing, &blob), &unseen, Body::empty()).await;
            // The list of referrers is empty rather than an error if there is nothing to refer to.
            let nothing = route.contains("referrers") && there.json()["manifests"] == serde_json::json!([]);
            assert!(there.status.is_client_error() || nothing, "{actor}: {method} {route}: {there:?}");
            assert_eq!(nameless(there, hidden), nameless(gone, missing), "{actor}: {method} {route}");
        }
    }
}

#[tokio::test]
async fn a_token_says_nothing_of_what_is_hidden() {
    let world = World::new().await;
    let ada = world.member("ada").await;
    world.member("eve").await;
    world.repository(&ada, "ada/secret", Visibility::Private).await;
    let ask = |name: &str| {
        let who = format!("username=eve&password={PASSWORD}");
        format!("grant_type=password&service=portolan&{who}&scope=repository:{name}:pull,push")
    };
    let hidden = world.form("/token", &ask("ada/secret")).await.json();
    let missing = world.form("/token", &ask("ada/absent")).await.json();
    assert_eq!((hidden["scope"].as_str(), missing["scope"].as_str()), (Some(""), Some("")));
    assert_eq!(hidden["expires_in"], missing["expires_in"]);
    let length = |answer: &serde_json::Value| answer["access_token"].as_str().unwrap().len();
    assert_eq!(length(&hidden), length(&missing));
}

#[tokio::test]
async fn a_reader_who_is_removed_is_out_within_a_second_whatever_token_they_hold() {
    let (world, ada) = World::shared().await;
    let token = world.bearer("bob", "repository:ada/app:pull").await;
    assert_eq!(world.get("/v2/ada/app/manifests/1", &token).await.status, StatusCode::OK);
    world.share(&ada, "ada/app", "bob", None).await;
    world.later(Duration::from_secs(1));
    let removed = world.get("/v2/ada/app/manifests/1", &token).await;
    assert_eq!(removed.status, StatusCode::UNAUTHORIZED, "{removed:?}");
    let again = world.bearer("bob", "repository:ada/app:pull").await;
    let missing = world.bearer("bob", "repository:ada/non:pull").await;
    assert_eq!(
        nameless(world.get("/v2/ada/app/manifests/1", &again).await, "ada/app"),
        nameless(world.get("/v2/ada/non/manifests/1", &missing).await, "ada/non"),
    );
}

#[tokio::test]
async fn an_internal_repository_is_there_for_members_and_hidden_from_everybody_else() {
    let world = World::new().await;
    let ada = world.member("ada").await;
    world.member("bob").await;
    world.repository(&ada, "ada/in", Visibility::Internal).await;
    let member = world.bearer("bob", "repository:ada/in:pull").await;
    assert_eq!(world.get("/v2/ada/in/tags/list", &member).await.status, StatusCode::OK);
    let nobody = world.bearer("", "repository:ada/in:pull").await;
    let missing = world.bearer("", "repository:ada/no:pull").await;
    assert_eq!(
        nameless(world.get("/v2/ada/in/tags/list", &nobody).await, "ada/in"),
        nameless(world.get("/v2/ada/no/tags/list", &missing).await, "ada/no"),
    );
}
