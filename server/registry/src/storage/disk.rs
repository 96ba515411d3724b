//! Bytes in a folder: one file an upload, appended to by all its chunks, in 256 sub-folders.
//! It refuses to know what the bytes are, and trusts the ledger's lengths rather than its files' own.
//!
//! A write is acknowledged after `fdatasync` of the file and, for a new file, `fsync` of its folder. Blocking calls are made on
//! blocking threads in large pieces; none waits for a client there.

mod reader;
mod writer;

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::task::{JoinHandle, spawn_blocking};
use uuid::Uuid;

use super::{ByteStream, Lease, Storage, StorageError, Writer};
use crate::ledger::Segment;
use reader::{Buffers, Reader};
use writer::DiskWriter;

/// A folder of objects.
pub struct Disk {
    folder: Arc<Path>,
    spare: Arc<Buffers>,
}

impl Disk {
    /// Opens the folder, and makes it when it is missing.
    pub fn open(folder: &Path) -> Result<Self, StorageError> {
        fs::create_dir_all(folder)?;
        for shard in 0..=u8::MAX {
            match fs::create_dir(folder.join(format!("{shard:02x}"))) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
                _ => {}
            }
        }
        sync_folder(folder)?;
        if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_folder(parent)?;
        }
        Ok(Self { folder: folder.into(), spare: Arc::default() })
    }
}

/// An upload's key: a sub-folder by its last, random byte, and its own number, which no other upload ever has.
fn key_of(upload: Uuid) -> String {
    let number = upload.simple().to_string();
    let shard = number.get(30..).unwrap_or_default();
    format!("{shard}/{number}")
}

/// A key's path, if it is one that [`key_of`] makes.
fn path_of(folder: &Path, key: &str) -> Result<PathBuf, StorageError> {
    let hex = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match key.split_once('/') {
        Some((shard, number)) if hex(shard, 2) && hex(number, 32) => Ok(folder.join(key)),
        _ => Err(StorageError::Key),
    }
}

/// An object that should be there and is not, or not whole, is told from a disk that fails.
fn gone_or_failed(error: io::Error, key: &str) -> StorageError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => StorageError::Missing(key.to_owned()),
        _ => error.into(),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Runs blocking work. It ends by itself even when nobody waits for it any more.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    joined(spawn_blocking(work)).await
}

async fn joined<T>(handle: JoinHandle<Result<T, StorageError>>) -> Result<T, StorageError> {
    handle.await.unwrap_or_else(|error| Err(StorageError::Failed(io::Error::other(error))))
}

#[async_trait]
impl Storage for Disk {
    async fn writer(
        &self,
        upload: Uuid,
        segments: Vec<Segment>,
        lease: Lease,
    ) -> Result<Box<dyn Writer>, StorageError> {
        let folder = self.folder.clone();
        let writer = blocking(move || DiskWriter::open(&folder, key_of(upload), &segments, lease)).await?;
        Ok(Box::new(writer))
    }

    async fn read(&self, segments: &[Segment], range: Range<u64>) -> Result<ByteStream, StorageError> {
        Reader::new(self.folder.clone(), self.spare.clone(), segments, &range).stream().await
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        let path = path_of(&self.folder, key)?;
        blocking(move || match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        })
        .await
    }

    async fn check(&self) -> Result<(), StorageError> {
        let path = self.folder.join("check");
        blocking(move || {
            fs::write(&path, b"portolan")?;
            fs::read(&path)?;
            Ok(fs::remove_file(&path)?)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
