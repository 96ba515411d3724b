//! What a sweep would free now, computed without changing anything. Needs memory for the digests of all rows that it
//! would delete.

use std::collections::{BTreeMap, BTreeSet};

use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::{Digest, Tag};
use registry::ledger::{Freed, SweepCutoffs};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoSimpleExpr, JoinType, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, RelationTrait,
};

use super::{references, segments};
use crate::entity::column::Text;
use crate::entity::{blob, manifest, manifest_blob, manifest_child, repository_blob, tag, trash, upload};
use crate::{Error, Result, sql};

/// Returns what a sweep would free.
pub(super) async fn sweepable(on: &impl ConnectionTrait, cutoffs: &SweepCutoffs) -> Result<Freed> {
    let mut freed = Freed::default();
    uploads(on, cutoffs, &mut freed).await?;
    let mut candidates = BTreeMap::<RepositoryId, BTreeSet<Digest>>::new();
    if let Some(before) = cutoffs.manifests {
        let unused = manifest::Entity::find()
            .select_only()
            .columns([manifest::Column::RepositoryId, manifest::Column::Digest])
            .filter(manifest::Column::UnusedSince.lte(before.micros()))
            .into_tuple::<(i64, Text<Digest>)>();
        for (repository, digest) in unused.all(on).await? {
            candidates.entry(RepositoryId(repository)).or_default().insert(digest.0);
        }
    }
    let mut unlinked = UnlinkedBlobs::default();
    for (repository, candidates) in candidates {
        let mut unused = Unused { before: cutoffs.manifests, ..Unused::new(repository) };
        unused.add(on, candidates).await?;
        freed.manifests += sql::count(unused.deleted.len());
        if cutoffs.at_once {
            unlinked.add(used_only_by(on, repository, &unused.deleted).await?);
        }
    }
    unlinked.add(unused_links(on, cutoffs).await?);
    let lost = blob::Entity::find()
        .select_only()
        .column(blob::Column::Digest)
        .filter(blob::Column::UnlinkedAt.is_not_null())
        .into_tuple::<Text<Digest>>();
    for digest in lost.all(on).await? {
        unlinked.0.entry(digest.0).or_default();
    }
    unlinked.free(on, &mut freed).await?;
    let row: (i64, Option<i64>) = trash::Entity::find()
        .select_only()
        .expr(trash::Column::Key.count())
        // On PostgreSQL, the sum of a `bigint` column is a `numeric`.
        .expr(trash::Column::Length.sum().cast_as("BIGINT"))
        .into_tuple()
        .one(on)
        .await?
        .unwrap_or_default();
    freed.objects += sql::unsigned(row.0);
    freed.bytes += sql::unsigned(row.1.unwrap_or(0));
    Ok(freed)
}

/// Adds the uploads that would expire.
async fn uploads(on: &impl ConnectionTrait, cutoffs: &SweepCutoffs, freed: &mut Freed) -> Result<()> {
    let mut last = String::new();
    loop {
        let rows: Vec<(String, String)> = upload::Entity::find()
            .select_only()
            .columns([upload::Column::Id, upload::Column::Segments])
            .filter(upload::Column::UpdatedAt.lte(cutoffs.uploads.micros()))
            .filter(upload::Column::Id.gt(&*last))
            .order_by_asc(upload::Column::Id)
            .limit(sql::count(sql::BATCH))
            .into_tuple()
            .all(on)
            .await?;
        let Some((id, _)) = rows.last() else { return Ok(()) };
        last.clone_from(id);
        freed.uploads += sql::count(rows.len());
        for (_, segments) in &rows {
            freed.add_objects(&segments::decode(segments).ok_or(Error::Corrupt("upload.segments"))?);
        }
    }
}

/// Manifests of a repository that would be deleted because nothing needs them.
pub(crate) struct Unused<'a> {
    pub(crate) repository: RepositoryId,
    /// Manifests that have lost a tag, an index or their subject later are kept.
    pub(crate) before: Option<Timestamp>,
    /// A tag that does not count.
    pub(crate) without: Option<&'a Tag>,
    /// The number of manifests after which no more are looked for.
    pub(crate) most: usize,
    /// The manifests found.
    pub(crate) deleted: BTreeSet<Digest>,
}

