//! Uploads under way: where each stands, and how one becomes a blob.
//! It refuses to hash and to move bytes; it compares offsets and keeps what it is given.

use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::{Algorithm, Digest};
use registry::ledger::Upload;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{blobs, segments, trash};
use crate::sql;
use crate::{Error, Result};

/// Opens an upload with nothing in it.
pub(super) async fn open(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    id: Uuid,
    algorithm: Algorithm,
    now: Timestamp,
) -> Result<()> {
    sql::execute(
        on,
        "INSERT INTO upload (id, repository_id, algorithm, position, hash_state, segments, created_at, updated_at)
         VALUES ($1, $2, $3, 0, $4, $5, $6, $6)",
        [
            id.to_string().into(),
            repository.0.into(),
            algorithm.as_str().into(),
            Vec::<u8>::new().into(),
            segments::encode(&[]).into(),
            now.micros().into(),
        ],
    )
    .await?;
    Ok(())
}

/// An upload of `repository`.
pub(super) async fn find(on: &impl ConnectionTrait, repository: RepositoryId, id: Uuid) -> Result<Option<Upload>> {
    let row = sql::first(
        on,
        "SELECT algorithm, position, hash_state, segments FROM upload WHERE id = $1 AND repository_id = $2",
        [id.to_string().into(), repository.0.into()],
    )
    .await?;
    let Some(row) = row else { return Ok(None) };
    let algorithm: String = row.try_get_by_index(0)?;
    let segments: String = row.try_get_by_index(3)?;
    Ok(Some(Upload {
        id,
        algorithm: algorithm.parse().map_err(|_| Error::Corrupt("upload.algorithm"))?,
        offset: sql::unsigned(row.try_get_by_index(1)?),
        hash_state: row.try_get_by_index(2)?,
        segments: segments::decode(&segments).ok_or(Error::Corrupt("upload.segments"))?,
    }))
}

/// Moves an upload on; `false` when it does not stand at `from_offset`.
pub(super) async fn advance(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    upload: &Upload,
    from_offset: u64,
    now: Timestamp,
) -> Result<bool> {
    let touched = sql::execute(
        on,
        "UPDATE upload SET algorithm = $4, position = $5, hash_state = $6, segments = $7, updated_at = $8
         WHERE id = $1 AND repository_id = $2 AND position = $3",
        [
            upload.id.to_string().into(),
            repository.0.into(),
            sql::signed(from_offset).into(),
            upload.algorithm.as_str().into(),
            sql::signed(upload.offset).into(),
            upload.hash_state.clone().into(),
            segments::encode(&upload.segments).into(),
            now.micros().into(),
        ],
    )
    .await?;
    Ok(touched > 0)
}

/// Turns an upload that stands at `from_offset` into a linked blob; `false` when it stands elsewhere or is gone.
///
/// Of several uploads of one digest the first to get here gives the bytes, and the others' go to the trash.
pub(super) async fn commit(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    upload: &Upload,
    from_offset: u64,
    digest: &Digest,
    now: Timestamp,
) -> Result<bool> {
    let ended = sql::execute(
        on,
        "DELETE FROM upload WHERE id = $1 AND repository_id = $2 AND position = $3",
        [upload.id.to_string().into(), repository.0.into(), sql::signed(from_offset).into()],
    )
    .await?;
    if ended == 0 {
        return Ok(false);
    }
    let inserted = sql::execute(
        on,
        "INSERT INTO blob (digest, size, segments, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (digest) DO NOTHING",
        [
            digest.as_str().into(),
            sql::signed(upload.offset).into(),
            segments::encode(&upload.segments).into(),
            now.micros().into(),
        ],
    )
    .await?;
    if inserted == 0 {
        trash::add(on, &upload.segments, now).await?;
    }
    blobs::link(on, repository, digest, now).await?;
    Ok(true)
}

/// Ends an upload and discards its bytes; `false` when there was none.
pub(super) async fn cancel(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    id: Uuid,
    now: Timestamp,
) -> Result<bool> {
    let row = sql::first(
        on,
        "DELETE FROM upload WHERE id = $1 AND repository_id = $2 RETURNING segments",
        [id.to_string().into(), repository.0.into()],
    )
    .await?;
    let Some(row) = row else { return Ok(false) };
    let text: String = row.try_get_by_index(0)?;
    let segments = segments::decode(&text).ok_or(Error::Corrupt("upload.segments"))?;
    trash::add(on, &segments, now).await?;
    Ok(true)
}
