//! A Markdown field with a preview. Without JavaScript the same button posts the text, and the form is shown again with
//! its preview.

use leptos::ev::MouseEvent;
use leptos::html::Textarea;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::{Deserialize, Serialize};

use crate::actions::markdown::preview;

/// The texts of the field in the language of the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EditorTexts {
    pub(crate) label: String,
    pub(crate) help: String,
    pub(crate) preview: String,
    /// Shown if the server cannot be reached.
    pub(crate) failed: String,
}

/// The field `body` of the form `form`, containing `text`; `shown` is the preview rendered by the server.
#[island]
pub(crate) fn Editor(texts: EditorTexts, form: String, text: String, shown: String, tall: bool) -> impl IntoView {
    let EditorTexts { label, help, preview: words, failed } = texts;
    let area = NodeRef::<Textarea>::new();
    let shown = RwSignal::new(shown);
    let show = {
        let form = form.clone();
        move |event: MouseEvent| {
            let Some(area) = area.get_untracked() else { return };
            event.prevent_default();
            let (form, failed) = (form.clone(), failed.clone());
            spawn_local(async move {
                match preview(area.value(), form).await {
                    Ok(html) => shown.set(html),
                    Err(refused) => {
                        let why = if refused.0.is_empty() { &failed } else { &refused.0 };
                        shown.set(["<p>", why, "</p>"].concat());
                    }
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
                <p class="help" id="body-help">{help}</p>
                <button
                    class="button button-small"
                    name="form"
                    value=form
                    formaction="/_actions/markdown/preview"
                    formnovalidate=true
                    on:click=show
                >
                    {words.clone()}
                </button>
            </div>
            <div
                class="preview prose prose-small"
                aria-live="polite"
                aria-label=words
                hidden=move || shown.with(String::is_empty)
                inner_html=move || shown.get()
            ></div>
        </div>
    }
}

/// The content of a textarea in HTML, where the parser removes a first line break.
pub(crate) fn opening(text: String) -> String {
    if text.starts_with('\n') { format!("\n{text}") } else { text }
}