impl Unused<'_> {
    pub(crate) const fn new(repository: RepositoryId) -> Self {
        Self { repository, before: None, without: None, most: usize::MAX, deleted: BTreeSet::new() }
    }

    /// Adds those of these manifests that have no tag, index or subject apart from deleted ones, and the manifests that
    /// become so because of that.
    pub(crate) async fn add(&mut self, on: &impl ConnectionTrait, mut candidates: BTreeSet<Digest>) -> Result<()> {
        while !candidates.is_empty() && self.deleted.len() <= self.most {
            let later = candidates.iter().nth(sql::BATCH).cloned();
            let later = later.map(|first| candidates.split_off(&first)).unwrap_or_default();
            let used = self.used(on, &candidates).await?;
            let unused: BTreeSet<Digest> = candidates.difference(&used).cloned().collect();
            self.deleted.extend(unused.iter().cloned());
            candidates = later;
            candidates.extend(self.dependents(on, &unused).await?);
            candidates.retain(|digest| !self.deleted.contains(digest));
        }
        Ok(())
    }

    /// Returns those of these manifests that have a tag, or an index or a subject that is not deleted.
    async fn used(&self, on: &impl ConnectionTrait, digests: &BTreeSet<Digest>) -> Result<BTreeSet<Digest>> {
        let (repository, among) = (self.repository.0, || digests.iter().map(Digest::as_str));
        let tags = tag::Entity::find()
            .select_only()
            .column(tag::Column::Digest)
            .distinct()
            .filter(tag::Column::RepositoryId.eq(repository))
            .filter(tag::Column::Digest.is_in(among()))
            .apply_if(self.without, |query, tag| query.filter(tag::Column::Name.ne(tag.as_str())));
        let tagged: Vec<Text<Digest>> = tags.into_tuple().all(on).await?;
        let mut used: BTreeSet<Digest> = tagged.into_iter().map(|digest| digest.0).collect();
        let indexed = manifest_child::Entity::find()
            .select_only()
            .columns([manifest_child::Column::Child, manifest_child::Column::Parent])
            .filter(manifest_child::Column::RepositoryId.eq(repository))
            .filter(manifest_child::Column::Child.is_in(among()));
        let subject = |column: manifest::Column| Expr::col(("subject", column));
        let subjects = Query::select()
            .expr(Expr::value(1))
            .from_as(manifest::Entity, "subject")
            .and_where(subject(manifest::Column::RepositoryId).eq(repository))
            .and_where(subject(manifest::Column::Digest).eq(manifest::Column::Subject.into_simple_expr()))
            .take();
        let referring = manifest::Entity::find()
            .select_only()
            .columns([manifest::Column::Digest, manifest::Column::Subject])
            .filter(manifest::Column::RepositoryId.eq(repository))
            .filter(manifest::Column::Digest.is_in(among()))
            .filter(Expr::exists(subjects));
        let mut needed: Vec<(Text<Digest>, Text<Digest>)> = indexed.into_tuple().all(on).await?;
        needed.extend(referring.into_tuple::<(Text<Digest>, Text<Digest>)>().all(on).await?);
        used.extend(needed.into_iter().filter(|(_, by)| !self.deleted.contains(&by.0)).map(|(digest, _)| digest.0));
        Ok(used)
    }

    /// Returns the children and the referrers of these manifests.
    async fn dependents(&self, on: &impl ConnectionTrait, digests: &BTreeSet<Digest>) -> Result<BTreeSet<Digest>> {
        let (repository, digests): (i64, Vec<&str>) = (self.repository.0, digests.iter().map(Digest::as_str).collect());
        let mut dependents = BTreeSet::new();
        for batch in digests.chunks(sql::BATCH) {
            let batch = || batch.iter().copied();
            let children = manifest_child::Entity::find()
                .select_only()
                .column(manifest_child::Column::Child)
                .filter(manifest_child::Column::RepositoryId.eq(repository))
                .filter(manifest_child::Column::Parent.is_in(batch()))
                .into_query();
            // A client may have deleted a child.
            for dependent in [manifest::Column::Digest.in_subquery(children), manifest::Column::Subject.is_in(batch())]
            {
                let rows = manifest::Entity::find()
                    .select_only()
                    .column(manifest::Column::Digest)
                    .filter(manifest::Column::RepositoryId.eq(repository))
                    .filter(dependent)
                    .apply_if(self.before, |query, before| query.filter(references::unused_at(before)))
                    .into_tuple::<Text<Digest>>();
                dependents.extend(rows.all(on).await?.into_iter().map(|digest| digest.0));
            }
        }
        Ok(dependents)
    }
}

