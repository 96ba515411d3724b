//! Tests of the portal as pages use it: with sessions over a real store.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use app::portal::{Flash, PortalHandle};
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, REFERER, RETRY_AFTER, SET_COOKIE};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use model::account::SignUp;
use model::clock::Clock;
use model::comment::NewComment;
use model::fault::FaultCode;
use model::page::PageRequest;
use model::repository::{NewRepository, RepositoryPatch};
use model::role::{Role, Visibility};
use server::cli::{OpenedHub, open};
use server::config::Config;
use server::http::caller::Peer;
use server::portal::for_request;
use store::scratch::Scratch;
use store::sessions::Sessions;
use tempfile::TempDir;
use tower::ServiceExt as _;
use tower_sessions::Session;
use tower_sessions::session::Id;

const PASSWORD: &str = "correct horse battery";

struct World {
    hub: OpenedHub,
    sessions: Arc<Sessions>,
    scratch: Scratch,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with(Clock::system(), []).await
    }

    async fn with<const N: usize>(clock: Clock, settings: [(&'static str, &str); N]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(folder.path()).await.unwrap();
        let data = ("data", folder.path().display().to_string());
        let mut flags = BTreeMap::from([data, ("database", scratch.url().to_owned())]);
        flags.extend(settings.map(|(name, value)| (name, value.to_owned())));
        let hub = open(Config::resolve(flags, [], None).unwrap(), clock).await.unwrap();
        let sessions = Arc::new(Sessions::new(hub.state.store.clone()));
        Self { hub, sessions, scratch, _folder: folder }
    }

    /// Returns the portal of a request with this session's id, and the session itself.
    async fn visit(&self, id: Option<Id>) -> (PortalHandle, Session) {
        let session = Session::new(id, Arc::clone(&self.sessions), None);
        let account = match id {
            Some(id) => self.hub.state.store.session_account(&id.to_string()).await.unwrap(),
            None => None,
        };
        let (parts, ()) = Request::new(()).into_parts();
        (for_request(&self.hub.state, account, session.clone(), &parts), session)
    }

    /// Signs up an account and returns its session's id.
    async fn signed_up(&self, name: &str) -> Id {
        let (portal, session) = self.visit(None).await;
        portal.sign_up(form(name)).await.unwrap();
        session.save().await.unwrap();
        session.id().unwrap()
    }
}

fn form(name: &str) -> SignUp {
    SignUp {
        name: name.to_owned(),
        email: format!("{name}@mail.example"),
        password: PASSWORD.to_owned(),
        invitation: None,
    }
}

async fn who(world: &World, id: Id) -> Option<String> {
    let me = world.visit(Some(id)).await.0.me().await.unwrap();
    me.map(|me| me.account.name.to_string())
}

#[tokio::test]
async fn whoever_signs_up_is_signed_in_and_stays_so() {
    let world = World::new().await;
    let id = world.signed_up("ada").await;
    assert_eq!(who(&world, id).await.as_deref(), Some("ada"));
}

#[tokio::test]
async fn signing_in_changes_the_session_s_identity() {
    let world = World::new().await;
    world.signed_up("ada").await;
    let (portal, session) = world.visit(None).await;
    let flash = Flash { form: "x".to_owned(), fault: None, notice: None, fields: BTreeMap::new() };
    portal.set_flash(flash).await.unwrap();
    session.save().await.unwrap();
    let before = session.id().unwrap();
    let (portal, session) = world.visit(Some(before)).await;
    portal.sign_in("ada", PASSWORD).await.unwrap();
    session.save().await.unwrap();
    let after = session.id().unwrap();
    assert_ne!(before, after);
    assert_eq!(who(&world, before).await, None);
    assert_eq!(who(&world, after).await.as_deref(), Some("ada"));
}

#[tokio::test]
async fn signing_out_ends_the_session_for_whoever_kept_its_cookie() {
    let world = World::new().await;
    let id = world.signed_up("ada").await;
    let (portal, session) = world.visit(Some(id)).await;
    portal.sign_out().await.unwrap();
    session.save().await.unwrap();
    assert_eq!(who(&world, id).await, None);
}

#[tokio::test]
async fn a_new_password_ends_the_sessions_before_it_and_keeps_this_one() {
    let world = World::new().await;
    let elsewhere = world.signed_up("ada").await;
    let (portal, session) = world.visit(None).await;
    portal.sign_in("ada", PASSWORD).await.unwrap();
    session.save().await.unwrap();
    let here = session.id().unwrap();
    let (portal, session) = world.visit(Some(here)).await;
    portal.change_password(PASSWORD, "another horse battery").await.unwrap();
    session.save().await.unwrap();
    assert_eq!(who(&world, elsewhere).await, None);
    assert_eq!(who(&world, here).await, None);
    assert_eq!(who(&world, session.id().unwrap()).await.as_deref(), Some("ada"));
}

#[tokio::test]
async fn a_token_s_secret_signs_nobody_in_to_the_site() {
    let world = World::new().await;
    let id = world.signed_up("ada").await;
    let (portal, _) = world.visit(Some(id)).await;
    for scopes in [vec![], vec!["ada/*:pull".parse().unwrap()]] {
        let token = model::token::NewToken { label: "x".to_owned(), scopes, expires_at: None };
        let token = portal.create_token(token).await.unwrap();
        let (portal, session) = world.visit(None).await;
        let fault = portal.sign_in("ada", &token.secret).await.unwrap_err();
        assert_eq!(fault.code, FaultCode::Invalid);
        assert!(session.is_empty().await);
    }
}

#[tokio::test]
async fn a_flash_is_read_once() {
    let world = World::new().await;
    let (portal, _) = world.visit(None).await;
    let flash =
        Flash { form: "new".to_owned(), fault: None, notice: Some("Done.".to_owned()), fields: BTreeMap::new() };
    portal.set_flash(flash.clone()).await.unwrap();
    assert_eq!(portal.take_flash().await.unwrap(), Some(flash));
    assert_eq!(portal.take_flash().await.unwrap(), None);
}

#[tokio::test]
async fn looking_for_a_flash_changes_no_session() {
    let world = World::new().await;
    let id = world.signed_up("ada").await;
    let (portal, session) = world.visit(Some(id)).await;
    assert_eq!(portal.take_flash().await.unwrap(), None);
    assert!(!session.is_modified());
}

#[tokio::test]
async fn a_preview_is_sanitised_and_for_members() {
    let world = World::new().await;
    let (portal, _) = world.visit(None).await;
    assert_eq!(portal.preview("x").await.unwrap_err().code, FaultCode::SignIn);
    let id = world.signed_up("ada").await;
    let html = world.visit(Some(id)).await.0.preview("*a* <script>b</script>").await.unwrap();
    assert_eq!(html.trim(), "<p><em>a</em> &lt;script&gt;b&lt;/script&gt;</p>");
}

#[tokio::test]
async fn pictures_are_fetched_by_the_hub_or_replaced_by_their_words() {
    for (setting, shown) in [("proxy", true), ("text", false)] {
        let world = World::with(Clock::system(), [("pictures", setting)]).await;
        let id = world.signed_up("ada").await;
        let (portal, _) = world.visit(Some(id)).await;
        let picture = "![Logo](http://127.0.0.1:5000/a.png)";
        let form = NewRepository {
            namespace: "ada".to_owned(),
            name: "app".to_owned(),
            description: String::new(),
            visibility: Some(Visibility::Private),
        };
        let path = portal.create_repository(form).await.unwrap().path;
        let change = RepositoryPatch { overview: Some(picture.to_owned()), ..RepositoryPatch::default() };
        portal.update_repository(&path, change).await.unwrap();
        let comment = NewComment { body: picture.to_owned(), parent: None, tag: None };
        let comment = portal.post_comment(&path, comment).await.unwrap().html;
        let preview = portal.preview(picture).await.unwrap();
        let readme = portal.overview(&path).await.unwrap().html;
        for html in [&comment, &preview, &readme] {
            assert_eq!(html.contains("<img src=\"/-/pictures/"), shown, "{html}");
            assert!(html.contains("Logo"), "{html}");
        }
        let source = readme.split('"').find(|part| part.starts_with("/-/pictures/"));
        let forged = "/-/pictures/AAAA/aHR0cDovLzEyNy4wLjAuMTo1MDAwL2EucG5n";
        // This machine has no public address.
        for (path, status) in [(source.unwrap_or(forged), if shown { 502 } else { 404 }), (forged, 404)] {
            for method in [Method::GET, Method::HEAD] {
                let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
                let response = world.hub.hub.clone().oneshot(request).await.unwrap();
                assert_eq!(response.status().as_u16(), status, "{path}");
                assert!(response.headers().get(SET_COOKIE).is_none());
                assert_eq!(response.headers()["x-content-type-options"], "nosniff");
            }
        }
    }
}

#[tokio::test]
async fn a_form_of_somebody_unknown_is_kept_in_part_and_not_for_long() {
    let world = World::new().await;
    let flash = |size: usize| Flash {
        form: "comments/post".to_owned(),
        fault: None,
        notice: None,
        fields: BTreeMap::from([("body".to_owned(), "x".repeat(size))]),
    };
    let hour = time::Duration::HOUR;
    for (size, kept) in [(16 << 10, 1), (400 << 10, 0)] {
        let (portal, session) = world.visit(None).await;
        portal.set_flash(flash(size)).await.unwrap();
        assert!(session.expiry_age() <= hour, "{}", session.expiry_age());
        assert_eq!(portal.take_flash().await.unwrap().unwrap().fields.len(), kept);
    }
    let id = world.signed_up("ada").await;
    let (portal, session) = world.visit(Some(id)).await;
    portal.set_flash(flash(400 << 10)).await.unwrap();
    assert!(session.expiry_age() > hour, "{}", session.expiry_age());
    assert_eq!(portal.take_flash().await.unwrap().unwrap().fields.len(), 1);
}

/// The response to a browser's request.
struct BrowserAnswer {
    location: String,
    /// The session's cookie, if a new one was set.
    cookie: Option<String>,
    text: String,
}

async fn browse(world: &World, cookie: &str, from: &str, target: &str, form: Option<String>) -> BrowserAnswer {
    const ROOT: &str = "http://127.0.0.1:5000";
    let method = if form.is_some() { Method::POST } else { Method::GET };
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header(HOST, "127.0.0.1:5000")
        .header(ORIGIN, ROOT)
        .header(REFERER, format!("{ROOT}{from}"))
        .header(ACCEPT, "text/html")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(COOKIE, cookie)
        .body(Body::from(form.unwrap_or_default()))
        .unwrap();
    let (parts, body) = world.hub.hub.clone().oneshot(request).await.unwrap().into_parts();
    let said = |name| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let cookie = said(SET_COOKIE).and_then(|set| set.split(';').next().map(str::to_owned));
    let text = String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()).into_owned();
    BrowserAnswer { location: said(LOCATION).unwrap_or_default(), cookie, text }
}

