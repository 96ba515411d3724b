//! Tests of two nodes that share a database and a storage. Requests go to them in turn, as a load balancer without
//! affinity sends them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, RANGE, SET_COOKIE};
use http::{Method, Request, StatusCode};
use serde_json::json;
use server::jobs::Jobs;
use store::scratch::Scratch;
use tempfile::TempDir;

use crate::common::{Answer, MANIFEST, Now, PASSWORD, Site, basic, digest, image};

const ROOT: &str = "http://127.0.0.1:5000";
const REST: &str = "/api/v1/repositories/ada/app";
const TAG: &str = "/v2/ada/app/manifests/1";
/// The time after which a change on one node is seen on the other, at the latest.
const LATEST: Duration = Duration::from_secs(1);

/// Two nodes.
struct Nodes {
    sites: [Site; 2],
    jobs: [Jobs; 2],
    sent: AtomicUsize,
    _scratch: Scratch,
    _folder: TempDir,
}

impl Nodes {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(folder.path()).await.unwrap();
        let storage = format!("file://{}", folder.path().join("shared").display());
        let (settings, now) = ([("storage", &*storage)], Now::new());
        let data = ["one", "other"].map(|name| folder.path().join(name));
        let one = Site::open(&data[0], &scratch, &settings, &now).await;
        let other = Site::open(&data[1], &scratch, &settings, &now).await;
        let jobs = [&one, &other].map(|site| Jobs::start(&site.state, &site.opened.system, &site.opened.ledger));
        Self { sites: [one, other], jobs, sent: AtomicUsize::new(0), _scratch: scratch, _folder: folder }
    }

    /// Returns the node whose turn it is.
    fn next(&self) -> &Site {
        &self.sites[self.sent.fetch_add(1, Ordering::SeqCst) % 2]
    }

    async fn call(&self, method: Method, path: &str, authorization: &str, body: impl Into<Body>) -> Answer {
        self.next().call(method, path, authorization, body).await
    }

    async fn get(&self, path: &str, authorization: &str) -> Answer {
        self.call(Method::GET, path, authorization, Body::empty()).await
    }

    async fn rest(&self, method: Method, path: &str, authorization: &str, body: &serde_json::Value) -> Answer {
        self.next().call_with(method, path, authorization, "application/json", body.to_string()).await
    }

    /// Pushes an image with one layer in two chunks.
    async fn push(&self, authorization: &str, layer: &[u8]) {
        for blob in [crate::common::CONFIG, layer] {
            let opened = self.call(Method::POST, "/v2/ada/app/blobs/uploads/", authorization, Body::empty()).await;
            let location = opened.header(LOCATION).to_owned();
            let (first, rest) = blob.split_at(blob.len() / 2);
            let patched = self.call(Method::PATCH, &location, authorization, first.to_vec()).await;
            assert_eq!(patched.status, StatusCode::ACCEPTED, "{patched:?}");
            let standing = self.get(&location, authorization).await;
            assert_eq!(standing.header(RANGE), format!("0-{}", first.len() - 1));
            let closing = format!("{location}?digest={}", digest(blob));
            let closed = self.call(Method::PUT, &closing, authorization, rest.to_vec()).await;
            assert_eq!(closed.status, StatusCode::CREATED, "{closed:?}");
        }
        let manifest = image(layer).to_string();
        let put = self.next().call_with(Method::PUT, TAG, authorization, MANIFEST, manifest).await;
        assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
    }

    /// Sends a form of a page.
    async fn form(&self, action: &str, cookie: &str, form: &str) -> Answer {
        let request = Request::post(format!("/_actions/{action}"))
            .header(HOST, "127.0.0.1:5000")
            .header(ORIGIN, ROOT)
            .header(ACCEPT, "text/html")
            .header(COOKIE, cookie)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.next().send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    async fn page(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header(HOST, "127.0.0.1:5000").header(ACCEPT, "text/html");
        self.next().send(request.header(COOKIE, cookie).body(Body::empty()).unwrap()).await
    }

    async fn bearer(&self, authorization: &str) -> String {
        self.next().bearer_of(authorization, ["repository:ada/app:pull,push,delete"]).await
    }

    /// Asserts that both nodes answer so, within [`LATEST`].
    async fn soon(&self, path: &str, authorization: &str, expected: impl Fn(&Answer) -> bool) {
        let deadline = tokio::time::Instant::now() + LATEST + Duration::from_millis(200);
        loop {
            let answers = [self.get(path, authorization).await, self.get(path, authorization).await];
            if answers.iter().all(&expected) {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{path}: {answers:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn stop(self) {
        for jobs in self.jobs {
            jobs.stop().await;
        }
    }
}

#[tokio::test]
async fn a_push_goes_through_two_nodes_and_is_seen_on_both() {
    let nodes = Nodes::start().await;
    nodes.sites[0].member("ada").await;
    let owner = basic("ada", PASSWORD);
    let bearer = nodes.bearer(&owner).await;
    nodes.push(&bearer, b"the first layer").await;
    for layer in [b"the first layer", b"the other layer"] {
        nodes.push(&bearer, layer).await;
        let manifest = image(layer).to_string();
        nodes.soon(TAG, &bearer, |answer| answer.text() == manifest).await;
        let blob = format!("/v2/ada/app/blobs/{}", digest(layer));
        nodes.soon(&blob, &bearer, |answer| answer.body == layer.as_slice()).await;
    }
    nodes.soon(REST, &owner, |answer| answer.json()["tags"] == json!(1)).await;
    // The first token was issued before there was anything to delete.
    let bearer = nodes.bearer(&owner).await;
    let gone = nodes.call(Method::DELETE, TAG, &bearer, Body::empty()).await;
    assert_eq!(gone.status, StatusCode::ACCEPTED, "{gone:?}");
    nodes.soon(TAG, &bearer, |answer| answer.status == StatusCode::NOT_FOUND).await;
    nodes.stop().await;
}

#[tokio::test]
async fn what_is_hidden_on_one_node_is_hidden_on_the_other() {
    let nodes = Nodes::start().await;
    nodes.sites[0].member("ada").await;
    nodes.sites[1].member("bob").await;
    let (owner, reader) = (basic("ada", PASSWORD), basic("bob", PASSWORD));
    nodes.push(&nodes.bearer(&owner).await, b"layer").await;
    let found = |answer: &Answer| answer.status == StatusCode::OK;
    let hidden = |answer: &Answer| answer.status.is_client_error();
    let change = async |method, path: &str, body| {
        let answer = nodes.rest(method, path, &owner, &body).await;
        assert!(answer.status.is_success(), "{answer:?}");
    };
    for _ in 0..2 {
        change(Method::PATCH, REST, json!({ "visibility": "public" })).await;
        for path in [REST, TAG, "/r/ada/app"] {
            nodes.soon(path, "", found).await;
        }
        nodes.soon("/api/v1/search?q=app", "", |answer| answer.json()["total"] == json!(1)).await;
        change(Method::PATCH, REST, json!({ "visibility": "private" })).await;
        for path in [REST, TAG, "/r/ada/app"] {
            nodes.soon(path, "", hidden).await;
        }
        nodes.soon("/api/v1/search?q=app", "", |answer| answer.json()["total"] == json!(0)).await;
        let collaborator = format!("{REST}/-/collaborators/bob");
        change(Method::PUT, &collaborator, json!({ "role": "reader" })).await;
        nodes.soon(TAG, &nodes.bearer(&reader).await, found).await;
        change(Method::DELETE, &collaborator, json!(null)).await;
        nodes.soon(REST, &reader, hidden).await;
        nodes.soon(TAG, &nodes.bearer(&reader).await, hidden).await;
    }
    nodes.stop().await;
}

#[tokio::test]
async fn sessions_and_tokens_are_good_on_both_nodes_and_end_on_both() {
    let nodes = Nodes::start().await;
    nodes.sites[0].member("ada").await;
    let signed_in = nodes.form("session/signin", "", &format!("name=ada&password={PASSWORD}&next=/")).await;
    let cookie = signed_in.header(SET_COOKIE).split(';').next().unwrap().to_owned();
    for _ in 0..2 {
        let page = nodes.page("/settings/tokens", &cookie).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
    }
    let created = nodes.form("repositories/create", &cookie, "namespace=ada&name=app&visibility=public").await;
    assert_eq!(created.status, StatusCode::SEE_OTHER, "{created:?}");
    let posted = nodes.form("comments/post", &cookie, "path=ada/app&body=written+on+one+node").await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER, "{posted:?}");
    for _ in 0..2 {
        assert!(nodes.page("/r/ada/app/-/comments", &cookie).await.text().contains("written on one node"));
    }
    let form = json!({ "label": "ci", "scopes": ["ada/app:pull,push"] });
    let token = nodes.rest(Method::POST, "/api/v1/user/tokens", &basic("ada", PASSWORD), &form).await.json();
    let secret = basic("ada", token["token"].as_str().unwrap());
    nodes.push(&secret, b"layer").await;
    let revoke = format!("/api/v1/user/tokens/{}", token["id"]);
    let revoked = nodes.call(Method::DELETE, &revoke, &basic("ada", PASSWORD), Body::empty()).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT, "{revoked:?}");
    nodes.soon(TAG, &secret, |answer| answer.status == StatusCode::UNAUTHORIZED).await;
    nodes.form("session/signout", &cookie, "").await;
    for _ in 0..2 {
        let page = nodes.page("/settings/tokens", &cookie).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    }
    nodes.stop().await;
}
