//! Suggestions while one types in the search of the top bar.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::Refused;
use crate::portal::portal;

/// A repository that may be meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suggestion {
    /// `namespace/name`.
    pub(crate) path: String,
    /// Its one line.
    pub(crate) description: String,
}

impl Suggestion {
    /// Where it leads.
    pub(crate) fn address(&self) -> String {
        format!("/r/{}", self.path)
    }
}

/// Up to eight repositories for what is typed so far.
#[server(prefix = "/_actions", endpoint = "search/suggest")]
pub(crate) async fn suggest(#[server(default)] typed: String) -> Result<Vec<Suggestion>, Refused> {
    let found = portal().map_err(Refused)?.suggest(&typed).await.map_err(Refused)?;
    Ok(found
        .into_iter()
        .map(|repository| Suggestion { path: repository.path.to_string(), description: repository.description })
        .collect())
}
