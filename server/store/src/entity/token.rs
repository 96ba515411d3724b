//! Personal access tokens and refresh tokens; only hashes of secrets are stored.

use model::token::TokenScope;
use sea_orm::entity::prelude::*;

use super::column::Json;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "token")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    pub(crate) account_id: i64,
    pub(crate) kind: String,
    pub(crate) label: String,
    #[sea_orm(unique)]
    pub(crate) secret_hash: String,
    /// `None` for an unrestricted refresh token.
    pub(crate) scopes: Json<Option<Vec<TokenScope>>>,
    pub(crate) service: Option<String>,
    pub(crate) parent_id: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) last_used_at: Option<i64>,
    #[sea_orm(belongs_to, from = "account_id", to = "id")]
    pub(crate) account: BelongsTo<super::account::Entity>,
    #[sea_orm(self_ref, relation_enum = "Parent", from = "parent_id", to = "id")]
    pub(crate) parent: BelongsTo<Option<Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
