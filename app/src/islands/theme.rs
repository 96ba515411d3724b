//! The theme: light, dark or system, applied immediately and stored in a cookie by the server.

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::actions::theme::set_theme;
use crate::components::icon::{Glyph, icon};

/// Buttons for the three themes, with the current one pressed; `names` are those of light, system and dark.
#[island]
pub(crate) fn ThemeSwitch(theme: String, label: String, names: Vec<String>) -> impl IntoView {
    let chosen = RwSignal::new(theme);
    let themes = [("light", Glyph::Sun), ("auto", Glyph::Auto), ("dark", Glyph::Moon)];
    let choose = move |event: MouseEvent, theme: &'static str| {
        event.prevent_default();
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-theme", theme);
        }
        chosen.set(theme.to_owned());
        spawn_local(async move {
            // If the theme cannot be stored, it still applies to this page.
            let _ = set_theme(theme.to_owned()).await;
        });
    };
    let buttons = themes
        .into_iter()
        .zip(names)
        .map(|((theme, glyph), name)| {
            view! {
                <button
                    class="button button-bare button-small"
                    name="theme"
                    value=theme
                    title=name.clone()
                    aria-pressed=move || if chosen.with(|chosen| chosen == theme) { "true" } else { "false" }
                    on:click=move |event| choose(event, theme)
                >
                    {icon(glyph)}
                    <span class="unseen">{name.clone()}</span>
                </button>
            }
        })
        .collect_view();
    view! {
        <form class="line themes" method="post" action="/_actions/theme/set" aria-label=label>
            {buttons}
        </form>
    }
}
