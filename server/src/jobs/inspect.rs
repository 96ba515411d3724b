//! Image inspection: follows pushes and stores the contents of image configs: platform, settings, layers and their
//! commands. An image that cannot be read is skipped and can still be pulled.

use std::collections::HashSet;
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

/// The name of this follower in the store.
pub(super) const NAME: &str = "inspect";
/// The number of events read at a time.
const EVENTS: u64 = 100;
/// The largest config that is read, in bytes.
const MAX_CONFIG: u64 = 4 * 1024 * 1024;
/// The maximum number of manifests inspected for a push, and the maximum depth of nested indexes.
const MAX_MANIFESTS: usize = 200;
const MAX_DEPTH: u8 = 2;
/// How often an image is tried while the storage fails, before it is skipped.
const TRIES: u32 = 4;

/// Why inspection stopped; it continues with the same event.
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
    /// Whether trying again is useless, because a row is malformed.
    fn is_lasting(&self) -> bool {
        matches!(self, Self::Store(store::Error::Corrupt(_)) | Self::Ledger(LedgerError::Corrupt(_)))
    }
}

/// Inspects images.
#[derive(Clone)]
pub struct Inspector {
    system: System,
    ledger: Arc<dyn Ledger>,
    storage: Arc<dyn Storage>,
}

/// Inspects pushes until told to stop.
pub(super) async fn run(inspector: Inspector, shutdown: CancellationToken) -> Result<(), Error> {
    tokio::select! {
        done = inspector.follow() => done,
        () = shutdown.cancelled() => Ok(()),
    }
}

impl Inspector {
    /// Creates an inspector.
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

    /// Inspects the pushes in the next batch of events and returns the number of events.
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

    /// Inspects one push. It is retried a few times while the storage fails; then, or if a row is malformed, it is
    /// skipped so that later pushes do not have to wait.
    async fn inspect_patiently(&self, repository: RepositoryId, digest: &Digest) -> Result<(), Error> {
        let mut tries = 1;
        loop {
            match self.inspect(repository, digest, None, 0, &mut HashSet::new()).await {
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

    /// Inspects a manifest, and the images of an index. `platform` is what the index states; `seen` are the manifests
    /// inspected so far for this push.
    async fn inspect(
        &self,
        repository: RepositoryId,
        digest: &Digest,
        platform: Option<String>,
        depth: u8,
        seen: &mut HashSet<Digest>,
    ) -> Result<(), Error> {
        if seen.len() >= MAX_MANIFESTS || !seen.insert(digest.clone()) {
            return Ok(());
        }
        let reference = Reference::Digest(digest.clone());
        let Some(stored) = self.ledger.manifest(repository, &reference).await.map_err(Error::Ledger)? else {
            return Ok(());
        };
        match image::manifest(&stored.payload) {
            Some(Manifest::Index(children)) if depth < MAX_DEPTH => {
                for child in children {
                    Box::pin(self.inspect(repository, &child.digest, child.platform, depth + 1, seen)).await?;
                }
                Ok(())
            }
            Some(Manifest::Image(manifest)) => {
                let config = if manifest.is_container_image() {
                    self.read(repository, &manifest.config).await?
                } else {
                    Vec::new()
                };
                let mut image = image::config(&config, &manifest.layers);
                if let Some(platform) = platform.filter(|platform| !platform.is_empty()) {
                    image.config.platform = platform;
                }
                self.system
                    .store()
                    .record_image(
                        &self.system,
                        repository,
                        digest,
                        &image.config.platform.clone(),
                        image.config,
                        image.layers,
                    )
                    .await
                    .map_err(Error::Store)
            }
            Some(Manifest::Index(_)) | None => Ok(()),
        }
    }

    /// Returns the bytes of a config; empty if it is missing or too large.
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
