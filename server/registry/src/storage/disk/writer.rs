//! The open end of an upload's file: frames gathered into large writes, made durable at the end or taken back.
//! It refuses to know what was acknowledged before; it is told.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{blocking, gone_or_failed, joined, path_of, sync_folder};
use crate::ledger::Segment;
use crate::storage::{Lease, StorageError, Writer};

/// How much is gathered before it is written; twice as much is in memory at most.
pub(super) const BATCH: usize = 1 << 20;
/// Frames below this size are gathered by copying, so that a stream of tiny frames costs no more memory than its bytes.
const TINY: usize = 16 << 10;

/// The file of an upload, open at its end. The lease ends with it, after its last write.
struct End {
    file: File,
    path: PathBuf,
    key: String,
    acknowledged: u64,
    written: u64,
    synced: bool,
    _lease: Lease,
}

impl End {
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

    /// Makes the file durable. One that is empty is not kept: no bytes need no object.
    fn sync(mut self) -> Result<Option<Segment>, StorageError> {
        if self.written == 0 {
            return Ok(None);
        }
        self.file.sync_data()?;
        if self.file.metadata()?.len() != self.written {
            return Err(StorageError::Missing(self.key.clone()));
        }
        if self.acknowledged == 0
            && let Some(folder) = self.path.parent()
        {
            sync_folder(folder)?;
        }
        self.synced = true;
        Ok(Some(Segment { key: self.key.clone(), length: self.written }))
    }
}

impl Drop for End {
    /// Takes back what was not acknowledged. Best effort: whoever goes on with the upload cuts the file back as well.
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

/// Frames on their way to the file.
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

/// Where the file is: here, with a blocking thread that writes, or gone after a failure.
enum State {
    Idle(End),
    Writing(JoinHandle<Result<End, StorageError>>),
    Over,
}

/// An upload that is being written to.
pub(super) struct DiskWriter {
    /// What comes before the file.
    before: Vec<Segment>,
    state: State,
    batch: Batch,
}

impl DiskWriter {
    /// Opens the file of `last`, which this process began or begins now, at the end of what is acknowledged in it, cutting off what
    /// comes after; blocks.
    pub(super) fn open(folder: &Path, before: Vec<Segment>, last: Segment, lease: Lease) -> Result<Self, StorageError> {
        let Segment { key, length: acknowledged } = last;
        let path = path_of(folder, &key)?;
        let opened = OpenOptions::new().write(true).create(acknowledged == 0).truncate(false).open(&path);
        let mut file = opened.map_err(|error| gone_or_failed(error, &key))?;
        if file.metadata()?.len() < acknowledged {
            return Err(StorageError::Missing(key));
        }
        file.set_len(acknowledged)?;
        file.seek(SeekFrom::Start(acknowledged))?;
        let end = End { file, path, key, acknowledged, written: acknowledged, synced: false, _lease: lease };
        Ok(Self { before, state: State::Idle(end), batch: Batch::default() })
    }

    /// Waits for the write under way, if there is one.
    async fn end(&mut self) -> Result<End, StorageError> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Idle(end) => Ok(end),
            State::Writing(handle) => joined(handle).await,
            State::Over => Err(StorageError::Failed(io::Error::other("the writer has failed before"))),
        }
    }
}

#[async_trait]
impl Writer for DiskWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.batch.push(bytes);
        if self.batch.size >= BATCH {
            let mut end = self.end().await?;
            let frames = self.batch.take();
            self.state = State::Writing(spawn_blocking(move || {
                end.append(&frames)?;
                Ok(end)
            }));
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Vec<Segment>, StorageError> {
        let mut end = self.end().await?;
        let frames = self.batch.take();
        let last = blocking(move || {
            end.append(&frames)?;
            end.sync()
        })
        .await?;
        let mut segments = std::mem::take(&mut self.before);
        segments.extend(last);
        Ok(segments)
    }
}

impl Drop for DiskWriter {
    fn drop(&mut self) {
        // A writer whose file is with a blocking thread leaves the taking back to that thread.
        if let State::Idle(end) = std::mem::replace(&mut self.state, State::Over)
            && let Ok(runtime) = Handle::try_current()
        {
            drop(runtime.spawn_blocking(move || drop(end)));
        }
    }
}
