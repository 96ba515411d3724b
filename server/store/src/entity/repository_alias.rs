//! Paths that repositories had before they were renamed.

use model::oci::RepositoryName;
use sea_orm::entity::prelude::*;

use super::column::Text;

#[sea_orm::model]
#[derive(Clone, Debug, DeriveEntityModel)]
#[sea_orm(table_name = "repository_alias")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) path: Text<RepositoryName>,
    pub(crate) repository_id: i64,
    #[sea_orm(belongs_to, from = "repository_id", to = "id")]
    pub(crate) repository: BelongsTo<super::repository::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
