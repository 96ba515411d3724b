//! Lists of repositories, by page and by id, restricted to those that the viewer may see.

use std::collections::BTreeMap;

use model::account::AccountName;
use model::glob::GlobMatcher;
use model::id::RepositoryId;
use model::oci::{Digest, RepositoryName};
use model::page::{Page, PageRequest};
use model::repository::{Repository, RepositoryFilter, RepositorySort};
use model::token::TokenScope;
use registry::ledger::ListPage;
use repository::Column;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement, UnionType};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoSimpleExpr, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select, Value,
};

use super::ViewedRow;
use crate::access::{LIBRARY, Scope, granted_to};
use crate::cursor::CursorKey;
use crate::entity::{account, manifest, repository, star};
use crate::error::{Error, Result};
use crate::{Store, cursor, sql};

/// The minimum batch size when the viewer's token has globs: they are checked outside SQL and may exclude most rows.
const GLOB_BATCH: usize = 500;
/// The number of rows after which a list under globs ends its page, even if the page is not full.
const MAX_EXAMINED: usize = 1_000;

impl Store {
    /// Returns repositories within the scope, filtered and sorted. A filter with an invalid account name matches
    /// nothing. If the viewer's token excludes most rows, a page may have fewer items than its limit, or none, and
    /// still have a next page.
    pub async fn repositories(
        &self,
        scope: &Scope,
        filter: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>> {
        let Some(parts) = parts(filter, scope) else { return Ok(Page::default()) };
        let limit = page.limit();
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
        let after =
            page.cursor.as_deref().map(|text| Position::parse(filter.sort, text, self.cursors())).transpose()?;
        let (rows, unfinished) = match matchers(scope) {
            None => (page_of(scope, &parts, filter.sort, after.as_ref(), wanted), None),
            Some(globs) => self.covered(scope, &globs, &parts, filter.sort, after, wanted).await?,
        };
        let items = rows.into_model::<ViewedRow>().all(self.database().read(scope)).await?;
        let page = Page::from_surplus(items, limit, |row| Position::of(filter.sort, row).cursor(self.cursors()));
        let items = page.items.iter().map(|row| view(scope, row)).collect::<Result<_>>()?;
        Ok(Page { items, next: page.next.or_else(|| unfinished.map(|position| position.cursor(self.cursors()))) })
    }

    /// Selects the first rows after a position that the globs of the viewer's token cover, and returns the position at
    /// which the search for them has ended, if it has ended early.
    async fn covered(
        &self,
        scope: &Scope,
        globs: &[GlobMatcher],
        parts: &[Condition],
        sort: RepositorySort,
        mut last: Option<Position>,
        wanted: usize,
    ) -> Result<(Select<repository::Entity>, Option<Position>)> {
        let batch = wanted.max(GLOB_BATCH);
        let columns: Vec<Column> = [Column::Id, Column::Path].into_iter().chain(number_of(sort)).collect();
        let (mut ids, mut examined, mut ended) = (Vec::new(), 0, false);
        while !ended && ids.len() < wanted && examined < MAX_EXAMINED {
            let first = merged(parts, &columns, sort, last.as_ref(), batch);
            let rows = self.database().read(scope).query_all(&first).await?;
            ended = rows.len() < batch;
            examined += rows.len();
            for row in rows {
                let (id, path): (i64, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                if globs.iter().any(|globs| globs.matches(&path)) {
                    ids.push(id);
                }
                last = Some(match number_of(sort) {
                    None => Position::Path(path),
                    Some(_) => Position::Number(row.try_get_by_index(2)?, id),
                });
            }
        }
        let unfinished = last.filter(|_| !ended && ids.len() < wanted);
        ids.truncate(wanted);
        let rows = in_order(ViewedRow::select(scope.account()), sort).filter(scope.condition());
        let rows = rows.filter(Column::Id.is_in(ids));
        Ok((rows, unfinished))
    }

    /// Returns the repositories with these ids that are within the scope, in the order of `ids`.
    pub async fn repositories_by_id(&self, scope: &Scope, ids: &[RepositoryId]) -> Result<Vec<Repository>> {
        let mut found = BTreeMap::new();
        for batch in ids.chunks(sql::BATCH) {
            let rows = ViewedRow::select(scope.account())
                .filter(scope.condition())
                .filter(Column::Id.is_in(batch.iter().map(|id| id.0)))
                .into_model::<ViewedRow>()
                .all(self.database().read(scope))
                .await?;
            let covered = rows.into_iter().filter(|row| scope.covers(row.repository.path.0.as_str()));
            found.extend(covered.map(|row| (row.repository.id(), row)));
        }
        ids.iter().filter_map(|id| found.get(id)).map(|row| view(scope, row)).collect()
    }

    /// Returns up to `limit` repositories in the scope's visibility that have a manifest with this digest.
    pub async fn repositories_with(&self, scope: &Scope, digest: &Digest, limit: u64) -> Result<Vec<RepositoryId>> {
        let having = manifest::Entity::find()
            .select_only()
            .column(manifest::Column::RepositoryId)
            .filter(manifest::Column::Digest.eq(digest.as_str()))
            .into_query();
        let ids: Vec<i64> = repository::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(scope.condition())
            .filter(Column::Id.in_subquery(having))
            .filter(Column::NamespaceId.is_not_null())
            .order_by_desc(Column::PullCount)
            .order_by_desc(Column::Id)
            .limit(limit)
            .into_tuple()
            .all(self.database().read(scope))
            .await?;
        Ok(ids.into_iter().map(RepositoryId).collect())
    }

    /// Returns paths within the scope in byte order, for the engine's catalog. `next` is the path after which the
    /// catalog continues. If the viewer's token excludes most rows, there may be fewer paths than the limit.
    pub async fn catalog(&self, scope: &Scope, page: &ListPage) -> Result<Page<RepositoryName>> {
        let limit = u32::try_from(page.limit).unwrap_or(u32::MAX);
        let mut last = page.last.clone().unwrap_or_default();
        if last.contains('\0') || limit == 0 {
            return Ok(Page::default());
        }
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
        let (parts, batch, globs) = (scope.parts(), batch(scope, wanted), matchers(scope));
        let (mut names, mut examined, mut ended) = (Vec::new(), 0, false);
        while !ended && names.len() < wanted && examined < MAX_EXAMINED {
            let after = Position::Path(last.clone());
            let first = merged(&parts, &[Column::Path], RepositorySort::Name, Some(&after), batch);
            let rows = self.database().read(scope).query_all(&first).await?;
            ended = rows.len() < batch;
            examined += rows.len();
            for row in rows {
                last = row.try_get("", "path")?;
                if globs.as_ref().is_none_or(|globs| globs.iter().any(|globs| globs.matches(&last))) {
                    names.push(RepositoryName::parse(&last).map_err(|_| Error::Corrupt("repository.path"))?);
                }
            }
        }
        let unfinished = (!ended && names.len() < wanted).then_some(last);
        let page = Page::from_surplus(names, limit, RepositoryName::to_string);
        Ok(Page { items: page.items, next: page.next.or(unfinished) })
    }
}

/// Returns disjoint conditions that together select the list; `None` if nothing can match.
fn parts(filter: &RepositoryFilter, scope: &Scope) -> Option<Vec<Condition>> {
    let mut filters = Vec::new();
    if let Some(name) = &filter.namespace {
        filters.push(Column::NamespaceId.in_subquery(account_named(name)?));
    }
    if let Some(name) = &filter.starred_by {
        let starred = star::Entity::find()
            .select_only()
            .column(star::Column::RepositoryId)
            .filter(star::Column::AccountId.in_subquery(account_named(name)?))
            .into_query();
        filters.push(Column::Id.in_subquery(starred));
    }
    if filter.mine {
        filters.push(Column::Id.in_subquery(granted_to(scope.account()?.0)));
    }
    if filter.official {
        filters.push(Column::NamespaceId.in_subquery(account_named(LIBRARY)?));
    }
    if filters.is_empty() {
        return Some(scope.parts());
    }
    // Anyone with a role on a repository may see it.
    let visible = if filter.mine { Condition::all().add(Column::Pending.eq(false)) } else { scope.condition() };
    Some(vec![filters.into_iter().fold(visible, |all, filter| Condition::all().add(all).add(filter))])
}

/// Selects the id of the account with this name; `None` if the name is invalid.
fn account_named(name: &str) -> Option<SelectStatement> {
    let name = AccountName::parse(name).ok()?;
    let account = account::Entity::find().select_only().column(account::Column::Id);
    Some(account.filter(account::Column::Name.eq(name.as_str())).into_query())
}

/// The globs of the viewer's token.
fn matchers(scope: &Scope) -> Option<Vec<GlobMatcher>> {
    scope.globs().map(|scopes| GlobMatcher::of(scopes.iter().map(TokenScope::glob)))
}

/// The number of rows to read at once to find `wanted` items.
fn batch(scope: &Scope, wanted: usize) -> usize {
    if scope.globs().is_some() { wanted.max(GLOB_BATCH) } else { wanted }
}

/// Selects the first repositories after a position, with the viewer's role and star.
fn page_of(
    scope: &Scope,
    parts: &[Condition],
    sort: RepositorySort,
    after: Option<&Position>,
    limit: usize,
) -> Select<repository::Entity> {
    in_order(ViewedRow::select(scope.account()), sort)
        .filter(Column::Id.in_subquery(first_of(parts, sort, after, limit)))
        .limit(u64::try_from(limit).unwrap_or(u64::MAX))
}

/// Selects the ids of the first repositories after a position.
fn first_of(parts: &[Condition], sort: RepositorySort, after: Option<&Position>, limit: usize) -> SelectStatement {
    let columns = [Column::Id, number_of(sort).unwrap_or(Column::Path)];
    let merged = merged(parts, &columns, sort, after, limit);
    Query::select().column(Column::Id).from_subquery(merged, "first").take()
}

/// Selects these columns, which include those to sort by, of the first repositories after a position. Each part has its
/// own limit, because otherwise PostgreSQL would not read it in order from an index.
fn merged(
    parts: &[Condition],
    columns: &[Column],
    sort: RepositorySort,
    after: Option<&Position>,
    limit: usize,
) -> SelectStatement {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let columns = || columns.iter().copied();
    let first_of_part = |part: &Condition| {
        let part = in_order(repository::Entity::find().select_only().columns(columns()), sort).filter(part.clone());
        let part = part.apply_if(after, |query, after| query.filter(after.beyond(sort))).limit(limit).into_query();
        Query::select().columns(columns()).from_subquery(part, "part").take()
    };
    let mut parts = parts.iter().map(first_of_part);
    let mut merged = parts.next().unwrap_or_default();
    merged.unions(parts.map(|part| (UnionType::All, part)));
    // After UNION, ORDER BY may only use the names of result columns.
    match number_of(sort) {
        None => merged.order_by(Column::Path, Order::Asc),
        Some(number) => merged.order_by(number, Order::Desc).order_by(Column::Id, Order::Desc),
    };
    merged.limit(limit).take()
}

fn in_order(query: Select<repository::Entity>, sort: RepositorySort) -> Select<repository::Entity> {
    match number_of(sort) {
        None => query.order_by_asc(Column::Path),
        Some(number) => query.order_by(number, Order::Desc).order_by(Column::Id, Order::Desc),
    }
}

/// The numeric column to sort by; `None` to sort by path.
const fn number_of(sort: RepositorySort) -> Option<Column> {
    match sort {
        RepositorySort::Name => None,
        RepositorySort::Stars => Some(Column::StarCount),
        RepositorySort::Pulls => Some(Column::PullCount),
        RepositorySort::Updated => Some(Column::ChangedAt),
    }
}

fn view(scope: &Scope, row: &ViewedRow) -> Result<Repository> {
    row.repository.view(scope.role(row.role()?), row.starred)
}

/// A position in a sorted list.
enum Position {
    Path(String),
    Number(i64, i64),
}

impl Position {
    fn of(sort: RepositorySort, row: &ViewedRow) -> Self {
        let row = &row.repository;
        match sort {
            RepositorySort::Name => Self::Path(row.path.0.to_string()),
            RepositorySort::Stars => Self::Number(row.star_count, row.id),
            RepositorySort::Pulls => Self::Number(row.pull_count, row.id),
            RepositorySort::Updated => Self::Number(row.changed_at, row.id),
        }
    }

    fn parse(sort: RepositorySort, text: &str, key: &CursorKey) -> Result<Self> {
        if sort == RepositorySort::Name {
            let path = RepositoryName::parse(text).map_err(|_| cursor::wrong())?;
            return Ok(Self::Path(path.to_string()));
        }
        key.position(text).map(|(number, id)| Self::Number(number, id))
    }

    fn cursor(&self, key: &CursorKey) -> String {
        match self {
            Self::Path(path) => path.clone(),
            Self::Number(number, id) => key.after(*number, *id),
        }
    }

    /// Matches rows after this position.
    fn beyond(&self, sort: RepositorySort) -> Expr {
        match self {
            Self::Path(path) => Column::Path.into_simple_expr().gt(path.as_str()),
            Self::Number(number, id) => {
                let column = number_of(sort).unwrap_or(Column::Id);
                let row = Expr::tuple([column.into_simple_expr(), Column::Id.into_simple_expr()]);
                row.lt(Expr::tuple([Value::from(*number), Value::from(*id)].map(Expr::value)))
            }
        }
    }
}

#[cfg(test)]
mod plans;
