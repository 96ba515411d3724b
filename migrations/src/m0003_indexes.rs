//! Indexes for what is listed in an order or removed with its repository, and had none.
//! It adds no table and changes no row.

use async_trait::async_trait;
use sea_orm_migration::prelude::*;

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0003_indexes"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, DOWN).await
    }
}

const UP: &str = r"
CREATE INDEX star_newest ON star(repository_id, at, account_id);
CREATE INDEX repository_alias_repository ON repository_alias(repository_id);
CREATE INDEX upload_repository ON upload(repository_id);
CREATE INDEX trash_since ON trash(since, key);
";

const DOWN: &str = r"
DROP INDEX trash_since;
DROP INDEX upload_repository;
DROP INDEX repository_alias_repository;
DROP INDEX star_newest;
";
