//! A hub with accounts and repositories, which is created once and copied for requests that change it.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN, REFERER, SET_COOKIE};
use http::{Request, StatusCode};
use model::account::{NewInvitation, Registration};
use model::clock::Timestamp;
use model::comment::NewComment;
use model::oci::RepositoryName;
use model::repository::NewRepository;
use model::role::{Role, Visibility};
use model::token::NewToken;
use server::search::follow;
use server::state::State;
use store::access::{Comment, Manage, Viewer};
use store::scratch::Scratch;
use tempfile::TempDir;

use crate::common::{MANIFEST, Now, PASSWORD, Site, basic, digest, image, sign_up};
use crate::probes::{Probe, ProbeBody, ProbeSubject};

/// The four columns of the table: a repository of each visibility, and a missing one. Their paths have the same length,
/// so that the lengths of responses can be compared.
pub(crate) const COLUMNS: [(&str, &str); 4] = [
    ("public", "owner/publicly"),
    ("internal", "owner/internal"),
    ("private", "owner/secretly"),
    ("missing", "owner/absentee"),
];
/// The path of the private repository.
pub(crate) const PRIVATE: &str = COLUMNS[2].1;
/// The path of the missing repository.
pub(crate) const MISSING: &str = COLUMNS[3].1;

/// A word that only occurs in the texts of the private repository.
pub(crate) const WHISPER: &str = "whispered";

const LAYER: &[u8] = b"layer";
const ROOT: &str = "http://127.0.0.1:5000";
const HOUR: Duration = Duration::from_hours(1);

/// A caller with all their credentials.
#[derive(Clone, Debug, Default)]
pub(crate) struct Actor {
    pub(crate) name: &'static str,
    /// The account that the credentials belong to; empty if there are none.
    account: &'static str,
    /// The session's cookie.
    pub(crate) cookie: String,
    /// The personal access token.
    secret: String,
    /// Tokens of the token service as `Authorization` headers, by repository; the one for the catalog has an empty
    /// path.
    bearers: BTreeMap<&'static str, String>,
    /// Whether this actor is only used with the engine, because elsewhere it is the same as another actor.
    pub(crate) engine_only: bool,
}

/// An open hub and its folder.
pub(crate) struct World {
    site: Site,
    scratch: Scratch,
    folder: TempDir,
}

impl Deref for World {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl World {
    async fn open(folder: TempDir, scratch: Scratch, now: &Now) -> Self {
        Self { site: Site::open(folder.path(), &scratch, &[], now).await, scratch, folder }
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

    /// Gets all tokens of the token service that an actor needs.
    async fn furnish(&self, mut actor: Actor) -> Actor {
        let home = actor.home();
        let secret = if actor.secret.is_empty() { String::new() } else { basic(actor.account, &actor.secret) };
        for (_, path) in COLUMNS {
            let scopes =
                [format!("repository:{path}:pull,push,delete"), format!("repository:{home}/vessel:pull,push,delete")];
            actor.bearers.insert(path, self.bearer_of(&secret, scopes).await);
        }
        actor.bearers.insert("", self.bearer_of(&secret, ["registry:catalog:*"]).await);
        actor
    }
}

impl Actor {
    /// The namespace in which the actor creates repositories; an anonymous actor tries that of `stranger`.
    fn home(&self) -> &'static str {
        if self.account.is_empty() { "stranger" } else { self.account }
    }
}

/// The ids in requests.
struct SampleIds {
    comments: BTreeMap<&'static str, i64>,
    uploads: BTreeMap<&'static str, String>,
    token: i64,
    invitation: String,
}

/// The hub before any request, and all actors.
pub(crate) struct Snapshot {
    /// Stays open and unused, so that its files do not change while they are copied.
    template: World,
    now: Now,
    pub(crate) actors: Vec<Actor>,
    known: SampleIds,
}

impl Snapshot {
    pub(crate) async fn make() -> Self {
        let now = Now::new();
        let folder = folder();
        let scratch = Scratch::new(folder.path()).await.unwrap();
        let world = World::open(folder, scratch, &now).await;
        let store = &world.state.store;
        let (system, operator) = (&world.opened.system, world.opened.system.viewer("test"));
        let mut viewers = BTreeMap::new();
        for name in ["owner", "maintainer", "writer", "reader", "stranger"] {
            viewers.insert(name, world.member(name).await);
        }
        store.create_account(&operator, &sign_up("operator"), true).await.unwrap();
        viewers.insert("operator", store.act_for(system, "operator").await.unwrap());
        let owner = &viewers["owner"];
        let form = NewInvitation::default();
        let (invitation, _) = store.invite(&operator, &form, Registration::Open).await.unwrap();

        let mut named = Vec::new();
        for name in ["stranger", "reader", "writer", "maintainer", "owner", "operator"] {
            let secret = world.token(&viewers[name], &[], None).await.1;
            let cookie = world.session(name).await;
            named.push(Actor { name, account: name, cookie, secret, ..Actor::default() });
        }
        let known = repositories(&world, &viewers, &named[4].secret).await;
        let soon = Now::START.plus(HOUR);
        let expired = world.token(owner, &[], Some(soon)).await.1;
        let elsewhere = world.token(owner, &["owner/elsewhere:pull,push,delete,manage"], None).await.1;
        let (token, pull_only) = world.token(owner, &["owner/*:pull"], None).await;
        let of_owner = |name, secret| Actor { name, account: "owner", secret, ..Actor::default() };
        let expired = world.furnish(of_owner("expired", expired)).await;
        now.later(2 * HOUR);

        let anonymous = Actor { name: "anonymous", ..Actor::default() };
        let tokened = Actor { name: "anonymous-token", engine_only: true, ..Actor::default() };
        let mut actors = vec![anonymous, world.furnish(tokened).await, expired];
        actors.push(world.furnish(of_owner("elsewhere", elsewhere)).await);
        for actor in named {
            // The engine also accepts a personal access token in place of a token of the token service.
            if actor.name == "stranger" || actor.name == "owner" {
                let name = if actor.name == "stranger" { "stranger-secret" } else { "owner-secret" };
                actors.push(Actor { name, engine_only: true, ..actor.clone() });
            }
            actors.push(world.furnish(actor).await);
        }
        actors.push(world.furnish(of_owner("pull-only", pull_only)).await);
        store.settle_events(system).await.unwrap();
        follow::catch_up(&world.state.search, system).await.unwrap();
        Self { template: world, now, actors, known: SampleIds { token, invitation: invitation.id, ..known } }
    }

