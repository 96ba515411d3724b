//! Previews of Markdown.

use leptos::prelude::*;
use model::fault::Fault;

use super::{ActionFault, keep, settle};
use crate::portal::portal;

/// Returns the HTML of `body` to an island. Without JavaScript, the form named `form` is shown again with the text and
/// its preview.
#[server(prefix = "/_actions", endpoint = "markdown/preview")]
pub(crate) async fn preview(
    #[server(default)] body: String,
    #[server(default)] form: String,
) -> Result<String, ActionFault> {
    let portal = portal()?;
    if portal.scripted() {
        return portal.preview(&body).await.map_err(|fault: Fault| {
            portal.status(fault.code.status());
            fault.into()
        });
    }
    if portal.me().await?.is_none() {
        return settle(&form, &[("body", &body)], Err(Fault::sign_in())).await;
    }
    keep(&portal, &form, None, None, &[("body", &body)]).await;
    portal.redirect(&portal.came_from());
    Ok(String::new())
}
