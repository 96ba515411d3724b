//! The links that make blobs readable in a repository.

use model::oci::Digest;
use sea_orm::entity::prelude::*;

use super::column::Text;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "repository_blob")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) repository_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) digest: Text<Digest>,
    pub(crate) unused_since: Option<i64>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id")]
    pub(crate) repository: BelongsTo<super::repository::Entity>,
    #[sea_orm(belongs_to, from = "digest", to = "digest")]
    pub(crate) blob: BelongsTo<super::blob::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
