//! The results of inspecting images.

use model::oci::Digest;
use sea_orm::entity::prelude::*;

use super::column::Text;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "image")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) repository_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) digest: Text<Digest>,
    pub(crate) platform: String,
    pub(crate) config: String,
    pub(crate) layers: String,
    #[sea_orm(belongs_to, from = "(repository_id, digest)", to = "(repository_id, digest)")]
    pub(crate) manifest: BelongsTo<super::manifest::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