#[tokio::test]
async fn a_form_that_is_sent_twice_creates_one_thing() {
    let world = World::new().await;
    let cookie = format!("portolan={}", world.signed_up("ada").await);
    let repository = |description: &str| format!("namespace=ada&name=app&description={description}&visibility=private");
    let new = |form: String| browse(&world, &cookie, "/new", "/_actions/repositories/create", Some(form));
    let (first, second) = tokio::join!(new(repository("x")), new(repository("x")));
    assert_eq!((first.location.as_str(), second.location.as_str()), ("/r/ada/app", "/r/ada/app"));
    let other = new(repository("other")).await;
    assert_eq!(other.location, "/new", "another form for the same name is refused");
    let token = || browse(&world, &cookie, "/settings/tokens", "/_actions/tokens/create", Some("label=ci".to_owned()));
    let (first, second) = tokio::join!(token(), token());
    assert!(first.text.contains("ptl_") && second.text.contains("ptl_"));
    let list = browse(&world, &cookie, "/settings/tokens", "/settings/tokens", None).await.text;
    assert_eq!(list.matches("/_actions/tokens/revoke").count(), 1);
}

#[tokio::test]
async fn a_form_sent_after_the_session_ended_waits_on_its_page_until_its_sender_is_signed_in() {
    const PAGE: &str = "/r/ada/app/-/comments";
    let world = World::new().await;
    let ada = world.signed_up("ada").await;
    let viewer = world.hub.state.store.session_viewer(&ada.to_string()).await.unwrap();
    let app = NewRepository {
        namespace: "ada".to_owned(),
        name: "app".to_owned(),
        description: String::new(),
        visibility: Some(Visibility::Private),
    };
    world.hub.state.store.create_repository(&viewer, &app).await.unwrap();
    for act in ["comments/post", "markdown/preview"] {
        let form = "path=ada/app&form=comments/post&body=what+I+think".to_owned();
        let sent = browse(&world, "", PAGE, &format!("/_actions/{act}"), Some(form)).await;
        assert_eq!(sent.location, format!("/signin?next={PAGE}"), "{act}");
        let mut cookie = sent.cookie.unwrap();
        for (password, next) in [("wrong horse", "/signin"), (PASSWORD, PAGE)] {
            let door = browse(&world, &cookie, PAGE, "/signin", None).await;
            assert!(door.text.contains("Sign in to continue.") || next == PAGE, "{act} {}", door.text);
            let form = format!("name=ada&password={password}&next={PAGE}");
            let sent = browse(&world, &cookie, "/signin", "/_actions/session/signin", Some(form)).await;
            assert_eq!(sent.location, next, "{act}");
            cookie = sent.cookie.unwrap_or(cookie);
        }
        assert!(!browse(&world, &cookie, PAGE, "/new", None).await.text.contains("what I think"));
        let page = browse(&world, &cookie, "/signin", PAGE, None).await.text;
        assert!(page.contains(">what I think</textarea>") && page.contains("You were signed out"), "{act} {page}");
        let page = browse(&world, &cookie, "/signin", PAGE, None).await.text;
        assert!(!page.contains("what I think"), "{act}");
    }
}

