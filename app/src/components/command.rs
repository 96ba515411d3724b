//! Commands to copy, and the pull command in the words of each client.

use leptos::prelude::*;

use crate::islands::copy::CopyButton;

/// A command on its own line with a copy button.
pub(crate) fn command(text: String) -> AnyView {
    view! {
        <div class="command">
            <code tabindex="0">{text.clone()}</code>
            <CopyButton text=text label="Copy command".to_owned()/>
        </div>
    }
    .into_any()
}

/// How each client pulls `reference` (host, path and tag); tabs that need no script.
pub(crate) fn pull(reference: &str) -> AnyView {
    let clients = [
        ("docker", format!("docker pull {reference}")),
        ("podman", format!("podman pull {reference}")),
        ("skopeo", format!("skopeo copy docker://{reference} oci:image")),
        ("Kubernetes", format!("image: {reference}")),
    ];
    let heads = clients
        .iter()
        .enumerate()
        .map(|(index, (client, _))| {
            view! {
                <label>
                    <input type="radio" name="client" checked=index == 0 />
                    {*client}
                </label>
            }
        })
        .collect_view();
    let bodies =
        clients.into_iter().map(|(_, text)| view! { <div class="choice-body">{command(text)}</div> }).collect_view();
    view! {
        <div class="choices">
            <div class="choice-heads" role="radiogroup" aria-label="Client">
                {heads}
            </div>
            <div>{bodies}</div>
        </div>
    }
    .into_any()
}
