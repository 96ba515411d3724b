//! Confirmation of destructive actions: the button is disabled until the name is typed. The server checks the name
//! again.

use leptos::html::Input;
use leptos::prelude::*;

/// A field and the button that it enables, both part of the surrounding form. `field` is the field's name and id, and
/// `label` the texts before and after the name to type.
#[island]
pub(crate) fn ConfirmName(expected: String, label: (String, String), act: String, field: String) -> impl IntoView {
    let awake = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let input = NodeRef::<Input>::new();
    Effect::new(move || {
        // The name may have been typed before hydration.
        if let Some(input) = input.get() {
            typed.set(input.value());
        }
        awake.set(true);
    });
    let shut = {
        let expected = expected.clone();
        move || awake.get() && typed.with(|typed| *typed != expected)
    };
    view! {
        <div class="field">
            <label for=field.clone()>{label.0}<code>{expected}</code>{label.1}</label>
            <input
                node_ref=input
                class="input input-mono"
                id=field.clone()
                name=field
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                required=true
                on:input=move |event| typed.set(event_target_value(&event))
            />
        </div>
        <div>
            <button class="button button-danger" disabled=shut>
                {act}
            </button>
        </div>
    }
}
