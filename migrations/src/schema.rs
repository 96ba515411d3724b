//! Helpers for migrations: columns, keys and indexes beyond those of `sea_orm_migration::schema`.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text, text_null};
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseBackend};

/// Returns a text column that is compared by bytes on both databases.
pub(crate) fn key(manager: &SchemaManager<'_>, name: &'static str) -> ColumnDef {
    by_bytes(manager, text(name))
}

/// Returns a nullable text column that is compared by bytes.
pub(crate) fn key_null(manager: &SchemaManager<'_>, name: &'static str) -> ColumnDef {
    by_bytes(manager, text_null(name))
}

fn by_bytes(manager: &SchemaManager<'_>, mut column: ColumnDef) -> ColumnDef {
    // SQLite compares text by bytes by default.
    if manager.get_connection().get_database_backend() == DatabaseBackend::Postgres {
        column.extra(r#"COLLATE "C""#);
    }
    column
}

/// Returns a column for the id of the transaction that inserted the row. It is zero on SQLite, which has one writer at
/// a time.
pub(crate) fn transaction(manager: &SchemaManager<'_>, name: &'static str) -> ColumnDef {
    let mut column = big_integer(name);
    match manager.get_connection().get_database_backend() {
        // xid8 can only be cast to a number through text.
        DatabaseBackend::Postgres => column.default(Expr::cust("(pg_current_xact_id()::text::bigint)")),
        _ => column.default(0),
    };
    column
}

/// Returns a foreign key.
pub(crate) fn references<const N: usize>(
    columns: [&'static str; N],
    table: &'static str,
    targets: [&'static str; N],
    on_delete: ForeignKeyAction,
) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.to_tbl(table).on_delete(on_delete);
    for (column, target) in columns.into_iter().zip(targets) {
        key.from_col(column).to_col(target);
    }
    key
}

/// Returns a primary key of several columns.
pub(crate) fn primary<const N: usize>(columns: [&'static str; N]) -> IndexCreateStatement {
    let mut index = Index::create();
    for column in columns {
        index.col(column);
    }
    index.primary();
    index
}

/// Creates an index on columns of a table.
pub(crate) async fn index<const N: usize>(
    manager: &SchemaManager<'_>,
    name: &'static str,
    table: &'static str,
    columns: [&'static str; N],
) -> Result<(), DbErr> {
    manager.create_index(named(name, table, columns)).await
}

/// Creates an index on those rows of a table that meet a condition.
pub(crate) async fn partial_index<const N: usize>(
    manager: &SchemaManager<'_>,
    name: &'static str,
    table: &'static str,
    columns: [&'static str; N],
    condition: Expr,
) -> Result<(), DbErr> {
    manager.create_index(named(name, table, columns).cond_where(condition).take()).await
}

fn named<const N: usize>(name: &'static str, table: &'static str, columns: [&'static str; N]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(column);
    }
    index
}

/// Drops tables in the reverse order of their creation.
pub(crate) async fn drop_tables(manager: &SchemaManager<'_>, created: &[&'static str]) -> Result<(), DbErr> {
    for table in created.iter().rev() {
        manager.drop_table(Table::drop().table(*table).to_owned()).await?;
    }
    Ok(())
}
