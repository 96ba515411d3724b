//! What handlers return besides a plain object: a created object with its address, and a list that has one page.

use http::StatusCode;
use http::header::{HeaderName, LOCATION};
use model::page::Page;

use super::PREFIX;
use super::extract::Json;
use super::problem::Problem;

/// What a handler returns.
pub(super) type Answer<T> = Result<T, Problem>;

/// 201 with an object and its `Location`.
pub(super) type Created<T> = (StatusCode, [(HeaderName, String); 1], Json<T>);

/// The answer for a new object; `path` is below [`PREFIX`].
pub(super) fn created<T>(path: &str, object: T) -> Created<T> {
    (StatusCode::CREATED, [(LOCATION, format!("{PREFIX}{path}"))], Json(object))
}

/// A list that has no further pages.
pub(super) const fn whole<T>(items: Vec<T>) -> Json<Page<T>> {
    Json(Page { items, next: None })
}
