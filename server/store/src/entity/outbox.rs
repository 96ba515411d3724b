//! Events, inserted in the transaction of the change they describe.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    /// The id of the transaction that inserted the row, set by the database; 0 on SQLite.
    pub(crate) xid: i64,
    pub(crate) kind: String,
    pub(crate) actor_id: Option<i64>,
    pub(crate) token_id: Option<i64>,
    pub(crate) repository_id: Option<i64>,
    pub(crate) payload: String,
    pub(crate) created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
