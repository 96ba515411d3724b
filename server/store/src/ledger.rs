//! The engine's ledger in SQL, with one transaction for each change. The caller must have been authorised already.

use std::sync::Arc;

use async_trait::async_trait;
use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::{Algorithm, Digest, Reference, RepositoryName, Tag};
use registry::ledger::{
    Blob, KnownRepository, Ledger, LedgerError, Link, ListPage, Manifest, NewManifest, Place, Put, ReferrerPage,
    Segment, UnlinkOutcome, Upload,
};
use sea_orm::DatabaseConnection;
use uuid::Uuid;

use crate::access::Exemption;
use crate::database::Tx;
use crate::{Error, Store, sql};

pub(crate) mod blobs;
pub(crate) mod manifests;
mod names;
pub(crate) mod plan;
mod references;
pub(crate) mod segments;
mod sweep;
pub(crate) mod tags;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod trash;
mod uploads;

/// The maximum number of attempts for a change if a row that it refers to is deleted meanwhile.
const TRIES: u32 = 4;

/// Returns the ledger of a store.
pub(crate) fn of(store: &Store) -> Arc<dyn Ledger> {
    Arc::new(SqlLedger { store: store.clone() })
}

#[derive(Debug)]
struct SqlLedger {
    store: Store,
}

impl SqlLedger {
    fn rows(&self) -> &DatabaseConnection {
        self.store.database().read(&Exemption::Ledger)
    }

    /// Runs a transaction. Retries it if a foreign key rejects it because a row that it checked was just deleted.
    async fn write<T, F>(&self, work: impl Fn(Arc<Tx>) -> F) -> Result<T, LedgerError>
    where
        F: Future<Output = crate::Result<T>> + Send,
    {
        let mut attempt = 1;
        loop {
            match self.store.database().write(&Exemption::Ledger, &work).await {
                Err(Error::Unavailable(source)) if attempt < TRIES && sql::refused_by_reference(&source) => {
                    attempt += 1;
                }
                outcome => return outcome.map_err(failure),
            }
        }
    }
}

#[async_trait]
impl Ledger for SqlLedger {
    async fn repository(
        &self,
        name: &RepositoryName,
        create: bool,
        now: Timestamp,
    ) -> Result<Option<KnownRepository>, LedgerError> {
        let found = names::find(self.rows(), name).await.map_err(failure)?;
        if found.is_some() || !create {
            return Ok(found);
        }
        self.write(|tx| async move { names::create(&*tx, name, now).await }).await.map(Some)
    }

    async fn repositories(&self, page: &ListPage) -> Result<Vec<RepositoryName>, LedgerError> {
        names::list(self.rows(), page).await.map_err(failure)
    }

    async fn blob(&self, repository: RepositoryId, digest: &Digest) -> Result<Option<Blob>, LedgerError> {
        let row = blobs::find(self.rows(), repository, digest).await.map_err(failure)?;
        row.map(|row| row.blob(digest)).transpose().map_err(failure)
    }

    async fn stored_blob(&self, digest: &Digest) -> Result<Option<Blob>, LedgerError> {
        blobs::stored(self.rows(), digest).await.map_err(failure)
    }

    async fn linked(&self, repository: RepositoryId, digests: &[Digest]) -> Result<Vec<Link>, LedgerError> {
        blobs::linked(self.rows(), repository, digests).await.map_err(failure)
    }

    async fn hold_blob(&self, repository: RepositoryId, digest: &Digest, now: Timestamp) -> Result<bool, LedgerError> {
        match blobs::needs_hold(self.rows(), repository, digest, now).await.map_err(failure)? {
            Some(true) => self.write(|tx| async move { blobs::hold(&*tx, repository, digest, now).await }).await,
            Some(false) => Ok(true),
            None => Ok(false),
        }
    }

