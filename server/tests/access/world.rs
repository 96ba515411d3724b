//! A hub with its people and repositories, made once and copied for whoever wants to break it, and requests to it.
//! It refuses to know what the answers should be.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, REFERER, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use model::account::{Registration, SignUp};
use model::clock::{Clock, Timestamp};
use model::comment::NewComment;
use model::oci::RepositoryName;
use model::repository::NewRepository;
use model::role::{Role, Visibility};
use model::token::NewToken;
use serde_json::{Value, json};
use server::cli;
use server::config::Config;
use server::router::Hub;
use server::search::follow;
use server::state::State;
use sha2::{Digest as _, Sha256};
use store::access::{Comment, Manage, Viewer};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::probes::{About, Probe, Sent};

/// The four columns: a repository of each visibility and one that is not there. Their names are of equal length, so that
/// nothing hides behind a length.
pub(crate) const COLUMNS: [(&str, &str); 4] = [
    ("public", "owner/publicly"),
    ("internal", "owner/internal"),
    ("private", "owner/secretly"),
    ("missing", "owner/absentee"),
];
/// The path of the private repository.
pub(crate) const PRIVATE: &str = COLUMNS[2].1;
/// The path at which nothing is.
pub(crate) const MISSING: &str = COLUMNS[3].1;

/// What the private repository's texts say, and nobody else's.
pub(crate) const WHISPER: &str = "whispered";

const PASSWORD: &str = "correct-horse-battery-staple";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &[u8] = br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{}}"#;
const LAYER: &[u8] = b"layer";
const ROOT: &str = "http://127.0.0.1:5000";
const START: i64 = 1_767_225_600_000_000;
const HOUR: Duration = Duration::from_hours(1);

/// Somebody who asks, and all that they can bring.
#[derive(Clone, Debug, Default)]
pub(crate) struct Actor {
    pub(crate) name: &'static str,
    /// Whose credentials they bring; nobody's when empty.
    account: &'static str,
    /// The cookie of their session.
    pub(crate) cookie: String,
    /// Their personal access token.
    secret: String,
    /// Their tokens of the token service as `Authorization`, by repository; for the catalog under the empty path.
    bearers: BTreeMap<&'static str, String>,
    /// Whether they differ from somebody else only before the engine.
    pub(crate) engine_only: bool,
}

/// An answer with its body read.
#[derive(Clone, Debug)]
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

/// One hub, open.
pub(crate) struct World {
    pub(crate) state: State,
    hub: Hub,
    folder: TempDir,
}

impl World {
    async fn open(folder: TempDir, now: &Arc<AtomicI64>) -> Self {
        let flags = BTreeMap::from([("data", folder.path().display().to_string())]);
        let told = Arc::clone(now);
        let clock = Clock::new(move || Timestamp::from_micros(told.load(Ordering::SeqCst)));
        let opened = cli::open(Config::resolve(flags, [], None).unwrap(), clock).await.unwrap();
        Self { state: opened.state, hub: opened.hub, folder }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.hub.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn call(&self, method: &str, path: &str, authorization: &str, kind: &str, body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(HOST, "127.0.0.1:5000");
        if !authorization.is_empty() {
            request = request.header(AUTHORIZATION, authorization);
        }
        if !kind.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn member(&self, name: &str) -> Viewer {
        self.state.store.sign_up(&sign_up(name), Registration::Open).await.unwrap()
    }

    async fn token(&self, of: &Viewer, scopes: &[&str], expires_at: Option<Timestamp>) -> (i64, String) {
        let scopes = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
        let form = NewToken { label: "token".to_owned(), scopes, expires_at };
        let made = self.state.store.create_token(of, &form).await.unwrap();
        (made.token.id.0, made.secret)
    }

    async fn session(&self, name: &str) -> String {
        let request = Request::post("/_actions/session/signin")
            .header(HOST, "127.0.0.1:5000")
            .header(ORIGIN, ROOT)
            .header(ACCEPT, "text/html")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("name={name}&password={PASSWORD}&next=/")))
            .unwrap();
        let answer = self.send(request).await;
        let cookie = answer.header(SET_COOKIE).split(';').next().unwrap().to_owned();
        assert!(answer.status == StatusCode::SEE_OTHER && !cookie.is_empty(), "{answer:?}");
        cookie
    }

    /// An `Authorization` for these scopes, got from the token service.
    async fn bearer(&self, account: &str, secret: &str, scopes: &[String]) -> String {
        let scopes = scopes.iter().fold(String::new(), |text, scope| format!("{text}&scope={scope}"));
        let authorization = if secret.is_empty() { String::new() } else { basic(account, secret) };
        let answer = self.call("GET", &format!("/token?service=portolan{scopes}"), &authorization, "", "").await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        format!("Bearer {}", answer.json()["token"].as_str().unwrap())
    }

