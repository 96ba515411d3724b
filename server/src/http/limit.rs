//! A limit on the size of forms, for handlers that would otherwise buffer bodies of any size. Registry requests do not
//! pass through it.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http_body::Body as _;
use http_body_util::Limited;

/// The largest form, in bytes: the longest README, percent-encoded, with room for the other fields.
const MOST: usize = 512 << 10;

/// Rejects a body that is declared too large, and aborts one that turns out to be.
pub async fn bound(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if usize::try_from(body.size_hint().lower()).is_ok_and(|least| least <= MOST) {
        next.run(Request::from_parts(parts, Body::new(Limited::new(body, MOST)))).await
    } else {
        (StatusCode::PAYLOAD_TOO_LARGE, "This is more than a form may hold: 512 KiB.\n").into_response()
    }
}
