//! What deleting a tag or a repository frees.
//!
//! Storage is shared by all repositories. A blob that only repositories which the viewer may not see have as well is
//! counted as freed: otherwise the figure would tell that somebody has it.

use std::collections::BTreeSet;

use model::id::RepositoryId;
use model::oci::{Digest, Tag};
use model::repository::Freeable;
use sea_orm::sea_query::{Expr, ExprTrait, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoSimpleExpr, QueryFilter, QuerySelect, QueryTrait, Select,
};

use crate::access::{Delete, Own, Permit, Scope};
use crate::entity::column::Text;
use crate::entity::{blob, repository, repository_blob, tag};
use crate::error::Result;
use crate::ledger::plan::{Unused, used_only_by};
use crate::{Store, sql};

/// The most manifests and the most blobs that are counted.
const MOST_MANIFESTS: usize = 1_000;
const MOST_BLOBS: u64 = 10_000;

impl Store {
    /// Returns what a sweep frees after this tag has been deleted, if it frees manifests without a tag.
    pub async fn freed_by_tag(&self, permit: &Permit<Delete>, scope: &Scope, tag: &Tag) -> Result<Freeable> {
        let (rows, repository) = (self.database().read(permit), permit.repository());
        let target: Option<Text<Digest>> = tag::Entity::find_by_id((repository.0, Text(tag.clone())))
            .select_only()
            .column(tag::Column::Digest)
            .into_tuple()
            .one(rows)
            .await?;
        let mut unused = Unused { without: Some(tag), most: MOST_MANIFESTS, ..Unused::new(repository) };
        unused.add(rows, target.into_iter().map(|digest| digest.0).collect::<BTreeSet<_>>()).await?;
        let blobs = used_only_by(rows, repository, &unused.deleted).await?;
        let mut freed = empty(scope);
        let most = usize::try_from(MOST_BLOBS).unwrap_or(usize::MAX);
        freed.more = unused.deleted.len() > MOST_MANIFESTS || blobs.len() > most;
        for batch in blobs.get(..most).unwrap_or(&blobs).chunks(sql::BATCH) {
            let among = blob::Column::Digest.is_in(batch.iter().map(Digest::as_str));
            let blobs = blob::Entity::find().filter(among).filter(is_elsewhere(repository, scope).not());
            count(rows, blobs, &mut freed).await?;
        }
        Ok(freed)
    }

    /// Returns what a sweep frees after this repository has been deleted.
    pub async fn freed_by_repository(&self, permit: &Permit<Own>, scope: &Scope) -> Result<Freeable> {
        let repository = permit.repository();
        let rows = self.database().read(permit);
        let links = repository_blob::Entity::find()
            .select_only()
            .column(repository_blob::Column::Digest)
            .filter(repository_blob::Column::RepositoryId.eq(repository.0))
            .limit(MOST_BLOBS);
        let beyond: Option<String> = links.clone().limit(1).offset(MOST_BLOBS).into_tuple().one(rows).await?;
        let own = links.into_query();
        let blobs = blob::Entity::find()
            .filter(blob::Column::Digest.in_subquery(own))
            .filter(is_elsewhere(repository, scope).not());
        let mut freed = empty(scope);
        count(rows, blobs, &mut freed).await?;
        freed.more = beyond.is_some();
        Ok(freed)
    }
}

fn empty(scope: &Scope) -> Freeable {
    Freeable { is_exact: scope.is_everything(), ..Freeable::default() }
}

/// Adds the number and the size of these blobs.
async fn count(on: &impl ConnectionTrait, blobs: Select<blob::Entity>, freed: &mut Freeable) -> Result<()> {
    let counted = blobs
        .select_only()
        .expr(blob::Column::Digest.count())
        // On PostgreSQL, the sum of a `bigint` column is a `numeric`.
        .expr(blob::Column::Size.sum().cast_as("BIGINT"))
        .into_tuple::<(i64, Option<i64>)>()
        .one(on)
        .await?;
    let (blobs, bytes) = counted.unwrap_or_default();
    freed.blobs = freed.blobs.saturating_add(sql::unsigned(blobs));
    freed.bytes = freed.bytes.saturating_add(sql::unsigned(bytes.unwrap_or(0)));
    Ok(())
}

/// The condition that another repository that the viewer may see has the blob.
fn is_elsewhere(repository: RepositoryId, scope: &Scope) -> Expr {
    let others: SelectStatement = repository_blob::Entity::find()
        .inner_join(repository::Entity)
        .select_only()
        .expr(Expr::value(1))
        .filter(repository_blob::Column::Digest.into_simple_expr().eq(blob::Column::Digest.into_simple_expr()))
        .filter(repository_blob::Column::RepositoryId.ne(repository.0))
        .filter(scope.condition())
        .into_query();
    Expr::exists(others)
}
