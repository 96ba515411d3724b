//! Comments. A reply's `root_id` is the first comment of its thread.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "comment")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    pub(crate) repository_id: i64,
    pub(crate) author_id: i64,
    pub(crate) root_id: Option<i64>,
    pub(crate) tag: Option<String>,
    pub(crate) body: String,
    pub(crate) created_at: i64,
    pub(crate) edited_at: Option<i64>,
    pub(crate) deleted_at: Option<i64>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id")]
    pub(crate) repository: BelongsTo<super::repository::Entity>,
    #[sea_orm(belongs_to, from = "author_id", to = "id")]
    pub(crate) author: BelongsTo<super::account::Entity>,
    #[sea_orm(self_ref, relation_enum = "Root", from = "root_id", to = "id")]
    pub(crate) root: BelongsTo<Option<Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
