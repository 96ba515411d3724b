//! The pages, one file each. A page asks its viewer's portal, and shows what it gets or why it gets nothing.

pub(crate) mod account;
mod comments;
pub(crate) mod door;
mod edit;
pub(crate) mod home;
mod image;
mod layers;
pub(crate) mod lost;
pub(crate) mod new;
mod overview;
pub(crate) mod own;
pub(crate) mod repository;
pub(crate) mod search;
mod settings;
mod tags;
mod visit;

use std::future::Future;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::account::Me;
use model::fault::Fault;
use model::page::PageRequest;

use crate::actions::collaborators::SET;
use crate::components::icon::{Glyph, icon};
use crate::portal::{PortalHandle, PortalResult};

/// A page that is there once `load` is done: what it gives, or the page of its fault with that fault's status.
pub(crate) fn load(load: impl Future<Output = PortalResult<AnyView>> + Send + 'static) -> AnyView {
    Suspend::new(async move { load.await.unwrap_or_else(|fault| lost::fault(&fault)) }).into_any()
}

/// What the address says after the question mark, by name; empty when it says nothing.
pub(crate) fn asked(name: &str) -> String {
    use_query_map().with_untracked(|query| query.get_str(name).unwrap_or_default().to_owned())
}

/// The page of a list that the address asks for.
pub(crate) fn page_request(cursor: &str) -> PageRequest {
    PageRequest { limit: None, cursor: (!cursor.is_empty()).then(|| cursor.to_owned()) }
}

/// Who is signed in; refused when nobody is.
pub(crate) async fn member(portal: &PortalHandle) -> PortalResult<Me> {
    portal.me().await?.ok_or_else(Fault::sign_in)
}

/// What an act says once that led here from the page that it was on.
pub(crate) async fn led_here(portal: &PortalHandle) -> PortalResult<Option<AnyView>> {
    let flash = portal.take_flash().await?;
    Ok(flash.filter(|flash| flash.form == SET).and_then(|flash| done(flash.notice.as_deref())))
}

/// Says once that something worked.
pub(crate) fn done(notice: Option<&str>) -> Option<AnyView> {
    notice.map(|notice| {
        view! {
            <div class="notice notice-ok" role="status">
                {icon(Glyph::Check)}
                <p>{notice.to_owned()}</p>
            </div>
        }
        .into_any()
    })
}
