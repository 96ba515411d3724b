//! Reads ranges of files in large pieces into reused buffers, one batch ahead of the client. A slow client occupies no
//! thread. The memory for large pieces is limited; when slow clients use all of it, other reads go on in small pieces.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, spawn_blocking};

use super::file::{blocking, joined, missing_or_failed, path_of};
use crate::body::length_of;
use crate::ledger::Segment;
use crate::storage::{ByteStream, ReadRange, StorageError, runs};

/// The size of a buffer, in bytes.
pub(super) const PIECE: usize = 512 << 10;
/// The number of pieces in a batch, which a blocking thread reads in one go. A download holds two batches, because one
/// is read ahead.
pub(super) const BATCH_PIECES: usize = 2;
/// Ranges up to this many bytes are read in one piece.
pub(super) const SMALL: u64 = 64 << 10;
/// The most unused buffers in the pool.
const SPARE_BUFFERS: usize = 16;
/// The most pieces in use by all reads together: 48 MiB.
pub(super) const MAX_PIECES: usize = 96;
/// The size of a small piece, in bytes, and the most of them in use by one read.
pub(super) const SMALL_PIECE: usize = 32 << 10;
pub(super) const SMALL_PIECES: usize = 1;

/// The state of a read, which moves to a blocking thread and back.
pub(super) struct Reader {
    folder: Arc<Path>,
    spare: Arc<Buffers>,
    /// Permits for the small pieces of this read.
    small: Arc<Semaphore>,
    ahead: VecDeque<ReadRange>,
    open: Option<(File, ReadRange)>,
}

impl Reader {
    /// Creates a reader of `range` of the concatenation of `segments`.
    pub(super) fn new(folder: Arc<Path>, spare: Arc<Buffers>, segments: &[Segment], range: &Range<u64>) -> Self {
        let small = Arc::new(Semaphore::new(SMALL_PIECES));
        Self { folder, spare, small, ahead: runs(segments, range), open: None }
    }

    /// Returns the bytes as a stream. Awaits the first read, so that a missing object is an error and not a broken
    /// response.
    pub(super) async fn stream(self) -> Result<ByteStream, StorageError> {
        if self.left() <= SMALL {
            let whole = blocking(move || self.whole()).await?;
            return Ok(stream::iter((!whole.is_empty()).then_some(Ok(whole))).boxed());
        }
        let next = match self.spare.permits(1) {
            Some(permits) => spawn_blocking(move || self.batch(permits)),
            None => self.small_batch().await,
        };
        let (reader, pieces) = joined(next).await?;
        Ok(pieces_of(reader, pieces))
    }

    /// Returns the number of bytes to read. Only valid before the first read.
    fn left(&self) -> u64 {
        self.ahead.iter().map(|run| run.range.end - run.range.start).sum()
    }

    /// Returns the object to read next and its remaining range, or `None` at the end.
    fn current(&mut self) -> Result<Option<(&File, &mut ReadRange)>, StorageError> {
        if self.open.as_ref().is_none_or(|(_, run)| run.range.is_empty()) {
            let Some(run) = self.ahead.pop_front() else {
                self.open = None;
                return Ok(None);
            };
            let path = path_of(&self.folder, &run.key)?;
            let file = File::open(path).map_err(|error| missing_or_failed(error, &run.key))?;
            self.open = Some((file, run));
        }
        Ok(self.open.as_mut().map(|(file, run)| (&*file, run)))
    }

