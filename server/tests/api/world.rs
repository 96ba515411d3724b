//! A hub in a temporary folder, and helpers for accounts and REST requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use model::clock::{Clock, Timestamp};
use serde_json::{Value, json};
use server::cli::{OpenedHub, open};
use server::config::Config;
use store::scratch::Scratch;
use tempfile::TempDir;
use tower::ServiceExt as _;

/// The password of all accounts.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The start of the tests' clock: 2026-11-22T10:00:00Z, in microseconds.
const NOW: i64 = 1_795_341_600_000_000;

pub(crate) struct World {
    pub(crate) hub: OpenedHub,
    router: Router,
    time: Arc<AtomicI64>,
    _scratch: Scratch,
    _folder: TempDir,
}

/// A caller, by the credentials they send.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    Nobody,
    Token(String),
    Password(&'static str, &'static str),
    Header(String),
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the status and code of an error response.
    pub(crate) fn refusal(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", String::from_utf8_lossy(&self.bytes));
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        (self.status.as_u16(), body["code"].as_str().unwrap().to_owned())
    }

    /// Checks the status and returns the JSON body; null if the body is empty.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.bytes));
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &[(&'static str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(folder.path()).await.unwrap();
        let data = ("data", folder.path().display().to_string());
        let mut flags = BTreeMap::from([data, ("database", scratch.url().to_owned())]);
        flags.extend(settings.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let time = Arc::new(AtomicI64::new(NOW));
        let told = Arc::clone(&time);
        let clock = Clock::new(move || Timestamp::from_micros(told.fetch_add(1_000, Ordering::Relaxed)));
        let config = Config::resolve(flags, [], None).unwrap();
        let hub = open(config, clock).await.unwrap();
        let router = server::api::router(hub.state.clone());
        Self { hub, router, time, _scratch: scratch, _folder: folder }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.time.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.time.load(Ordering::Relaxed))
    }

    /// Creates an account and an unrestricted token for it.
    pub(crate) async fn person(&self, name: &'static str) -> Caller {
        let form = json!({"name": name, "email": format!("{name}@mail.example"), "password": PASSWORD});
        self.call("POST", "/users", &Caller::Nobody, Some(form)).await.expect(201);
        self.token(&Caller::Password(name, PASSWORD), json!({"label": "test"})).await
    }

    pub(crate) async fn token(&self, owner: &Caller, form: Value) -> Caller {
        let token = self.call("POST", "/user/tokens", owner, Some(form)).await.expect(201);
        Caller::Token(token["token"].as_str().unwrap().to_owned())
    }

    /// Creates a repository at `namespace/name`.
    pub(crate) async fn repository(&self, owner: &Caller, path: &str, visibility: &str) -> Value {
        let (namespace, name) = path.split_once('/').unwrap();
        let form = json!({"namespace": namespace, "name": name, "visibility": visibility});
        self.call("POST", "/repositories", owner, Some(form)).await.expect(201)
    }

    pub(crate) async fn get(&self, path: &str, caller: &Caller) -> Answer {
        self.call("GET", path, caller, None).await
    }

    pub(crate) async fn call(&self, method: &str, path: &str, caller: &Caller, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string());
        self.send(method, path, caller, body.is_some().then_some("application/json"), body.unwrap_or_default()).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        caller: &Caller,
        kind: Option<&str>,
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        if let Some(credentials) = header(caller) {
            request = request.header(AUTHORIZATION, credentials);
        }
        self.answer(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }
}

fn header(caller: &Caller) -> Option<String> {
    match caller {
        Caller::Nobody => None,
        Caller::Token(secret) => Some(format!("Bearer {secret}")),
        Caller::Password(name, password) => Some(format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))),
        Caller::Header(value) => Some(value.clone()),
    }
}
