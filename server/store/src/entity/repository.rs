//! Repositories.

use model::oci::RepositoryName;
use model::repository::CommentPolicy;
use model::role::Visibility;
use sea_orm::entity::prelude::*;

use super::column::{Json, Text};

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "repository")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    pub(crate) namespace_id: Option<i64>,
    #[sea_orm(unique)]
    pub(crate) path: Text<RepositoryName>,
    pub(crate) description: String,
    pub(crate) visibility: Text<Visibility>,
    pub(crate) comments: Text<CommentPolicy>,
    pub(crate) official: bool,
    pub(crate) pending: bool,
    pub(crate) topics: Json<Vec<String>>,
    pub(crate) star_count: i64,
    pub(crate) pull_count: i64,
    pub(crate) comment_count: i64,
    pub(crate) tag_count: i64,
    pub(crate) size: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) pushed_at: Option<i64>,
    pub(crate) changed_at: i64,
    pub(crate) overview: String,
    #[sea_orm(belongs_to, from = "namespace_id", to = "id")]
    pub(crate) namespace: BelongsTo<Option<super::account::Entity>>,
    #[sea_orm(has_many)]
    pub(crate) aliases: HasMany<super::repository_alias::Entity>,
    #[sea_orm(has_many)]
    pub(crate) collaborators: HasMany<super::collaborator::Entity>,
    #[sea_orm(has_many)]
    pub(crate) teams: HasMany<super::repository_team::Entity>,
    #[sea_orm(has_many)]
    pub(crate) stars: HasMany<super::star::Entity>,
    #[sea_orm(has_many)]
    pub(crate) discussion: HasMany<super::comment::Entity>,
    #[sea_orm(has_many)]
    pub(crate) manifests: HasMany<super::manifest::Entity>,
    #[sea_orm(has_many)]
    pub(crate) uploads: HasMany<super::upload::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
