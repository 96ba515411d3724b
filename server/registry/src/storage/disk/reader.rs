//! Ranges of files on their way out: large pieces in buffers that are used again, one trip ahead of whoever reads.
//! It refuses to hold a thread for a reader that is slow.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::task::spawn_blocking;

use super::{blocking, gone_or_failed, joined, path_of};
use crate::body::length_of;
use crate::ledger::Segment;
use crate::storage::{ByteStream, StorageError};

/// How much is read from a file at a time.
pub(super) const PIECE: usize = 512 << 10;
/// Pieces that one trip to a blocking thread brings; with one trip ahead of the reader, a download holds twice as many.
pub(super) const PIECES_A_TRIP: usize = 2;
/// What is read whole at once.
pub(super) const SMALL: u64 = 64 << 10;
/// Buffers kept for the next reader.
const SPARE_BUFFERS: usize = 16;

/// Part of one object.
pub(super) struct Run {
    pub(super) key: String,
    pub(super) range: Range<u64>,
}

/// Which parts of which objects make up `range` of the concatenation of `segments`.
pub(super) fn runs(segments: &[Segment], range: &Range<u64>) -> VecDeque<Run> {
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
pub(super) struct Reader {
    folder: Arc<Path>,
    spare: Arc<Buffers>,
    ahead: VecDeque<Run>,
    open: Option<(File, Run)>,
}

impl Reader {
    /// A reader of the bytes `range` of the concatenation of `segments`.
    pub(super) fn new(folder: Arc<Path>, spare: Arc<Buffers>, segments: &[Segment], range: &Range<u64>) -> Self {
        Self { folder, spare, ahead: runs(segments, range), open: None }
    }

    /// All of it. The first trip is awaited, so that a missing object is an error and not a broken answer.
    pub(super) async fn stream(self) -> Result<ByteStream, StorageError> {
        if self.left() <= SMALL {
            let whole = blocking(move || self.whole()).await?;
            return Ok(stream::iter((!whole.is_empty()).then_some(Ok(whole))).boxed());
        }
        let (reader, pieces) = blocking(move || self.trip(1)).await?;
        Ok(pieces_of(reader, pieces))
    }

    /// How many bytes are still to be read, as long as none is.
    fn left(&self) -> u64 {
        self.ahead.iter().map(|run| run.range.end - run.range.start).sum()
    }

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
        let mut whole = vec![0; usize::try_from(self.left()).unwrap_or(usize::MAX)];
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
pub(super) struct Buffers(Mutex<Vec<Box<[u8]>>>);

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
