//! Manifests and image indexes.

use model::oci::Digest;
use sea_orm::entity::prelude::*;

use super::column::Text;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "manifest")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) repository_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) digest: Text<Digest>,
    pub(crate) media_type: String,
    pub(crate) artifact_type: Option<String>,
    pub(crate) subject: Option<Text<Digest>>,
    pub(crate) size: i64,
    pub(crate) total_size: i64,
    pub(crate) payload: Vec<u8>,
    pub(crate) annotations: String,
    pub(crate) pushed_at: i64,
    pub(crate) unused_since: Option<i64>,
    #[sea_orm(belongs_to, from = "repository_id", to = "id")]
    pub(crate) repository: BelongsTo<super::repository::Entity>,
    #[sea_orm(has_many)]
    pub(crate) tags: HasMany<super::tag::Entity>,
    #[sea_orm(has_one)]
    pub(crate) image: HasOne<super::image::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
