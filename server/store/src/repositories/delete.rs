//! Deletes repositories with their contents, in an order that the foreign keys accept. The bytes of their uploads go to
//! the trash. Blobs that are no longer linked are left to garbage collection, which can safely run concurrently with
//! pushes.

use model::clock::Timestamp;
use model::event::EventKind;
use model::id::RepositoryId;
use model::oci::RepositoryName;
use sea_orm::sea_query::{Expr, ExprTrait, LockType};
use sea_orm::{ColumnTrait, EntityTrait, IntoSimpleExpr, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select};

use crate::access::{Own, Permit};
use crate::database::Tx;
use crate::entity::{
    collaborator, comment, image, manifest, manifest_blob, manifest_child, repository, repository_alias,
    repository_blob, star, tag, tag_history, upload,
};
use crate::error::{Error, Result};
use crate::ledger::{blobs, segments, trash};
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
                delete(&tx, permit.repository().0, now).await?;
                outbox::append(&*tx, &outbox::event(permit, EventKind::RepositoryDeleted), now).await
            })
            .await?;
        self.changed();
        Ok(())
    }
}

/// Deletes a pending repository at this path, so that another one can be renamed to it.
pub(super) async fn delete_pending_at(tx: &Tx, path: &RepositoryName, now: Timestamp) -> Result<()> {
    let pending = repository::Entity::find()
        .select_only()
        .column(repository::Column::Id)
        .filter(repository::Column::Path.eq(path.as_str()))
        .filter(repository::Column::Pending.eq(true))
        .lock(LockType::Update)
        .into_tuple::<i64>();
    if let Some(id) = pending.one(tx).await? {
        delete(tx, id, now).await?;
    }
    Ok(())
}

/// Deletes up to `limit` pending repositories that were created at `before` or earlier and returns their number. Those
/// with an open upload, or with a blob that was used after `unused`, are kept.
pub(crate) async fn delete_abandoned(
    tx: &Tx,
    before: Timestamp,
    unused: Timestamp,
    limit: u64,
    now: Timestamp,
) -> Result<u64> {
    let abandoned = || abandoned(before, unused);
    let candidates = abandoned().order_by_asc(repository::Column::Id).limit(limit);
    let mut deleted = 0;
    for id in candidates.into_tuple::<i64>().all(tx).await? {
        let locked = repository::Entity::find_by_id(id)
            .select_only()
            .column(repository::Column::Id)
            .lock(LockType::Update)
            .into_tuple::<i64>();
        // The lock may have waited for a push, whose rows only the next statement sees.
        if locked.one(tx).await?.is_none()
            || abandoned().filter(repository::Column::Id.eq(id)).into_tuple::<i64>().one(tx).await?.is_none()
        {
            continue;
        }
        delete(tx, id, now).await?;
        deleted += 1;
    }
    Ok(deleted)
}

/// Selects the ids of pending repositories that nobody is pushing to.
fn abandoned(before: Timestamp, unused: Timestamp) -> Select<repository::Entity> {
    let this = || repository::Column::Id.into_simple_expr();
    let uploads = upload::Entity::find()
        .select_only()
        .column(upload::Column::Id)
        .filter(upload::Column::RepositoryId.into_simple_expr().eq(this()))
        .into_query();
    let recent = repository_blob::Entity::find()
        .select_only()
        .column(repository_blob::Column::Digest)
        .filter(repository_blob::Column::RepositoryId.into_simple_expr().eq(this()))
        .filter(repository_blob::Column::UnusedSince.gt(unused.micros()))
        .into_query();
    repository::Entity::find()
        .select_only()
        .column(repository::Column::Id)
        // Not `= TRUE`, which the index on pending repositories would not serve.
        .filter(repository::Column::Pending.into_simple_expr())
        .filter(repository::Column::CreatedAt.lte(before.micros()))
        .filter(Expr::exists(uploads).not())
        .filter(Expr::exists(recent).not())
}

async fn delete(tx: &Tx, repository: i64, now: Timestamp) -> Result<()> {
    empty(tx, repository, now).await?;
    repository::Entity::delete_by_id(repository).exec(tx).await?;
    Ok(())
}

/// Deletes the contents of a repository. Rows are deleted before the rows that they refer to.
async fn empty(tx: &Tx, repository: i64, now: Timestamp) -> Result<()> {
    // An upload can advance until its row is deleted, so the segments come from RETURNING, not from an earlier query.
    let uploads = upload::Entity::delete_many().filter(upload::Column::RepositoryId.eq(repository));
    for upload in uploads.exec_with_returning(tx).await? {
        let segments = segments::decode(&upload.segments).ok_or(Error::Corrupt("upload.segments"))?;
        trash::add(tx, &segments, now).await?;
    }
    delete_rows!(tx, repository, tag, image, manifest_child, manifest_blob, manifest);
    blobs::unlink_all(tx, RepositoryId(repository), now).await?;
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
