//! Pages, one file each. A page gets its data from the viewer's portal, and shows it or an error.

pub(crate) mod account;
pub(crate) mod account_settings;
mod comments;
mod edit;
pub(crate) mod errors;
mod files;
pub(crate) mod home;
mod image;
pub(crate) mod invitations;
mod layers;
pub(crate) mod new;
mod overview;
pub(crate) mod repository;
pub(crate) mod search;
pub(crate) mod session;
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

/// A page that awaits `load` and shows its result, or an error page with the fault's status.
pub(crate) fn load(load: impl Future<Output = PortalResult<AnyView>> + Send + 'static) -> AnyView {
    Suspend::new(async move { load.await.unwrap_or_else(|fault| errors::fault(&fault)) }).into_any()
}

/// The value of a query parameter; empty if missing.
pub(crate) fn asked(name: &str) -> String {
    use_query_map().with_untracked(|query| query.get_str(name).unwrap_or_default().to_owned())
}

/// The requested page of a list.
pub(crate) fn page_request(cursor: &str) -> PageRequest {
    PageRequest { limit: None, cursor: (!cursor.is_empty()).then(|| cursor.to_owned()) }
}

/// Returns the account that is signed in; an error if nobody is.
pub(crate) async fn member(portal: &PortalHandle) -> PortalResult<Me> {
    portal.me().await?.ok_or_else(Fault::sign_in)
}

/// The message of the collaborators form, which redirects here when the viewer has removed their own role.
pub(crate) async fn led_here(portal: &PortalHandle) -> PortalResult<Option<AnyView>> {
    let flash = portal.take_flash().await?;
    Ok(flash.filter(|flash| flash.form == SET).and_then(|flash| done(flash.notice.as_deref())))
}

/// Shows a success message.
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
