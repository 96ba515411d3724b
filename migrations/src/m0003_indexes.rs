//! Indexes for what is listed in an order or removed with its repository, and had none.
//! It adds no table and changes no row.

use crate::Step;

pub(crate) const STEP: Step = Step { name: "m0003_indexes", up: UP, down: DOWN };

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
