//! Private keys that sign bearer tokens.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "signing_key")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) kid: String,
    pub(crate) private_pem: String,
    pub(crate) created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
