//! The search as a list of repositories with what matched. How words match is not known here.

use app::portal::Search as _;
use model::fault::Fault;
use model::reason::Reason;
use model::repository::Repository;
use model::search::{Facet, Fragment, MAX_PAGE, SearchRequest};
use serde::Serialize;

use super::input::Input;
use super::{Answered, one};
use crate::portal::Visit;

/// A page of hits in the form that every list has, with what only a search knows.
#[derive(Serialize)]
struct Found {
    items: Vec<Hit>,
    next: Option<String>,
    total: u64,
    facets: Vec<Facet>,
}

#[derive(Serialize)]
struct Hit {
    #[serde(flatten)]
    repository: Repository,
    excerpt: Vec<Fragment>,
    platforms: Vec<String>,
}

/// A search is ranked, so its cursor is the number of a page.
pub(super) async fn search(visit: &Visit, input: &Input<'_>) -> Answered {
    let page = input.page()?;
    let number = match page.cursor.as_deref() {
        None => 1,
        Some(cursor) => cursor
            .parse::<u32>()
            .ok()
            .filter(|number| (1..=MAX_PAGE).contains(number))
            .ok_or_else(|| Fault::invalid("cursor", Reason::CursorInvalid))?,
    };
    let request = SearchRequest {
        q: input.asked("q").unwrap_or_default().to_owned(),
        sort: input.word("sort")?,
        page: number,
        limit: page.limit(),
    };
    let found = visit.search(request).await?;
    let next = (number < found.pages).then(|| (number + 1).to_string());
    let items = found
        .hits
        .into_iter()
        .map(|hit| Hit { repository: hit.repository, excerpt: hit.excerpt, platforms: hit.platforms })
        .collect();
    Ok(one(&Found { items, next, total: found.total, facets: found.facets }))
}
