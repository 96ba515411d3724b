//! Keys, paths and blocking calls of the disk storage.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tokio::task::{JoinHandle, spawn_blocking};
use uuid::Uuid;

use crate::storage::StorageError;

/// The key of a file that this process begins for an upload with `before` earlier files: in a sub-folder by the last byte of the
/// upload's id, which is random, and unique among uploads, processes and positions.
pub(super) fn key_of(upload: Uuid, before: usize, process: Uuid) -> String {
    let (upload, process) = (upload.simple().to_string(), process.simple());
    let shard = upload.get(30..).unwrap_or_default();
    format!("{shard}/{upload}-{before}-{process}")
}

/// The path of a key, if [`key_of`] can have made it. No other key is accepted, so that none leads out of the folder.
pub(super) fn path_of(folder: &Path, key: &str) -> Result<PathBuf, StorageError> {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    match key.split_once('/') {
        Some((shard, name)) if shard.len() == 2 && name.len() >= 32 && plain(shard) && plain(name) => {
            Ok(folder.join(key))
        }
        _ => Err(StorageError::Key),
    }
}

/// Tells an object that is missing or too short from a disk that fails.
pub(super) fn missing_or_failed(error: io::Error, key: &str) -> StorageError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => StorageError::Missing(key.to_owned()),
        _ => error.into(),
    }
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Runs blocking work. It runs to its end even when the future is dropped.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    joined(spawn_blocking(work)).await
}

pub(super) async fn joined<T>(handle: JoinHandle<Result<T, StorageError>>) -> Result<T, StorageError> {
    handle.await.unwrap_or_else(|error| Err(StorageError::Failed(io::Error::other(error))))
}
