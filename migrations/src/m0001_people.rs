//! Accounts, teams, sessions, tokens, repositories, stars and comments.
//!
//! Times are microseconds since 1970 in UTC. Enumerations such as roles are stored as the text used in JSON.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, big_pk_auto, boolean, text, text_null};

use crate::schema::{drop_tables, index, key, key_null, partial_index, primary, references, transaction};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_people"
    }
}

const TABLES: [&str; 19] = [
    "account",
    "membership",
    "team",
    "team_member",
    "session",
    "token",
    "sign_in_failure",
    "known_address",
    "invitation",
    "signing_key",
    "setting",
    "repository",
    "repository_alias",
    "collaborator",
    "repository_team",
    "star",
    "comment",
    "outbox",
    "follower",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        accounts(manager).await?;
        credentials(manager).await?;
        repositories(manager).await?;
        discussion(manager).await?;
        events(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &TABLES).await
    }
}

async fn accounts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("account")
                .col(big_pk_auto("id"))
                .col(key(manager, "name").unique_key())
                .col(text("kind"))
                .col(text("display_name").default(""))
                .col(text("bio").default(""))
                .col(text_null("email"))
                // The address once it is known to be the owner's; only this one is unique and can be used to sign in.
                .col(key_null(manager, "confirmed_email").unique_key())
                .col(text_null("password_hash"))
                .col(boolean("admin").default(false))
                .col(text("default_visibility").default("private"))
                .col(text_null("language"))
                .col(big_integer("created_at"))
                .col(big_integer_null("disabled_at"))
                .take(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("membership")
                .col(big_integer("namespace_id"))
                .col(big_integer("account_id"))
                .col(text("role"))
                .col(big_integer("since"))
                .primary_key(&mut primary(["namespace_id", "account_id"]))
                .foreign_key(&mut references(["namespace_id"], "account", ["id"], ForeignKeyAction::Cascade))
                .foreign_key(&mut references(["account_id"], "account", ["id"], ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
    index(manager, "membership_account", "membership", ["account_id", "namespace_id"]).await?;
    manager
        .create_table(
            Table::create()
                .table("team")
                .col(big_pk_auto("id"))
                .col(big_integer("namespace_id"))
                .col(key(manager, "name"))
                .col(big_integer("created_at"))
                .foreign_key(&mut references(["namespace_id"], "account", ["id"], ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
    manager
        .create_index(Index::create().name("team_name").table("team").col("namespace_id").col("name").unique().take())
        .await?;
    manager
        .create_table(
            Table::create()
                .table("team_member")
                .col(big_integer("team_id"))
                .col(big_integer("account_id"))
                .col(big_integer("since"))
                .primary_key(&mut primary(["team_id", "account_id"]))
                .foreign_key(&mut references(["team_id"], "team", ["id"], ForeignKeyAction::Cascade))
                .foreign_key(&mut references(["account_id"], "account", ["id"], ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
    index(manager, "team_member_account", "team_member", ["account_id", "team_id"]).await
}

async fn credentials(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("session")
                .col(key(manager, "id").primary_key())
                .col(big_integer_null("account_id"))
                .col(text("data"))
                .col(big_integer("expires_at"))
                .foreign_key(&mut references(["account_id"], "account", ["id"], ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
    index(manager, "session_account", "session", ["account_id"]).await?;
    index(manager, "session_expires", "session", ["expires_at"]).await?;
    manager
        .create_table(
            Table::create()
                .table("token")
                .col(big_pk_auto("id"))
                .col(big_integer("account_id"))
                .col(text("kind"))
                .col(text("label"))
                .col(key(manager, "secret_hash").unique_key())
                .col(text("scopes"))
                .col(text_null("service"))
                .col(big_integer_null("parent_id"))
                .col(big_integer("created_at"))
                .col(big_integer_null("expires_at"))
                .col(big_integer_null("last_used_at"))
                .foreign_key(&mut references(["account_id"], "account", ["id"], ForeignKeyAction::Cascade))
                .foreign_key(&mut references(["parent_id"], "token", ["id"], ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
    index(manager, "token_account", "token", ["account_id"]).await?;
    index(manager, "token_parent", "token", ["parent_id"]).await?;
    manager
        .create_table(
            Table::create()
                .table("sign_in_failure")
                .col(key(manager, "subject").primary_key())
                .col(big_integer("failures"))
                .col(big_integer("last_at"))
                .col(big_integer("blocked_until"))
                .take(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("known_address")
                .col(big_integer("account_id"))
                .col(key(manager, "address"))
                .col(big_integer("seen_at"))
                .primary_key(&mut primary(["account_id", "address"]))
                .foreign_key(&mut references(["account_id"], "account", ["id"], ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
    index(manager, "known_address_seen", "known_address", ["seen_at"]).await?;
    manager
        .create_table(
            Table::create()
                .table("invitation")
                .col(key(manager, "id").primary_key())
                .col(key(manager, "secret_hash").unique_key())
                .col(text_null("email"))
                // NULL if created on the command line.
                .col(big_integer_null("created_by"))
                .col(big_integer("created_at"))
                .col(big_integer("expires_at"))
                .col(big_integer_null("used_by"))
                .foreign_key(&mut references(["created_by"], "account", ["id"], ForeignKeyAction::Cascade))
                .foreign_key(&mut references(["used_by"], "account", ["id"], ForeignKeyAction::SetNull))
                .take(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("signing_key")
                .col(key(manager, "kid").primary_key())
                .col(text("private_pem"))
                .col(big_integer("created_at"))
                .take(),
        )
        .await?;
    manager
        .create_table(
            Table::create().table("setting").col(key(manager, "name").primary_key()).col(text("value")).take(),
        )
        .await
}

async fn repositories(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("repository")
                .col(big_pk_auto("id"))
                .col(big_integer_null("namespace_id"))
                .col(key(manager, "path").unique_key())
                .col(text("description").default(""))
                .col(text("visibility").default("private"))
                .col(text("comments").default("everyone"))
                .col(boolean("official").default(false))
                // Whether a push has created it and has not stored a manifest yet.
                .col(boolean("pending").default(false))
                .col(text("topics").default("[]"))
                .col(big_integer("star_count").default(0))
                .col(big_integer("pull_count").default(0))
                .col(big_integer("comment_count").default(0))
                .col(big_integer("tag_count").default(0))
                .col(big_integer("size").default(0))
                .col(big_integer("created_at"))
                .col(big_integer("updated_at"))
                .col(big_integer_null("pushed_at"))
                .col(big_integer("changed_at"))
                // Last, because SQLite reads through a long README to reach the columns after it.
                .col(text("overview").default(""))
                .foreign_key(&mut references(["namespace_id"], "account", ["id"], ForeignKeyAction::Restrict))
                .take(),
        )
        .await?;
    index(manager, "repository_namespace", "repository", ["namespace_id", "path"]).await?;
    // The visibility comes first, because lists read the repositories of each visibility in order.
    index(manager, "repository_path", "repository", ["visibility", "path"]).await?;
    index(manager, "repository_stars", "repository", ["visibility", "star_count", "id"]).await?;
    index(manager, "repository_pulls", "repository", ["visibility", "pull_count", "id"]).await?;
    index(manager, "repository_changed", "repository", ["visibility", "changed_at", "id"]).await?;
    // An index of all rows would be chosen for lists, which exclude the few pending ones.
    partial_index(manager, "repository_pending", "repository", ["created_at"], Expr::col("pending")).await?;
    manager
        .create_table(
            Table::create()
                .table("repository_alias")
                .col(key(manager, "path").primary_key())
                .col(big_integer("repository_id"))
                .foreign_key(&mut references(["repository_id"], "repository", ["id"], ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
    index(manager, "repository_alias_repository", "repository_alias", ["repository_id"]).await?;
    manager
        .create_table(
            Table::create()
                .table("collaborator")
                .col(big_integer("repository_id"))
                .col(big_integer("account_id"))
                .col(text("role"))
                .col(big_integer("since"))
                .primary_key(&mut primary(["repository_id", "account_id"]))
                .foreign_key(&mut references(["repository_id"], "repository", ["id"], ForeignKeyAction::Cascade))
                .foreign_key(&mut references(["account_id"], "account", ["id"], ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
    index(manager, "collaborator_account", "collaborator", ["account_id", "repository_id"]).await?;
    manager
        .create_table(
            Table::create()
                .table("repository_team")
                .col(big_integer("repository_id"))
                .col(big_integer("team_id"))
                .col(text("role"))
                .col(big_integer("since"))
                .primary_key(&mut primary(["repository_id", "team_id"]))
                .foreign_key(&mut references(["repository_id"], "repository", ["id"], ForeignKeyAction::Cascade))
                .foreign_key(&mut references(["team_id"], "team", ["id"], ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
    index(manager, "repository_team_team", "repository_team", ["team_id", "repository_id"]).await
}

async fn discussion(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("star")
                .col(big_integer("repository_id"))
                .col(big_integer("account_id"))
                .col(big_integer("at"))
                .primary_key(&mut primary(["repository_id", "account_id"]))
                .foreign_key(&mut references(["repository_id"], "repository", ["id"], ForeignKeyAction::Cascade))
                .foreign_key(&mut references(["account_id"], "account", ["id"], ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
    index(manager, "star_account", "star", ["account_id", "at", "repository_id"]).await?;
    index(manager, "star_newest", "star", ["repository_id", "at", "account_id"]).await?;
    manager
        .create_table(
            Table::create()
                .table("comment")
                .col(big_integer("repository_id"))
                .col(big_integer("number"))
                .col(big_integer("author_id"))
                .col(big_integer_null("root"))
                .col(text_null("tag"))
                .col(text("body"))
                .col(big_integer("created_at"))
                .col(big_integer_null("edited_at"))
                .col(big_integer_null("deleted_at"))
                .foreign_key(&mut references(["repository_id"], "repository", ["id"], ForeignKeyAction::Cascade))
                .foreign_key(&mut references(["author_id"], "account", ["id"], ForeignKeyAction::Restrict))
                .primary_key(&mut primary(["repository_id", "number"]))
                .foreign_key(&mut references(
                    ["repository_id", "root"],
                    "comment",
                    ["repository_id", "number"],
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
    index(manager, "comment_thread", "comment", ["repository_id", "root", "number"]).await?;
    index(manager, "comment_author", "comment", ["author_id"]).await
}

async fn events(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("outbox")
                .col(big_pk_auto("id"))
                .col(transaction(manager, "xid"))
                .col(text("kind"))
                .col(big_integer_null("actor_id"))
                .col(big_integer_null("token_id"))
                .col(big_integer_null("repository_id"))
                .col(text("payload"))
                .col(big_integer("created_at"))
                .take(),
        )
        .await?;
    index(manager, "outbox_position", "outbox", ["xid", "id"]).await?;
    manager
        .create_table(
            Table::create()
                .table("follower")
                .col(key(manager, "name").primary_key())
                .col(big_integer("xid"))
                .col(big_integer("event_id"))
                .col(big_integer("seen_at"))
                .take(),
        )
        .await
}
