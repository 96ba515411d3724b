//! Bytes in a folder: one file an upload, appended to by all its chunks, in 256 sub-folders.
//! It refuses to know what the bytes are, and trusts the ledger's lengths rather than its files' own.
//!
//! A write is acknowledged after `fdatasync` of the file and, for a new file, `fsync` of its folder. Blocking calls are made on
//! blocking threads in large pieces; none waits for a client there.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};
use uuid::Uuid;

use super::{ByteStream, Lease, Storage, StorageError, Writer};
use crate::answer::length_of;
use crate::ledger::Segment;

/// How much is read from a file at a time.
const PIECE: usize = 512 << 10;
/// Pieces that one trip to a blocking thread brings; with one trip ahead of the reader, a download holds twice as many.
const PIECES_A_TRIP: usize = 2;
/// What is read whole at once.
const SMALL: u64 = 64 << 10;
/// How much is gathered before it is written; twice as much is in memory at most.
const BATCH: usize = 1 << 20;
/// Frames below this size are gathered by copying, so that a stream of tiny frames costs no more memory than its bytes.
const TINY: usize = 16 << 10;
/// Buffers kept for the next reader.
const SPARE_BUFFERS: usize = 16;

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
        let key = key_of(upload);
        let writer = blocking(move || {
            let acknowledged = match segments.as_slice() {
                [] => 0,
                [only] if only.key == key => only.length,
                _ => return Err(StorageError::Key),
            };
            let path = path_of(&folder, &key)?;
            let options = OpenOptions::new().write(true).create(acknowledged == 0).truncate(false).clone();
            let mut file = options.open(&path).map_err(|error| gone_or_failed(error, &key))?;
            if file.metadata()?.len() < acknowledged {
                return Err(StorageError::Missing(key));
            }
            file.set_len(acknowledged)?;
            file.seek(SeekFrom::Start(acknowledged))?;
            let end = End { file, path, key, acknowledged, written: acknowledged, synced: false, _lease: lease };
            Ok(DiskWriter { state: State::Idle(end), batch: Batch::default() })
        })
        .await?;
        Ok(Box::new(writer))
    }

    async fn read(&self, segments: &[Segment], range: Range<u64>) -> Result<ByteStream, StorageError> {
        let reader = Reader {
            folder: self.folder.clone(),
            spare: self.spare.clone(),
            ahead: runs(segments, &range),
            open: None,
        };
        if range.end.saturating_sub(range.start) <= SMALL {
            let whole = blocking(move || reader.whole()).await?;
            return Ok(stream::iter((!whole.is_empty()).then_some(Ok(whole))).boxed());
        }
        // The first trip is awaited here, so that a missing object is an error and not a broken answer.
        let (reader, pieces) = blocking(move || reader.trip(1)).await?;
        Ok(pieces_of(reader, pieces))
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
    fn sync(mut self) -> Result<Vec<Segment>, StorageError> {
        if self.written == 0 {
            return Ok(Vec::new());
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
        Ok(vec![Segment { key: self.key.clone(), length: self.written }])
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
struct Batch {
    frames: Vec<Bytes>,
    tail: BytesMut,
    size: usize,
}

impl Batch {
    fn push(&mut self, bytes: Bytes) {
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

    fn take(&mut self) -> Vec<Bytes> {
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

struct DiskWriter {
    state: State,
    batch: Batch,
}

impl DiskWriter {
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
        blocking(move || {
            end.append(&frames)?;
            end.sync()
        })
        .await
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

/// Part of one object.
struct Run {
    key: String,
    range: Range<u64>,
}

/// Which parts of which objects make up `range` of the concatenation of `segments`.
fn runs(segments: &[Segment], range: &Range<u64>) -> VecDeque<Run> {
    let mut start = 0_u64;
    let mut runs = VecDeque::new();
    for segment in segments {
        let end = start.saturating_add(segment.length);
        let (from, to) = (range.start.max(start), range.end.min(end));
        if from < to {
            runs.push_back(Run { key: segment.key.clone(), range: from - start..to - start });
        }
        start = end;
    }
    runs
}

/// What is still to be read; moves to a blocking thread and back.
struct Reader {
    folder: Arc<Path>,
    spare: Arc<Buffers>,
    ahead: VecDeque<Run>,
    open: Option<(File, Run)>,
}

impl Reader {
    /// The object to read on in, and how much of it is left.
    fn current(&mut self) -> Result<Option<(&File, &mut Run)>, StorageError> {
        if self.open.as_ref().is_none_or(|(_, run)| run.range.is_empty()) {
            let Some(run) = self.ahead.pop_front() else {
                self.open = None;
                return Ok(None);
            };
            let path = path_of(&self.folder, &run.key)?;
            let file = File::open(path).map_err(|error| gone_or_failed(error, &run.key))?;
            self.open = Some((file, run));
        }
        Ok(self.open.as_mut().map(|(file, run)| (&*file, run)))
    }

    /// Reads on into the buffer, within one object; how many bytes, none at the end.
    fn read_on(&mut self, buffer: &mut [u8]) -> Result<usize, StorageError> {
        let Some((file, run)) = self.current()? else { return Ok(0) };
        let left = usize::try_from(run.range.end - run.range.start).unwrap_or(usize::MAX);
        let length = left.min(buffer.len());
        let target = buffer.get_mut(..length).unwrap_or_default();
        file.read_exact_at(target, run.range.start).map_err(|error| gone_or_failed(error, &run.key))?;
        run.range.start = run.range.start.saturating_add(length_of(target));
        Ok(length)
    }

    /// Everything that is left, for what is small.
    fn whole(mut self) -> Result<Bytes, StorageError> {
        let length: u64 = self.ahead.iter().map(|run| run.range.end - run.range.start).sum();
        let mut whole = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let mut rest = whole.as_mut_slice();
        while !rest.is_empty() {
            let count = self.read_on(rest)?;
            rest = rest.get_mut(count..).unwrap_or_default();
        }
        Ok(whole.into())
    }

    /// The next few pieces; none at the end.
    fn trip(mut self, pieces: usize) -> Trip {
        let mut brought = VecDeque::with_capacity(pieces);
        while brought.len() < pieces {
            let mut buffer = self.spare.take();
            buffer.length = self.read_on(&mut buffer.bytes)?;
            if buffer.length == 0 {
                break;
            }
            brought.push_back(Bytes::from_owner(buffer));
        }
        Ok((self, brought))
    }
}

/// What a trip to a blocking thread brings back.
type Trip = Result<(Reader, VecDeque<Bytes>), StorageError>;

/// The pieces at hand and all that follow. One trip is ahead of whoever reads; it waits for nobody on its thread.
fn pieces_of(reader: Reader, pieces: VecDeque<Bytes>) -> ByteStream {
    let next = spawn_blocking(move || reader.trip(PIECES_A_TRIP));
    stream::unfold((pieces, Some(next)), |(mut pieces, mut next)| async {
        loop {
            if let Some(piece) = pieces.pop_front() {
                return Some((Ok(piece), (pieces, next)));
            }
            match joined(next.take()?).await {
                Ok((_, brought)) if brought.is_empty() => return None,
                Ok((reader, brought)) => {
                    pieces = brought;
                    next = Some(spawn_blocking(move || reader.trip(PIECES_A_TRIP)));
                }
                Err(error) => return Some((Err(io::Error::other(error)), (pieces, None))),
            }
        }
    })
    .boxed()
}

/// Buffers between uses.
#[derive(Default)]
struct Buffers(Mutex<Vec<Box<[u8]>>>);

impl Buffers {
    fn take(self: &Arc<Self>) -> Buffer {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = spare.unwrap_or_else(|| vec![0; PIECE].into_boxed_slice());
        Buffer { bytes, length: 0, home: self.clone() }
    }
}

/// A buffer that goes home when the last reader of its bytes is done.
struct Buffer {
    bytes: Box<[u8]>,
    length: usize,
    home: Arc<Buffers>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut spare = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_BUFFERS {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests;
