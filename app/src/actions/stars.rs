//! Starring and taking the star back.

use leptos::prelude::*;

use super::{Done, Refused, path as parse, settle};
use crate::portal::{Answered, portal};

/// Sets or takes back the viewer's star; the number of stars then.
#[server(prefix = "/_actions", endpoint = "stars/set")]
pub(crate) async fn set_star(path: String, on: bool) -> Result<u64, Refused> {
    settle("stars/set", &[], act(&path, on).await).await
}

async fn act(path: &str, on: bool) -> Answered<Done<u64>> {
    let portal = portal()?;
    let stars = portal.set_star(&parse(path)?, on).await?;
    Ok(Done::to(stars, portal.came_from()))
}
