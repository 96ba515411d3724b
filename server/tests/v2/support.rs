//! A hub in a temporary folder with a few people, and requests to it.

use std::collections::BTreeMap;
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
use model::oci::RepositoryName;
use model::repository::NewRepository;
use model::role::{Role, Visibility};
use serde_json::{Value, json};
use server::cli;
use server::config::Config;
use server::router::Hub;
use server::state::State;
use sha2::{Digest as _, Sha256};
use store::access::{Manage, Viewer};
use tempfile::TempDir;
use tower::ServiceExt as _;

pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The hub and the time it lives in.
pub(crate) struct World {
    pub(crate) state: State,
    hub: Hub,
    now: Arc<AtomicI64>,
    _folder: TempDir,
}

/// An answer with its body read.
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

    /// The answer as a client can compare it: all of it but what changes with every request.
    pub(crate) fn comparable(mut self) -> Self {
        self.headers.remove("x-request-id");
        self.headers.remove("date");
        self
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &[(&'static str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut flags: BTreeMap<&'static str, String> =
            settings.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        flags.insert("data", folder.path().display().to_string());
        let now = Arc::new(AtomicI64::new(1_767_225_600_000_000));
        let told = Arc::clone(&now);
        let clock = Clock::new(move || Timestamp::from_micros(told.load(Ordering::SeqCst)));
        let opened = cli::open(Config::resolve(flags, [], None).unwrap(), clock).await.unwrap();
        Self { state: opened.state, hub: opened.hub, now, _folder: folder }
    }

    /// Lets time pass for the hub.
    pub(crate) fn later(&self, by: Duration) {
        self.now.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) async fn member(&self, name: &str) -> Viewer {
        let form = SignUp {
            name: name.to_owned(),
            email: format!("{name}@example.com"),
            password: PASSWORD.to_owned(),
            invitation: None,
        };
        self.state.store.sign_up(&form, Registration::Open).await.unwrap()
    }

    pub(crate) async fn repository(&self, owner: &Viewer, path: &str, visibility: Visibility) {
        let (namespace, name) = path.split_once('/').unwrap();
        let form = NewRepository {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            visibility: Some(visibility),
        };
        self.state.store.create_repository(owner, &form).await.unwrap();
    }

    pub(crate) async fn share(&self, owner: &Viewer, path: &str, with: &str, role: Option<Role>) {
        let path = RepositoryName::parse(path).unwrap();
        let permit = self.state.store.permit::<Manage>(owner, &path).await.unwrap();
        match role {
            Some(role) => self.state.store.set_collaborator(&permit, with, role).await.unwrap(),
            None => self.state.store.remove_collaborator(&permit, with).await.unwrap(),
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.hub.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// A request with an `Authorization` header where one is given.
    pub(crate) async fn call(&self, method: Method, path: &str, authorization: &str, body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "127.0.0.1:5000");
        if !authorization.is_empty() {
            request = request.header(AUTHORIZATION, authorization);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, authorization: &str) -> Answer {
        self.call(Method::GET, path, authorization, Body::empty()).await
    }

    pub(crate) async fn form(&self, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header(HOST, "127.0.0.1:5000")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.send(request).await
    }

    /// A token's `Authorization` for these scopes; for nobody when the name is empty.
    pub(crate) async fn bearer(&self, name: &str, scopes: &str) -> String {
        let scopes = scopes.split_ascii_whitespace().flat_map(|scope| ["&scope=", scope]).collect::<String>();
        let authorization = if name.is_empty() { String::new() } else { basic(name, PASSWORD) };
        let answer = self.get(&format!("/token?service=portolan{scopes}"), &authorization).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        format!("Bearer {}", answer.json()["token"].as_str().unwrap())
    }

    /// Pushes an image of one layer; its manifest's digest.
    pub(crate) async fn push(&self, path: &str, tag: &str, authorization: &str, layer: &[u8]) -> String {
        let config = br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{}}"#;
        let (config_digest, layer_digest) =
            (self.push_blob(path, authorization, config).await, self.push_blob(path, authorization, layer).await);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config_digest, "size": config.len(),
            },
            "layers": [{
                "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer_digest, "size": layer.len(),
            }],
        });
        let request = Request::put(format!("/v2/{path}/manifests/{tag}"))
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, MANIFEST)
            .body(Body::from(manifest.to_string()))
            .unwrap();
        let answer = self.send(request).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.header("docker-content-digest").to_owned()
    }

    pub(crate) async fn push_blob(&self, path: &str, authorization: &str, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        let opened = self.call(Method::POST, &format!("/v2/{path}/blobs/uploads/"), authorization, Body::empty()).await;
        assert_eq!(opened.status, StatusCode::ACCEPTED, "{opened:?}");
        let location = opened.header(LOCATION);
        let join = if location.contains('?') { '&' } else { '?' };
        let closed =
            self.call(Method::PUT, &format!("{location}{join}digest={digest}"), authorization, bytes.to_vec()).await;
        assert_eq!(closed.status, StatusCode::CREATED, "{closed:?}");
        digest
    }
}

pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(bytes)))
}
