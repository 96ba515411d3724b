//! Pages of a list, by key and not by offset: a limit, a cursor that the list itself made, and what it gave.

use serde::{Deserialize, Serialize};

/// How many items a page holds when nobody says.
pub const DEFAULT_LIMIT: u32 = 30;
/// How many items a page holds at most.
pub const MAX_LIMIT: u32 = 100;

/// Which page: `?limit=&cursor=`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(default)]
pub struct PageRequest {
    /// Wanted number of items; clamped to 1..=[`MAX_LIMIT`].
    pub limit: Option<u32>,
    /// The `next` of the page before; `None` for the first.
    pub cursor: Option<String>,
}

impl PageRequest {
    /// The number of items to give, within bounds.
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// The cursor of the page after; `None` on the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page from up to `limit + 1` rows: the surplus row only proves that there is a next page, whose cursor `key`
    /// makes from the last item given.
    pub fn from_surplus(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(key) } else { None };
        Self { items, next }
    }

    /// The same page with each item changed.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next: self.next }
    }
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None }
    }
}
