//! A registry without accounts, roles or visibility: everyone may do everything, or only the users in an htpasswd file.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response};
use model::account::AccountName;
use model::clock::Clock;
use model::event::Actor;
use model::id::RepositoryId;
use model::oci::RepositoryName;
use moka::sync::Cache;
use registry::ledger::{Ledger, LedgerError, ListPage, Place};
use registry::{Body, Engine, Error, Operation, Request, RequestBody, response};
use serde_json::Value;

use crate::http::authorization::Credentials;
use crate::metrics::Metrics;
use crate::v2::htpasswd::Htpasswd;
use crate::v2::need::Need;
use crate::v2::operation::{AuthorizedPlaces, catalog_range, perform, unknown_repository};

/// How long the id of a repository is cached. A standalone registry deletes only pending ones, which are not cached.
const CACHE_TIME: Duration = Duration::from_mins(1);
const CACHE_CAPACITY: u64 = 100_000;

/// How callers are authenticated.
pub enum Authentication {
    /// No authentication.
    Open,
    /// The names and passwords in an htpasswd file.
    Htpasswd(Htpasswd),
}

/// A registry without accounts. Cheap to clone.
#[derive(Clone)]
pub struct Standalone {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    ledger: Arc<dyn Ledger>,
    clock: Clock,
    metrics: Arc<Metrics>,
    authentication: Authentication,
    ids: Cache<RepositoryName, RepositoryId>,
}

impl Standalone {
    /// Creates a registry over an engine and its ledger.
    pub fn new(
        engine: Engine,
        ledger: Arc<dyn Ledger>,
        clock: Clock,
        metrics: Arc<Metrics>,
        authentication: Authentication,
    ) -> Self {
        let ids = Cache::builder().max_capacity(CACHE_CAPACITY).time_to_live(CACHE_TIME).build();
        Self { inner: Arc::new(Inner { engine, ledger, clock, metrics, authentication, ids }) }
    }

    /// Returns the request metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Answers one request.
    pub async fn handle(
        &self,
        request: Request,
        parts: &Parts,
        body: impl RequestBody,
    ) -> Result<Response<Body>, Error> {
        let actor = self.authenticate(&parts.headers).await?;
        match request {
            Request::Base => Ok(response::base()),
            Request::Discover => Ok(response::discover()),
            Request::Catalog(page) => {
                let range = catalog_range(&page);
                let surplus = ListPage { limit: range.limit + 1, ..range.clone() };
                let mut names = self.inner.ledger.repositories(&surplus).await.map_err(Error::from_ledger)?;
                let fitting = usize::try_from(range.limit).unwrap_or(usize::MAX);
                let more = names.len() > fitting;
                names.truncate(fitting);
                let last = names.last().filter(|_| more).map(RepositoryName::as_str);
                Ok(response::catalog(&page, &names, last))
            }
            Request::Repository { name, operation } => self.handle_operation(parts, body, name, operation, actor).await,
        }
    }

    async fn handle_operation(
        &self,
        parts: &Parts,
        body: impl RequestBody,
        name: RepositoryName,
        operation: Operation,
        actor: Option<Actor>,
    ) -> Result<Response<Body>, Error> {
        let Some(place) = self.place(&name, Need::of(&operation), actor.clone()).await? else {
            return unknown_repository(&operation);
        };
        let mount_from = match &operation {
            Operation::MountBlob { from: Some(source), .. } => self.place(source, Need::Pull, actor).await?,
            _ => None,
        };
        perform(&self.inner.engine, parts, body, &name, &AuthorizedPlaces { place, mount_from }, operation).await
    }

    async fn place(&self, name: &RepositoryName, need: Need, actor: Option<Actor>) -> Result<Option<Place>, Error> {
        let id = if let Some(id) = self.inner.ids.get(name) {
            Some(id)
        } else {
            let (ledger, now) = (&self.inner.ledger, self.inner.clock.now());
            let found: Result<_, LedgerError> = ledger.repository(name, need == Need::Create, now).await;
            let found = found.map_err(Error::from_ledger)?.filter(|found| !found.pending || need.is_of_push());
            if let Some(found) = found.filter(|found| !found.pending) {
                self.inner.ids.insert(name.clone(), found.id);
            }
            found.map(|found| found.id)
        };
        Ok(id.map(|id| Place { id, name: name.clone(), actor }))
    }

    /// Authenticates the caller. `None` if the registry is open or the name is not an account name.
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Actor>, Error> {
        let Authentication::Htpasswd(file) = &self.inner.authentication else { return Ok(None) };
        if let Credentials::Basic { name, password } = Credentials::of(headers)
            && file.verify(&name, &password).await
        {
            let name = AccountName::parse(&name).ok();
            return Ok(name.map(|name| Actor { account: None, name, credential: None }));
        }
        let challenge = HeaderValue::from_static("Basic realm=\"portolan\", charset=\"UTF-8\"");
        Err(Error::Unauthorized { challenge, detail: Value::Null })
    }
}
