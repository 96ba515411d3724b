//! All pages below `/r/`: parses the path, loads the repository's head, and passes both to the page.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use model::fault::Fault;
use model::oci::RepositoryName;

use super::visit::{Query, Visit};
use super::{comments, edit, image, led_here, load, overview, settings, tags};
use crate::place::{self, Place, Section};
use crate::portal::portal;

/// The page.
pub(crate) fn page() -> AnyView {
    let rest = use_params_map().with_untracked(|params| params.get_str("rest").unwrap_or_default().to_owned());
    let query = Query::read();
    load(async move {
        let place = Place::parse(&rest).ok_or_else(Fault::not_found)?;
        let portal = portal()?;
        let me = portal.me().await?;
        if place.section == Section::Overview {
            let overview = portal.overview(&place.repository).await?;
            if overview.head.repository.path != place.repository {
                portal.redirect(&place::repository(&overview.head.repository.path));
            }
            let said = if me.is_some() { led_here(&portal).await? } else { None };
            return Ok(view! {
                {said.map(|said| view! { <div class="wide">{said}</div> })}
                {overview::page(&portal, me.is_some(), &overview)}
            }
            .into_any());
        }
        let head = portal.head(&place.repository).await?;
        if head.repository.path != place.repository {
            portal.redirect(&moved(&rest, &head.repository.path));
        }
        let flash = portal.take_flash().await?;
        let visit = Visit { portal, me, head, flash };
        match place.section {
            Section::Overview => Err(Fault::not_found()),
            Section::Edit => edit::page(&visit).await,
            Section::Tags => tags::page(&visit, &query).await,
            Section::Image(reference) => image::page(&visit, &reference, &query).await,
            Section::Comments => comments::page(&visit, &query).await,
            Section::Settings(tab) => settings::page(&visit, tab, &query).await,
        }
    })
}

/// The URL of the same page after the repository was renamed.
fn moved(rest: &str, path: &RepositoryName) -> String {
    rest.split_once("/-/").map_or_else(|| place::repository(path), |(_, tail)| place::within(path, tail))
}
