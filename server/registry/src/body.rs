//! Bodies of requests and responses.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::Error;

/// How long a body may pause. A connection that is dead does not say so.
const IDLE_TIME: Duration = Duration::from_mins(1);
/// The longest time that [`drain`] reads for.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// The body of a request.
pub trait RequestBody: http_body::Body<Data = Bytes> + Send + Unpin {}

impl<B: http_body::Body<Data = Bytes> + Send + Unpin> RequestBody for B {}

/// Returns the next frame of a body, or `None` at its end. Fails if nothing arrives for a minute.
pub(crate) async fn next_frame(body: &mut impl RequestBody) -> Result<Option<Frame<Bytes>>, Error> {
    let frame = timeout(IDLE_TIME, body.frame()).await.map_err(|_| Error::BodyIncomplete)?;
    frame.transpose().map_err(|_| Error::BodyIncomplete)
}

/// Reads and discards an unneeded body until more than `limit` bytes have arrived, for at most five seconds. A client
/// that is still sending when the connection closes would not see the response.
pub async fn drain(body: &mut impl RequestBody, limit: u64) {
    let end = Instant::now() + DRAIN_TIME;
    let mut left = limit;
    // The clock is also checked between frames, because a body that is always ready never runs into the timeout.
    while Instant::now() < end
        && let Ok(Some(Ok(frame))) = timeout_at(end, body.frame()).await
        && let Some(rest) = left.checked_sub(frame.data_ref().map_or(0, |data| length_of(data)))
    {
        left = rest;
    }
}

/// The body of a response, of known length.
pub struct Body(Kind);

enum Kind {
    Whole(Bytes),
    Stream { bytes: BoxStream<'static, io::Result<Bytes>>, left: u64 },
}

impl Body {
    /// Creates an empty body.
    pub const fn empty() -> Self {
        Self(Kind::Whole(Bytes::new()))
    }

    /// Creates a body of these bytes.
    pub const fn whole(bytes: Bytes) -> Self {
        Self(Kind::Whole(bytes))
    }

    /// Creates a body from a stream of `length` bytes. If the stream has another length, the server drops the
    /// connection.
    pub fn stream(bytes: BoxStream<'static, io::Result<Bytes>>, length: u64) -> Self {
        Self(Kind::Stream { bytes, left: length })
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.0 {
            Kind::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Stream { bytes, left } => bytes.poll_next_unpin(context).map(|next| {
                next.map(|piece| {
                    piece.map(|piece| {
                        *left = left.saturating_sub(length_of(&piece));
                        Frame::data(piece)
                    })
                })
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Stream { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.0 {
            Kind::Whole(bytes) => length_of(bytes),
            Kind::Stream { left, .. } => *left,
        })
    }
}

/// Returns the length of a slice as `u64`.
pub(crate) fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;
    use http_body_util::StreamBody;

    use super::*;

    #[tokio::test]
    async fn a_stream_counts_down_its_length() {
        use http_body::Body as _;
        let pieces = stream::iter(["ab", "c"].map(|piece| Ok(Bytes::from(piece))));
        let mut body = Body::stream(pieces.boxed(), 3);
        for left in [3, 1, 0] {
            assert_eq!(body.size_hint().exact(), Some(left));
            assert_eq!(body.is_end_stream(), left == 0);
            let _ = body.frame().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_pauses_for_a_minute_has_ended_early() {
        let data = |_: u8| Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"a")));
        let slow = stream::iter(0..3).then(|number| async move {
            tokio::time::sleep(Duration::from_secs(59)).await;
            data(number)
        });
        let mut body = StreamBody::new(slow.chain(stream::pending()).boxed());
        for _ in 0..3 {
            assert!(next_frame(&mut body).await.unwrap().is_some());
        }
        let start = Instant::now();
        assert!(matches!(next_frame(&mut body).await, Err(Error::BodyIncomplete)));
        assert_eq!(start.elapsed(), IDLE_TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_drained_up_to_its_limit_and_for_five_seconds_at_most() {
        let frame = |_| async { Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[0; 1 << 14]))) };
        let large = || StreamBody::new(stream::iter(0..640).then(frame).boxed());
        let mut body = large();
        drain(&mut body, u64::MAX).await;
        assert!(body.frame().await.is_none(), "ten MiB are read to their end");
        let mut body = large();
        drain(&mut body, 1 << 20).await;
        let mut left = 0;
        while body.frame().await.is_some() {
            left += 1;
        }
        assert_eq!(left, 640 - 65, "one frame more than the limit is read");
        let slowly = stream::iter(0..20).then(|frame| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            frame
        });
        let mut slow = StreamBody::new(slowly.then(frame).boxed());
        drain(&mut slow, u64::MAX).await;
        let mut left = 0;
        while slow.frame().await.is_some() {
            left += 1;
        }
        assert!((14..=16).contains(&left), "{left} seconds of it are left");
    }
}
