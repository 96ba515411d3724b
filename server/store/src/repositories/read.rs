//! One repository as the holder of a permit sees it.

use model::repository::{Repository, RepositoryHead};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::access::{Permit, See};
use crate::entity::repository;
use crate::error::{Error, Result};
use crate::repositories::ViewedRow;
use crate::sql::unsigned;
use crate::{Store, accounts};

impl Store {
    /// A repository with the viewer's role and star.
    pub async fn repository(&self, permit: &Permit<See>) -> Result<Repository> {
        let row = self.row(permit).await?;
        row.repository.view(permit.role(), row.starred)
    }

    /// What all pages of a repository show: itself, what the viewer may do with it, and whose it is.
    pub async fn head(&self, permit: &Permit<See>) -> Result<RepositoryHead> {
        let row = self.row(permit).await?;
        let owner = accounts::by_name(self.database().read(permit), permit.path().namespace()).await?;
        Ok(RepositoryHead {
            repository: row.repository.view(permit.role(), row.starred)?,
            abilities: permit.abilities(),
            comment_count: unsigned(row.repository.comment_count),
            owner: owner.ok_or(Error::Absent)?.account(),
        })
    }

    /// The overview as Markdown, as it was written.
    pub async fn overview_source(&self, permit: &Permit<See>) -> Result<String> {
        let overview = repository::Entity::find_by_id(permit.repository().0)
            .select_only()
            .column(repository::Column::Overview)
            .into_tuple::<String>();
        overview.one(self.database().read(permit)).await?.ok_or(Error::Absent)
    }

    async fn row(&self, permit: &Permit<See>) -> Result<ViewedRow> {
        let find = ViewedRow::select(permit.account()).filter(repository::Column::Id.eq(permit.repository().0));
        find.into_model::<ViewedRow>().one(self.database().read(permit)).await?.ok_or(Error::Absent)
    }
}
