//! A Markdown field with a preview. Without script the preview is a page: the same button posts the text, and the form
//! comes back with it.

use leptos::ev::MouseEvent;
use leptos::html::Textarea;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::actions::markdown::preview;
use crate::form::opening;

/// The field `body` of the form named `form`, holding `text`; `shown` is the preview that the server already made.
#[island]
pub(crate) fn Editor(label: String, form: String, text: String, shown: String, tall: bool) -> impl IntoView {
    let area = NodeRef::<Textarea>::new();
    let shown = RwSignal::new(shown);
    let show = {
        let form = form.clone();
        move |event: MouseEvent| {
            let Some(area) = area.get_untracked() else { return };
            event.prevent_default();
            let form = form.clone();
            spawn_local(async move {
                match preview(area.value(), form).await {
                    Ok(html) => shown.set(html),
                    Err(refused) => shown.set(["<p>", &refused.0, "</p>"].concat()),
                }
            });
        }
    };
    view! {
        <div class="field">
            <label for="body">{label}</label>
            <textarea
                class=if tall { "input input-tall" } else { "input" }
                id="body"
                name="body"
                aria-describedby="body-help"
                node_ref=area
            >
                {opening(text)}
            </textarea>
            <div class="line line-apart">
                <p class="help" id="body-help">"Markdown"</p>
                <button
                    class="button button-small"
                    name="form"
                    value=form
                    formaction="/_actions/markdown/preview"
                    formnovalidate=true
                    on:click=show
                >
                    "Preview"
                </button>
            </div>
            <div
                class="preview prose prose-small"
                aria-live="polite"
                aria-label="Preview"
                hidden=move || shown.with(String::is_empty)
                inner_html=move || shown.get()
            ></div>
        </div>
    }
}
