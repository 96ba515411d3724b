//! The manifests that each index lists.

use model::oci::Digest;
use sea_orm::entity::prelude::*;

use super::column::Text;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "manifest_child")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) repository_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) parent: Text<Digest>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) child: Text<Digest>,
    #[sea_orm(belongs_to, relation_enum = "Index", from = "(repository_id, parent)", to = "(repository_id, digest)")]
    pub(crate) index: BelongsTo<super::manifest::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
