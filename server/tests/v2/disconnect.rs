//! Tests of clients that disconnect: a request is dropped wherever it waits, as the server does when its connection
//! ends.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use http::{Method, StatusCode};
use model::token::NewToken;
use serde_json::json;

use crate::common::{Answer, PASSWORD, basic, digest, image};
use crate::crash::nothing_is_left_over;
use crate::support::World;

/// How long a request may take after another one was dropped: it must not wait for what that one held.
const SOON: Duration = Duration::from_secs(5);

/// Polls a future this many times and then drops it. Returns its output if it ends earlier.
async fn dropped_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let (mut future, mut polled) = (Box::pin(future), 0);
    poll_fn(|context| {
        if polled == polls {
            return Poll::Ready(None);
        }
        polled += 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Drops `work` at each point where it waits, and calls `check` after each time.
async fn at_every_point(work: impl AsyncFn(usize), check: impl AsyncFn(usize)) -> usize {
    let mut polls = 1;
    loop {
        let ended = dropped_after(polls, work(polls)).await.is_some();
        tokio::time::timeout(SOON, check(polls)).await.unwrap();
        if ended {
            return polls;
        }
        polls += 1;
    }
}

async fn token(world: &World, name: &str) -> String {
    let viewer = world.member(name).await;
    let form = NewToken { label: "test".to_owned(), scopes: Vec::new(), expires_at: None };
    basic(name, &world.state.store.create_token(&viewer, &form).await.unwrap().secret)
}

#[tokio::test]
async fn a_push_that_ends_anywhere_can_be_repeated() {
    let world = World::new().await;
    let owner = token(&world, "ada").await;
    let layer = |number: usize| format!("layer {number}");
    let push = async |number: usize| {
        world.push(&format!("ada/app-{number}"), "1", &owner, layer(number).as_bytes()).await;
    };
    let points = at_every_point(push, async |number| {
        push(number).await;
        let get = async |what: &str| world.get(&format!("/v2/ada/app-{number}/{what}"), &owner).await;
        let manifest = image(layer(number).as_bytes()).to_string();
        assert_eq!(get("manifests/1").await.text(), manifest);
        assert_eq!(get(&format!("blobs/{}", digest(layer(number).as_bytes()))).await.text(), layer(number));
    });
    let points = points.await;
    assert!(points > 10, "{points}");
    nothing_is_left_over(&world, world.now()).await;
}

#[tokio::test]
async fn changes_that_end_anywhere_are_made_wholly_or_not_at_all() {
    let world = World::with(&[("repositories_per_hour", "0"), ("comments_per_hour", "0")]).await;
    let owner = token(&world, "ada").await;
    world.member("bob").await;
    let rest = async |method: Method, path: &str, body: serde_json::Value| -> Answer {
        let path = format!("/api/v1/repositories{path}");
        world.call_with(method, &path, &owner, "application/json", body.to_string()).await
    };
    let change = async |number: usize| {
        let new = json!({ "namespace": "ada", "name": format!("app-{number}"), "visibility": "public" });
        rest(Method::POST, "", new).await;
        let path = format!("/ada/app-{number}");
        rest(Method::PATCH, &path, json!({ "description": "first", "overview": "first" })).await;
        rest(Method::PUT, &format!("{path}/-/star"), json!(null)).await;
        rest(Method::POST, &format!("{path}/-/comments"), json!({ "body": "first" })).await;
        rest(Method::PUT, &format!("{path}/-/collaborators/bob"), json!({ "role": "reader" })).await;
        rest(Method::DELETE, &format!("{path}/-/star"), json!(null)).await;
    };
    let points = at_every_point(change, async |number| {
        let path = format!("/ada/app-{number}");
        let before = rest(Method::GET, &path, json!(null)).await;
        if before.status == StatusCode::OK {
            let fields = before.json();
            assert_eq!(fields["description"] == "first", fields["overview"] == "first", "{fields}");
            let comments = rest(Method::GET, &format!("{path}/-/comments"), json!(null)).await.json();
            let comments = comments["items"].as_array().unwrap().len();
            assert!(comments <= 1, "{comments}");
        }
        // All of it works again, and nothing is counted twice.
        change(number).await;
        let after = rest(Method::GET, &path, json!(null)).await.json();
        assert_eq!((&after["description"], &after["stars"]), (&json!("first"), &json!(0)), "{after}");
        assert!(rest(Method::DELETE, &path, json!(null)).await.status.is_success());
    });
    let points = points.await;
    assert!(points > 10, "{points}");
}

#[tokio::test]
async fn sign_ins_and_searches_that_end_anywhere_hold_up_no_others() {
    let world = World::new().await;
    world.member("ada").await;
    world.member("bob").await;
    let (dropped, other) = (basic("ada", PASSWORD), basic("bob", PASSWORD));
    let read = async |authorization: &str| {
        let mut answers = Vec::new();
        for path in ["/api/v1/user", "/api/v1/search?q=app", "/v1/search?q=app"] {
            answers.push(world.get(path, authorization).await.status);
        }
        answers
    };
    for _ in 0..3 {
        let points = at_every_point(
            async |_| {
                read(&dropped).await;
            },
            // A sign-in that was dropped counts as a failure, but only of its own account.
            async |_| assert_eq!(read(&other).await, [StatusCode::OK; 3]),
        );
        assert!(points.await > 3);
    }
}
