//! A button that copies a text. Without script, and where browsers give no clipboard, it is not shown: the text beside it can be
//! selected.

use std::time::Duration;

use leptos::prelude::*;

use crate::components::icon::{Glyph, icon};

/// Copies `text`; `label` says what pressing it does, and `copied` that it did.
#[island]
pub(crate) fn CopyButton(text: String, label: String, copied: String) -> impl IntoView {
    let done = RwSignal::new(false);
    let barred = RwSignal::new(false);
    // Over plain HTTP, other than on this machine, browsers have no clipboard, and asking for it throws.
    Effect::new(move || barred.set(!window().is_secure_context()));
    let copy = move |_| {
        // The answer is a promise whose failure leaves the text selectable: nothing to tell.
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
