//! The list of a repository's tags (distribution-spec, "Listing Tags").
//! It refuses to know what the tags point at.

use http::{Response, StatusCode};
use model::oci::{RepositoryName, Tag};
use serde::Serialize;

use crate::answer::{Body, JSON, in_query, json, link_next};
use crate::engine::{Call, Engine};
use crate::error::{Error, ledger};
use crate::ledger::After;
use crate::request::Page;

impl Engine {
    /// How many items a page may have: what was asked for, within what the engine gives.
    pub(crate) fn page_size(&self, page: &Page) -> u64 {
        page.limit.unwrap_or(u64::MAX).min(self.inner.limits.page)
    }

    pub(crate) async fn list_tags(&self, call: Call<'_>, page: Page) -> Result<Response<Body>, Error> {
        #[derive(Serialize)]
        struct Tags<'a> {
            name: &'a RepositoryName,
            tags: Vec<Tag>,
        }
        let size = self.page_size(&page);
        let mut tags = Vec::new();
        if size > 0 {
            // One more than wanted tells whether there is another page.
            let after = After { last: page.last, limit: size.saturating_add(1) };
            tags = self.inner.ledger.tags(call.place.id, &after).await.map_err(ledger)?;
        }
        let shown = usize::try_from(size).unwrap_or(usize::MAX);
        let more = tags.len() > shown;
        tags.truncate(shown);
        let next = tags
            .last()
            .filter(|_| more)
            .map(|last| format!("/v2/{}/tags/list?n={size}&last={}", call.name, in_query(last.as_str())));
        let mut response = json(StatusCode::OK, JSON, &Tags { name: call.name, tags });
        if let Some(next) = next {
            link_next(&mut response, &next);
        }
        Ok(response)
    }
}
