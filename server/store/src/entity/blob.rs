//! Blobs and the storage objects that hold their bytes.

use model::oci::Digest;
use sea_orm::entity::prelude::*;

use super::column::Text;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "blob")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) digest: Text<Digest>,
    pub(crate) size: i64,
    pub(crate) segments: String,
    pub(crate) created_at: i64,
    pub(crate) unlinked_at: Option<i64>,
    #[sea_orm(has_many)]
    pub(crate) links: HasMany<super::repository_blob::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
