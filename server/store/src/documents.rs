//! Repositories as the search index keeps them: everything that one is found by, and the terms of those who may find it.
//! It refuses to know the index; whoever keeps one asks here what to put in.

use std::collections::BTreeSet;

use model::id::RepositoryId;
use model::image::ImageConfig;
use model::oci::Tag;
use model::repository::Repository;
use sea_orm::FromQueryResult;

use crate::access::System;
use crate::repositories::RepositoryRow;
use crate::sql;
use crate::{Error, Result, Store};

/// By how many of its tags a repository is found; the newest count.
const TAGS: i64 = 500;

/// Of how many of its newest tags the images' platforms and labels count.
const IMAGES_OF_TAGS: i64 = 20;

/// All that a repository is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchDocument {
    /// The repository, as nobody in particular sees it.
    pub repository: Repository,
    /// Its README as Markdown.
    pub overview: String,
    /// The terms of those who may see it; whoever searches must have one of them.
    pub readers: Vec<String>,
    /// Its tags, newest first; not more than are worth searching.
    pub tags: Vec<Tag>,
    /// Names and values of its newest images' labels, each pair once.
    pub labels: Vec<(String, String)>,
    /// Platforms of its newest images, as in `linux/arm64/v8`, each once.
    pub platforms: Vec<String>,
}

impl Store {
    /// What the index is to say of a repository; `None` when it is gone.
    pub async fn search_document(&self, _: &System, id: RepositoryId) -> Result<Option<SearchDocument>> {
        let select = format!(
            "SELECT {}, r.overview FROM repository r WHERE r.id = $1 AND r.namespace_id IS NOT NULL",
            RepositoryRow::COLUMNS
        );
        let Some(row) = sql::first(self.database().pool(), &select, [id.0.into()]).await? else { return Ok(None) };
        let repository = RepositoryRow::from_query_result(&row, "")?.view(None, false)?;
        let (labels, platforms) = self.traits_of_images(id).await?;
        Ok(Some(SearchDocument {
            overview: row.try_get("", "overview")?,
            readers: self.readers_of(id.0, repository.visibility).await?,
            tags: self.newest_tags(id).await?,
            labels,
            platforms,
            repository,
        }))
    }

    /// Repositories of the hub in the order of their identities, at most `limit` after `last`; for building an index anew.
    pub async fn repository_ids_after(&self, _: &System, last: RepositoryId, limit: u64) -> Result<Vec<RepositoryId>> {
        let select = "SELECT id FROM repository WHERE id > $1 AND namespace_id IS NOT NULL ORDER BY id LIMIT $2";
        let values = [last.0.into(), sql::signed(limit).into()];
        let rows = sql::all(self.database().pool(), select, values).await?;
        rows.iter().map(|row| Ok(RepositoryId(row.try_get_by_index(0)?))).collect()
    }

    async fn newest_tags(&self, repository: RepositoryId) -> Result<Vec<Tag>> {
        let rows = sql::all(
            self.database().pool(),
            "SELECT name FROM tag WHERE repository_id = $1 ORDER BY pushed_at DESC, name DESC LIMIT $2",
            [repository.0.into(), TAGS.into()],
        )
        .await?;
        rows.iter()
            .map(|row| {
                let name: String = row.try_get_by_index(0)?;
                Tag::parse(&name).map_err(|_| Error::Corrupt("tag.name"))
            })
            .collect()
    }

    /// Labels and platforms of the images that the newest tags point at, by themselves or by an index.
    async fn traits_of_images(&self, repository: RepositoryId) -> Result<(Vec<(String, String)>, Vec<String>)> {
        let rows = sql::all(
            self.database().pool(),
            "WITH newest AS (
                 SELECT digest FROM tag WHERE repository_id = $1 ORDER BY pushed_at DESC, name DESC LIMIT $2
             )
             SELECT i.platform, i.config FROM image i WHERE i.repository_id = $1 AND (
                 i.digest IN (SELECT digest FROM newest)
                 OR i.digest IN (
                     SELECT c.child FROM manifest_child c
                     WHERE c.repository_id = $1 AND c.parent IN (SELECT digest FROM newest)
                 )
             )",
            [repository.0.into(), IMAGES_OF_TAGS.into()],
        )
        .await?;
        let (mut labels, mut platforms) = (BTreeSet::new(), BTreeSet::new());
        for row in &rows {
            let (platform, config): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let config: ImageConfig = serde_json::from_str(&config).map_err(|_| Error::Corrupt("image.config"))?;
            labels.extend(config.labels);
            if !platform.is_empty() && platform != crate::images::NO_PLATFORM {
                platforms.insert(platform);
            }
        }
        Ok((labels.into_iter().collect(), platforms.into_iter().collect()))
    }
}
