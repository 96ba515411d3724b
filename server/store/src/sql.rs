//! Helpers for raw SQL with the placeholders `$1`, `$2`, …, which both SQLite and PostgreSQL accept, and for
//! interpreting database errors.

use std::borrow::Cow;
use std::fmt::Write;

use registry::ledger::ListPage;
use sea_orm::{ConnectionTrait, DbErr, QueryResult, RuntimeErr, SqlxError, Statement, Value};

/// The maximum number of rows in a statement, so that it stays below the database's limit of placeholders.
pub(crate) const BATCH: usize = 500;

/// Executes a statement and returns the number of affected rows.
pub(crate) async fn execute(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, DbErr> {
    Ok(on.execute_raw(statement(on, sql, values)).await?.rows_affected())
}

/// Returns the first row of a query.
#[cfg(test)]
pub(crate) async fn first(
    on: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<QueryResult>, DbErr> {
    on.query_one_raw(statement(on, sql, values)).await
}

/// Returns all rows of a query.
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

/// Returns placeholders for a list: `$3, $4, $5` for three values starting with the third.
pub(crate) fn list(first: usize, count: usize) -> String {
    let mut text = String::new();
    for place in first..first + count {
        let separator = if place == first { "" } else { ", " };
        let _ = write!(text, "{separator}${place}");
    }
    text
}

/// Returns placeholders for rows: `($1, $2), ($3, $4)` for two rows of two columns.
pub(crate) fn rows(columns: usize, count: usize) -> String {
    let mut text = String::new();
    for row in 0..count {
        let separator = if row == 0 { "" } else { ", " };
        let _ = write!(text, "{separator}({})", list(row * columns + 1, columns));
    }
    text
}

/// Whether a foreign key rejected the statement: a row that it refers to is missing, or a row that it deletes is still
/// referred to.
///
/// The usual codes are 23503 on PostgreSQL and 787 on SQLite. For RESTRICT keys, PostgreSQL 18 uses 23001 and SQLite
/// 1811.
pub(crate) fn refused_by_reference(error: &DbErr) -> bool {
    matches!(code(error).as_deref(), Some("23503" | "23001" | "787" | "1811"))
}

/// Whether the database is out of disk space: SQLite's 13, PostgreSQL's 53100.
pub(crate) fn refused_for_room(error: &DbErr) -> bool {
    matches!(code(error).as_deref(), Some("13" | "53100"))
}

/// Returns the database's error code.
pub(crate) fn code(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source))) = error else {
        return None;
    };
    let SqlxError::Database(database) = &**source else { return None };
    database.code().map(Cow::into_owned)
}

/// Returns the exclusive lower bound of the page. PostgreSQL text cannot contain NUL, so the bound is cut at the first
/// one.
pub(crate) fn last(page: &ListPage) -> &str {
    let last = page.last.as_deref().unwrap_or_default();
    last.split('\0').next().unwrap_or_default()
}

/// Converts a count or size to a column's value.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Converts a column's value to a count or size.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Converts a number of rows.
pub(crate) fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
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
