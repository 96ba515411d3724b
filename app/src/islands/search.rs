//! The search field in the top bar: `/` focuses it, and repositories are suggested while typing. Without JavaScript it
//! is a form for the search page.

use std::time::Duration;

use leptos::ev::{self, KeyboardEvent};
use leptos::html::Input;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::{Event, HtmlElement};

use crate::actions::search::{Suggestion, suggest};
use crate::components::icon::{Glyph, icon};

/// The pause in typing before suggestions are requested.
const PAUSE: Duration = Duration::from_millis(120);

/// The form with the current query; `label` and `suggestions` name the field and its list.
#[island]
pub(crate) fn SearchBox(typed: String, label: String, suggestions: String) -> impl IntoView {
    let input = NodeRef::<Input>::new();
    let found = RwSignal::new(Vec::<Suggestion>::new());
    let chosen = RwSignal::new(None::<usize>);
    let waiting = StoredValue::new(None::<TimeoutHandle>);

    Effect::new(move || {
        let slash = window_event_listener(ev::keydown, move |event| {
            if event.key() == "/" && !event.ctrl_key() && !event.meta_key() && !is_typing(&event) {
                event.prevent_default();
                if let Some(input) = input.get_untracked() {
                    let _ = input.focus();
                    input.select();
                }
            }
        });
        on_cleanup(move || slash.remove());
    });

    let ask = move |_: Event| {
        if let Some(earlier) = waiting.get_value() {
            earlier.clear();
        }
        let asked = move || {
            let Some(input) = input.get_untracked() else { return };
            let typed = input.value();
            if typed.trim().is_empty() {
                found.set(Vec::new());
                return;
            }
            spawn_local(async move {
                let suggestions = suggest(typed.clone()).await.unwrap_or_default();
                // The result may be for an earlier input.
                if input.value() == typed {
                    chosen.set(None);
                    found.set(suggestions);
                }
            });
        };
        waiting.set_value(set_timeout_with_handle(asked, PAUSE).ok());
    };

    let steer = move |event: KeyboardEvent| {
        let last = found.with_untracked(Vec::len).checked_sub(1);
        match (event.key().as_str(), last) {
            ("ArrowDown", Some(last)) => {
                event.prevent_default();
                chosen.update(|chosen| *chosen = Some(chosen.map_or(0, |at| (at + 1).min(last))));
            }
            ("ArrowUp", Some(_)) => {
                event.prevent_default();
                chosen.update(|chosen| *chosen = chosen.and_then(|at| at.checked_sub(1)));
            }
            // Browsers clear a search field on Escape, but the input should be kept.
            ("Escape", Some(_)) => {
                event.prevent_default();
                found.set(Vec::new());
            }
            ("Enter", _) => {
                let path = chosen
                    .get_untracked()
                    .and_then(|at| found.with_untracked(|found| found.get(at).map(Suggestion::address)));
                if let Some(path) = path {
                    event.prevent_default();
                    let _ = window().location().set_href(&path);
                }
            }
            _ => {}
        }
    };

    let close = move |event: ev::FocusEvent| {
        let within = event
            .related_target()
            .and_then(|target| target.dyn_into::<HtmlElement>().ok())
            .is_some_and(|target| target.closest(".suggestions").ok().flatten().is_some());
        if !within {
            found.set(Vec::new());
        }
    };

    view! {
        <form class="search" role="search" action="/search">
            {icon(Glyph::Search)}
            <input
                class="input"
                type="search"
                name="q"
                value=typed
                placeholder=label.clone()
                aria-label=label
                role="combobox"
                aria-autocomplete="list"
                aria-controls="suggestions"
                aria-expanded=move || if found.with(Vec::is_empty) { "false" } else { "true" }
                aria-activedescendant=move || chosen.get().map(|at| format!("suggestion-{at}"))
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                node_ref=input
                on:input=ask
                on:keydown=steer
                on:blur=close
            />
            <kbd aria-hidden="true">"/"</kbd>
            <div
                class="suggestions"
                id="suggestions"
                role="listbox"
                aria-label=suggestions
                hidden=move || found.with(Vec::is_empty)
            >
                {move || {
                    found
                        .get()
                        .into_iter()
                        .enumerate()
                        .map(|(at, suggestion)| {
                            let address = suggestion.address();
                            view! {
                                <a
                                    id=format!("suggestion-{at}")
                                    role="option"
                                    tabindex="-1"
                                    href=address
                                    aria-selected=move || if chosen.get() == Some(at) { "true" } else { "false" }
                                >
                                    <span class="name">{suggestion.0}</span>
                                    <span class="what">{suggestion.1}</span>
                                </a>
                            }
                        })
                        .collect_view()
                }}
            </div>
        </form>
    }
}

/// Whether the key is typed into a field.
fn is_typing(event: &KeyboardEvent) -> bool {
    event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok()).is_some_and(|target| {
        target.is_content_editable() || matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
    })
}
