//! Helpers of the disk storage for keys, paths and blocking calls.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use model::clock::Timestamp;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::storage::key::{is_key, upload_of};
use crate::storage::{Object, StorageError};

/// Returns the name of a sub-folder.
pub(super) fn shard_name(shard: u8) -> String {
    format!("{shard:02x}")
}

/// Returns the objects in a sub-folder; files that no upload creates are left out. Blocks the thread.
pub(super) fn objects_in(folder: &Path, shard: &str) -> Result<Vec<Result<Object, StorageError>>, StorageError> {
    let mut objects = Vec::new();
    for entry in fs::read_dir(folder.join(shard))? {
        let entry = entry?;
        let Some(key) = entry.file_name().to_str().map(|name| format!("{shard}/{name}")) else { continue };
        if path_of(folder, &key).is_err() {
            continue;
        }
        match entry.metadata() {
            Ok(file) if file.is_file() => {
                let written_at = timestamp(file.modified()?);
                let upload = upload_of(&key);
                objects.push(Ok(Object { key, length: file.len(), written_at, upload }));
            }
            // It has just been deleted, or is none of ours.
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => objects.push(Err(error.into())),
        }
    }
    Ok(objects)
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(0).plus(since)
}

/// Returns the path of a key. Rejects what is no key, so that no path leaves the
/// folder.
pub(super) fn path_of(folder: &Path, key: &str) -> Result<PathBuf, StorageError> {
    if is_key(key) { Ok(folder.join(key)) } else { Err(StorageError::Key) }
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
