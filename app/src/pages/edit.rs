//! Writing the README, with a preview.

use leptos::prelude::*;

use super::repository::Visit;
use crate::actions::repositories::OVERVIEW;
use crate::components::repository::{Tab, head};
use crate::form::Filled;
use crate::islands::editor::Editor;
use crate::place;
use crate::portal::Answered;

/// The page.
pub(crate) async fn page(visit: &Visit) -> Answered<AnyView> {
    visit.require(visit.head.abilities.manage)?;
    let path = &visit.head.repository.path;
    let overview = visit.portal.overview(path).await?;
    let filled = Filled::from_flash(visit.flash.as_ref(), OVERVIEW);
    let text = filled.value("body", &overview.source);
    let shown = if filled.is_preview() { visit.portal.preview(&text).await? } else { String::new() };
    Ok(view! {
        <div class="wide">
            {head(&visit.head, Tab::Overview, "README", true)}
            <div class="repo-body stack">
                {filled.summary()}
                <form class="form" method="post" action="/_actions/repositories/overview">
                    <input type="hidden" name="path" value=path.to_string()/>
                    <Editor label="README".to_owned() form=OVERVIEW.to_owned() text=text shown=shown tall=true/>
                    <div class="form-end">
                        <button class="button button-primary">"Save README"</button>
                        <a class="button button-bare" href=place::repository(path)>"Cancel"</a>
                    </div>
                </form>
            </div>
        </div>
    }
    .into_any())
}
