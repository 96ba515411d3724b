//! Storing the results of image inspection.

use model::event::{Event, EventKind};
use model::id::RepositoryId;
use model::image::{ImageConfig, Layer};
use model::oci::{Digest, RepositoryName};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{Condition, ConnectionTrait, EntityTrait, QuerySelect};

use crate::access::System;
use crate::entity::column::Text;
use crate::entity::{image, repository};
use crate::sql;
use crate::{Error, Result, Store, outbox};

/// The row to store for an image.
struct InspectionRow<'a> {
    repository: RepositoryId,
    digest: &'a Digest,
    platform: &'a str,
    config: String,
    layers: String,
}

impl Store {
    /// Stores the results of inspecting an image. `platform` is, for example, `linux/amd64`, or empty if there is none.
    /// Writes an event if the results differ from the stored ones. Does nothing if the manifest no longer exists.
    pub async fn record_image(
        &self,
        system: &System,
        repository: RepositoryId,
        digest: &Digest,
        platform: &str,
        config: ImageConfig,
        layers: Vec<Layer>,
    ) -> Result<()> {
        // PostgreSQL cannot store NUL in text. JSON escapes it, so only the platform needs this.
        let platform = &platform.replace('\0', "");
        let text = |_| Error::Corrupt("image");
        let seen = &InspectionRow {
            repository,
            digest,
            platform,
            config: serde_json::to_string(&config).map_err(text)?,
            layers: serde_json::to_string(&layers).map_err(text)?,
        };
        let now = self.clock().now();
        let write = self.database().write(system, |tx| async move {
            if !keep(&*tx, seen).await? {
                return Ok(false);
            }
            let path = path(&*tx, repository).await?;
            let kind = EventKind::Inspected { digest: digest.clone() };
            outbox::append(&*tx, &Event { repository: Some((repository, path)), actor: None, kind }, now).await?;
            Ok(true)
        });
        match write.await {
            Ok(true) => self.notifier().notify(),
            Ok(false) => {}
            Err(Error::Unavailable(source)) if sql::refused_by_reference(&source) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Writes the row. Returns `false` if the same row already exists.
async fn keep(on: &impl ConnectionTrait, seen: &InspectionRow<'_>) -> Result<bool> {
    let row = image::ActiveModel {
        repository_id: Set(seen.repository.0),
        digest: Set(Text(seen.digest.clone())),
        platform: Set(seen.platform.to_owned()),
        config: Set(seen.config.clone()),
        layers: Set(seen.layers.clone()),
    };
    let columns = [image::Column::Platform, image::Column::Config, image::Column::Layers];
    let differs = columns.into_iter().fold(Condition::any(), |any, column| {
        any.add(Expr::col((image::Entity, column)).ne(Expr::col(("excluded", column))))
    });
    let replace = OnConflict::columns([image::Column::RepositoryId, image::Column::Digest])
        .update_columns(columns)
        .action_cond_where(differs)
        .to_owned();
    Ok(image::Entity::insert_many([row]).on_conflict(replace).exec_without_returning(on).await? > 0)
}

async fn path(on: &impl ConnectionTrait, repository: RepositoryId) -> Result<RepositoryName> {
    let find = repository::Entity::find_by_id(repository.0).select_only().column(repository::Column::Path);
    let path = find.into_tuple::<Text<RepositoryName>>().one(on).await?;
    Ok(path.ok_or(Error::Absent)?.0)
}
