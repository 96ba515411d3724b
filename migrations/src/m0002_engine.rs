//! Blobs, manifests, tags and uploads, and the results of image inspection.
//!
//! The RESTRICT foreign keys make online garbage collection safe; they must not be weakened to CASCADE.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, big_pk_auto, blob, boolean, text, text_null};

use crate::schema::{drop_tables, index, key, key_null, partial_index, primary, references};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_engine"
    }
}

const TABLES: [&str; 11] = [
    "blob",
    "repository_blob",
    "manifest",
    "manifest_blob",
    "manifest_child",
    "tag",
    "tag_history",
    "upload",
    "trash",
    "job",
    "image",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        blobs(manager).await?;
        manifests(manager).await?;
        tags(manager).await?;
        uploads(manager).await?;
        images(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &TABLES).await
    }
}

async fn blobs(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("blob")
                .col(key(manager, "digest").primary_key())
                .col(big_integer("size"))
                .col(text("segments"))
                .col(big_integer("created_at"))
                // When a repository last lost the blob, until the sweep has checked whether others have it.
                .col(big_integer_null("unlinked_at"))
                .take(),
        )
        .await?;
    let unlinked = Expr::col("unlinked_at").is_not_null();
    partial_index(manager, "blob_unlinked", "blob", ["unlinked_at"], unlinked).await?;
    manager
        .create_table(
            Table::create()
                .table("repository_blob")
                .col(big_integer("repository_id"))
                .col(key(manager, "digest"))
                // Since when no manifest may use the blob, until the sweep has checked it.
                .col(big_integer_null("unused_since"))
                .primary_key(&mut primary(["repository_id", "digest"]))
                .foreign_key(&mut references(["repository_id"], "repository", ["id"], ForeignKeyAction::Cascade))
                .foreign_key(&mut references(["digest"], "blob", ["digest"], ForeignKeyAction::Restrict))
                .take(),
        )
        .await?;
    index(manager, "repository_blob_digest", "repository_blob", ["digest"]).await?;
    let unused = Expr::col("unused_since").is_not_null();
    partial_index(manager, "repository_blob_unused", "repository_blob", ["unused_since"], unused).await
}

async fn manifests(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let manifest = ["repository_id", "digest"];
    manager
        .create_table(
            Table::create()
                .table("manifest")
                .col(big_integer("repository_id"))
                .col(key(manager, "digest"))
                .col(text("media_type"))
                .col(text_null("artifact_type"))
                .col(key_null(manager, "subject"))
                .col(big_integer("size"))
                .col(big_integer("total_size"))
                .col(blob("payload"))
                .col(text("annotations"))
                .col(big_integer("pushed_at"))
                // Since when no tag, index or subject may need the manifest, until the sweep has checked it.
                .col(big_integer_null("unused_since"))
                .primary_key(&mut primary(manifest))
                .foreign_key(&mut references(["repository_id"], "repository", ["id"], ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
    index(manager, "manifest_digest", "manifest", ["digest", "repository_id"]).await?;
    index(manager, "manifest_subject", "manifest", ["repository_id", "subject", "digest"]).await?;
    let unused = Expr::col("unused_since").is_not_null();
    partial_index(manager, "manifest_unused", "manifest", ["unused_since"], unused).await?;
    manager
        .create_table(
            Table::create()
                .table("manifest_blob")
                .col(big_integer("repository_id"))
                .col(key(manager, "manifest"))
                .col(key(manager, "digest"))
                .primary_key(&mut primary(["repository_id", "manifest", "digest"]))
                .foreign_key(&mut references(
                    ["repository_id", "manifest"],
                    "manifest",
                    manifest,
                    ForeignKeyAction::Cascade,
                ))
                .foreign_key(&mut references(
                    ["repository_id", "digest"],
                    "repository_blob",
                    ["repository_id", "digest"],
                    ForeignKeyAction::Restrict,
                ))
                .take(),
        )
        .await?;
    index(manager, "manifest_blob_digest", "manifest_blob", ["repository_id", "digest"]).await?;
    manager
        .create_table(
            Table::create()
                .table("manifest_child")
                .col(big_integer("repository_id"))
                .col(key(manager, "parent"))
                .col(key(manager, "child"))
                .primary_key(&mut primary(["repository_id", "parent", "child"]))
                .foreign_key(&mut references(
                    ["repository_id", "parent"],
                    "manifest",
                    manifest,
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
    index(manager, "manifest_child_child", "manifest_child", ["repository_id", "child"]).await
}

async fn tags(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("tag")
                .col(big_integer("repository_id"))
                .col(key(manager, "name"))
                .col(key(manager, "digest"))
                // Text whose byte order is the order of versions, highest first.
                .col(key(manager, "version").default(""))
                // The size in bytes of the manifest and everything it refers to.
                .col(big_integer("size").default(0))
                .col(big_integer("pushed_at"))
                .col(big_integer_null("pulled_at"))
                // The image that a signature or similar with this tag is about.
                .col(key_null(manager, "subject"))
                .primary_key(&mut primary(["repository_id", "name"]))
                .foreign_key(&mut references(
                    ["repository_id", "digest"],
                    "manifest",
                    ["repository_id", "digest"],
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
    index(manager, "tag_digest", "tag", ["repository_id", "digest"]).await?;
    index(manager, "tag_subject", "tag", ["repository_id", "subject"]).await?;
    index(manager, "tag_version", "tag", ["repository_id", "version", "name"]).await?;
    index(manager, "tag_size", "tag", ["repository_id", "size", "name"]).await?;
    index(manager, "tag_pushed", "tag", ["repository_id", "pushed_at", "name"]).await?;
    manager
        .create_table(
            Table::create()
                .table("tag_history")
                .col(big_pk_auto("id"))
                .col(big_integer("repository_id"))
                .col(key(manager, "name"))
                .col(text_null("digest"))
                .col(text_null("actor"))
                .col(big_integer("at"))
                .foreign_key(&mut references(["repository_id"], "repository", ["id"], ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
    index(manager, "tag_history_tag", "tag_history", ["repository_id", "name", "id"]).await
}

async fn uploads(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("upload")
                .col(key(manager, "id").primary_key())
                .col(big_integer("repository_id"))
                .col(text("algorithm"))
                .col(big_integer("position"))
                .col(blob("hash_state"))
                .col(text("segments"))
                .col(big_integer("created_at"))
                .col(big_integer("updated_at"))
                .foreign_key(&mut references(["repository_id"], "repository", ["id"], ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
    index(manager, "upload_repository", "upload", ["repository_id"]).await?;
    index(manager, "upload_updated", "upload", ["updated_at"]).await?;
    manager
        .create_table(
            Table::create()
                .table("trash")
                .col(key(manager, "key").primary_key())
                .col(big_integer("length"))
                .col(big_integer("since"))
                .take(),
        )
        .await?;
    index(manager, "trash_since", "trash", ["since", "key"]).await?;
    manager
        .create_table(
            Table::create()
                .table("job")
                .col(key(manager, "name").primary_key())
                // The process that runs the job, and until when no other one may run it.
                .col(text("holder"))
                .col(big_integer("held_until"))
                .col(boolean("paused").default(false))
                .take(),
        )
        .await
}

async fn images(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("image")
                .col(big_integer("repository_id"))
                .col(key(manager, "digest"))
                .col(text("platform"))
                .col(text("config"))
                .col(text("layers"))
                .primary_key(&mut primary(["repository_id", "digest"]))
                .foreign_key(&mut references(
                    ["repository_id", "digest"],
                    "manifest",
                    ["repository_id", "digest"],
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await
}
