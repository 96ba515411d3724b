//! Suggestions for the search field in the top bar.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::ActionFault;
use crate::place;
use crate::portal::portal;

/// A suggestion: a repository's path and description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suggestion(pub(crate) String, pub(crate) String);

impl Suggestion {
    /// Its URL.
    pub(crate) fn address(&self) -> String {
        ["/r/", &self.0].concat()
    }
}

/// Returns up to eight repositories that match what has been typed. Without JavaScript, continues to the search page.
#[server(prefix = "/_actions", endpoint = "search/suggest")]
pub(crate) async fn suggest(#[server(default)] typed: String) -> Result<Vec<Suggestion>, ActionFault> {
    let portal = portal()?;
    if !portal.scripted() {
        portal.redirect(&format!("/search{}", place::query(&[("q", &typed)])));
        return Ok(Vec::new());
    }
    let found = portal.suggest(&typed).await?;
    Ok(found.into_iter().map(|repository| Suggestion(repository.path.to_string(), repository.description)).collect())
}