    /// Gives an actor all the tokens that they may want.
    async fn furnish(&self, mut actor: Actor) -> Actor {
        let home = actor.home();
        for (_, path) in COLUMNS {
            let scopes =
                [format!("repository:{path}:pull,push,delete"), format!("repository:{home}/vessel:pull,push,delete")];
            actor.bearers.insert(path, self.bearer(actor.account, &actor.secret, &scopes).await);
        }
        let catalog = ["registry:catalog:*".to_owned()];
        actor.bearers.insert("", self.bearer(actor.account, &actor.secret, &catalog).await);
        actor
    }

    async fn push_blob(&self, path: &str, authorization: &str, bytes: &'static [u8]) -> String {
        let digest = digest(bytes);
        let open = format!("/v2/{path}/blobs/uploads/?digest={digest}");
        let answer = self.call("POST", &open, authorization, "application/octet-stream", bytes).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        digest
    }
}

impl Actor {
    /// The namespace in which they may make what they like, if anywhere.
    fn home(&self) -> &'static str {
        if self.account.is_empty() { "stranger" } else { self.account }
    }
}

/// What the requests name besides repositories.
struct Known {
    comments: BTreeMap<&'static str, i64>,
    uploads: BTreeMap<&'static str, String>,
    token: i64,
}

/// The hub as it is before anybody asks anything, and everybody who will.
pub(crate) struct Snapshot {
    /// Kept open and left alone, so that its files stay as they are while they are copied.
    template: World,
    now: Arc<AtomicI64>,
    pub(crate) actors: Vec<Actor>,
    known: Known,
}

impl Snapshot {
    pub(crate) async fn make() -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let world = World::open(folder(), &now).await;
        let store = &world.state.store;
        let system = store.system("test");
        let mut viewers = BTreeMap::new();
        for name in ["owner", "maintainer", "writer", "reader", "stranger"] {
            viewers.insert(name, world.member(name).await);
        }
        store.create_account(&system, &sign_up("operator"), true).await.unwrap();
        viewers.insert("operator", store.act_for(&system, "operator").await.unwrap());
        let owner = &viewers["owner"];

        let mut named = Vec::new();
        for name in ["stranger", "reader", "writer", "maintainer", "owner", "operator"] {
            let secret = world.token(&viewers[name], &[], None).await.1;
            let cookie = world.session(name).await;
            named.push(Actor { name, account: name, cookie, secret, ..Actor::default() });
        }
        let known = repositories(&world, &viewers, &named[4].secret).await;
        let soon = Timestamp::from_micros(START).plus(HOUR);
        let expired = world.token(owner, &[], Some(soon)).await.1;
        let elsewhere = world.token(owner, &["owner/elsewhere:pull,push,delete,manage"], None).await.1;
        let (token, pull_only) = world.token(owner, &["owner/*:pull"], None).await;
        let of_owner = |name, secret| Actor { name, account: "owner", secret, ..Actor::default() };
        let expired = world.furnish(of_owner("expired", expired)).await;
        now.fetch_add(i64::try_from((2 * HOUR).as_micros()).unwrap(), Ordering::SeqCst);

        let anonymous = Actor { name: "anonymous", ..Actor::default() };
        let tokened = Actor { name: "anonymous-token", engine_only: true, ..Actor::default() };
        let mut actors = vec![anonymous, world.furnish(tokened).await, expired];
        actors.push(world.furnish(of_owner("elsewhere", elsewhere)).await);
        for actor in named {
            // Before the engine a personal access token may also stand for itself.
            if actor.name == "stranger" || actor.name == "owner" {
                let name = if actor.name == "stranger" { "stranger-secret" } else { "owner-secret" };
                actors.push(Actor { name, engine_only: true, ..actor.clone() });
            }
            actors.push(world.furnish(actor).await);
        }
        actors.push(world.furnish(of_owner("pull-only", pull_only)).await);
        follow::catch_up(&world.state.search, store).await.unwrap();
        Self { template: world, now, actors, known: Known { token, ..known } }
    }

    /// A hub of one's own, just as this one.
    pub(crate) async fn open(&self) -> World {
        let folder = folder();
        copy(self.template.folder.path(), folder.path());
        World::open(folder, &self.now).await
    }

    pub(crate) fn state(&self) -> &State {
        &self.template.state
    }

    /// The request of a probe by an actor about a repository.
    pub(crate) fn request(&self, probe: &Probe, actor: &Actor, path: &'static str) -> Request<Body> {
        let fill = |text: &str| self.fill(text, actor, path);
        let mut request = Request::builder().method(probe.method).uri(fill(probe.path)).header(HOST, "127.0.0.1:5000");
        let engine = probe.path.starts_with("/v2");
        let browser = matches!(probe.sent, Sent::Page | Sent::Form(_) | Sent::Script(_));
        let by_cookie = browser && !actor.cookie.is_empty();
        let authorization = if probe.path.starts_with("/token") && !actor.secret.is_empty() {
            basic(actor.account, &actor.secret)
        } else if engine && !actor.bearers.is_empty() {
            actor.bearers[if probe.about == About::Repository { path } else { "" }].clone()
        } else if !actor.secret.is_empty() && !by_cookie {
            format!("Bearer {}", actor.secret)
        } else {
            String::new()
        };
        if !authorization.is_empty() {
            request = request.header(AUTHORIZATION, authorization);
        }
        if by_cookie {
            request = request.header(COOKIE, &actor.cookie);
        }
        let (accept, kind, body) = match probe.sent {
            Sent::Nothing => ("", "", String::new()),
            Sent::Page => ("text/html", "", String::new()),
            Sent::Form(form) => ("text/html", "application/x-www-form-urlencoded", fill(form)),
            Sent::Script(form) => ("application/json", "application/x-www-form-urlencoded", fill(form)),
            Sent::Json(json) => ("application/json", "application/json", fill(json)),
            Sent::Bytes => ("", "application/octet-stream", String::from_utf8_lossy(LAYER).into_owned()),
            Sent::Manifest => ("", MANIFEST, manifest().to_string()),
        };
        for (name, value) in [(ACCEPT, accept), (CONTENT_TYPE, kind)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        if matches!(probe.sent, Sent::Form(_) | Sent::Script(_)) {
            request = request.header(ORIGIN, ROOT).header(REFERER, format!("{ROOT}/came/from"));
        }
        request.body(Body::from(body)).unwrap()
    }

    fn fill(&self, text: &str, actor: &Actor, path: &'static str) -> String {
        // What belongs to no repository is asked for by what belongs to the private one.
        let known = if path == MISSING { PRIVATE } else { path };
        let name = path.split('/').nth(1).unwrap_or_default();
        [
            ("{path}", path),
            ("{name}", name),
            ("{tag}", "1"),
            ("{digest}", &digest(manifest().to_string().as_bytes())),
            ("{layer}", &digest(LAYER)),
            ("{upload}", self.known.uploads.get(known).map_or("", String::as_str)),
            ("{comment}", &self.known.comments.get(known).map_or(String::new(), ToString::to_string)),
            ("{token}", &self.known.token.to_string()),
            ("{home}", actor.home()),
            ("{account}", actor.account),
            ("{secret}", &actor.secret),
            ("{password}", PASSWORD),
        ]
        .into_iter()
        .fold(text.to_owned(), |text, (key, value)| text.replace(key, value))
    }
}

