//! One repository as one viewer sees it, and the little that engine and index ask about one.
//! It refuses to know whether they may: it takes a permit.

use model::repository::{Repository, RepositoryHead};
use sea_orm::FromQueryResult;

use crate::access::{Permit, See, Viewer};
use crate::error::{Error, Result};
use crate::repositories::RepositoryRow;
use crate::sql::unsigned;
use crate::{Store, accounts, sql};

impl Store {
    /// A repository with the viewer's role and star.
    pub async fn repository(&self, permit: &Permit<See>) -> Result<Repository> {
        let (row, starred) = self.row(permit).await?;
        row.view(permit.role(), starred)
    }

    /// What all pages of a repository show: itself, what the viewer may do with it, and whose it is.
    pub async fn head(&self, permit: &Permit<See>, viewer: &Viewer) -> Result<RepositoryHead> {
        let (row, starred) = self.row(permit).await?;
        let owner = accounts::by_name(self.database().pool(), permit.path().namespace()).await?;
        Ok(RepositoryHead {
            repository: row.view(permit.role(), starred)?,
            abilities: self.abilities(viewer, permit.path()).await?,
            comment_count: unsigned(row.comment_count),
            owner: owner.ok_or(Error::Absent)?.account()?,
        })
    }

    /// The overview as Markdown, as it was written.
    pub async fn overview_source(&self, permit: &Permit<See>) -> Result<String> {
        let find = "SELECT overview FROM repository WHERE id = $1";
        let row = sql::first(self.database().pool(), find, [permit.repository().0.into()]).await?;
        Ok(row.ok_or(Error::Absent)?.try_get_by_index(0)?)
    }

    async fn row(&self, permit: &Permit<See>) -> Result<(RepositoryRow, bool)> {
        let find = format!(
            "SELECT {}, EXISTS (SELECT 1 FROM star s WHERE s.repository_id = r.id AND s.account_id = $2) AS starred
             FROM repository r WHERE r.id = $1",
            RepositoryRow::COLUMNS
        );
        let values = [permit.repository().0.into(), permit.account().map(|id| id.0).into()];
        let row = sql::first(self.database().pool(), &find, values).await?.ok_or(Error::Absent)?;
        Ok((RepositoryRow::from_query_result(&row, "")?, row.try_get("", "starred")?))
    }
}
