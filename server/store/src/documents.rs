//! Search documents: the data by which a repository can be found, and the terms that determine who may find it.

use std::collections::{BTreeSet, HashMap};

use futures::TryStreamExt;
use model::id::RepositoryId;
use model::image::ImageConfig;
use model::oci::{Digest, Tag};
use model::repository::Repository;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoSimpleExpr, JoinType, QueryFilter, QueryOrder,
    QuerySelect, StreamTrait,
};

use crate::access::{self, System};
use crate::entity::column::{Json, Text};
use crate::entity::{image, manifest_child, repository, tag};
use crate::repositories::RepositoryRow;
use crate::{Result, Store, sql};

/// The maximum number of tags in a search document; the newest are used.
const TAGS: i64 = 500;

/// The number of newest tags whose images contribute platforms and labels.
const IMAGES_OF_TAGS: usize = 20;

/// The maximum size of a repository's labels, in bytes: many repositories are read at a time, and configs may be large.
const LABEL_BYTES: usize = 64 << 10;

/// The searchable data of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchDocument {
    /// The repository as an anonymous viewer sees it.
    pub repository: Repository,
    /// Its README as Markdown.
    pub overview: String,
    /// The access terms of the repository. A viewer must have one of them to find it.
    pub readers: Vec<String>,
    /// Its newest tags, newest first.
    pub tags: Vec<Tag>,
    /// The names and values of its newest images' labels, without duplicates.
    pub labels: Vec<(String, String)>,
    /// The platforms of its newest images, such as `linux/arm64/v8`, without duplicates.
    pub platforms: Vec<String>,
}

#[derive(FromQueryResult)]
struct DocumentRow {
    #[sea_orm(nested)]
    repository: RepositoryRow,
    overview: String,
    namespace_id: Option<i64>,
}

#[derive(FromQueryResult)]
struct TagRow {
    repository_id: i64,
    name: Text<Tag>,
    digest: Text<Digest>,
}

/// An inspected image, for its platform and labels.
#[derive(FromQueryResult)]
struct ImageRow {
    repository_id: i64,
    platform: String,
    config: Json<ImageConfig>,
}

/// The labels and platforms of a repository's newest images.
#[derive(Default)]
struct ImageTraits {
    labels: BTreeSet<(String, String)>,
    label_bytes: usize,
    platforms: BTreeSet<String>,
}

impl ImageTraits {
    /// Adds those of an image. Labels that do not fit any more are left out.
    fn add(&mut self, image: ImageRow) {
        for (name, value) in image.config.0.labels {
            let bytes = self.label_bytes + name.len() + value.len();
            if bytes <= LABEL_BYTES && self.labels.insert((name, value)) {
                self.label_bytes = bytes;
            }
        }
        if !image.platform.is_empty() && image.platform != crate::images::NO_PLATFORM {
            self.platforms.insert(image.platform);
        }
    }
}

impl Store {
    /// Returns the search document of a repository; `None` if the repository does not exist.
    pub async fn search_document(&self, system: &System, id: RepositoryId) -> Result<Option<SearchDocument>> {
        Ok(self.search_documents(system, &[id]).await?.remove(&id))
    }

    /// Returns the search documents of these repositories, without those that do not exist. The number of statements
    /// does not depend on the number of repositories, except that each repository with very many tags needs one more.
    pub async fn search_documents(
        &self,
        system: &System,
        ids: &[RepositoryId],
    ) -> Result<HashMap<RepositoryId, SearchDocument>> {
        let on = self.database().read(system);
        let rows = RepositoryRow::select()
            .columns([repository::Column::Overview, repository::Column::NamespaceId])
            .filter(repository::Column::Id.is_in(ids.iter().map(|id| id.0)))
            .filter(repository::Column::NamespaceId.is_not_null())
            .filter(repository::Column::Pending.eq(false))
            .into_model::<DocumentRow>()
            .all(on)
            .await?;
        let found: Vec<i64> = rows.iter().map(|row| row.repository.id).collect();
        let mut grants = self.document_grants(system, &found).await?;
        let mut tags = newest_tags(on, &rows).await?;
        let mut images = images_of(on, &tags).await?;
        let mut documents = HashMap::with_capacity(rows.len());
        for row in rows {
            let id = row.repository.id;
            let repository = row.repository.view(None, false)?;
            let ImageTraits { labels, platforms, .. } = images.remove(&id).unwrap_or_default();
            let grants = grants.remove(&id).unwrap_or_default();
            let document = SearchDocument {
                overview: row.overview,
                readers: access::document_terms(row.namespace_id, repository.visibility, grants),
                tags: tags.remove(&id).unwrap_or_default().into_iter().map(|tag| tag.name.0).collect(),
                labels: labels.into_iter().collect(),
                platforms: platforms.into_iter().collect(),
                repository,
            };
            documents.insert(RepositoryId(id), document);
        }
        Ok(documents)
    }

