//! Stars: at most one for each account and repository. A star and the repository's count change in one transaction.

use model::account::Account;
use model::clock::Timestamp;
use model::event::EventKind;
use model::id::{AccountId, RepositoryId};
use model::page::{Page, PageRequest};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue, ColumnTrait, DerivePartialModel, EntityTrait, IntoSimpleExpr, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::access::{Permit, See, Star, Viewer};
use crate::accounts::AccountRow;
use crate::database::Tx;
use crate::entity::{account, repository, star};
use crate::error::{Error, Result};
use crate::sql::{signed, unsigned};
use crate::{Store, outbox};

/// The maximum number of the viewer's stars that a search considers; the newest are used.
const STARRED: u64 = 10_000;

#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "star::Entity")]
struct StargazerRow {
    #[sea_orm(nested)]
    account: AccountRow,
    at: i64,
}

impl Store {
    /// Adds or removes the viewer's star and returns the number of stars. A repeated call changes nothing.
    pub async fn set_star(&self, permit: &Permit<Star>, on: bool) -> Result<u64> {
        let account = permit.require_account()?;
        let now = self.clock().now();
        let stars = self
            .database()
            .write(permit, |tx| async move {
                let id = permit.repository().0;
                let step = if on { add(&tx, id, account, now).await? } else { -remove(&tx, id, account).await? };
                let count = repository::Entity::update_many()
                    .col_expr(repository::Column::StarCount, Expr::col(repository::Column::StarCount).add(step))
                    .filter(repository::Column::Id.eq(id));
                count.exec(&*tx).await?;
                let stars = repository::Entity::find_by_id(id)
                    .select_only()
                    .column(repository::Column::StarCount)
                    .into_tuple::<i64>()
                    .one(&*tx)
                    .await?;
                let stars = stars.ok_or(Error::Absent)?;
                if step != 0 {
                    outbox::append(&*tx, &outbox::event(permit, EventKind::Starred { on }), now).await?;
                }
                Ok::<_, Error>(stars)
            })
            .await?;
        self.notifier().notify();
        Ok(unsigned(stars))
    }

    /// Whether the viewer starred the repository.
    pub async fn is_starred(&self, permit: &Permit<See>) -> Result<bool> {
        let Some(account) = permit.account() else { return Ok(false) };
        let star = star::Entity::find_by_id((permit.repository().0, account.0));
        Ok(star.count(self.database().read(permit)).await? > 0)
    }

    /// Returns the ids of the repositories that the viewer starred most recently, for searching among them. They may
    /// include repositories that the viewer can no longer see.
    pub async fn starred_ids(&self, viewer: &Viewer) -> Result<Vec<RepositoryId>> {
        let Some((account, _)) = viewer.account() else { return Ok(Vec::new()) };
        let ids = star::Entity::find()
            .select_only()
            .column(star::Column::RepositoryId)
            .filter(star::Column::AccountId.eq(account.0))
            .order_by_desc(star::Column::At)
            .limit(STARRED)
            .into_tuple::<i64>()
            .all(self.database().read(viewer))
            .await?;
        Ok(ids.into_iter().map(RepositoryId).collect())
    }

    /// Returns the accounts that starred the repository, the newest star first.
    pub async fn stargazers(&self, permit: &Permit<See>, page: &PageRequest) -> Result<Page<Account>> {
        let (at, id) = page.cursor.as_deref().map_or(Ok((i64::MAX, i64::MAX)), |text| self.cursors().position(text))?;
        let limit = page.limit();
        let key = Expr::tuple([star::Column::At, star::Column::AccountId].map(IntoSimpleExpr::into_simple_expr));
        let rows = star::Entity::find()
            .inner_join(account::Entity)
            .filter(star::Column::RepositoryId.eq(permit.repository().0))
            .filter(key.lt(Expr::tuple([at, id].map(Expr::value))))
            .filter(account::Column::DisabledAt.is_null())
            .order_by_desc(star::Column::At)
            .order_by_desc(star::Column::AccountId)
            .limit(u64::from(limit) + 1)
            .into_partial_model::<StargazerRow>()
            .all(self.database().read(permit))
            .await?;
        let page = Page::from_surplus(rows, limit, |row| self.cursors().after(row.at, row.account.id));
        let items = page.items.iter().map(|row| row.account.account()).collect();
        Ok(Page { items, next: page.next })
    }
}

/// Adds a star and returns the number of new stars: 0 or 1.
async fn add(tx: &Tx, repository: i64, account: AccountId, now: Timestamp) -> Result<i64> {
    let row = star::ActiveModel {
        repository_id: ActiveValue::Set(repository),
        account_id: ActiveValue::Set(account.0),
        at: ActiveValue::Set(now.micros()),
    };
    let key = [star::Column::RepositoryId, star::Column::AccountId];
    let keep = OnConflict::columns(key).do_nothing().to_owned();
    let added = star::Entity::insert_many([row]).on_conflict(keep).exec_without_returning(tx).await?;
    Ok(signed(added))
}

/// Removes a star and returns the number of removed stars: 0 or 1.
async fn remove(tx: &Tx, repository: i64, account: AccountId) -> Result<i64> {
    Ok(signed(star::Entity::delete_by_id((repository, account.0)).exec(tx).await?.rows_affected))
}