#[tokio::test]
async fn a_new_token_is_shown_in_the_response_and_stored_nowhere() {
    let world = World::new().await;
    let cookie = format!("portolan={}", world.signed_up("ada").await);
    let form = Some("label=ci&scopes=&days=30".to_owned());
    let made = browse(&world, &cookie, "/settings/tokens", "/_actions/tokens/create", form).await;
    let (_, secret) = made.text.split_once("ptl_").unwrap();
    let secret: String = secret.chars().take_while(char::is_ascii_alphanumeric).collect();
    assert_eq!((secret.len(), made.location.as_str()), (52, ""));
    assert!(made.text.contains("</html>"));
    let viewer = world.hub.state.store.secret_viewer(&format!("ptl_{secret}")).await.unwrap();
    assert_eq!(viewer.account().unwrap().1.as_str(), "ada");
    let later = browse(&world, &cookie, "/settings/tokens", "/settings/tokens", None).await;
    assert!(later.text.contains(">ci<") && !later.text.contains(&secret), "{}", later.text);
    let refresh = world.hub.state.store.issue_refresh(&viewer, "portolan").await.unwrap();
    let session = cookie.trim_start_matches("portolan=");
    let texts = world.scratch.all_texts().await.unwrap();
    assert!(texts.iter().any(|(table, text)| table == "token" && text == "ci"), "the tables are read");
    for (table, text) in texts {
        for secret in [secret.as_str(), &refresh, session, PASSWORD] {
            assert!(!text.contains(secret), "{table}");
        }
    }
    // A form that is refused is shown again as usual.
    let refused =
        browse(&world, &cookie, "/settings/tokens", "/_actions/tokens/create", Some("label=".to_owned())).await;
    assert_eq!(refused.location, "/settings/tokens");
}

