//! Adding and removing stars.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{ActionFault, Completion, path as parse, settle};
use crate::portal::{PortalResult, portal};

/// The number of stars in the language of the page: the number and the word after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StarCount {
    pub(crate) number: String,
    pub(crate) unit: String,
}

/// Adds or removes the viewer's star and returns the number of stars.
#[server(prefix = "/_actions", endpoint = "stars/set")]
pub(crate) async fn set_star(path: String, on: bool) -> Result<StarCount, ActionFault> {
    let outcome: PortalResult<Completion<StarCount>> = async {
        let portal = portal()?;
        let stars = portal.set_star(&parse(&path)?, on).await?;
        Ok(Completion::to(crate::words::stars(stars), portal.came_from()))
    }
    .await;
    settle("stars/set", &[], outcome).await
}
