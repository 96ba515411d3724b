//! A copy button. Without JavaScript, or if the browser has no clipboard, it is hidden: the text next to it can be
//! selected.

use std::time::Duration;

use leptos::prelude::*;

use crate::components::icon::{Glyph, icon};

/// Copies `text`; `label` names the button, and `copied` confirms it.
#[island]
pub(crate) fn CopyButton(text: String, label: String, copied: String) -> impl IntoView {
    let done = RwSignal::new(false);
    let barred = RwSignal::new(false);
    // Over plain HTTP, except on localhost, browsers have no clipboard, and accessing it throws.
    Effect::new(move || barred.set(!window().is_secure_context()));
    let copy = move |_| {
        // If this fails, the text can still be selected.
        let _ = window().navigator().clipboard().write_text(&text);
        done.set(true);
        set_timeout(move || done.set(false), Duration::from_millis(1500));
    };
    view! {
        <button
            class="copy"
            type="button"
            hidden=move || barred.get()
            title=label.clone()
            aria-label=move || if done.get() { copied.clone() } else { label.clone() }
            data-done=move || done.get().then_some("")
            on:click=copy
        >
            {icon(Glyph::Copy)}
            {icon(Glyph::Check)}
        </button>
    }
}
