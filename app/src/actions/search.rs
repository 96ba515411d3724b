//! Suggestions while one types in the search of the top bar.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::ActionFault;
use crate::place;
use crate::portal::portal;

/// A repository that may be meant: its path and its one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suggestion(pub(crate) String, pub(crate) String);

impl Suggestion {
    /// Where it leads.
    pub(crate) fn address(&self) -> String {
        ["/r/", &self.0].concat()
    }
}

/// Up to eight repositories for what is typed so far; a form goes on to the search itself.
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
