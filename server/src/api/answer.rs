//! Responses with a `Location`, and lists of a single page.

use http::StatusCode;
use http::header::{HeaderName, LOCATION};
use model::page::Page;

use super::PREFIX;
use super::extract::Json;
use super::problem::Problem;

/// What a handler returns.
pub(super) type Answer<T> = Result<T, Problem>;

/// 201 with the created object and its `Location`.
pub(super) type Created<T> = (StatusCode, [(HeaderName, String); 1], Json<T>);

/// The response for a created object; `path` is below [`PREFIX`].
pub(super) fn created<T>(path: &str, object: T) -> Created<T> {
    (StatusCode::CREATED, [(LOCATION, format!("{PREFIX}{path}"))], Json(object))
}

/// A list without further pages.
pub(super) const fn whole<T>(items: Vec<T>) -> Json<Page<T>> {
    Json(Page { items, next: None })
}
