//! Counts of failed sign-ins by account, unknown name and address.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_failure")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) subject: String,
    pub(crate) failures: i64,
    pub(crate) last_at: i64,
    pub(crate) blocked_until: i64,
}

impl ActiveModelBehavior for ActiveModel {}
