//! Garbage collection in SQL, safe beside pushes on any node.
//!
//! Whatever removes a reference stores since when its target may be unused; the sweep reads only these rows. Manifests
//! are checked under the lock of their repository, which every change of tags and manifests takes. Links and blobs are
//! locked with `FOR UPDATE`, skipping those that a push is about to use, and checked after that; a push that comes later
//! waits for the lock and is then refused by a foreign key, so that it reports the blob as missing.

use std::collections::BTreeMap;

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use model::clock::Timestamp;
use model::event::{Event, EventKind};
use model::id::RepositoryId;
use model::oci::{Digest, RepositoryName};
use registry::ledger::{Freed, LedgerError, Segment, SweepBatch, SweepClaim, SweepCutoffs, SweepJob, SweepLedger};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, LockBehavior, LockType, OnConflict, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoSimpleExpr, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{SqlLedger, failure, manifests, plan, references, segments, trash, uploads};
use crate::entity::column::Text;
use crate::entity::{blob, job, manifest, manifest_blob, manifest_child, repository, repository_blob, tag};
use crate::repositories::delete::delete_abandoned;
use crate::{Error, Result, outbox, shared_key, sql};

/// The setting with the id of the ledger.
const STORAGE_ID: &str = "storage_id";

#[async_trait]
impl SweepLedger for SqlLedger {
    async fn claim_sweep(
        &self,
        job: SweepJob,
        holder: Uuid,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<SweepClaim, LedgerError> {
        self.write(|tx| async move { claim(&*tx, job, holder, until, now).await }).await
    }

    async fn release_sweep(&self, job: SweepJob, holder: Uuid) -> Result<(), LedgerError> {
        self.write(|tx| async move { release(&*tx, job, holder).await }).await
    }

    async fn pause_sweep(&self, paused: bool) -> Result<(), LedgerError> {
        self.write(|tx| async move { pause(&*tx, paused).await }).await
    }

    async fn expire_uploads(&self, before: Timestamp, limit: u64, now: Timestamp) -> Result<u64, LedgerError> {
        self.write(|tx| async move { uploads::expire(&*tx, before, limit, now).await }).await
    }

    async fn delete_abandoned(
        &self,
        before: Timestamp,
        unused: Timestamp,
        limit: u64,
        now: Timestamp,
    ) -> Result<u64, LedgerError> {
        self.write(|tx| async move { delete_abandoned(&tx, before, unused, limit, now).await }).await
    }

    async fn sweep_manifests(&self, before: Timestamp, limit: u64, now: Timestamp) -> Result<SweepBatch, LedgerError> {
        let candidates = unused_manifests(self.rows(), before, limit).await.map_err(failure)?;
        let mut batch = SweepBatch { checked: sql::count(candidates.len()), freed: 0 };
        let mut by_repository = BTreeMap::<RepositoryId, Vec<Digest>>::new();
        for (repository, digest) in candidates {
            by_repository.entry(repository).or_default().push(digest);
        }
        for (repository, digests) in &by_repository {
            batch.freed +=
                self.write(|tx| async move { sweep_manifests(&*tx, *repository, digests, before, now).await }).await?;
        }
        if batch.freed > 0 {
            self.store.notifier().notify();
        }
        Ok(batch)
    }

    async fn sweep_links(&self, before: Timestamp, limit: u64, now: Timestamp) -> Result<SweepBatch, LedgerError> {
        self.write(|tx| async move { sweep_links(&*tx, before, limit, now).await }).await
    }

    async fn sweep_blobs(&self, limit: u64, now: Timestamp) -> Result<SweepBatch, LedgerError> {
        self.write(|tx| async move { sweep_blobs(&*tx, limit, now).await }).await
    }

    async fn trash(&self, limit: u64) -> Result<Vec<Segment>, LedgerError> {
        trash::list(self.rows(), limit).await.map_err(failure)
    }

    async fn forget_trash(&self, keys: &[String]) -> Result<(), LedgerError> {
        self.write(|tx| async move { trash::forget(&*tx, keys).await }).await
    }

    async fn postpone_trash(&self, keys: &[String], now: Timestamp) -> Result<(), LedgerError> {
        self.write(|tx| async move { trash::postpone(&*tx, keys, now).await }).await
    }

    async fn storage_id(&self) -> Result<String, LedgerError> {
        let id = shared_key::open(self.store.database(), STORAGE_ID).await.map_err(failure)?;
        Ok(HEXLOWER.encode(&id))
    }

    async fn open_uploads(&self, ids: &[Uuid]) -> Result<Vec<Uuid>, LedgerError> {
        uploads::existing(self.rows(), ids).await.map_err(failure)
    }

    async fn sweepable(&self, cutoffs: &SweepCutoffs) -> Result<Freed, LedgerError> {
        plan::sweepable(self.rows(), cutoffs).await.map_err(failure)
    }
}

async fn claim(
    on: &impl ConnectionTrait,
    job: SweepJob,
    holder: Uuid,
    until: Timestamp,
    now: Timestamp,
) -> Result<SweepClaim> {
    let paused = job::Entity::find_by_id(SweepJob::Sweep.as_str().to_owned()).select_only().column(job::Column::Paused);
    if paused.into_tuple::<bool>().one(on).await? == Some(true) {
        return Ok(SweepClaim::Paused);
    }
    let row = job::ActiveModel {
        name: Set(job.as_str().to_owned()),
        holder: Set(holder.to_string()),
        held_until: Set(until.micros()),
        paused: Set(false),
    };
    let free = Condition::any()
        .add(Expr::col((job::Entity, job::Column::HeldUntil)).lt(now.micros()))
        .add(Expr::col((job::Entity, job::Column::Holder)).eq(holder.to_string()));
    let taken = OnConflict::column(job::Column::Name)
        .update_columns([job::Column::Holder, job::Column::HeldUntil])
        .action_cond_where(free)
        .to_owned();
    let granted = job::Entity::insert_many([row]).on_conflict(taken).exec_without_returning(on).await? > 0;
    Ok(if granted { SweepClaim::Granted } else { SweepClaim::Busy })
}

async fn release(on: &impl ConnectionTrait, job: SweepJob, holder: Uuid) -> Result<()> {
    job::Entity::update_many()
        .col_expr(job::Column::HeldUntil, Expr::value(0_i64))
        .filter(job::Column::Name.eq(job.as_str()))
        .filter(job::Column::Holder.eq(holder.to_string()))
        .exec(on)
        .await?;
    Ok(())
}

async fn pause(on: &impl ConnectionTrait, paused: bool) -> Result<()> {
    let row = job::ActiveModel {
        name: Set(SweepJob::Sweep.as_str().to_owned()),
        holder: Set(String::new()),
        held_until: Set(0),
        paused: Set(paused),
    };
    let there = OnConflict::column(job::Column::Name).update_column(job::Column::Paused).to_owned();
    job::Entity::insert_many([row]).on_conflict(there).exec_without_returning(on).await?;
    Ok(())
}

/// Returns manifests that may have been unused since `before` or longer, those that became so first first.
async fn unused_manifests(
    on: &impl ConnectionTrait,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<(RepositoryId, Digest)>> {
    let rows: Vec<(i64, Text<Digest>)> = manifest::Entity::find()
        .select_only()
        .columns([manifest::Column::RepositoryId, manifest::Column::Digest])
        .filter(manifest::Column::UnusedSince.lte(before.micros()))
        .order_by_asc(manifest::Column::UnusedSince)
        .limit(limit)
        .into_tuple()
        .all(on)
        .await?;
    Ok(rows.into_iter().map(|(repository, digest)| (RepositoryId(repository), digest.0)).collect())
}

/// Checks these manifests of a repository: keeps those that are used and deletes the others. Returns the number of
/// deleted ones.
async fn sweep_manifests(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digests: &[Digest],
    before: Timestamp,
    now: Timestamp,
) -> Result<u64> {
    if manifests::lock(on, repository).await?.is_none() {
        return Ok(0);
    }
    let name: Option<Text<RepositoryName>> = repository::Entity::find_by_id(repository.0)
        .select_only()
        .column(repository::Column::Path)
        .into_tuple()
        .one(on)
        .await?;
    let name = name.ok_or(Error::Absent)?.0;
    let mut deleted = 0;
    for digests in digests.chunks(sql::BATCH) {
        let rows: Vec<(Text<Digest>, i64, bool)> = manifest::Entity::find()
            .select_only()
            .columns([manifest::Column::Digest, manifest::Column::UnusedSince])
            .expr_as(is_used(), "used")
            .filter(manifest::Column::RepositoryId.eq(repository.0))
            .filter(manifest::Column::Digest.is_in(digests.iter().map(Digest::as_str)))
            .filter(manifest::Column::UnusedSince.lte(before.micros()))
            .into_tuple()
            .all(on)
            .await?;
        let used = rows.iter().filter(|(_, _, used)| *used).map(|(digest, ..)| digest.0.as_str());
        manifest::Entity::update_many()
            .col_expr(manifest::Column::UnusedSince, Expr::value(None::<i64>))
            .filter(manifest::Column::RepositoryId.eq(repository.0))
            .filter(manifest::Column::Digest.is_in(used))
            .exec(on)
            .await?;
        for (digest, since, used) in rows {
            if used {
                continue;
            }
            // What only this manifest needed has been unused for as long.
            let since = Timestamp::from_micros(since);
            references::release(on, repository, &digest.0, since, now).await?;
            let bytes = references::own_bytes(on, repository, &digest.0).await?;
            manifest::Entity::delete_by_id((repository.0, digest.clone())).exec(on).await?;
            manifests::resize(repository, 0, -bytes).exec(on).await?;
            let kind = EventKind::ManifestDeleted { digest: digest.0, tags: Vec::new() };
            let event = Event { repository: Some((repository, name.clone())), actor: None, kind };
            outbox::append(on, &event, now).await?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

/// The condition that a manifest has a tag, an index or a subject.
fn is_used() -> Expr {
    let this = |column: manifest::Column| column.into_simple_expr();
    let tags = Query::select()
        .expr(Expr::value(1))
        .from(tag::Entity)
        .and_where(tag::Column::RepositoryId.into_simple_expr().eq(this(manifest::Column::RepositoryId)))
        .and_where(tag::Column::Digest.into_simple_expr().eq(this(manifest::Column::Digest)))
        .take();
    let indexes = Query::select()
        .expr(Expr::value(1))
        .from(manifest_child::Entity)
        .and_where(manifest_child::Column::RepositoryId.into_simple_expr().eq(this(manifest::Column::RepositoryId)))
        .and_where(manifest_child::Column::Child.into_simple_expr().eq(this(manifest::Column::Digest)))
        .take();
    let subject = |column: manifest::Column| Expr::col(("subject", column));
    let subjects = Query::select()
        .expr(Expr::value(1))
        .from_as(manifest::Entity, "subject")
        .and_where(subject(manifest::Column::RepositoryId).eq(this(manifest::Column::RepositoryId)))
        .and_where(subject(manifest::Column::Digest).eq(this(manifest::Column::Subject)))
        .take();
    Expr::exists(tags).or(Expr::exists(indexes)).or(Expr::exists(subjects))
}

/// Checks links that may have been unused since `before` or longer.
async fn sweep_links(on: &impl ConnectionTrait, before: Timestamp, limit: u64, now: Timestamp) -> Result<SweepBatch> {
    let locked: Vec<(i64, Text<Digest>)> = repository_blob::Entity::find()
        .select_only()
        .columns([repository_blob::Column::RepositoryId, repository_blob::Column::Digest])
        .filter(repository_blob::Column::UnusedSince.lte(before.micros()))
        .order_by_asc(repository_blob::Column::UnusedSince)
        .limit(limit)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .into_tuple()
        .all(on)
        .await?;
    let mut by_repository = BTreeMap::<i64, Vec<String>>::new();
    for (repository, digest) in &locked {
        by_repository.entry(*repository).or_default().push(digest.0.to_string());
    }
    let these = by_repository.into_iter().fold(Condition::any(), |any, (repository, digests)| {
        let of_repository = Condition::all()
            .add(repository_blob::Column::RepositoryId.eq(repository))
            .add(repository_blob::Column::Digest.is_in(digests));
        any.add(of_repository)
    });
    if locked.is_empty() {
        return Ok(SweepBatch::default());
    }
    let is_used = || {
        let this = |column: repository_blob::Column| column.into_simple_expr();
        let users = Query::select()
            .expr(Expr::value(1))
            .from(manifest_blob::Entity)
            .and_where(
                manifest_blob::Column::RepositoryId.into_simple_expr().eq(this(repository_blob::Column::RepositoryId)),
            )
            .and_where(manifest_blob::Column::Digest.into_simple_expr().eq(this(repository_blob::Column::Digest)))
            .take();
        Expr::exists(users)
    };
    repository_blob::Entity::update_many()
        .col_expr(repository_blob::Column::UnusedSince, Expr::value(None::<i64>))
        .filter(these.clone())
        .filter(is_used())
        .exec(on)
        .await?;
    let deleted =
        repository_blob::Entity::delete_many().filter(these).filter(is_used().not()).exec_with_returning(on).await?;
    super::blobs::unlinked(on, deleted.iter().map(|link| &link.digest.0), now).await?;
    Ok(SweepBatch { checked: sql::count(locked.len()), freed: sql::count(deleted.len()) })
}

/// Checks blobs that may not be linked any more.
async fn sweep_blobs(on: &impl ConnectionTrait, limit: u64, now: Timestamp) -> Result<SweepBatch> {
    let locked: Vec<Text<Digest>> = blob::Entity::find()
        .select_only()
        .column(blob::Column::Digest)
        .filter(blob::Column::UnlinkedAt.is_not_null())
        .order_by_asc(blob::Column::UnlinkedAt)
        .limit(limit)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .into_tuple()
        .all(on)
        .await?;
    let these = || blob::Column::Digest.is_in(locked.iter().map(|digest| digest.0.as_str()));
    let is_linked = || Expr::exists(links_of_blob());
    blob::Entity::update_many()
        .col_expr(blob::Column::UnlinkedAt, Expr::value(None::<i64>))
        .filter(these())
        .filter(is_linked())
        .exec(on)
        .await?;
    let deleted = blob::Entity::delete_many().filter(these()).filter(is_linked().not()).exec_with_returning(on).await?;
    for blob in &deleted {
        let segments = segments::decode(&blob.segments).ok_or(Error::Corrupt("blob.segments"))?;
        trash::add(on, &segments, now).await?;
    }
    Ok(SweepBatch { checked: sql::count(locked.len()), freed: sql::count(deleted.len()) })
}

/// Selects the links of the blob of the outer query.
fn links_of_blob() -> SelectStatement {
    Query::select()
        .expr(Expr::value(1))
        .from(repository_blob::Entity)
        .and_where(repository_blob::Column::Digest.into_simple_expr().eq(blob::Column::Digest.into_simple_expr()))
        .take()
}
