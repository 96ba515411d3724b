//! Search requests and results.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::reason::Reason;
use crate::repository::Repository;

/// The maximum length of a query, in bytes.
pub const MAX_QUERY: usize = 512;
/// The last page that can be requested.
pub const MAX_PAGE: u32 = 100;

/// The order of search results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum SearchSort {
    /// By relevance, stars, pulls and age.
    #[default]
    Best,
    /// Most stars first.
    Stars,
    /// Most pulls first.
    Pulls,
    /// Most recently pushed or changed first.
    Updated,
}

impl SearchSort {
    /// All orders, the default first.
    pub const ALL: [Self; 4] = [Self::Best, Self::Stars, Self::Pulls, Self::Updated];

    /// The name used in URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Stars => "stars",
            Self::Pulls => "pulls",
            Self::Updated => "updated",
        }
    }
}

impl FromStr for SearchSort {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Self::ALL
            .into_iter()
            .find(|sort| sort.as_str() == text)
            .ok_or_else(|| Fault::invalid("sort", Reason::UnknownSort))
    }
}

/// A search for words and qualifiers such as `ns:team arch:arm64 is:official`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchRequest {
    /// The query as typed.
    pub q: String,
    /// The order.
    pub sort: SearchSort,
    /// The page, starting with 1.
    pub page: u32,
    /// Results on a page, 1 to 100; 0 for the default of 20.
    pub limit: u32,
}

/// A part of an excerpt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fragment {
    /// Plain text.
    pub text: String,
    /// Whether it matched and should be highlighted.
    pub marked: bool,
}

/// A search result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchHit {
    /// The repository, as the viewer sees it.
    pub repository: Repository,
    /// The description, or the passage of the README that matched, with matches marked.
    pub excerpt: Vec<Fragment>,
    /// Platforms of its newest images.
    pub platforms: Vec<String>,
}

/// A value of a facet and its number of results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FacetValue {
    /// The value, as written after the qualifier in a query.
    pub value: String,
    /// The number of results with this value.
    pub count: u64,
}

/// A qualifier by which results can be filtered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Facet {
    /// The qualifier, such as `arch`.
    pub qualifier: String,
    /// Its values, the most frequent first.
    pub values: Vec<FacetValue>,
}

/// A page of search results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchResults {
    /// The number of results on all pages.
    pub total: u64,
    /// The results on this page.
    pub hits: Vec<SearchHit>,
    /// Facets of all results.
    pub facets: Vec<Facet>,
    /// The page, starting with 1.
    pub page: u32,
    /// The number of pages, at most [`MAX_PAGE`].
    pub pages: u32,
}
