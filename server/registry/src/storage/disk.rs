//! Bytes in a folder, in 256 sub-folders: one file an upload and process, appended to by all the chunks that come there.
//! It refuses to know what the bytes are, and trusts the ledger's lengths rather than its files' own.
//!
//! Several processes may share the folder: none ever writes to, cuts or takes back a file that another one began, so an upload
//! that moves from one to the other lies in several files.
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
    /// Tells the files that this one began from others'.
    process: Uuid,
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
        Ok(Self { folder: folder.into(), process: Uuid::now_v7(), spare: Arc::default() })
    }
}

/// The key of an upload's file that this process begins after `before` others: a sub-folder by the upload's last, random byte,
/// and a name that no other upload, process or place in the order ever has.
fn key_of(upload: Uuid, before: usize, process: Uuid) -> String {
    let (upload, process) = (upload.simple().to_string(), process.simple());
    let shard = upload.get(30..).unwrap_or_default();
    format!("{shard}/{upload}-{before}-{process}")
}

/// A key's path, if it can be one that [`key_of`] makes: nothing in it leads elsewhere.
fn path_of(folder: &Path, key: &str) -> Result<PathBuf, StorageError> {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    match key.split_once('/') {
        Some((shard, name)) if shard.len() == 2 && name.len() >= 32 && plain(shard) && plain(name) => {
            Ok(folder.join(key))
        }
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
        mut segments: Vec<Segment>,
        lease: Lease,
    ) -> Result<Box<dyn Writer>, StorageError> {
        let own = key_of(upload, segments.len().saturating_sub(1), self.process);
        let last = segments.pop_if(|last| last.key == own);
        let last = last.unwrap_or_else(|| Segment { key: key_of(upload, segments.len(), self.process), length: 0 });
        let folder = self.folder.clone();
        let writer = blocking(move || DiskWriter::open(&folder, segments, last, lease)).await?;
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
        // A name of its own: somebody else may be checking.
        let path = self.folder.join(format!("check-{}", Uuid::now_v7().simple()));
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
