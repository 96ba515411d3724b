//! The portal as pages meet it: a session over a real store, signed in and out.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use app::portal::{Flash, PortalHandle};
use http::Request;
use model::account::SignUp;
use model::clock::Clock;
use model::fault::FaultCode;
use server::cli::{Opened, open};
use server::config::Config;
use server::portal::for_request;
use store::sessions::Sessions;
use tempfile::TempDir;
use tower_sessions::Session;
use tower_sessions::session::Id;

const PASSWORD: &str = "correct horse battery";

struct World {
    hub: Opened,
    sessions: Arc<Sessions>,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let flags = BTreeMap::from([("data", folder.path().display().to_string())]);
        let hub = open(Config::resolve(flags, [], None).unwrap(), Clock::system()).await.unwrap();
        let sessions = Arc::new(Sessions::new(hub.state.store.clone()));
        Self { hub, sessions, _folder: folder }
    }

    /// What a request with this session's cookie gets, and the session itself.
    async fn visit(&self, id: Option<Id>) -> (PortalHandle, Session) {
        let session = Session::new(id, Arc::clone(&self.sessions), None);
        let viewer = match id {
            Some(id) => self.hub.state.store.session_viewer(&id.to_string()).await.unwrap(),
            None => self.hub.state.store.anonymous(),
        };
        let (parts, ()) = Request::new(()).into_parts();
        (for_request(&self.hub.state, viewer, session.clone(), &parts), session)
    }

    /// Somebody who just signed up, and the identity of their session.
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
    assert_eq!(html.trim(), "<p><em>a</em> </p>");
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
