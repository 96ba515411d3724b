//! Lists of repositories, page by page and by key: every row in them passed the scope's condition.
//! It refuses to know full-text search; that is an index outside, whose answers are reloaded here.

use std::collections::BTreeMap;

use model::account::AccountName;
use model::id::RepositoryId;
use model::oci::RepositoryName;
use model::page::{Page, PageRequest};
use model::repository::{Repository, RepositorySort};
use model::role::Role;
use registry::ledger::After;
use sea_orm::{FromQueryResult, QueryResult, Value};

use crate::access::{Scope, Viewer, has_role};
use crate::error::{Error, Result};
use crate::repositories::RepositoryRow;
use crate::{Store, cursor, sql};

/// Which repositories a list is about, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryFilter {
    /// Only those of this namespace.
    pub namespace: Option<String>,
    /// Only those that this account starred.
    pub starred_by: Option<String>,
    /// Only those that the viewer has a role on.
    pub mine: bool,
    /// Only official ones.
    pub official: bool,
    /// The order.
    pub sort: RepositorySort,
}

/// A row with what the viewer is to it.
struct Shown {
    row: RepositoryRow,
    role: Option<Role>,
    starred: bool,
}

impl Store {
    /// Repositories within the scope, filtered and in order. A filter by an account that cannot be gives nothing.
    pub async fn repositories(
        &self,
        scope: &Scope,
        viewer: &Viewer,
        filter: &RepositoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Repository>> {
        let mut values = Vec::new();
        let mut conditions = vec![scope.condition(&mut values)];
        if let Some(name) = &filter.namespace {
            let Ok(name) = AccountName::parse(name) else { return Ok(Page::default()) };
            values.push(name.as_str().into());
            conditions.push(format!("r.namespace_id = (SELECT id FROM account WHERE name = ${})", values.len()));
        }
        if let Some(name) = &filter.starred_by {
            let Ok(name) = AccountName::parse(name) else { return Ok(Page::default()) };
            values.push(name.as_str().into());
            conditions.push(format!(
                "EXISTS (SELECT 1 FROM star s JOIN account a ON a.id = s.account_id
                     WHERE s.repository_id = r.id AND a.name = ${})",
                values.len()
            ));
        }
        if filter.mine {
            let Some(id) = viewer.account_id() else { return Ok(Page::default()) };
            values.push(id.0.into());
            conditions.push(has_role(values.len()));
        }
        if filter.official {
            conditions.push("r.official".to_owned());
        }
        let limit = page.limit();
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
        let mut last = page.cursor.as_deref().map(|text| Key::parse(filter.sort, text)).transpose()?;
        let mut items = Vec::new();
        // A token's globs are not in the condition, so a page may take more than one reading.
        loop {
            let rows = self.read(scope, &conditions, &values, filter.sort, last.as_ref(), wanted).await?;
            let ended = rows.len() < wanted;
            last = rows.last().map(|shown| Key::of(filter.sort, &shown.row)).transpose()?.or(last);
            items.extend(rows.into_iter().filter(|shown| scope.covers(&shown.row.path)));
            if ended || items.len() >= wanted {
                break;
            }
        }
        let keys = Page::from_surplus(items, limit, |shown: &Shown| {
            Key::of(filter.sort, &shown.row).map(|key| key.to_string()).unwrap_or_default()
        });
        let items = keys.items.iter().map(|shown| shown.row.view(shown.role, shown.starred)).collect::<Result<_>>()?;
        Ok(Page { items, next: keys.next })
    }

    /// Those of these repositories that are within the scope, in the order given.
    pub async fn repositories_by_id(&self, scope: &Scope, ids: &[RepositoryId]) -> Result<Vec<Repository>> {
        let mut found = BTreeMap::new();
        for batch in ids.chunks(sql::BATCH) {
            let mut values: Vec<Value> = Vec::new();
            let condition = scope.condition(&mut values);
            let columns = columns(scope, &mut values);
            let places = sql::list(values.len() + 1, batch.len());
            values.extend(batch.iter().map(|id| Value::from(id.0)));
            let find = format!("SELECT {columns} FROM repository r WHERE {condition} AND r.id IN ({places})");
            for row in sql::all(self.database().pool(), &find, values).await? {
                let shown = shown(scope, &row)?;
                if scope.covers(&shown.row.path) {
                    found.insert(shown.row.id(), shown);
                }
            }
        }
        let shown = ids.iter().filter_map(|id| found.get(id));
        shown.map(|shown| shown.row.view(shown.role, shown.starred)).collect()
    }

