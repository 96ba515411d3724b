//! The position up to which each follower has read the outbox, and when it was last seen.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "follower")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) name: String,
    pub(crate) xid: i64,
    pub(crate) event_id: i64,
    pub(crate) seen_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
