//! The guard of an engine alone: everybody may do everything, or everybody whom an htpasswd file names.
//! It knows no accounts, roles or visibility; an engine that needs those belongs behind a hub.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response};
use model::account::AccountName;
use model::clock::Clock;
use model::id::RepositoryId;
use model::oci::RepositoryName;
use moka::sync::Cache;
use registry::ledger::{Ledger, LedgerError, Place};
use registry::{Body, Engine, Error, Operation, Request, answer};
use serde_json::Value;

use crate::metrics::Metrics;
use crate::v2::credentials::Credentials;
use crate::v2::gateway::{self, BoxError};
use crate::v2::htpasswd::Htpasswd;
use crate::v2::hub::Admitted;
use crate::v2::needs::Need;

/// How long a repository's identity is remembered; an engine alone never removes one.
const REMEMBERED: Duration = Duration::from_mins(1);
const MOST_REMEMBERED: u64 = 100_000;

/// Who may come in.
pub enum Door {
    /// Everybody.
    Open,
    /// Those whom a file names, with their passwords.
    Htpasswd(Htpasswd),
}

/// An engine alone; cheap to clone.
#[derive(Clone)]
pub struct Alone {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    ledger: Arc<dyn Ledger>,
    clock: Clock,
    metrics: Metrics,
    door: Door,
    names: Cache<RepositoryName, RepositoryId>,
}

impl Alone {
    /// An engine behind this door.
    pub fn new(engine: Engine, ledger: Arc<dyn Ledger>, clock: Clock, door: Door) -> Self {
        let names = Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(REMEMBERED).build();
        Self { inner: Arc::new(Inner { engine, ledger, clock, metrics: Metrics::new(), door, names }) }
    }

    /// Figures about requests.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Answers one request.
    pub async fn act<B>(&self, request: Request, parts: &Parts, body: B) -> Result<Response<Body>, Error>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let actor = self.enter(&parts.headers).await?;
        match request {
            Request::Base => Ok(answer::base_response()),
            Request::Discover => Ok(answer::discover_response()),
            Request::Catalog(page) => {
                let after = gateway::after(&page);
                let names = self.inner.ledger.repositories(&after).await.map_err(registry::error::ledger)?;
                Ok(gateway::catalog(&page, &after, names))
            }
            Request::Repository { name, operation } => self.within(parts, body, name, operation, actor).await,
        }
    }

    async fn within<B>(
        &self,
        parts: &Parts,
        body: B,
        name: RepositoryName,
        operation: Operation,
        actor: Option<AccountName>,
    ) -> Result<Response<Body>, Error>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let create = Need::of(&operation) == Need::Create;
        let Some(place) = self.place(&name, create, actor.clone()).await? else {
            return gateway::nowhere(&operation);
        };
        let mount_from = match &operation {
            Operation::MountBlob { from: Some(source), .. } => self.place(source, false, actor).await?,
            _ => None,
        };
        gateway::perform(&self.inner.engine, parts, body, &name, &Admitted { place, mount_from }, operation).await
    }

    async fn place(
        &self,
        name: &RepositoryName,
        create: bool,
        actor: Option<AccountName>,
    ) -> Result<Option<Place>, Error> {
        let id = if let Some(id) = self.inner.names.get(name) {
            Some(id)
        } else {
            let now = self.inner.clock.now();
            let found: Result<_, LedgerError> = self.inner.ledger.repository(name, create, now).await;
            found.map_err(registry::error::ledger)?.inspect(|id| self.inner.names.insert(name.clone(), *id))
        };
        Ok(id.map(|id| Place { id, name: name.clone(), actor }))
    }

    /// Lets a caller in; under which name, where there are names.
    async fn enter(&self, headers: &HeaderMap) -> Result<Option<AccountName>, Error> {
        let Door::Htpasswd(file) = &self.inner.door else { return Ok(None) };
        if let Credentials::Basic { name, password } = Credentials::of(headers)
            && file.admits(&name, &password).await
        {
            return Ok(AccountName::parse(&name).ok());
        }
        let challenge = HeaderValue::from_static("Basic realm=\"portolan\", charset=\"UTF-8\"");
        Err(Error::Unauthorized { challenge, detail: Value::Null })
    }
}
