//! The blobs that each manifest refers to.

use model::oci::Digest;
use sea_orm::entity::prelude::*;

use super::column::Text;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "manifest_blob")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) repository_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) manifest: Text<Digest>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) digest: Text<Digest>,
    #[sea_orm(
        belongs_to,
        relation_enum = "Parent",
        from = "(repository_id, manifest)",
        to = "(repository_id, digest)"
    )]
    pub(crate) parent: BelongsTo<super::manifest::Entity>,
    #[sea_orm(belongs_to, from = "(repository_id, digest)", to = "(repository_id, digest)")]
    pub(crate) link: BelongsTo<super::repository_blob::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