    /// Paths within the scope in byte order, for the engine's catalog.
    pub async fn catalog(&self, scope: &Scope, page: &After) -> Result<Vec<RepositoryName>> {
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let mut last = page.last.clone().unwrap_or_default();
        let mut names = Vec::new();
        if last.contains('\0') || limit == 0 {
            return Ok(names);
        }
        loop {
            let mut values = Vec::new();
            let condition = scope.condition(&mut values);
            values.push(last.as_str().into());
            values.push(sql::signed(page.limit).into());
            let find = format!(
                "SELECT r.path FROM repository r WHERE {condition} AND r.path > ${} ORDER BY r.path LIMIT ${}",
                values.len() - 1,
                values.len()
            );
            let rows = sql::all(self.database().pool(), &find, values).await?;
            let ended = rows.len() < limit;
            for row in rows {
                last = row.try_get_by_index(0)?;
                if names.len() < limit && scope.covers(&last) {
                    names.push(RepositoryName::parse(&last).map_err(|_| Error::Corrupt("repository.path"))?);
                }
            }
            if ended || names.len() >= limit {
                return Ok(names);
            }
        }
    }

    async fn read(
        &self,
        scope: &Scope,
        conditions: &[String],
        values: &[Value],
        sort: RepositorySort,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Shown>> {
        let mut values = values.to_vec();
        let columns = columns(scope, &mut values);
        let mut condition = conditions.join(" AND ");
        if let Some(key) = after {
            condition = format!("{condition} AND {}", key.condition(sort, &mut values));
        }
        values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        let find = format!(
            "SELECT {columns} FROM repository r WHERE {condition} ORDER BY {} LIMIT ${}",
            order(sort),
            values.len()
        );
        let rows = sql::all(self.database().pool(), &find, values).await?;
        rows.iter().map(|row| shown(scope, row)).collect()
    }
}

/// The columns of a repository called `r` and of what the viewer is to it.
fn columns(scope: &Scope, values: &mut Vec<Value>) -> String {
    values.push(scope.account().map(|id| id.0).into());
    let place = values.len();
    format!(
        "{}, r.namespace_id,
         (SELECT m.role FROM membership m WHERE m.namespace_id = r.namespace_id AND m.account_id = ${place}) AS membership,
         (SELECT c.role FROM collaborator c WHERE c.repository_id = r.id AND c.account_id = ${place}) AS collaboration,
         EXISTS (SELECT 1 FROM star s WHERE s.repository_id = r.id AND s.account_id = ${place}) AS starred",
        RepositoryRow::COLUMNS
    )
}

fn shown(scope: &Scope, row: &QueryResult) -> Result<Shown> {
    let namespace: Option<i64> = row.try_get("", "namespace_id")?;
    let roles: [Option<String>; 2] = [row.try_get("", "membership")?, row.try_get("", "collaboration")?];
    let role = scope.role(namespace, &roles)?;
    Ok(Shown { row: RepositoryRow::from_query_result(row, "")?, role, starred: row.try_get("", "starred")? })
}

const fn order(sort: RepositorySort) -> &'static str {
    match sort {
        RepositorySort::Name => "r.path",
        RepositorySort::Stars => "r.star_count DESC, r.id DESC",
        RepositorySort::Pulls => "r.pull_count DESC, r.id DESC",
        RepositorySort::Updated => "r.changed_at DESC, r.id DESC",
    }
}

/// Where in an order a row stands.
enum Key {
    Path(RepositoryName),
    Number(i64, i64),
}

impl Key {
    fn of(sort: RepositorySort, row: &RepositoryRow) -> Result<Self> {
        Ok(match sort {
            RepositorySort::Name => Self::Path(row.path()?),
            RepositorySort::Stars => Self::Number(row.star_count, row.id),
            RepositorySort::Pulls => Self::Number(row.pull_count, row.id),
            RepositorySort::Updated => Self::Number(row.changed_at, row.id),
        })
    }

    fn parse(sort: RepositorySort, text: &str) -> Result<Self> {
        match sort {
            RepositorySort::Name => RepositoryName::parse(text).map(Self::Path).map_err(|_| cursor::wrong()),
            RepositorySort::Stars | RepositorySort::Pulls | RepositorySort::Updated => {
                cursor::parse(text).map(|(number, id)| Self::Number(number, id))
            }
        }
    }

    fn condition(&self, sort: RepositorySort, values: &mut Vec<Value>) -> String {
        let column = match (sort, self) {
            (_, Self::Path(path)) => {
                values.push(path.as_str().into());
                return format!("r.path > ${}", values.len());
            }
            (RepositorySort::Pulls, Self::Number(..)) => "r.pull_count",
            (RepositorySort::Updated, Self::Number(..)) => "r.changed_at",
            (RepositorySort::Stars | RepositorySort::Name, Self::Number(..)) => "r.star_count",
        };
        if let Self::Number(number, id) = self {
            values.extend([Value::from(*number), Value::from(*id)]);
        }
        format!("({column}, r.id) < (${}, ${})", values.len() - 1, values.len())
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => path.fmt(f),
            Self::Number(number, id) => f.write_str(&cursor::format(*number, *id)),
        }
    }
}
