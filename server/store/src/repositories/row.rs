//! A row of `repository` without its overview, as one viewer sees it.

use model::account::AccountName;
use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::RepositoryName;
use model::repository::Repository;
use model::role::Role;
use sea_orm::FromQueryResult;

use crate::error::{Error, Result};
use crate::sql::unsigned;

/// A repository without its overview, and whether the viewer starred it.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct RepositoryRow {
    pub(crate) id: i64,
    pub(crate) path: String,
    pub(crate) description: String,
    pub(crate) visibility: String,
    pub(crate) comments: String,
    pub(crate) official: bool,
    pub(crate) topics: String,
    pub(crate) star_count: i64,
    pub(crate) pull_count: i64,
    pub(crate) comment_count: i64,
    pub(crate) tag_count: i64,
    pub(crate) size: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) pushed_at: Option<i64>,
    pub(crate) changed_at: i64,
}

impl RepositoryRow {
    /// Its columns, of a table called `r`.
    pub(crate) const COLUMNS: &'static str = "r.id, r.path, r.description, r.visibility, r.comments, r.official, \
         r.topics, r.star_count, r.pull_count, r.comment_count, r.tag_count, r.size, r.created_at, r.updated_at, \
         r.pushed_at, r.changed_at";

    /// Its identity.
    pub(crate) fn id(&self) -> RepositoryId {
        RepositoryId(self.id)
    }

    /// Its path, which was parsed when it was stored.
    pub(crate) fn path(&self) -> Result<RepositoryName> {
        RepositoryName::parse(&self.path).map_err(|_| Error::Corrupt("repository.path"))
    }

    /// As a viewer of this role sees it.
    pub(crate) fn view(&self, role: Option<Role>, starred: bool) -> Result<Repository> {
        let path = self.path()?;
        let namespace = AccountName::parse(path.namespace()).map_err(|_| Error::Corrupt("repository.path"))?;
        Ok(Repository {
            namespace,
            name: path.name().to_owned(),
            path,
            description: self.description.clone(),
            visibility: self.visibility.parse().map_err(|_| Error::Corrupt("repository.visibility"))?,
            official: self.official,
            comments: self.comments.parse().map_err(|_| Error::Corrupt("repository.comments"))?,
            topics: serde_json::from_str(&self.topics).map_err(|_| Error::Corrupt("repository.topics"))?,
            stars: unsigned(self.star_count),
            pulls: unsigned(self.pull_count),
            tags: unsigned(self.tag_count),
            size: unsigned(self.size),
            role,
            starred,
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
            pushed_at: self.pushed_at.map(Timestamp::from_micros),
        })
    }
}
