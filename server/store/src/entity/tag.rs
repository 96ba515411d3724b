//! Tags and the manifests that they point at.

use model::oci::{Digest, Tag};
use sea_orm::entity::prelude::*;

use super::column::Text;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "tag")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) repository_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) name: Text<Tag>,
    pub(crate) digest: Text<Digest>,
    pub(crate) version: String,
    pub(crate) size: i64,
    pub(crate) pushed_at: i64,
    pub(crate) pulled_at: Option<i64>,
    pub(crate) subject: Option<Text<Digest>>,
    #[sea_orm(belongs_to, from = "(repository_id, digest)", to = "(repository_id, digest)")]
    pub(crate) manifest: BelongsTo<super::manifest::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
