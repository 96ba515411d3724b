//! A search as it is asked and answered. How words match and who may see what is not known here.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::reason::Reason;
use crate::repository::Repository;

/// The longest query, in bytes.
pub const MAX_QUERY: usize = 512;
/// The last page that may be asked for; who needs more narrows the query.
pub const MAX_PAGE: u32 = 100;

/// How results are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum SearchSort {
    /// By where it matched, stars, pulls and recency.
    #[default]
    Best,
    /// Most stars first.
    Stars,
    /// Most pulls first.
    Pulls,
    /// Last pushed or changed first.
    Updated,
}

impl SearchSort {
    /// All of them, the default first.
    pub const ALL: [Self; 4] = [Self::Best, Self::Stars, Self::Pulls, Self::Updated];

    /// The word, as in a URL.
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

/// A search: words and qualifiers such as `ns:team arch:arm64 is:official`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchRequest {
    /// The query as typed.
    pub q: String,
    /// The order.
    pub sort: SearchSort,
    /// Which page, from 1.
    pub page: u32,
    /// Results a page, 1 to 100; 0 for the usual 20.
    pub limit: u32,
}

/// A run of text that did or did not match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fragment {
    /// Plain text.
    pub text: String,
    /// Whether it is to be marked.
    pub marked: bool,
}

/// One result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchHit {
    /// The repository, as the viewer sees it.
    pub repository: Repository,
    /// The description, or the passage of the README that matched, with the matched words marked.
    pub excerpt: Vec<Fragment>,
    /// Platforms of its newest images.
    pub platforms: Vec<String>,
}

/// How many results have one value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FacetValue {
    /// The value, as it stands after the qualifier's colon.
    pub value: String,
    /// Results that have it.
    pub count: u64,
}

/// A field that results can be narrowed by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Facet {
    /// The qualifier, such as `arch`.
    pub qualifier: String,
    /// Its values, most results first.
    pub values: Vec<FacetValue>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchResults {
    /// How many there are in all that the viewer may see.
    pub total: u64,
    /// This page's.
    pub hits: Vec<SearchHit>,
    /// How all of them divide.
    pub facets: Vec<Facet>,
    /// Which page this is, from 1.
    pub page: u32,
    /// How many pages there are, [`MAX_PAGE`] at most.
    pub pages: u32,
}
