//! Starring and taking the star back.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Done, Refused, path as parse, settle};
use crate::portal::{Answered, portal};

/// How many stars there are, in the language of the page: the number, and the word after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StarCount {
    pub(crate) number: String,
    pub(crate) unit: String,
}

/// Sets or takes back the viewer's star; the number of stars then.
#[server(prefix = "/_actions", endpoint = "stars/set")]
pub(crate) async fn set_star(path: String, on: bool) -> Result<StarCount, Refused> {
    let outcome: Answered<Done<StarCount>> = async {
        let portal = portal()?;
        let stars = portal.set_star(&parse(&path)?, on).await?;
        Ok(Done::to(crate::words::stars(stars), portal.came_from()))
    }
    .await;
    settle("stars/set", &[], outcome).await
}
