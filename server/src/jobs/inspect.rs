//! Follows pushes and writes what an image's configuration says into rows: platform, settings, layers and their commands. An
//! image that cannot be read is skipped and stays pullable.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use model::event::{Event, EventKind};
use model::id::RepositoryId;
use model::oci::{Digest, Reference};
use registry::ledger::{Ledger, LedgerError};
use registry::storage::{Storage, StorageError};
use store::EventPosition;
use store::access::System;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::image::{self, Manifest};

/// The follower's name, under which the store keeps how far it is.
pub(super) const NAME: &str = "inspect";
/// How many events are read at a time.
const EVENTS: u64 = 100;
/// The largest configuration that is read, in bytes.
const MAX_CONFIG: u64 = 4 * 1024 * 1024;
/// How many of an index's images are read; how deep indexes within indexes are followed.
const MAX_CHILDREN: usize = 200;
const MAX_DEPTH: u8 = 2;
/// How often an image is tried while the storage fails, before the follower goes on without it.
const TRIES: u32 = 4;

/// Why inspection stopped; it begins again at the same event.
#[derive(Debug, Error)]
pub enum Error {
    /// The store did not answer.
    #[error("the store failed during inspection")]
    Store(#[source] store::Error),
    /// The ledger did not answer.
    #[error("the ledger failed during inspection")]
    Ledger(#[source] LedgerError),
    /// The storage did not answer.
    #[error("the storage failed during inspection")]
    Storage(#[source] StorageError),
}

impl Error {
    /// Whether it will be no other the next time: a row that does not parse.
    fn is_lasting(&self) -> bool {
        matches!(self, Self::Store(store::Error::Corrupt(_)) | Self::Ledger(LedgerError::Corrupt(_)))
    }
}

/// What inspection reads from and writes to.
#[derive(Clone)]
pub struct Inspector {
    system: System,
    ledger: Arc<dyn Ledger>,
    storage: Arc<dyn Storage>,
}

/// Inspects what is pushed until told to stop.
pub(super) async fn run(inspector: Inspector, shutdown: CancellationToken) -> Result<(), Error> {
    tokio::select! {
        done = inspector.follow() => done,
        () = shutdown.cancelled() => Ok(()),
    }
}

impl Inspector {
    /// An inspector over these.
    pub fn new(system: System, ledger: Arc<dyn Ledger>, storage: Arc<dyn Storage>) -> Self {
        Self { system, ledger, storage }
    }

    async fn follow(&self) -> Result<(), Error> {
        loop {
            let news = self.system.store().wait_for_events();
            if self.catch_up().await? == 0 {
                news.await;
            }
        }
    }

    /// Inspects what the next events say was pushed; how many events there were.
    pub async fn catch_up(&self) -> Result<usize, Error> {
        let (store, system) = (self.system.store(), &self.system);
        let known = store.follower_position(system, NAME).await.map_err(Error::Store)?;
        if known.is_none() {
            store.register_follower(system, NAME, EventPosition::START).await.map_err(Error::Store)?;
        }
        let position = known.unwrap_or(EventPosition::START);
        let records = store.events_after(system, position, EVENTS).await.map_err(Error::Store)?;
        for record in &records {
            if let Some(Event { repository: Some((id, _)), kind: EventKind::Pushed { digest, .. }, .. }) =
                record.event()
            {
                self.inspect_patiently(id, &digest).await?;
            }
        }
        if let Some(last) = records.last() {
            store.set_follower_position(system, NAME, last.position).await.map_err(Error::Store)?;
        }
        Ok(records.len())
    }

    /// Inspects one push. A storage that fails is tried some times more; then, and where a row does not parse, the image is
    /// left as it is: it must not hold up those after it.
    async fn inspect_patiently(&self, repository: RepositoryId, digest: &Digest) -> Result<(), Error> {
        let mut tries = 1;
        loop {
            match self.inspect(repository, digest, None, 0).await {
                Err(error) if error.is_lasting() || (tries == TRIES && matches!(error, Error::Storage(_))) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(%repository, %digest, error, "an image cannot be inspected; it is skipped");
                    return Ok(());
                }
                Err(Error::Storage(_)) => {
                    tokio::time::sleep(Duration::from_millis(250) * 2_u32.pow(tries)).await;
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    /// Inspects one manifest, and where it is an index the images it lists. `platform` is what such an index says of it.
    async fn inspect(
        &self,
        repository: RepositoryId,
        digest: &Digest,
        platform: Option<String>,
        depth: u8,
    ) -> Result<(), Error> {
        let reference = Reference::Digest(digest.clone());
        let Some(stored) = self.ledger.manifest(repository, &reference).await.map_err(Error::Ledger)? else {
            return Ok(());
        };
        match image::manifest(&stored.payload) {
            Some(Manifest::Index(children)) if depth < MAX_DEPTH => {
                for child in children.into_iter().take(MAX_CHILDREN) {
                    Box::pin(self.inspect(repository, &child.digest, child.platform, depth + 1)).await?;
                }
                Ok(())
            }
            Some(Manifest::Image(manifest)) => {
                let config = if manifest.is_container_image() {
                    self.read(repository, &manifest.config).await?
                } else {
                    Vec::new()
                };
                let mut seen = image::config(&config, &manifest.layers);
                if let Some(platform) = platform.filter(|platform| !platform.is_empty()) {
                    seen.config.platform = platform;
                }
                self.system
                    .store()
                    .record_image(
                        &self.system,
                        repository,
                        digest,
                        &seen.config.platform.clone(),
                        seen.config,
                        seen.layers,
                    )
                    .await
                    .map_err(Error::Store)
            }
            Some(Manifest::Index(_)) | None => Ok(()),
        }
    }

    /// A configuration's bytes; none when it is gone or too large.
    async fn read(&self, repository: RepositoryId, digest: &Digest) -> Result<Vec<u8>, Error> {
        let Some(blob) = self.ledger.blob(repository, digest).await.map_err(Error::Ledger)? else {
            return Ok(Vec::new());
        };
        if blob.size > MAX_CONFIG {
            return Ok(Vec::new());
        }
        let mut stream = self.storage.read(&blob.segments, 0..blob.size).await.map_err(Error::Storage)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| Error::Storage(error.into()))?);
        }
        Ok(bytes)
    }
}
