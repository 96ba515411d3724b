//! Storage in a folder, spread over 256 sub-folders.
//!
//! Consecutive chunks of an upload that arrive at one process are appended to one file. The lengths in the ledger are
//! authoritative, not those of the files. Several processes may share the folder: no writer ever writes to, truncates
//! or removes a file that another process has created, so an upload that moves from one process to another has several
//! files.
//!
//! A write is acknowledged after `fdatasync` of the file and, for a new file, `fsync` of its folder. Blocking calls run
//! on blocking threads in large pieces, and never wait for a client.

mod file;
mod reader;
mod writer;

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::{ByteStream, Lease, Storage, StorageError, Writer};
use crate::ledger::Segment;
use file::{blocking, key_of, path_of, sync_folder};
use reader::{Buffers, Reader};
use writer::DiskWriter;

/// The file that checks write. It is overwritten by each and never removed, so that none is left behind.
const CHECK_FILE: &str = "check";

/// A folder of objects.
pub struct Disk {
    folder: Arc<Path>,
    /// An id that distinguishes the files of this process from those of others.
    process: Uuid,
    spare: Arc<Buffers>,
}

impl Disk {
    /// Opens the folder, and creates it if it does not exist.
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
        let path = self.folder.join(CHECK_FILE);
        blocking(move || {
            fs::write(&path, b"portolan")?;
            fs::read(&path)?;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests;