    /// Opens a copy of the hub.
    pub(crate) async fn open(&self) -> World {
        let folder = folder();
        copy(self.template.folder.path(), folder.path());
        let scratch = self.template.scratch.copy(folder.path()).await.unwrap();
        World::open(folder, scratch, &self.now).await
    }

    pub(crate) fn state(&self) -> &State {
        &self.template.state
    }

    /// Returns the request of a probe by an actor, about a repository.
    pub(crate) fn request(&self, probe: &Probe, actor: &Actor, path: &'static str) -> Request<Body> {
        let fill = |text: &str| self.fill(text, actor, path);
        let mut request = Request::builder().method(probe.method).uri(fill(probe.path)).header(HOST, "127.0.0.1:5000");
        let engine = probe.path.starts_with("/v2");
        let browser = matches!(probe.sent, ProbeBody::Page | ProbeBody::Form(_) | ProbeBody::Script(_));
        let by_cookie = browser && !actor.cookie.is_empty();
        let authorization = if probe.path.starts_with("/token") && !actor.secret.is_empty() {
            basic(actor.account, &actor.secret)
        } else if engine && !actor.bearers.is_empty() {
            actor.bearers[if probe.about == ProbeSubject::Repository { path } else { "" }].clone()
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
            ProbeBody::Nothing => ("", "", String::new()),
            ProbeBody::Page => ("text/html", "", String::new()),
            ProbeBody::Form(form) => ("text/html", "application/x-www-form-urlencoded", fill(form)),
            ProbeBody::Script(form) => ("application/json", "application/x-www-form-urlencoded", fill(form)),
            ProbeBody::Json(json) => ("application/json", "application/json", fill(json)),
            ProbeBody::Bytes => ("", "application/octet-stream", String::from_utf8_lossy(LAYER).into_owned()),
            ProbeBody::Manifest => ("", MANIFEST, image(LAYER).to_string()),
        };
        for (name, value) in [(ACCEPT, accept), (CONTENT_TYPE, kind)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        if matches!(probe.sent, ProbeBody::Form(_) | ProbeBody::Script(_)) {
            request = request.header(ORIGIN, ROOT).header(REFERER, format!("{ROOT}/came/from"));
        }
        request.body(Body::from(body)).unwrap()
    }

    fn fill(&self, text: &str, actor: &Actor, path: &'static str) -> String {
        // A missing repository has no uploads and comments: use the ids of those in the private one.
        let known = if path == MISSING { PRIVATE } else { path };
        let name = path.split('/').nth(1).unwrap_or_default();
        [
            ("{path}", path),
            ("{name}", name),
            ("{tag}", "1"),
            ("{digest}", &digest(image(LAYER).to_string().as_bytes())),
            ("{layer}", &digest(LAYER)),
            ("{upload}", self.known.uploads.get(known).map_or("", String::as_str)),
            ("{comment}", &self.known.comments.get(known).map_or(String::new(), ToString::to_string)),
            ("{invitation}", &self.known.invitation),
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

/// Creates the three repositories, each with a tag, a comment by its reader, an open upload, and collaborators of every
/// role.
async fn repositories(world: &World, viewers: &BTreeMap<&str, Viewer>, secret: &str) -> SampleIds {
    let (store, owner) = (&world.state.store, &viewers["owner"]);
    let mut known =
        SampleIds { comments: BTreeMap::new(), uploads: BTreeMap::new(), token: 0, invitation: String::new() };
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
        world.push(path, "1", &authorization, LAYER).await;
        let upload = world.open_upload(path, &authorization).await;
        known.uploads.insert(path, upload.rsplit('/').next().unwrap().to_owned());
    }
    known
}

/// Creates an empty folder, in memory if possible: these tests need no durability and would mostly wait for the disk.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Copies a folder without the lock files and shared memory of the process that has it open.
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
