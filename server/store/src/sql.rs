//! Statements in the SQL that SQLite and PostgreSQL share, with `$1`, `$2`, … for values, and what their refusals mean.
//! It knows no table; where the two databases differ, the word that differs is here.

use std::borrow::Cow;
use std::fmt::Write;

use registry::ledger::ListPage;
use sea_orm::{ConnectionTrait, DbErr, QueryResult, RuntimeErr, SqlxError, Statement, Value};

/// How many rows one statement carries, so that neither database runs out of placeholders.
pub(crate) const BATCH: usize = 500;

/// Runs a statement; how many rows it touched.
pub(crate) async fn execute(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, DbErr> {
    Ok(on.execute_raw(statement(on, sql, values)).await?.rows_affected())
}

/// The first row that a statement gives.
#[cfg(test)]
pub(crate) async fn first(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<QueryResult>, DbErr> {
    on.query_one_raw(statement(on, sql, values)).await
}

/// Every row that a statement gives.
pub(crate) async fn all(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, DbErr> {
    on.query_all_raw(statement(on, sql, values)).await
}

fn statement(on: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(on.get_database_backend(), sql, values)
}

/// Placeholders for a list: `$3, $4, $5` for three values from the third on.
pub(crate) fn list(first: usize, count: usize) -> String {
    let mut text = String::new();
    for place in first..first + count {
        let separator = if place == first { "" } else { ", " };
        let _ = write!(text, "{separator}${place}");
    }
    text
}

/// Placeholders for rows: `($1, $2), ($3, $4)` for two rows of two columns.
pub(crate) fn rows(columns: usize, count: usize) -> String {
    let mut text = String::new();
    for row in 0..count {
        let separator = if row == 0 { "" } else { ", " };
        let _ = write!(text, "{separator}({})", list(row * columns + 1, columns));
    }
    text
}

/// Whether a foreign key refused the statement: what it refers to is gone, or what it removes is still referred to.
///
/// Besides the usual 23503 and 787, PostgreSQL 18 says 23001 where a key is RESTRICT, and SQLite 1811.
pub(crate) fn refused_by_reference(error: &DbErr) -> bool {
    matches!(code(error).as_deref(), Some("23503" | "23001" | "787" | "1811"))
}

/// Whether there is no room left for what was to be written: SQLite's 13, PostgreSQL's 53100.
pub(crate) fn refused_for_room(error: &DbErr) -> bool {
    matches!(code(error).as_deref(), Some("13" | "53100"))
}

/// The database's own code of a refusal.
pub(crate) fn code(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source))) = error else {
        return None;
    };
    let SqlxError::Database(database) = &**source else { return None };
    database.code().map(Cow::into_owned)
}

/// What comes before everything that is listed; empty for the beginning. PostgreSQL takes no zero character in text: nothing
/// that is listed holds one, so what comes after a text that does comes after the part before it.
pub(crate) fn last(page: &ListPage) -> &str {
    let last = page.last.as_deref().unwrap_or_default();
    last.split('\0').next().unwrap_or_default()
}

/// A count or a size as a column holds it.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count or a size out of a column.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_count_on_through_rows() {
        assert_eq!(list(3, 3), "$3, $4, $5");
        assert_eq!(rows(2, 2), "($1, $2), ($3, $4)");
        assert_eq!(rows(2, 0), "");
    }
}
