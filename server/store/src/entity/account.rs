//! Accounts: people, organisations and robots.

use model::account::{AccountKind, AccountName};
use model::role::Visibility;
use sea_orm::entity::prelude::*;

use super::column::Text;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    #[sea_orm(unique)]
    pub(crate) name: Text<AccountName>,
    pub(crate) kind: Text<AccountKind>,
    pub(crate) display_name: String,
    pub(crate) bio: String,
    pub(crate) email: Option<String>,
    #[sea_orm(unique)]
    pub(crate) confirmed_email: Option<String>,
    pub(crate) password_hash: Option<String>,
    pub(crate) admin: bool,
    pub(crate) default_visibility: Text<Visibility>,
    pub(crate) language: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) disabled_at: Option<i64>,
    #[sea_orm(has_many)]
    pub(crate) repositories: HasMany<super::repository::Entity>,
    #[sea_orm(has_many)]
    pub(crate) stars: HasMany<super::star::Entity>,
    #[sea_orm(has_many)]
    pub(crate) collaborations: HasMany<super::collaborator::Entity>,
    #[sea_orm(has_many)]
    pub(crate) comments: HasMany<super::comment::Entity>,
    #[sea_orm(has_many)]
    pub(crate) sessions: HasMany<super::session::Entity>,
    #[sea_orm(has_many)]
    pub(crate) tokens: HasMany<super::token::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