    /// Reads from one object into the buffer. Returns the number of bytes, which is zero at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, StorageError> {
        let Some((file, run)) = self.current()? else { return Ok(0) };
        let left = usize::try_from(run.range.end - run.range.start).unwrap_or(usize::MAX);
        let length = left.min(buffer.len());
        let target = buffer.get_mut(..length).unwrap_or_default();
        file.read_exact_at(target, run.range.start).map_err(|error| missing_or_failed(error, &run.key))?;
        run.range.start = run.range.start.saturating_add(length_of(target));
        Ok(length)
    }

    /// Reads all bytes at once, for small ranges.
    fn whole(mut self) -> Result<Bytes, StorageError> {
        let mut whole = vec![0; usize::try_from(self.left()).unwrap_or(usize::MAX)];
        let mut rest = whole.as_mut_slice();
        while !rest.is_empty() {
            let count = self.read(rest)?;
            rest = rest.get_mut(count..).unwrap_or_default();
        }
        Ok(whole.into())
    }

    /// Reads a piece for each permit; none at the end.
    fn batch(mut self, mut permits: OwnedSemaphorePermit) -> Batch {
        let mut batch = VecDeque::with_capacity(permits.num_permits());
        while let Some(permit) = permits.split(1) {
            let mut buffer = self.spare.take(permit);
            buffer.length = self.read(&mut buffer.bytes)?;
            if buffer.length == 0 {
                break;
            }
            batch.push_back(Bytes::from_owner(buffer));
        }
        Ok((self, batch))
    }

    /// Waits until the client has taken an earlier small piece, and starts to read another one.
    async fn small_batch(mut self) -> JoinHandle<Batch> {
        // The semaphore is never closed; without a permit the read would only use more memory.
        let permit = Arc::clone(&self.small).acquire_owned().await.ok();
        spawn_blocking(move || {
            let mut piece = SmallPiece { bytes: vec![0; SMALL_PIECE], _permit: permit };
            let length = self.read(&mut piece.bytes)?;
            piece.bytes.truncate(length);
            Ok((self, if length == 0 { VecDeque::new() } else { VecDeque::from([Bytes::from_owner(piece)]) }))
        })
    }

    /// Starts to read the next batch if there is memory for it.
    fn read_ahead(self) -> Next {
        match self.spare.permits(BATCH_PIECES) {
            Some(permits) => Next::Ahead(spawn_blocking(move || self.batch(permits))),
            None => Next::Later(self),
        }
    }
}

/// Where the next batch comes from.
enum Next {
    /// It is being read.
    Ahead(JoinHandle<Batch>),
    /// It is read in small pieces once it is needed.
    Later(Reader),
    /// There is none.
    End,
}

/// The result of a batch: the reader and the pieces that were read.
type Batch = Result<(Reader, VecDeque<Bytes>), StorageError>;

/// Returns a stream of these pieces and all further ones. One batch is read ahead if there is memory for it.
fn pieces_of(reader: Reader, pieces: VecDeque<Bytes>) -> ByteStream {
    stream::unfold((pieces, reader.read_ahead()), |(mut pieces, mut next)| async {
        loop {
            if let Some(piece) = pieces.pop_front() {
                return Some((Ok(piece), (pieces, next)));
            }
            let reading = match next {
                Next::Ahead(reading) => reading,
                Next::Later(reader) => reader.small_batch().await,
                Next::End => return None,
            };
            match joined(reading).await {
                Ok((_, batch)) if batch.is_empty() => return None,
                Ok((reader, batch)) => (pieces, next) = (batch, reader.read_ahead()),
                Err(error) => return Some((Err(io::Error::other(error)), (pieces, Next::End))),
            }
        }
    })
    .boxed()
}

/// A small piece, with its permit.
struct SmallPiece {
    bytes: Vec<u8>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for SmallPiece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A pool of unused buffers, and permits for those in use.
pub(super) struct Buffers {
    spare: Mutex<Vec<Box<[u8]>>>,
    permits: Arc<Semaphore>,
}

impl Default for Buffers {
    fn default() -> Self {
        Self { spare: Mutex::default(), permits: Arc::new(Semaphore::new(MAX_PIECES)) }
    }
}

impl Buffers {
    /// Returns permits for this many buffers, unless too many are in use.
    fn permits(&self, pieces: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_many_owned(u32::try_from(pieces).ok()?).ok()
    }

    fn take(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Buffer {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = spare.unwrap_or_else(|| vec![0; PIECE].into_boxed_slice());
        Buffer { bytes, length: 0, pool: self.clone(), _permit: permit }
    }
}

/// A buffer that returns to the pool when the last reference to its bytes is dropped.
struct Buffer {
    bytes: Box<[u8]>,
    length: usize,
    pool: Arc<Buffers>,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut spare = self.pool.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_BUFFERS {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}
