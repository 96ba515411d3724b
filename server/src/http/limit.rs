//! A limit on the size of forms and other small bodies. Registry requests do not pass through it.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http_body::Body as _;
use http_body_util::{BodyExt as _, Limited};
use registry::body::drain;

/// The largest form, in bytes: the longest README, percent-encoded, with room for the other fields.
const MOST: usize = 512 << 10;
/// The number of bytes to read of a body that is too large, so that the client has sent it and reads the response.
const DRAIN_LIMIT: u64 = 16 << 20;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreadBody {
    /// It is larger than allowed.
    TooLarge,
    /// The connection ended before it did.
    Incomplete,
}

/// Reads a whole body of at most `most` bytes. Reads on for a while if it is larger.
pub async fn read(mut body: Body, most: usize) -> Result<Bytes, UnreadBody> {
    if usize::try_from(body.size_hint().lower()).is_ok_and(|least| least <= most) {
        match Limited::new(&mut body, most).collect().await {
            Ok(collected) => return Ok(collected.to_bytes()),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {}
            Err(_) => return Err(UnreadBody::Incomplete),
        }
    }
    drain(&mut body, DRAIN_LIMIT).await;
    Err(UnreadBody::TooLarge)
}

/// Rejects a form that is too large.
pub async fn bound(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match read(body, MOST).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(UnreadBody::TooLarge) => {
            (StatusCode::PAYLOAD_TOO_LARGE, "This is more than a form may hold: 512 KiB.\n").into_response()
        }
        Err(UnreadBody::Incomplete) => StatusCode::BAD_REQUEST.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::{StreamExt as _, stream};

    use super::*;

    #[tokio::test]
    async fn a_body_that_is_too_large_is_read_to_its_end_so_that_the_client_reads_the_answer() {
        assert_eq!(read(Body::from("abc"), 3).await, Ok(Bytes::from_static(b"abc")));
        assert_eq!(read(Body::from("abcd"), 3).await, Err(UnreadBody::TooLarge));
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&sent);
        let pieces = stream::iter(0..320).map(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(Bytes::from_static(&[0; 16 << 10]))
        });
        assert_eq!(read(Body::from_stream(pieces), 512 << 10).await, Err(UnreadBody::TooLarge));
        assert_eq!(sent.load(Ordering::SeqCst), 320, "all 5 MiB");
        let broken = stream::iter([Ok(Bytes::from_static(b"a")), Err(std::io::ErrorKind::ConnectionReset.into())]);
        let broken: stream::Iter<std::array::IntoIter<std::io::Result<Bytes>, 2>> = broken;
        assert_eq!(read(Body::from_stream(broken), 3).await, Err(UnreadBody::Incomplete));
    }
}
