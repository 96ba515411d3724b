//! Starring without leaving the page: the button changes when the server has confirmed.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::HtmlFormElement;
use serde::{Deserialize, Serialize};

use crate::actions::stars::{StarCount, set_star};
use crate::components::icon::{Glyph, icon};

/// The texts of a star in the language of the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StarTexts {
    pub(crate) star: String,
    pub(crate) starred: String,
}

/// A star and the number of stars. If the server rejects it, the plain form is sent, which shows why.
#[island]
pub(crate) fn StarButton(path: String, starred: bool, stars: StarCount, texts: StarTexts) -> impl IntoView {
    let on = RwSignal::new(starred);
    let count = RwSignal::new(stars);
    let busy = RwSignal::new(false);
    let toggle = {
        let path = path.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            let form = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok());
            if busy.get_untracked() {
                return;
            }
            busy.set(true);
            let wanted = !on.get_untracked();
            let path = path.clone();
            spawn_local(async move {
                match set_star(path, wanted).await {
                    Ok(stars) => {
                        count.set(stars);
                        on.set(wanted);
                        busy.set(false);
                    }
                    Err(_) => {
                        if let Some(form) = form {
                            let _ = form.submit();
                        }
                    }
                }
            });
        }
    };
    view! {
        <form class="star" method="post" action="/_actions/stars/set" on:submit=toggle>
            <input type="hidden" name="path" value=path/>
            <input type="hidden" name="on" value=move || if on.get() { "false" } else { "true" }/>
            <button
                class="button"
                aria-pressed=move || if on.get() { "true" } else { "false" }
                aria-busy=move || busy.get().then_some("true")
            >
                {icon(Glyph::Star)}
                <span>{move || if on.get() { texts.starred.clone() } else { texts.star.clone() }}</span>
            </button>
            <span class="star-count">
                <span>{move || count.get().number}</span>
                <span class="unseen">" " {move || count.get().unit}</span>
            </span>
        </form>
    }
}
