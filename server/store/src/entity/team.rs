//! Teams within a namespace.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "team")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    pub(crate) namespace_id: i64,
    pub(crate) name: String,
    pub(crate) created_at: i64,
    #[sea_orm(belongs_to, from = "namespace_id", to = "id")]
    pub(crate) namespace: BelongsTo<super::account::Entity>,
    #[sea_orm(has_many)]
    pub(crate) members: HasMany<super::team_member::Entity>,
    #[sea_orm(has_many)]
    pub(crate) repositories: HasMany<super::repository_team::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
