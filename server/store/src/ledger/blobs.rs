//! Blobs and the links that make them readable within a repository: looking up, linking, mounting and unlinking.
//! A blob's row belongs to nobody; only the foreign keys decide whether it may go.

use std::time::Duration;

use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::Digest;
use registry::ledger::{Blob, Unlink};
use sea_orm::ConnectionTrait;

use super::segments;
use crate::sql;
use crate::{Error, Result};

/// How long a link that no manifest uses yet is kept from the sweep.
const HOLD: Duration = Duration::from_hours(24);

/// A link with less than this left is held anew when somebody asks for its blob, so that a push which found the blob there
/// also finds it there when its manifest comes.
const SHORT_HOLD: Duration = Duration::from_hours(1);

/// A blob that is linked to `repository`.
pub(super) async fn find(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digest: &Digest,
    now: Timestamp,
) -> Result<Option<Blob>> {
    let row = sql::first(
        on,
        "SELECT b.size, b.segments, l.hold_until FROM repository_blob l JOIN blob b ON b.digest = l.digest
         WHERE l.repository_id = $1 AND l.digest = $2",
        [repository.0.into(), digest.as_str().into()],
    )
    .await?;
    let Some(row) = row else { return Ok(None) };
    let segments: String = row.try_get_by_index(1)?;
    let hold_until = Timestamp::from_micros(row.try_get_by_index(2)?);
    if hold_until < now.plus(SHORT_HOLD) && !hold(on, repository, digest, now).await? {
        return Ok(None);
    }
    Ok(Some(Blob {
        digest: digest.clone(),
        size: sql::unsigned(row.try_get_by_index(0)?),
        segments: segments::decode(&segments).ok_or(Error::Corrupt("blob.segments"))?,
    }))
}

/// Holds a link for another while; `false` when it has just been swept.
async fn hold(on: &impl ConnectionTrait, repository: RepositoryId, digest: &Digest, now: Timestamp) -> Result<bool> {
    let touched = sql::execute(
        on,
        "UPDATE repository_blob SET hold_until = $3 WHERE repository_id = $1 AND digest = $2",
        [repository.0.into(), digest.as_str().into(), now.plus(HOLD).micros().into()],
    )
    .await?;
    Ok(touched > 0)
}

/// Links a blob that exists, or holds the link that is there.
pub(super) async fn link(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digest: &Digest,
    now: Timestamp,
) -> Result<()> {
    sql::execute(
        on,
        "INSERT INTO repository_blob (repository_id, digest, hold_until) VALUES ($1, $2, $3)
         ON CONFLICT (repository_id, digest) DO UPDATE SET hold_until = excluded.hold_until",
        [repository.0.into(), digest.as_str().into(), now.plus(HOLD).micros().into()],
    )
    .await?;
    Ok(())
}

/// Links a blob that `from` has; its size, or `None` when `from` has it not.
pub(super) async fn mount(
    on: &impl ConnectionTrait,
    to: RepositoryId,
    from: RepositoryId,
    digest: &Digest,
    now: Timestamp,
) -> Result<Option<u64>> {
    let row = sql::first(
        on,
        "SELECT b.size FROM repository_blob l JOIN blob b ON b.digest = l.digest
         WHERE l.repository_id = $1 AND l.digest = $2",
        [from.0.into(), digest.as_str().into()],
    )
    .await?;
    let Some(row) = row else { return Ok(None) };
    link(on, to, digest, now).await?;
    Ok(Some(sql::unsigned(row.try_get_by_index(0)?)))
}

/// Removes a link. A manifest that is stored at the same moment makes the foreign key refuse, which the caller reads as in use.
pub(super) async fn unlink(on: &impl ConnectionTrait, repository: RepositoryId, digest: &Digest) -> Result<Unlink> {
    let used = sql::first(
        on,
        "SELECT 1 FROM manifest_blob WHERE repository_id = $1 AND digest = $2 LIMIT 1",
        [repository.0.into(), digest.as_str().into()],
    )
    .await?;
    if used.is_some() {
        return Ok(Unlink::InUse);
    }
    let gone = sql::execute(
        on,
        "DELETE FROM repository_blob WHERE repository_id = $1 AND digest = $2",
        [repository.0.into(), digest.as_str().into()],
    )
    .await?;
    Ok(if gone > 0 { Unlink::Done } else { Unlink::Absent })
}