    async fn mount(
        &self,
        to: RepositoryId,
        from: RepositoryId,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<Blob>, LedgerError> {
        self.write(|tx| async move { blobs::mount(&*tx, to, from, digest, now).await }).await
    }

    async fn unlink_blob(
        &self,
        repository: RepositoryId,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<UnlinkOutcome, LedgerError> {
        let unlink = |tx: Arc<Tx>| async move { blobs::unlink(&*tx, repository, digest, now).await };
        match self.store.database().write(&Exemption::Ledger, unlink).await {
            Err(Error::Unavailable(source)) if sql::refused_by_reference(&source) => Ok(UnlinkOutcome::InUse),
            outcome => outcome.map_err(failure),
        }
    }

    async fn open_upload(
        &self,
        repository: RepositoryId,
        id: Uuid,
        algorithm: Algorithm,
        max: u64,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        if uploads::count(self.rows(), repository).await.map_err(failure)? >= max {
            return Ok(false);
        }
        self.write(|tx| async move { uploads::open(&*tx, repository, id, algorithm, now).await }).await?;
        Ok(true)
    }

    async fn upload(&self, repository: RepositoryId, id: Uuid) -> Result<Option<Upload>, LedgerError> {
        uploads::find(self.rows(), repository, id).await.map_err(failure)
    }

    async fn advance_upload(
        &self,
        repository: RepositoryId,
        upload: &Upload,
        from_offset: u64,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        self.write(|tx| async move { uploads::advance(&*tx, repository, upload, from_offset, now).await }).await
    }

    async fn commit_upload(
        &self,
        repository: RepositoryId,
        upload: &Upload,
        from_offset: u64,
        digest: &Digest,
        damaged: Option<&[Segment]>,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let commit = |tx: Arc<Tx>| async move {
            if !uploads::end(&*tx, repository, upload, from_offset, now).await? {
                return Ok(false);
            }
            blobs::add(&*tx, repository, upload, digest, damaged, now).await?;
            Ok(true)
        };
        self.write(commit).await
    }

    async fn cancel_upload(&self, repository: RepositoryId, id: Uuid, now: Timestamp) -> Result<bool, LedgerError> {
        self.write(|tx| async move { uploads::cancel(&*tx, repository, id, now).await }).await
    }

    async fn put_manifest(&self, place: &Place, manifest: &NewManifest, now: Timestamp) -> Result<Put, LedgerError> {
        let (put, appeared) = self.write(|tx| async move { manifests::put(&*tx, place, manifest, now).await }).await?;
        if appeared {
            self.store.standings().forget();
        }
        self.store.notifier().notify();
        Ok(put)
    }

    async fn manifest(&self, repository: RepositoryId, reference: &Reference) -> Result<Option<Manifest>, LedgerError> {
        manifests::find(self.rows(), repository, reference).await.map_err(failure)
    }

    async fn delete_tag(&self, place: &Place, tag: &Tag, now: Timestamp) -> Result<bool, LedgerError> {
        let gone = self.write(|tx| async move { manifests::delete_tag(&*tx, place, tag, now).await }).await?;
        self.store.notifier().notify();
        Ok(gone)
    }

    async fn delete_manifest(&self, place: &Place, digest: &Digest, now: Timestamp) -> Result<bool, LedgerError> {
        let gone = self.write(|tx| async move { manifests::delete(&*tx, place, digest, now).await }).await?;
        self.store.notifier().notify();
        Ok(gone)
    }

    async fn tags(&self, repository: RepositoryId, page: &ListPage) -> Result<Vec<Tag>, LedgerError> {
        tags::list(self.rows(), repository, page).await.map_err(failure)
    }

    async fn referrers(
        &self,
        repository: RepositoryId,
        subject: &Digest,
        artifact_type: Option<&str>,
        page: &ListPage,
        max_bytes: u64,
    ) -> Result<ReferrerPage, LedgerError> {
        manifests::referrers(self.rows(), repository, subject, artifact_type, page, max_bytes).await.map_err(failure)
    }

    async fn all_blobs(&self, page: &ListPage) -> Result<Vec<Blob>, LedgerError> {
        blobs::list(self.rows(), page).await.map_err(failure)
    }

    async fn all_uploads(&self, page: &ListPage) -> Result<Vec<Upload>, LedgerError> {
        uploads::list(self.rows(), page).await.map_err(failure)
    }

    async fn all_trash(&self, page: &ListPage) -> Result<Vec<String>, LedgerError> {
        trash::keys(self.rows(), page).await.map_err(failure)
    }

    async fn repositories_of(&self, digest: &Digest, limit: u64) -> Result<Vec<RepositoryName>, LedgerError> {
        blobs::repositories(self.rows(), digest, limit).await.map_err(failure)
    }
}

fn failure(error: Error) -> LedgerError {
    match error {
        Error::Unavailable(source) if sql::refused_for_room(&source) => LedgerError::Full(Box::new(source)),
        Error::Corrupt(what) => LedgerError::Corrupt(what),
        Error::Unavailable(source) => LedgerError::Unavailable(Box::new(source)),
        other => LedgerError::Unavailable(Box::new(other)),
    }
}
