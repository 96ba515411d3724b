//! Invitations to sign up.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "invitation")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    #[sea_orm(unique)]
    pub(crate) secret_hash: String,
    pub(crate) email: Option<String>,
    pub(crate) created_by: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) used_by: Option<i64>,
    #[sea_orm(belongs_to, relation_enum = "Creator", from = "created_by", to = "id")]
    pub(crate) creator: BelongsTo<Option<super::account::Entity>>,
    #[sea_orm(belongs_to, relation_enum = "User", from = "used_by", to = "id")]
    pub(crate) user: BelongsTo<Option<super::account::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
