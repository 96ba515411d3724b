//! Repositories as the search index keeps them: everything that one is found by, and the terms of those who may find it.

use std::collections::BTreeSet;

use model::id::RepositoryId;
use model::image::ImageConfig;
use model::oci::{Digest, Tag};
use model::repository::Repository;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
};

use crate::access::System;
use crate::entity::column::{Json, Text};
use crate::entity::{image, manifest_child, repository, tag};
use crate::repositories::RepositoryRow;
use crate::{Result, Store};

/// By how many of its tags a repository is found; the newest count.
const TAGS: u64 = 500;

/// Of how many of its newest tags the images' platforms and labels count.
const IMAGES_OF_TAGS: u64 = 20;

/// All that a repository is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchDocument {
    /// The repository, as nobody in particular sees it.
    pub repository: Repository,
    /// Its README as Markdown.
    pub overview: String,
    /// The terms of what grants access to it; whoever searches must have one of them.
    pub readers: Vec<String>,
    /// Its tags, newest first; not more than are worth searching.
    pub tags: Vec<Tag>,
    /// Names and values of its newest images' labels, each pair once.
    pub labels: Vec<(String, String)>,
    /// Platforms of its newest images, as in `linux/arm64/v8`, each once.
    pub platforms: Vec<String>,
}

#[derive(FromQueryResult)]
struct DocumentRow {
    #[sea_orm(nested)]
    repository: RepositoryRow,
    overview: String,
    namespace_id: Option<i64>,
}

impl Store {
    /// What the index is to say of a repository; `None` when it is gone.
    pub async fn search_document(&self, system: &System, id: RepositoryId) -> Result<Option<SearchDocument>> {
        let rows = self.database().read(system);
        let row = RepositoryRow::select()
            .columns([repository::Column::Overview, repository::Column::NamespaceId])
            .filter(repository::Column::Id.eq(id.0))
            .filter(repository::Column::NamespaceId.is_not_null())
            .into_model::<DocumentRow>()
            .one(rows)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let repository = row.repository.view(None, false)?;
        let (labels, platforms) = traits_of_images(rows, id).await?;
        Ok(Some(SearchDocument {
            overview: row.overview,
            readers: self.document_terms(system, id.0, row.namespace_id, repository.visibility).await?,
            tags: newest_tags(rows, id).await?,
            labels,
            platforms,
            repository,
        }))
    }

    /// Repositories of the hub in the order of their identities, at most `limit` after `last`; for building an index anew.
    pub async fn repository_ids_after(
        &self,
        system: &System,
        last: RepositoryId,
        limit: u64,
    ) -> Result<Vec<RepositoryId>> {
        let ids = repository::Entity::find()
            .select_only()
            .column(repository::Column::Id)
            .filter(repository::Column::Id.gt(last.0))
            .filter(repository::Column::NamespaceId.is_not_null())
            .order_by_asc(repository::Column::Id)
            .limit(limit)
            .into_tuple::<i64>()
            .all(self.database().read(system))
            .await?;
        Ok(ids.into_iter().map(RepositoryId).collect())
    }
}

async fn newest_tags(on: &impl ConnectionTrait, repository: RepositoryId) -> Result<Vec<Tag>> {
    let names = newest(repository, TAGS).column(tag::Column::Name).into_tuple::<Text<Tag>>().all(on).await?;
    Ok(names.into_iter().map(|name| name.0).collect())
}

/// A query for something of a repository's newest tags.
fn newest(repository: RepositoryId, limit: u64) -> Select<tag::Entity> {
    tag::Entity::find()
        .select_only()
        .filter(tag::Column::RepositoryId.eq(repository.0))
        .order_by_desc(tag::Column::PushedAt)
        .order_by_desc(tag::Column::Name)
        .limit(limit)
}

/// Labels and platforms of the images that the newest tags point at, by themselves or by an index.
async fn traits_of_images(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
) -> Result<(Vec<(String, String)>, Vec<String>)> {
    let targets = newest(repository, IMAGES_OF_TAGS).column(tag::Column::Digest).into_tuple::<Text<Digest>>();
    let targets: Vec<String> = targets.all(on).await?.into_iter().map(|digest| digest.0.to_string()).collect();
    let children = manifest_child::Entity::find()
        .select_only()
        .column(manifest_child::Column::Child)
        .filter(manifest_child::Column::RepositoryId.eq(repository.0))
        .filter(manifest_child::Column::Parent.is_in(&targets))
        .into_query();
    let rows = image::Entity::find()
        .select_only()
        .columns([image::Column::Platform, image::Column::Config])
        .filter(image::Column::RepositoryId.eq(repository.0))
        .filter(image::Column::Digest.is_in(&targets).or(image::Column::Digest.in_subquery(children)))
        .into_tuple::<(String, Json<ImageConfig>)>()
        .all(on)
        .await?;
    let (mut labels, mut platforms) = (BTreeSet::new(), BTreeSet::new());
    for (platform, config) in rows {
        labels.extend(config.0.labels);
        if !platform.is_empty() && platform != crate::images::NO_PLATFORM {
            platforms.insert(platform);
        }
    }
    Ok((labels.into_iter().collect(), platforms.into_iter().collect()))
}

#[cfg(test)]
mod tests;
