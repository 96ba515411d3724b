//! Comments, numbered within their repository. A reply's `root` is the number of the first comment of its thread.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "comment")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) repository_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) number: i64,
    pub(crate) author_id: i64,
    pub(crate) root: Option<i64>,
    pub(crate) tag: Option<String>,
    pub(crate) body: String,
    pub(crate) created_at: i64,
    pub(crate) edited_at: Option<i64>,
    pub(crate) deleted_at: Option<i64>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id")]
    pub(crate) repository: BelongsTo<super::repository::Entity>,
    #[sea_orm(belongs_to, from = "author_id", to = "id")]
    pub(crate) author: BelongsTo<super::account::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
