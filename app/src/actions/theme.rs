//! The theme, stored in a cookie.

use leptos::prelude::*;
use model::fault::Fault;
use model::reason::Reason;

use super::{ActionFault, Completion, settle};
use crate::portal::{PortalResult, portal};

/// Sets the theme: `light`, `dark` or `auto`.
#[server(prefix = "/_actions", endpoint = "theme/set")]
pub(crate) async fn set_theme(#[server(default)] theme: String) -> Result<(), ActionFault> {
    settle("theme/set", &[], act(&theme)).await
}

fn act(theme: &str) -> PortalResult<Completion<()>> {
    let portal = portal()?;
    if !matches!(theme, "light" | "dark" | "auto") {
        return Err(Fault::invalid("theme", Reason::UnknownTheme));
    }
    portal.set_theme(theme);
    Ok(Completion::to((), portal.came_from()))
}
