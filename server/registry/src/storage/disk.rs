//! Storage in a folder, spread over 256 sub-folders.
//!
//! Consecutive chunks of an upload that arrive at one process are appended to one file. The lengths in the ledger are
//! authoritative, not those of the files. Several processes may share the folder: no writer ever writes to, truncates
//! or removes a file that another process has created, so an upload that moves from one process to another has several
//! files. A file that is longer than the ledger says is left alone too, because its last bytes may still be
//! acknowledged.
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
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use uuid::Uuid;

use super::key::{is_of, key_of};
use super::{ByteStream, Lease, Object, Storage, StorageError, Writer};
use crate::ledger::Segment;
use file::{blocking, objects_in, path_of, shard_name, sync_folder};
use reader::{Buffers, Reader};
use writer::DiskWriter;

/// The file that checks write. It is overwritten by each and never removed, so that none is left behind.
const CHECK_FILE: &str = "check";

/// The file with the id of the ledger that the folder belongs to.
const OWNER_FILE: &str = "owner";

/// A folder of objects.
pub struct Disk {
    folder: Arc<Path>,
    /// An id that distinguishes the files of this process from those of others.
    process: Uuid,
    /// The number of files that this process has created.
    created: AtomicU64,
    spare: Arc<Buffers>,
}

impl Disk {
    /// Opens the folder, and creates it if it does not exist.
    pub fn open(folder: &Path) -> Result<Self, StorageError> {
        fs::create_dir_all(folder)?;
        for shard in 0..=u8::MAX {
            match fs::create_dir(folder.join(shard_name(shard))) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
                _ => {}
            }
        }
        sync_folder(folder)?;
        if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_folder(parent)?;
        }
        Ok(Self { folder: folder.into(), process: Uuid::now_v7(), created: AtomicU64::new(0), spare: Arc::default() })
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
        let own = segments.pop_if(|last| is_of(&last.key, self.process));
        let key = key_of(upload, self.created.fetch_add(1, Ordering::Relaxed), self.process);
        let folder = self.folder.clone();
        let writer = blocking(move || DiskWriter::open(&folder, segments, own, key, lease)).await?;
        Ok(Box::new(writer))
    }

    async fn read(&self, segments: &[Segment], range: Range<u64>) -> Result<ByteStream, StorageError> {
        Reader::new(self.folder.clone(), self.spare.clone(), segments, &range).stream().await
    }

    async fn length(&self, key: &str) -> Result<Option<u64>, StorageError> {
        let path = path_of(&self.folder, key)?;
        blocking(move || match fs::metadata(path) {
            Ok(file) => Ok(Some(file.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        })
        .await
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        let path = path_of(&self.folder, key)?;
        blocking(move || match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        })
        .await
    }

    fn objects(&self) -> BoxStream<'static, Result<Object, StorageError>> {
        let folder = self.folder.clone();
        let shards = stream::iter(0..=u8::MAX).then(move |shard| {
            let folder = folder.clone();
            blocking(move || objects_in(&folder, &shard_name(shard)))
        });
        shards.flat_map(|shard| stream::iter(shard.unwrap_or_else(|error| vec![Err(error)]))).boxed()
    }

    async fn owner(&self) -> Result<Option<String>, StorageError> {
        let path = self.folder.join(OWNER_FILE);
        blocking(move || match fs::read_to_string(path) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        })
        .await
    }

    async fn set_owner(&self, id: &str) -> Result<(), StorageError> {
        let (path, id) = (self.folder.join(OWNER_FILE), id.to_owned());
        blocking(move || Ok(fs::write(path, id)?)).await
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
