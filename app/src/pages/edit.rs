//! Editing the README, with a preview.

use leptos::prelude::*;

use super::visit::Visit;
use crate::actions::repositories::OVERVIEW;
use crate::components::repository::{Tab, head};
use crate::form::{FormState, editor};
use crate::place;
use crate::portal::PortalResult;
use crate::texts::text;

/// The page.
pub(crate) async fn page(visit: &Visit) -> PortalResult<AnyView> {
    visit.require(visit.head.abilities.manage)?;
    let path = &visit.head.repository.path;
    let overview = visit.portal.overview(path).await?;
    let filled = FormState::from_flash(visit.flash.as_ref(), OVERVIEW);
    let text = filled.value("body", &overview.source);
    let shown = if filled.is_preview() { visit.portal.preview(&text).await? } else { String::new() };
    Ok(view! {
        <div class="wide">
            {head(&visit.head, Tab::Overview, text!(edit.title), true)}
            <div class="repo-body stack">
                {filled.summary()}
                <form class="form" method="post" action="/_actions/repositories/overview">
                    <input type="hidden" name="path" value=path.to_string()/>
                    {editor(text!(edit.title), OVERVIEW, text, shown, true)}
                    <div class="form-end">
                        <button class="button button-primary">{text!(edit.save)}</button>
                        <a class="button button-bare" href=place::repository(path)>{text!(form.cancel)}</a>
                    </div>
                </form>
            </div>
        </div>
    }
    .into_any())
}
