//! One repository as the holder of a permit sees it.

use model::oci::RepositoryName;
use model::repository::{Repository, RepositoryHead};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, PartialModelTrait, QueryFilter, QuerySelect};

use crate::Store;
use crate::access::{Permit, See, Viewer};
use crate::accounts::AccountRow;
use crate::entity::{account, repository};
use crate::error::{Error, Result};
use crate::repositories::ViewedRow;
use crate::sql::unsigned;

/// A repository with the account whose namespace it is in.
#[derive(FromQueryResult)]
struct HeadRow {
    #[sea_orm(nested)]
    viewed: ViewedRow,
    #[sea_orm(nested(prefix = "owner_"))]
    owner: Option<AccountRow>,
}

impl Store {
    /// A repository with the viewer's role and star.
    pub async fn repository(&self, permit: &Permit<See>) -> Result<Repository> {
        let row = self.row(permit).await?;
        row.repository.view(permit.role(), row.starred)
    }

    /// What all pages of a repository show, of the one at a path: itself, what the viewer may do with it, and whose it is.
    /// With a permit for the rest of the page.
    pub async fn head(&self, viewer: &Viewer, path: &RepositoryName) -> Result<(Permit<See>, RepositoryHead)> {
        let select = ViewedRow::select(viewer.account().map(|(id, _)| id)).left_join(account::Entity);
        let select = AccountRow::select_cols_nested(select, Some("owner_"), None);
        let (permit, row) = self.see::<HeadRow>(viewer, path, select).await?;
        // Whoever acts as nobody has starred nothing.
        let starred = row.viewed.starred && permit.account().is_some();
        let head = RepositoryHead {
            repository: row.viewed.repository.view(permit.role(), starred)?,
            abilities: permit.abilities(),
            comment_count: unsigned(row.viewed.repository.comment_count),
            owner: row.owner.ok_or(Error::Absent)?.account(),
        };
        Ok((permit, head))
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
