//! Reads ranges of objects. A download is one request to the store for each object, whose bytes come as the client takes
//! them. When many slow clients hold such requests open, further downloads ask for a small range at a time, so that all
//! together use bounded memory.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use opendal::Operator;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Source, checked};
use crate::body::length_of;
use crate::ledger::Segment;
use crate::storage::{ByteStream, ReadRange, StorageError, runs};

/// The number of downloads with an open request to the store.
const OPEN: usize = 64;
/// The size of the ranges that further downloads ask for, in bytes.
const SMALL: u64 = 256 << 10;

/// Permits for downloads with an open request.
pub(super) struct Readers(Arc<Semaphore>);

impl Default for Readers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(OPEN)))
    }
}

/// A store, with the operator of a read.
struct Connection {
    source: Arc<Source>,
    operator: Operator,
}

/// Reads `range` of the concatenation of `segments`. Awaits the first bytes, so that a missing object is an error and
/// not a broken response.
pub(super) async fn read(
    source: &Arc<Source>,
    readers: &Readers,
    segments: &[Segment],
    range: &Range<u64>,
) -> Result<ByteStream, StorageError> {
    let mut ahead = runs(segments, range);
    let Some(first) = ahead.pop_front() else { return Ok(stream::empty().boxed()) };
    let connection = Connection { source: Arc::clone(source), operator: source.operator().await? };
    let permit = Arc::clone(&readers.0).try_acquire_owned().ok().map(Arc::new);
    let mut now = open(&connection, first, permit.as_ref()).await?;
    let first = now.next().await;
    let rest = rest_of(connection, now, ahead, permit);
    Ok(stream::iter(first).chain(rest).boxed())
}

/// Returns the bytes of an object that is open, followed by those of the objects after it.
fn rest_of(
    connection: Connection,
    now: ByteStream,
    ahead: VecDeque<ReadRange>,
    permit: Option<Arc<OwnedSemaphorePermit>>,
) -> ByteStream {
    stream::unfold((connection, now, ahead, permit), |(connection, mut now, mut ahead, permit)| async move {
        loop {
            if let Some(bytes) = now.next().await {
                return Some((bytes, (connection, now, ahead, permit)));
            }
            let next = ahead.pop_front()?;
            now = match open(&connection, next, permit.as_ref()).await {
                Ok(opened) => opened,
                Err(error) => {
                    let broken = stream::empty().boxed();
                    return Some((Err(io::Error::other(error)), (connection, broken, VecDeque::new(), permit)));
                }
            };
        }
    })
    .boxed()
}

/// Opens a range of an object and awaits its first bytes.
async fn open(
    connection: &Connection,
    run: ReadRange,
    permit: Option<&Arc<OwnedSemaphorePermit>>,
) -> Result<ByteStream, StorageError> {
    let ReadRange { key, range } = run;
    let expected = range.end - range.start;
    let Connection { source, operator } = connection;
    let failed = |error| source.failure(error, &key);
    let reader = operator.reader(checked(&key)?).await.map_err(failed)?;
    let mut bytes: BoxStream<'static, io::Result<Bytes>> = if permit.is_some() {
        reader.into_bytes_stream(range).await.map_err(failed)?.boxed()
    } else {
        let pieces = stream::try_unfold((reader, range), |(reader, range)| async move {
            if range.is_empty() {
                return Ok(None);
            }
            let end = range.end.min(range.start.saturating_add(SMALL));
            let piece = reader.read(range.start..end).await.map_err(io::Error::from)?;
            Ok(Some((piece.to_bytes(), (reader, end..range.end))))
        });
        pieces.boxed()
    };
    let first = bytes.try_next().await.map_err(|error| missing(source, error, &key))?.unwrap_or_default();
    Ok(exactly(expected, stream::iter([Ok(first)]).chain(bytes).boxed()))
}

fn missing(source: &Source, error: io::Error, key: &str) -> StorageError {
    match error.downcast::<opendal::Error>() {
        Ok(error) => source.failure(error, key),
        Err(error) => error.into(),
    }
}

/// Fails if a stream has fewer bytes than expected.
fn exactly(expected: u64, bytes: ByteStream) -> ByteStream {
    stream::unfold((Some(bytes), expected), |(bytes, left)| async move {
        let mut bytes = bytes?;
        match bytes.next().await {
            Some(Ok(piece)) => {
                let left = left.saturating_sub(length_of(&piece));
                Some((Ok(piece), (Some(bytes), left)))
            }
            Some(Err(error)) => Some((Err(error), (None, 0))),
            None if left > 0 => Some((Err(io::ErrorKind::UnexpectedEof.into()), (None, 0))),
            None => None,
        }
    })
    .boxed()
}
