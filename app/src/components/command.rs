//! Commands to copy, and the pull command in the words of each client.

use leptos::prelude::*;

use crate::islands::copy::CopyButton;

/// A command on its own line with a copy button. Where it has to break, it does so after a slash or before the tag.
pub(crate) fn command(text: String) -> AnyView {
    let (path, tag) = split_tag(&text);
    let path = path.split_inclusive('/').map(|part| view! { {part.to_owned()} <wbr/> }).collect_view();
    view! {
        <div class="command">
            <code tabindex="0">{path} {tag.to_owned()}</code>
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

/// What stands before the tag, and the tag with its colon; all of it and nothing where there is none.
fn split_tag(text: &str) -> (&str, &str) {
    let name = text.rfind('/').unwrap_or(text.len());
    let tag = text.rfind(':').filter(|colon| *colon > name).unwrap_or(text.len());
    text.split_at(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_breaks_before_its_tag_and_never_before_a_port() {
        for (path, tag) in
            [("docker pull hub:5000/a/b", ":1.0"), ("docker push hub/a/b", ""), ("docker login hub:5000", "")]
        {
            assert_eq!(split_tag(&format!("{path}{tag}")), (path, tag));
        }
    }
}
