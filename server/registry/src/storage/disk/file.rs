//! Helpers of the disk storage for keys, paths and blocking calls.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tokio::task::{JoinHandle, spawn_blocking};
use uuid::Uuid;

use crate::storage::StorageError;

/// Returns the key of a new file of this process for an upload with `before` earlier files. It is unique among uploads,
/// processes and positions. The sub-folder is the last byte of the upload's id, which is random.
pub(super) fn key_of(upload: Uuid, before: usize, process: Uuid) -> String {
    let (upload, process) = (upload.simple().to_string(), process.simple());
    let shard = upload.get(30..).unwrap_or_default();
    format!("{shard}/{upload}-{before}-{process}")
}

/// Returns the path of a key. Rejects keys that do not look like those of [`key_of`], so that no path leaves the
/// folder.
pub(super) fn path_of(folder: &Path, key: &str) -> Result<PathBuf, StorageError> {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    match key.split_once('/') {
        Some((shard, name)) if shard.len() == 2 && name.len() >= 32 && plain(shard) && plain(name) => {
            Ok(folder.join(key))
        }
        _ => Err(StorageError::Key),
    }
}

/// Converts an I/O error: distinguishes a missing or truncated object from a failing disk.
pub(super) fn missing_or_failed(error: io::Error, key: &str) -> StorageError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => StorageError::Missing(key.to_owned()),
        _ => error.into(),
    }
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Runs blocking work. It runs to completion even if the future is dropped.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    joined(spawn_blocking(work)).await
}

pub(super) async fn joined<T>(handle: JoinHandle<Result<T, StorageError>>) -> Result<T, StorageError> {
    handle.await.unwrap_or_else(|error| Err(StorageError::Failed(io::Error::other(error))))
}