/// Makes the three repositories: each with a tag, a comment by its reader, an upload under way, and people of every role.
async fn repositories(world: &World, viewers: &BTreeMap<&str, Viewer>, secret: &str) -> Known {
    let (store, owner) = (&world.state.store, &viewers["owner"]);
    let mut known = Known { comments: BTreeMap::new(), uploads: BTreeMap::new(), token: 0 };
    for ((_, path), visibility) in
        COLUMNS.into_iter().zip([Visibility::Public, Visibility::Internal, Visibility::Private])
    {
        let said = if path == PRIVATE { WHISPER } else { "spoken" };
        let form = NewRepository {
            namespace: "owner".to_owned(),
            name: path.trim_start_matches("owner/").to_owned(),
            description: said.to_owned(),
            visibility: Some(visibility),
        };
        store.create_repository(owner, &form).await.unwrap();
        let name = RepositoryName::parse(path).unwrap();
        let permit = store.permit::<Manage>(owner, &name).await.unwrap();
        for (whom, role) in [("reader", Role::Reader), ("writer", Role::Writer), ("maintainer", Role::Maintainer)] {
            store.set_collaborator(&permit, whom, role).await.unwrap();
        }
        let permit = store.permit::<Comment>(&viewers["reader"], &name).await.unwrap();
        let form = NewComment { body: said.to_owned(), parent: None, tag: None };
        known.comments.insert(path, store.post_comment(&permit, &form).await.unwrap().id.0);

        let authorization = format!("Bearer {secret}");
        for bytes in [CONFIG, LAYER] {
            world.push_blob(path, &authorization, bytes).await;
        }
        let tag = format!("/v2/{path}/manifests/1");
        let answer = world.call("PUT", &tag, &authorization, MANIFEST, manifest().to_string()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let answer = world.call("POST", &format!("/v2/{path}/blobs/uploads/"), &authorization, "", "").await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        known.uploads.insert(path, answer.header(LOCATION).rsplit('/').next().unwrap().to_owned());
    }
    known
}

fn manifest() -> Value {
    let (config, layer) = ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar");
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": { "mediaType": config, "digest": digest(CONFIG), "size": CONFIG.len() },
        "layers": [{ "mediaType": layer, "digest": digest(LAYER), "size": LAYER.len() }],
    })
}

fn sign_up(name: &str) -> SignUp {
    SignUp {
        name: name.to_owned(),
        email: format!("{name}@mail.example"),
        password: PASSWORD.to_owned(),
        invitation: None,
    }
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(bytes)))
}

/// An empty folder, in memory where there is one: nothing here has to outlive a power cut, and waiting for disks is most of
/// what these tests would do.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Copies a folder, without what processes keep in it for themselves.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let told = name.to_string_lossy();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(&name));
        } else if !told.ends_with("-shm") && !told.ends_with(".lock") {
            fs::copy(entry.path(), to.join(&name)).unwrap();
        }
    }
}
