//! Search results as a list of repositories.

use app::portal::Search as _;
use model::fault::Fault;
use model::page::PageRequest;
use model::reason::Reason;
use model::repository::Repository;
use model::search::{Facet, Fragment, MAX_PAGE, SearchRequest, SearchSort};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Answer;
use super::caller::Caller;
use super::extract::{Json, PageQuery, Parameters, Query, sort_reason};

/// A page of results.
#[derive(Serialize, ToSchema)]
pub(super) struct SearchPage {
    /// The results.
    items: Vec<SearchHit>,
    /// The cursor of the next page. Null on the last page.
    next: Option<String>,
    /// The number of results on all pages.
    total: u64,
    /// Values by which the results can be filtered.
    facets: Vec<Facet>,
}

/// A search result.
#[derive(Serialize, ToSchema)]
pub(super) struct SearchHit {
    #[serde(flatten)]
    repository: Repository,
    /// The description, or the passage of the README that matches.
    excerpt: Vec<Fragment>,
    /// The platforms of its newest images.
    platforms: Vec<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// Words and qualifiers, as on the search page.
    q: Option<String>,
    /// The order. `best` by default.
    #[param(inline)]
    sort: Option<SearchSort>,
}

impl Parameters for SearchQuery {
    fn reason(name: &str) -> Option<Reason> {
        sort_reason(name, SearchSort::ALL.map(SearchSort::as_str))
    }
}

/// Searches the repositories that the caller may see. `total` and `facets` cover all pages.
#[utoipa::path(get, path = "/search", tag = "Search",
    params(SearchQuery, PageQuery), responses((status = 200, body = SearchPage)))]
pub(super) async fn search(
    Caller(visit): Caller,
    Query(query): Query<SearchQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Json<SearchPage>> {
    let page = PageRequest::from(page);
    // Results are ranked, so the cursor is a page number.
    let number = match page.cursor.as_deref() {
        None => 1,
        Some(cursor) => cursor
            .parse::<u32>()
            .ok()
            .filter(|number| (1..=MAX_PAGE).contains(number))
            .ok_or_else(|| Fault::invalid("cursor", Reason::CursorInvalid))?,
    };
    let request = SearchRequest {
        q: query.q.unwrap_or_default(),
        sort: query.sort.unwrap_or_default(),
        page: number,
        limit: page.limit(),
    };
    let results = visit.search(request).await?;
    let next = (number < results.pages).then(|| (number + 1).to_string());
    let items = results
        .hits
        .into_iter()
        .map(|hit| SearchHit { repository: hit.repository, excerpt: hit.excerpt, platforms: hit.platforms })
        .collect();
    Ok(Json(SearchPage { items, next, total: results.total, facets: results.facets }))
}
