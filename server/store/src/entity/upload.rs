//! Uploads in progress.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "upload")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) repository_id: i64,
    pub(crate) algorithm: String,
    pub(crate) position: i64,
    pub(crate) hash_state: Vec<u8>,
    pub(crate) segments: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    #[sea_orm(belongs_to, from = "repository_id", to = "id")]
    pub(crate) repository: BelongsTo<super::repository::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
