//! The history of tags.

use model::account::AccountName;
use model::oci::{Digest, Tag};
use sea_orm::entity::prelude::*;

use super::column::Text;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "tag_history")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) id: i64,
    pub(crate) repository_id: i64,
    pub(crate) name: Text<Tag>,
    pub(crate) digest: Option<Text<Digest>>,
    pub(crate) actor: Option<Text<AccountName>>,
    pub(crate) at: i64,
    #[sea_orm(belongs_to, from = "repository_id", to = "id")]
    pub(crate) repository: BelongsTo<super::repository::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
