//! The list of a repository's tags (distribution-spec, "Listing Tags").

use http::{Response, StatusCode};
use model::oci::{RepositoryName, Tag};
use serde::Serialize;

use crate::body::Body;
use crate::context::{AuthorizedRequest, Context};
use crate::error::Error;
use crate::ledger::ListPage;
use crate::request::Page;
use crate::response::{JSON, add_next_link, encode_query, json};

pub(crate) async fn list_tags(
    context: &Context,
    call: AuthorizedRequest<'_>,
    page: Page,
) -> Result<Response<Body>, Error> {
    #[derive(Serialize)]
    struct Tags<'a> {
        name: &'a RepositoryName,
        tags: Vec<Tag>,
    }
    let size = context.limits.page_size(&page);
    let mut tags = Vec::new();
    if size > 0 {
        // Fetch one more than fits, to know whether there is another page.
        let after = ListPage { last: page.last, limit: size.saturating_add(1) };
        tags = context.ledger.tags(call.place.id, &after).await.map_err(Error::from_ledger)?;
    }
    let fitting = usize::try_from(size).unwrap_or(usize::MAX);
    let more = tags.len() > fitting;
    tags.truncate(fitting);
    let next = tags
        .last()
        .filter(|_| more)
        .map(|last| format!("/v2/{}/tags/list?n={size}&last={}", call.name, encode_query(last.as_str())));
    let mut response = json(StatusCode::OK, JSON, &Tags { name: call.name, tags });
    if let Some(next) = next {
        add_next_link(&mut response, &next);
    }
    Ok(response)
}