#[tokio::test]
async fn a_session_that_is_used_is_extended_once_a_day() {
    let now = Arc::new(AtomicI64::new(0));
    let ahead = Arc::clone(&now);
    let clock = Clock::new(move || {
        Clock::system().now().plus(Duration::from_hours(u64::try_from(ahead.load(Ordering::SeqCst)).unwrap()))
    });
    let world = World::with(clock, []).await;
    // The session of the sign-up has the default lifetime of two weeks, because no layer set another.
    let cookie = format!("portolan={}", world.signed_up("ada").await);
    for (hours, extended) in [(0, true), (0, false), (23, false), (25, true), (24 * 29, true)] {
        now.store(hours, Ordering::SeqCst);
        let page = browse(&world, &cookie, "/", "/settings/profile", None).await;
        assert_eq!(page.cookie.as_deref() == Some(cookie.as_str()), extended, "{hours}");
        assert!(page.text.contains("ada"), "{hours}");
    }
    now.store(24 * 31, Ordering::SeqCst);
    assert_eq!(
        browse(&world, &cookie, "/", "/settings/profile", None).await.location,
        "/signin?next=/settings/profile"
    );
}

#[tokio::test]
async fn beyond_its_limits_a_caller_is_asked_to_wait() {
    let settings = [("sign_ups_per_hour", "2"), ("comments_per_hour", "1"), ("repositories_per_hour", "2")];
    let world = World::with(Clock::system(), settings).await;
    let ada = world.signed_up("ada").await;
    world.signed_up("ben").await;
    let too_many = |fault: model::fault::Fault| {
        assert_eq!(fault.code, FaultCode::TooMany);
        assert!(fault.retry_after.is_some_and(|seconds| (1_000..=3_601).contains(&seconds)), "{fault:?}");
    };
    too_many(world.visit(None).await.0.sign_up(form("cleo")).await.unwrap_err());
    let portal = world.visit(Some(ada)).await.0;
    let new = |name: &str| NewRepository {
        namespace: "ada".to_owned(),
        name: name.to_owned(),
        description: String::new(),
        visibility: Some(Visibility::Public),
    };
    let made = portal.create_repository(new("one")).await.unwrap();
    // A push creates repositories within the same limit.
    let push = async |name: &str| {
        let request = Request::post(format!("/v2/ada/{name}/blobs/uploads/"))
            .header("authorization", format!("Basic {}", STANDARD.encode(format!("ada:{PASSWORD}"))));
        world.hub.hub.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    };
    assert_eq!(push("two").await.status(), StatusCode::ACCEPTED);
    assert_eq!(push("two").await.status(), StatusCode::ACCEPTED, "it exists");
    let refused = push("three").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key(RETRY_AFTER));
    too_many(portal.create_repository(new("four")).await.unwrap_err());
    let comment = || NewComment { body: "What I think.".to_owned(), parent: None, tag: None };
    portal.post_comment(&made.path, comment()).await.unwrap();
    too_many(portal.post_comment(&made.path, comment()).await.unwrap_err());
    assert_eq!(portal.threads(&made.path, PageRequest::default()).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn requests_are_limited_by_address_if_configured() {
    let world = World::with(Clock::system(), [("requests_per_minute", "5")]).await;
    let get = async |path: &str, address: [u8; 4]| {
        let mut request = Request::get(path).header(HOST, "127.0.0.1:5000").body(Body::empty()).unwrap();
        request.extensions_mut().insert(Peer((address, 40_000).into()));
        world.hub.hub.clone().oneshot(request).await.unwrap()
    };
    for _ in 0..5 {
        assert_eq!(get("/signin", [192, 0, 2, 1]).await.status(), StatusCode::OK);
    }
    for path in ["/signin", "/v2/", "/token", "/api/v1/user"] {
        let refused = get(path, [192, 0, 2, 1]).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert!(refused.headers()[RETRY_AFTER].to_str().unwrap().parse::<u32>().unwrap() <= 13);
    }
    assert_eq!(get("/signin", [192, 0, 2, 2]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn whoever_leaves_a_repository_lands_where_they_may_be() {
    let world = World::new().await;
    let (ada, ben) = (world.signed_up("ada").await, world.signed_up("ben").await);
    let store = &world.hub.state.store;
    let viewer = store.session_viewer(&ada.to_string()).await.unwrap();
    for (name, visibility, next) in [("open", Visibility::Public, "/r/ada/open"), ("shut", Visibility::Private, "/")] {
        let form = NewRepository {
            namespace: "ada".to_owned(),
            name: name.to_owned(),
            description: String::new(),
            visibility: Some(visibility),
        };
        let made = store.create_repository(&viewer, &form).await.unwrap();
        world.visit(Some(ada)).await.0.set_collaborator(&made.path, "ben", Role::Maintainer).await.unwrap();
        let (cookie, form) = (format!("portolan={ben}"), format!("path=ada/{name}&account=ben"));
        let from = format!("/r/ada/{name}/-/settings/collaborators");
        let sent = browse(&world, &cookie, &from, "/_actions/collaborators/remove", Some(form)).await;
        assert_eq!(sent.location, next);
        let said = format!("You left ada/{name}.");
        let page = browse(&world, &cookie, &from, next, None).await.text;
        assert!(page.contains(&said), "{page}");
        assert!(!browse(&world, &cookie, &from, next, None).await.text.contains(&said));
    }
}

#[tokio::test]
async fn a_page_for_members_leads_everybody_else_to_sign_in_whatever_they_read() {
    let world = World::new().await;
    for page in ["/new", "/settings/profile", "/settings/tokens"] {
        let request = Request::builder().uri(page).header(HOST, "127.0.0.1:5000").body(Body::empty()).unwrap();
        let answer = world.hub.hub.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{page}");
        assert_eq!(answer.headers()[LOCATION], format!("/signin?next={page}"));
    }
}
