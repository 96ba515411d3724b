//! Keys of storage objects to delete.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "trash")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) key: String,
    pub(crate) length: i64,
    pub(crate) since: i64,
}

impl ActiveModelBehavior for ActiveModel {}
