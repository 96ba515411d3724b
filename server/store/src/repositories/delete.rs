//! Deletes a repository with its contents, in an order that the foreign keys accept. The bytes of its uploads go to the
//! trash. Blobs that are no longer linked are left to garbage collection, which can safely run concurrently with
//! pushes.

use model::clock::Timestamp;
use model::event::EventKind;
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::access::{Own, Permit};
use crate::database::Tx;
use crate::entity::{
    collaborator, comment, image, manifest, manifest_blob, manifest_child, repository, repository_alias,
    repository_blob, star, tag, tag_history, upload,
};
use crate::error::{Error, Result};
use crate::ledger::{segments, trash};
use crate::{Store, outbox};

/// Deletes the rows of a repository from each of these tables, in this order.
macro_rules! delete_rows {
    ($on:expr, $repository:expr, $($table:ident),+) => {$(
        $table::Entity::delete_many().filter($table::Column::RepositoryId.eq($repository)).exec($on).await?;
    )+};
}

impl Store {
    /// Deletes a repository and its contents.
    pub async fn delete_repository(&self, permit: Permit<Own>) -> Result<()> {
        let permit = &permit;
        let now = self.clock().now();
        self.database()
            .write(permit, |tx| async move {
                lock(&tx, permit).await?;
                empty(&tx, permit.repository().0, now).await?;
                repository::Entity::delete_by_id(permit.repository().0).exec(&*tx).await?;
                outbox::append(&*tx, &outbox::event(permit, EventKind::RepositoryDeleted), now).await
            })
            .await?;
        self.changed();
        Ok(())
    }
}

/// Deletes the contents of a repository. Rows are deleted before the rows that they refer to.
async fn empty(tx: &Tx, repository: i64, now: Timestamp) -> Result<()> {
    // An upload can advance until its row is deleted, so the segments come from RETURNING, not from an earlier query.
    let uploads = upload::Entity::delete_many().filter(upload::Column::RepositoryId.eq(repository));
    for upload in uploads.exec_with_returning(tx).await? {
        let segments = segments::decode(&upload.segments).ok_or(Error::Corrupt("upload.segments"))?;
        trash::add(tx, &segments, now).await?;
    }
    delete_rows!(tx, repository, tag, image, manifest_child, manifest_blob, manifest, repository_blob);
    delete_rows!(tx, repository, tag_history, comment, star, collaborator, repository_alias);
    Ok(())
}

/// Locks the repository, so that nothing can be added to it: on PostgreSQL, inserting a row that refers to it needs a
/// shared lock on its row. SQLite has only one writer at a time.
async fn lock(tx: &Tx, permit: &Permit<Own>) -> Result<()> {
    let held: Option<i64> = repository::Entity::find_by_id(permit.repository().0)
        .select_only()
        .column(repository::Column::Id)
        .lock(LockType::Update)
        .into_tuple()
        .one(tx)
        .await?;
    held.map(|_| ()).ok_or(Error::Absent)
}
