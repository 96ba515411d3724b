//! A hub with its own database and folder that is driven in memory, and helpers for requests and responses.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use model::account::{Registration, SignUp};
use model::clock::{Clock, Timestamp};
use serde_json::{Value, json};
use server::cli::{self, OpenedHub};
use server::config::Config;
use server::http::caller::Peer;
use server::state::State;
use sha2::{Digest as _, Sha256};
use store::access::Viewer;
use store::scratch::Scratch;
use tower::ServiceExt as _;

/// The password of all accounts.
pub(crate) const PASSWORD: &str = "correct-horse-battery-staple";
/// The media type of the pushed images.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The config of the pushed images.
pub(crate) const CONFIG: &[u8] =
    br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{}}"#;

/// The hub's clock in microseconds, which tests advance.
#[derive(Clone, Debug)]
pub(crate) struct Now(Arc<AtomicI64>);

impl Now {
    /// 2026-01-01T00:00:00Z.
    pub(crate) const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(Self::START.micros())))
    }

    pub(crate) fn later(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let told = Arc::clone(&self.0);
        Clock::new(move || Timestamp::from_micros(told.load(Ordering::SeqCst)))
    }
}

/// A response with its whole body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// An open hub.
pub(crate) struct Site {
    pub(crate) state: State,
    pub(crate) opened: OpenedHub,
}

impl Site {
    pub(crate) async fn open(folder: &Path, scratch: &Scratch, settings: &[(&'static str, &str)], now: &Now) -> Self {
        let data = ("data", folder.display().to_string());
        let mut flags = BTreeMap::from([data, ("database", scratch.url().to_owned())]);
        flags.extend(settings.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let opened = cli::open(Config::resolve(flags, [], None).unwrap(), now.clock()).await.unwrap();
        Self { state: opened.state.clone(), opened }
    }

    /// Sends a request, from this machine unless it has another peer.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        if request.extensions().get::<Peer>().is_none() {
            request.extensions_mut().insert(Peer(([127, 0, 0, 1], 40_000).into()));
        }
        let (parts, body) = self.opened.hub.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request with an `Authorization` and a content type, unless they are empty.
    pub(crate) async fn call_with(
        &self,
        method: Method,
        path: &str,
        authorization: &str,
        kind: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "127.0.0.1:5000");
        for (name, value) in [(AUTHORIZATION, authorization), (CONTENT_TYPE, kind)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, authorization: &str, body: impl Into<Body>) -> Answer {
        self.call_with(method, path, authorization, "", body).await
    }

    pub(crate) async fn member(&self, name: &str) -> Viewer {
        self.state.store.sign_up(&sign_up(name), Registration::Open).await.unwrap()
    }

    /// Gets a token for these scopes from the token service and returns it as an `Authorization` header.
    pub(crate) async fn bearer_of(
        &self,
        authorization: &str,
        scopes: impl IntoIterator<Item = impl Display>,
    ) -> String {
        let scopes = scopes.into_iter().fold(String::new(), |text, scope| format!("{text}&scope={scope}"));
        let asked = format!("/token?service=portolan{scopes}");
        let answer = self.call(Method::GET, &asked, authorization, Body::empty()).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        format!("Bearer {}", answer.json()["token"].as_str().unwrap())
    }

    /// Pushes an image with one layer and returns the manifest's digest.
    pub(crate) async fn push(&self, path: &str, tag: &str, authorization: &str, layer: &[u8]) -> String {
        for blob in [CONFIG, layer] {
            self.push_blob(path, authorization, blob).await;
        }
        let (target, manifest) = (format!("/v2/{path}/manifests/{tag}"), image(layer).to_string());
        let answer = self.call_with(Method::PUT, &target, authorization, MANIFEST, manifest).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.header("docker-content-digest").to_owned()
    }

    /// Opens an upload session and returns its location.
    pub(crate) async fn open_upload(&self, path: &str, authorization: &str) -> String {
        let opened = self.call(Method::POST, &format!("/v2/{path}/blobs/uploads/"), authorization, Body::empty()).await;
        assert_eq!(opened.status, StatusCode::ACCEPTED, "{opened:?}");
        opened.header(LOCATION).to_owned()
    }

    /// Pushes a blob and returns its digest.
    pub(crate) async fn push_blob(&self, path: &str, authorization: &str, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        let location = self.open_upload(path, authorization).await;
        let join = if location.contains('?') { '&' } else { '?' };
        let closing = format!("{location}{join}digest={digest}");
        let closed = self.call(Method::PUT, &closing, authorization, bytes.to_vec()).await;
        assert_eq!(closed.status, StatusCode::CREATED, "{closed:?}");
        digest
    }
}

/// Returns the manifest of an image with one layer.
pub(crate) fn image(layer: &[u8]) -> Value {
    let descriptor =
        |kind: &str, bytes: &[u8]| json!({ "mediaType": kind, "digest": digest(bytes), "size": bytes.len() });
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", CONFIG),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
    })
}

pub(crate) fn sign_up(name: &str) -> SignUp {
    SignUp {
        name: name.to_owned(),
        email: format!("{name}@mail.example"),
        password: PASSWORD.to_owned(),
        invitation: None,
    }
}

pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(bytes)))
}
