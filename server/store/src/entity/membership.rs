//! The role that a member has on every repository of a namespace.

use model::role::Role;
use sea_orm::entity::prelude::*;

use super::column::Text;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "membership")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) namespace_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) account_id: i64,
    pub(crate) role: Text<Role>,
    pub(crate) since: i64,
    #[sea_orm(belongs_to, relation_enum = "Namespace", from = "namespace_id", to = "id")]
    pub(crate) namespace: BelongsTo<super::account::Entity>,
    #[sea_orm(belongs_to, relation_enum = "Member", from = "account_id", to = "id")]
    pub(crate) member: BelongsTo<super::account::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