    /// Returns up to `limit` ids of repositories in namespaces, in ascending order after `last`, for building an index.
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
            .filter(repository::Column::Pending.eq(false))
            .order_by_asc(repository::Column::Id)
            .limit(limit)
            .into_tuple::<i64>()
            .all(self.database().read(system))
            .await?;
        Ok(ids.into_iter().map(RepositoryId).collect())
    }
}

/// Returns the newest [`TAGS`] tags of each repository, newest first. Repositories with more tags are read one by one,
/// because only then does an index limit the rows that are read.
async fn newest_tags(on: &impl ConnectionTrait, rows: &[DocumentRow]) -> Result<HashMap<i64, Vec<TagRow>>> {
    let tagged = rows.iter().map(|row| &row.repository).filter(|repository| repository.tag_count > 0);
    let (many, few): (Vec<_>, Vec<_>) = tagged.partition(|repository| repository.tag_count > TAGS);
    let newest = || {
        tag::Entity::find()
            .select_only()
            .columns([tag::Column::RepositoryId, tag::Column::Name, tag::Column::Digest])
            .filter(tag::Column::Subject.is_null())
            .order_by_desc(tag::Column::PushedAt)
            .order_by_desc(tag::Column::Name)
    };
    let mut tags: HashMap<i64, Vec<TagRow>> = HashMap::new();
    if !few.is_empty() {
        let few = newest().filter(tag::Column::RepositoryId.is_in(few.iter().map(|repository| repository.id)));
        for row in few.into_model::<TagRow>().all(on).await? {
            tags.entry(row.repository_id).or_default().push(row);
        }
    }
    for repository in many {
        let newest = newest().filter(tag::Column::RepositoryId.eq(repository.id)).limit(sql::unsigned(TAGS));
        tags.insert(repository.id, newest.into_model().all(on).await?);
    }
    Ok(tags)
}

/// Returns the inspected images that the newest [`IMAGES_OF_TAGS`] tags of each repository point at, directly or
/// through an index.
async fn images_of(
    on: &(impl ConnectionTrait + StreamTrait),
    tags: &HashMap<i64, Vec<TagRow>>,
) -> Result<HashMap<i64, ImageTraits>> {
    let targets: BTreeSet<(i64, &str)> = tags
        .values()
        .flat_map(|tags| tags.iter().take(IMAGES_OF_TAGS))
        .map(|tag| (tag.repository_id, tag.digest.0.as_str()))
        .collect();
    let mut images: HashMap<i64, ImageTraits> = HashMap::new();
    if targets.is_empty() {
        return Ok(images);
    }
    // SQLite does not support IN with a list of rows, but it does with a query over VALUES.
    let values = targets.iter().map(|(repository, digest)| (*repository, (*digest).to_owned()));
    let values = Query::select().column(Asterisk).from_values(values, "target").to_owned();
    let among_targets = |repository: Expr, digest: Expr| Expr::tuple([repository, digest]).in_subquery(values.clone());
    let select = || {
        image::Entity::find().select_only().columns([
            image::Column::RepositoryId,
            image::Column::Platform,
            image::Column::Config,
        ])
    };
    let direct = select().filter(among_targets(
        image::Column::RepositoryId.into_simple_expr(),
        image::Column::Digest.into_simple_expr(),
    ));
    let child = image::Entity::belongs_to(manifest_child::Entity)
        .from((image::Column::RepositoryId, image::Column::Digest))
        .to((manifest_child::Column::RepositoryId, manifest_child::Column::Child));
    let through_index = select().join(JoinType::InnerJoin, child.into()).filter(among_targets(
        manifest_child::Column::RepositoryId.into_simple_expr(),
        manifest_child::Column::Parent.into_simple_expr(),
    ));
    for query in [direct, through_index] {
        let mut rows = query.into_model::<ImageRow>().stream(on).await?;
        while let Some(row) = rows.try_next().await? {
            images.entry(row.repository_id).or_default().add(row);
        }
    }
    Ok(images)
}

#[cfg(test)]
mod tests;
