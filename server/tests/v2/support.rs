//! A hub in a temporary folder, and helpers for the tests of its engine.

use std::ops::Deref;
use std::time::Duration;

use axum::body::Body;
use http::Method;
use model::oci::RepositoryName;
use model::repository::NewRepository;
use model::role::{Role, Visibility};
use store::access::{Manage, Viewer};
use store::scratch::Scratch;
use tempfile::TempDir;

use crate::common::{Answer, Now, PASSWORD, Site, basic};

/// A hub and its clock.
pub(crate) struct World {
    site: Site,
    now: Now,
    _scratch: Scratch,
    _folder: TempDir,
}

impl Deref for World {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl Answer {
    /// Removes the headers that change with every request.
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
        let (folder, now) = (tempfile::tempdir().unwrap(), Now::new());
        let scratch = Scratch::new(folder.path()).await.unwrap();
        Self {
            site: Site::open(folder.path(), &scratch, settings, &now).await,
            now,
            _scratch: scratch,
            _folder: folder,
        }
    }

    /// Creates a hub with an image at `ada/app` that `bob` may read, and returns it with `ada`.
    pub(crate) async fn shared() -> (Self, Viewer) {
        let world = Self::new().await;
        let ada = world.member("ada").await;
        world.member("bob").await;
        let owner = world.bearer("ada", "repository:ada/app:pull,push").await;
        world.push("ada/app", "1", &owner, b"layer").await;
        world.share(&ada, "ada/app", "bob", Some(Role::Reader)).await;
        (world, ada)
    }

    /// Returns the hub's clock.
    pub(crate) fn now(&self) -> &Now {
        &self.now
    }

    /// Advances the hub's clock.
    pub(crate) fn later(&self, by: Duration) {
        self.now.later(by);
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

    pub(crate) async fn get(&self, path: &str, authorization: &str) -> Answer {
        self.call(Method::GET, path, authorization, Body::empty()).await
    }

    pub(crate) async fn form(&self, path: &str, form: &str) -> Answer {
        self.call_with(Method::POST, path, "", "application/x-www-form-urlencoded", form.to_owned()).await
    }

    /// Returns a token for these scopes as an `Authorization` header; an anonymous one if the name is empty.
    pub(crate) async fn bearer(&self, name: &str, scopes: &str) -> String {
        let authorization = if name.is_empty() { String::new() } else { basic(name, PASSWORD) };
        self.bearer_of(&authorization, scopes.split_ascii_whitespace()).await
    }
}
