//! Writer of an upload's file: collects frames into large writes, and makes them durable at the end or reverts them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use fail::fail_point;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use super::file::{blocking, joined, missing_or_failed, path_of, sync_folder};
use crate::ledger::Segment;
use crate::storage::{Lease, StorageError, Writer};

/// The number of bytes to collect before they are written. At most twice as many are in memory.
pub(super) const BATCH: usize = 1 << 20;
/// Frames smaller than this are copied together, so that a stream of tiny frames takes no more memory than its bytes.
const TINY: usize = 16 << 10;

/// The file of an upload, open for appending. It holds the lease until the last write has ended.
struct UploadFile {
    file: File,
    path: PathBuf,
    key: String,
    acknowledged: u64,
    written: u64,
    synced: bool,
    _lease: Lease,
}

impl UploadFile {
    fn append(&mut self, batch: &[Bytes]) -> io::Result<()> {
        let mut slices: Vec<IoSlice<'_>> = batch.iter().map(|bytes| IoSlice::new(bytes)).collect();
        let mut left = slices.as_mut_slice();
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match self.file.write_vectored(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.written = self.written.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                    IoSlice::advance_slices(&mut left, count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes the file durable. An empty file is not kept.
    fn sync(mut self) -> Result<Option<Segment>, StorageError> {
        if self.written == 0 {
            return Ok(None);
        }
        fail_point!("file-written");
        self.file.sync_data()?;
        fail_point!("file-synced");
        if self.file.metadata()?.len() != self.written {
            return Err(StorageError::Missing(self.key.clone()));
        }
        if self.acknowledged == 0
            && let Some(folder) = self.path.parent()
        {
            sync_folder(folder)?;
            fail_point!("folder-synced");
        }
        self.synced = true;
        Ok(Some(Segment { key: self.key.clone(), length: self.written }))
    }
}

impl Drop for UploadFile {
    /// Removes bytes that will not be acknowledged. Errors are ignored, because the next writer then uses another file.
    fn drop(&mut self) {
        if self.synced {
            return;
        }
        let _ = match self.acknowledged {
            0 => fs::remove_file(&self.path),
            length => self.file.set_len(length),
        };
    }
}

/// Frames that are not written yet.
#[derive(Default)]
pub(super) struct Batch {
    frames: Vec<Bytes>,
    tail: BytesMut,
    pub(super) size: usize,
}

impl Batch {
    pub(super) fn push(&mut self, bytes: Bytes) {
        self.size += bytes.len();
        if bytes.len() < TINY {
            self.tail.extend_from_slice(&bytes);
            if self.tail.len() >= TINY {
                self.frames.push(self.tail.split().freeze());
            }
        } else {
            if !self.tail.is_empty() {
                self.frames.push(self.tail.split().freeze());
            }
            self.frames.push(bytes);
        }
    }

    pub(super) fn take(&mut self) -> Vec<Bytes> {
        if !self.tail.is_empty() {
            self.frames.push(self.tail.split().freeze());
        }
        self.size = 0;
        std::mem::take(&mut self.frames)
    }
}

/// Opens the file of a segment for appending; `None` if it is longer than the segment.
fn reopen(folder: &Path, segment: &Segment) -> Result<Option<File>, StorageError> {
    let opened = OpenOptions::new().write(true).open(path_of(folder, &segment.key)?);
    let mut file = opened.map_err(|error| missing_or_failed(error, &segment.key))?;
    let length = file.metadata()?.len();
    if length < segment.length {
        return Err(StorageError::Missing(segment.key.clone()));
    }
    file.seek(SeekFrom::Start(segment.length))?;
    Ok((length == segment.length).then_some(file))
}

enum State {
    Idle(UploadFile),
    /// A blocking thread has the file.
    Writing(JoinHandle<Result<UploadFile, StorageError>>),
    Failed,
}

/// The writer of an upload.
pub(super) struct DiskWriter {
    /// The segments before the file.
    before: Vec<Segment>,
    state: State,
    batch: Batch,
}

impl DiskWriter {
    /// Opens the file of `own`, a segment of this process that follows `before`. Creates the file of `key` if there is
    /// no such segment, or if its file has other bytes after those of the segment. Blocks the thread.
    pub(super) fn open(
        folder: &Path,
        mut before: Vec<Segment>,
        own: Option<Segment>,
        key: String,
        lease: Lease,
    ) -> Result<Self, StorageError> {
        let mut opened = None;
        if let Some(own) = own {
            match reopen(folder, &own)? {
                Some(file) => opened = Some((file, own)),
                None => before.push(own),
            }
        }
        let (file, Segment { key, length: acknowledged }) = match opened {
            Some(opened) => opened,
            None => (File::create_new(path_of(folder, &key)?)?, Segment { key, length: 0 }),
        };
        let path = path_of(folder, &key)?;
        let file = UploadFile { file, path, key, acknowledged, written: acknowledged, synced: false, _lease: lease };
        Ok(Self { before, state: State::Idle(file), batch: Batch::default() })
    }

    /// Waits for the current write, if any, and returns the file.
    async fn idle_file(&mut self) -> Result<UploadFile, StorageError> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Idle(file) => Ok(file),
            State::Writing(handle) => joined(handle).await,
            State::Failed => Err(StorageError::Failed(io::Error::other("an earlier write failed"))),
        }
    }
}

#[async_trait]
impl Writer for DiskWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.batch.push(bytes);
        if self.batch.size >= BATCH {
            let mut file = self.idle_file().await?;
            let frames = self.batch.take();
            self.state = State::Writing(spawn_blocking(move || {
                file.append(&frames)?;
                Ok(file)
            }));
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Vec<Segment>, StorageError> {
        let mut file = self.idle_file().await?;
        let frames = self.batch.take();
        let last = blocking(move || {
            file.append(&frames)?;
            file.sync()
        })
        .await?;
        let mut segments = std::mem::take(&mut self.before);
        segments.extend(last);
        Ok(segments)
    }
}

impl Drop for DiskWriter {
    fn drop(&mut self) {
        // If a blocking thread has the file, the file is reverted when that thread drops it.
        if let State::Idle(file) = std::mem::replace(&mut self.state, State::Failed)
            && let Ok(runtime) = Handle::try_current()
        {
            drop(runtime.spawn_blocking(move || drop(file)));
        }
    }
}