/// Returns the blobs of a repository that only these manifests use.
pub(crate) async fn used_only_by(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    manifests: &BTreeSet<Digest>,
) -> Result<Vec<Digest>> {
    let of_repository = || manifest_blob::Entity::find().filter(manifest_blob::Column::RepositoryId.eq(repository.0));
    let mut uses = BTreeMap::<Digest, i64>::new();
    let manifests: Vec<&str> = manifests.iter().map(Digest::as_str).collect();
    for batch in manifests.chunks(sql::BATCH) {
        let blobs = of_repository()
            .select_only()
            .column(manifest_blob::Column::Digest)
            .filter(manifest_blob::Column::Manifest.is_in(batch.iter().copied()))
            .into_tuple::<Text<Digest>>();
        for digest in blobs.all(on).await? {
            *uses.entry(digest.0).or_default() += 1;
        }
    }
    let digests: Vec<&str> = uses.keys().map(Digest::as_str).collect();
    let mut unused = Vec::new();
    for batch in digests.chunks(sql::BATCH) {
        let all = of_repository()
            .select_only()
            .column(manifest_blob::Column::Digest)
            .expr(manifest_blob::Column::Manifest.count())
            .filter(manifest_blob::Column::Digest.is_in(batch.iter().copied()))
            .group_by(manifest_blob::Column::Digest)
            .into_tuple::<(Text<Digest>, i64)>();
        let only_these = |(digest, all): (Text<Digest>, i64)| (uses.get(&digest.0) == Some(&all)).then_some(digest.0);
        unused.extend(all.all(on).await?.into_iter().filter_map(only_these));
    }
    Ok(unused)
}

/// Returns a blob for each link that would be deleted because no manifest has used it for long enough.
async fn unused_links(on: &impl ConnectionTrait, cutoffs: &SweepCutoffs) -> Result<Vec<Digest>> {
    let users = Query::select()
        .expr(Expr::value(1))
        .from(manifest_blob::Entity)
        .and_where(
            manifest_blob::Column::RepositoryId
                .into_simple_expr()
                .eq(repository_blob::Column::RepositoryId.into_simple_expr()),
        )
        .and_where(
            manifest_blob::Column::Digest.into_simple_expr().eq(repository_blob::Column::Digest.into_simple_expr()),
        )
        .take();
    let links: Vec<Text<Digest>> = repository_blob::Entity::find()
        .select_only()
        .column(repository_blob::Column::Digest)
        .filter(repository_blob::Column::UnusedSince.lte(cutoffs.blobs.micros()))
        .filter(Expr::exists(users).not())
        .into_tuple()
        .all(on)
        .await?;
    Ok(links.into_iter().map(|digest| digest.0).collect())
}

/// Blobs that may be freed, each with the number of its links that would be deleted.
#[derive(Default)]
struct UnlinkedBlobs(BTreeMap<Digest, i64>);

#[derive(FromQueryResult)]
struct LinkedBlob {
    digest: Text<Digest>,
    segments: String,
    links: i64,
}

impl UnlinkedBlobs {
    /// Adds a link to each of these blobs.
    fn add(&mut self, links: Vec<Digest>) {
        for digest in links {
            *self.0.entry(digest).or_default() += 1;
        }
    }

    /// Adds those blobs to `freed` that would have no link left.
    async fn free(&self, on: &impl ConnectionTrait, freed: &mut Freed) -> Result<()> {
        let digests: Vec<&str> = self.0.keys().map(Digest::as_str).collect();
        for batch in digests.chunks(sql::BATCH) {
            let blobs = blob::Entity::find()
                .select_only()
                .columns([blob::Column::Digest, blob::Column::Segments])
                .expr_as(repository_blob::Column::RepositoryId.count(), "links")
                .join(JoinType::LeftJoin, blob::Relation::RepositoryBlob.def())
                .filter(blob::Column::Digest.is_in(batch.iter().copied()))
                .group_by(blob::Column::Digest)
                .into_model::<LinkedBlob>();
            for blob in blobs.all(on).await? {
                if self.0.get(&blob.digest.0) == Some(&blob.links) {
                    freed.blobs += 1;
                    freed.add_objects(&segments::decode(&blob.segments).ok_or(Error::Corrupt("blob.segments"))?);
                }
            }
        }
        Ok(())
    }
}
