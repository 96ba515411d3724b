//! The theme, kept in a cookie.

use leptos::prelude::*;
use model::fault::Fault;
use model::reason::Reason;

use super::{Done, Refused, settle};
use crate::portal::{Answered, portal};

/// Keeps the theme: `light`, `dark` or `auto`.
#[server(prefix = "/_actions", endpoint = "theme/set")]
pub(crate) async fn set_theme(#[server(default)] theme: String) -> Result<(), Refused> {
    settle("theme/set", &[], act(&theme)).await
}

fn act(theme: &str) -> Answered<Done<()>> {
    let portal = portal()?;
    if !matches!(theme, "light" | "dark" | "auto") {
        return Err(Fault::invalid("theme", Reason::UnknownTheme));
    }
    portal.set_theme(theme);
    Ok(Done::to((), portal.came_from()))
}
