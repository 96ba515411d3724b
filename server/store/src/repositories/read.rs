//! Reads a single repository.

use model::oci::RepositoryName;
use model::repository::{Repository, RepositoryHead};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, PartialModelTrait, QueryFilter, QuerySelect, Select};

use crate::Store;
use crate::access::{Permit, See, Viewer};
use crate::accounts::AccountRow;
use crate::entity::{account, repository};
use crate::error::{Error, Result};
use crate::repositories::ViewedRow;
use crate::sql::unsigned;

/// A repository with the account that is its namespace.
#[derive(FromQueryResult)]
struct HeadRow {
    #[sea_orm(nested)]
    viewed: ViewedRow,
    #[sea_orm(nested(prefix = "owner_"))]
    owner: Option<AccountRow>,
}

impl HeadRow {
    fn select(viewer: &Viewer) -> Select<repository::Entity> {
        let select = ViewedRow::select(viewer.account().map(|(id, _)| id)).left_join(account::Entity);
        AccountRow::select_cols_nested(select, Some("owner_"), None)
    }

    fn view(self, permit: &Permit<See>) -> Result<RepositoryHead> {
        // A caller admitted only because the repository is public acts as an anonymous viewer, who has no stars.
        let starred = self.viewed.starred && permit.account().is_some();
        Ok(RepositoryHead {
            comment_count: unsigned(self.viewed.repository.comment_count),
            repository: self.viewed.repository.view(permit.role(), starred)?,
            abilities: permit.abilities(),
            owner: self.owner.ok_or(Error::Absent)?.account(),
        })
    }
}

#[derive(FromQueryResult)]
struct OverviewRow {
    #[sea_orm(nested)]
    head: HeadRow,
    overview: String,
}

impl Store {
    /// Returns a repository with the viewer's role and star.
    pub async fn repository(&self, permit: &Permit<See>) -> Result<Repository> {
        let row = self.row(permit).await?;
        row.repository.view(permit.role(), row.starred)
    }

    /// Returns the data shown on every page of a repository, with a permit to read the rest of the page.
    pub async fn head(&self, viewer: &Viewer, path: &RepositoryName) -> Result<(Permit<See>, RepositoryHead)> {
        let (permit, row) = self.see::<HeadRow>(viewer, path, HeadRow::select(viewer)).await?;
        let head = row.view(&permit)?;
        Ok((permit, head))
    }

    /// Combines [`Store::head`] and [`Store::overview_source`] in one statement.
    pub async fn head_and_overview_source(
        &self,
        viewer: &Viewer,
        path: &RepositoryName,
    ) -> Result<(Permit<See>, RepositoryHead, String)> {
        let select = HeadRow::select(viewer).column(repository::Column::Overview);
        let (permit, row) = self.see::<OverviewRow>(viewer, path, select).await?;
        let head = row.head.view(&permit)?;
        Ok((permit, head, row.overview))
    }

    /// Returns the overview's Markdown source.
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
