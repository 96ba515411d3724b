//! What inspection found out about an image, written down beside its manifest.
//! It refuses to read configurations; whoever read one hands over what it says.

use model::event::{Event, What};
use model::id::RepositoryId;
use model::image::{ImageConfig, Layer};
use model::oci::{Digest, RepositoryName};
use sea_orm::ConnectionTrait;

use crate::access::System;
use crate::sql;
use crate::{Error, Result, Store, outbox};

/// What one image is, as a row holds it.
struct Seen<'a> {
    repository: RepositoryId,
    digest: &'a Digest,
    platform: &'a str,
    config: String,
    layers: String,
}

impl Store {
    /// Keeps what an image's configuration says; `platform` as in `linux/amd64`, empty when it has none. Where that is news,
    /// the repository has changed. A manifest that is gone by now is passed over.
    pub async fn record_image(
        &self,
        _: &System,
        repository: RepositoryId,
        digest: &Digest,
        platform: &str,
        config: ImageConfig,
        layers: Vec<Layer>,
    ) -> Result<()> {
        // The zero character, which PostgreSQL cannot keep in text, is escaped in JSON.
        let platform = &platform.replace('\0', "");
        let text = |_| Error::Corrupt("image");
        let seen = &Seen {
            repository,
            digest,
            platform,
            config: serde_json::to_string(&config).map_err(text)?,
            layers: serde_json::to_string(&layers).map_err(text)?,
        };
        let now = self.clock().now();
        let write = self.database().write(|tx| async move {
            if !keep(&*tx, seen).await? {
                return Ok(false);
            }
            let path = path(&*tx, repository).await?;
            outbox::append(&*tx, &Event { repository, path, actor: None, what: What::Changed }, now).await?;
            Ok(true)
        });
        match write.await {
            Ok(true) => self.news().notify_waiters(),
            Ok(false) => {}
            Err(Error::Unavailable(source)) if sql::refused_by_reference(&source) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Writes the row; `false` when it is there and says the same.
async fn keep(on: &impl ConnectionTrait, seen: &Seen<'_>) -> Result<bool> {
    let kept = sql::execute(
        on,
        "INSERT INTO image (repository_id, digest, platform, config, layers) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (repository_id, digest) DO UPDATE
         SET platform = excluded.platform, config = excluded.config, layers = excluded.layers
         WHERE image.platform <> excluded.platform OR image.config <> excluded.config OR image.layers <> excluded.layers",
        [
            seen.repository.0.into(),
            seen.digest.as_str().into(),
            seen.platform.into(),
            seen.config.as_str().into(),
            seen.layers.as_str().into(),
        ],
    )
    .await?;
    Ok(kept > 0)
}

async fn path(on: &impl ConnectionTrait, repository: RepositoryId) -> Result<RepositoryName> {
    let row = sql::first(on, "SELECT path FROM repository WHERE id = $1", [repository.0.into()]).await?;
    let path: String = row.ok_or(Error::Absent)?.try_get_by_index(0)?;
    RepositoryName::parse(&path).map_err(|_| Error::Corrupt("repository.path"))
}
