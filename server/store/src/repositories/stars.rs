//! Stars: one an account and repository, counted on the repository in the same transaction.
//! It refuses to know who may star: it takes a permit.

use model::account::Account;
use model::event::What;
use model::id::RepositoryId;
use model::page::{Page, PageRequest};
use sea_orm::FromQueryResult;

use super::change;
use crate::access::{Permit, See, Star, Viewer};
use crate::accounts::AccountRow;
use crate::error::{Error, Result};
use crate::sql::unsigned;
use crate::{Store, cursor, outbox, sql};

/// Among how many of a viewer's stars a search looks.
const STARRED: i64 = 10_000;

impl Store {
    /// Stars a repository, or takes the star back; the number of stars it has then. Doing it twice changes nothing.
    pub async fn set_star(&self, permit: &Permit<Star>, on: bool) -> Result<u64> {
        let account = permit.require_account()?;
        let now = self.clock().now();
        let stars = self
            .database()
            .write(|tx| async move {
                let id = permit.repository().0;
                let done = if on {
                    let insert = "INSERT INTO star (repository_id, account_id, at) VALUES ($1, $2, $3)
                         ON CONFLICT (repository_id, account_id) DO NOTHING";
                    sql::execute(&*tx, insert, [id.into(), account.0.into(), now.micros().into()]).await?
                } else {
                    let delete = "DELETE FROM star WHERE repository_id = $1 AND account_id = $2";
                    sql::execute(&*tx, delete, [id.into(), account.0.into()]).await?
                };
                let step: i64 = match (done, on) {
                    (0, _) => 0,
                    (_, true) => 1,
                    (_, false) => -1,
                };
                let count = "UPDATE repository SET star_count = star_count + $2 WHERE id = $1 RETURNING star_count";
                let row = sql::first(&*tx, count, [id.into(), step.into()]).await?.ok_or(Error::Absent)?;
                if step != 0 {
                    outbox::append(&*tx, &change::event(permit, What::Starred { on }), now).await?;
                }
                Ok::<i64, Error>(row.try_get_by_index(0)?)
            })
            .await?;
        self.news().notify_waiters();
        Ok(unsigned(stars))
    }

    /// Whether the viewer starred it.
    pub async fn is_starred(&self, permit: &Permit<See>) -> Result<bool> {
        let Some(account) = permit.account() else { return Ok(false) };
        let find = "SELECT 1 FROM star WHERE repository_id = $1 AND account_id = $2";
        let values = [permit.repository().0.into(), account.0.into()];
        Ok(sql::first(self.database().pool(), find, values).await?.is_some())
    }

    /// What the viewer starred last, for a search among it; some of it the viewer may no longer see.
    pub async fn starred_ids(&self, viewer: &Viewer) -> Result<Vec<RepositoryId>> {
        let Some((account, _)) = viewer.account() else { return Ok(Vec::new()) };
        let find = "SELECT repository_id FROM star WHERE account_id = $1 ORDER BY at DESC LIMIT $2";
        let rows = sql::all(self.database().pool(), find, [account.0.into(), STARRED.into()]).await?;
        rows.iter().map(|row| Ok(RepositoryId(row.try_get_by_index(0)?))).collect()
    }

    /// Who starred it, last first.
    pub async fn stargazers(&self, permit: &Permit<See>, page: &PageRequest) -> Result<Page<Account>> {
        let (at, id) = page.cursor.as_deref().map_or(Ok((i64::MAX, i64::MAX)), cursor::parse)?;
        let limit = page.limit();
        let find = format!(
            "SELECT {}, s.at FROM star s JOIN account a ON a.id = s.account_id
             WHERE s.repository_id = $1 AND (s.at, s.account_id) < ($2, $3) AND a.disabled_at IS NULL
             ORDER BY s.at DESC, s.account_id DESC LIMIT $4",
            AccountRow::COLUMNS
        );
        let values = [permit.repository().0.into(), at.into(), id.into(), (i64::from(limit) + 1).into()];
        let rows = sql::all(self.database().pool(), &find, values).await?;
        let mut items = Vec::new();
        for row in &rows {
            items.push((AccountRow::from_query_result(row, "")?, row.try_get::<i64>("", "at")?));
        }
        let page = Page::from_surplus(items, limit, |(row, at)| cursor::format(*at, row.id));
        let items = page.items.iter().map(|(row, _)| row.account()).collect::<Result<_>>()?;
        Ok(Page { items, next: page.next })
    }
}
