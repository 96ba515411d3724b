//! The database migrations for SQLite and PostgreSQL, one module each.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod m0001_people;
mod m0002_engine;
mod schema;

/// All migrations, in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_people::Migration), Box::new(m0002_engine::Migration)]
    }
}
