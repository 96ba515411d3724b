//! Commands with copy buttons, and pull commands for each client.

use leptos::prelude::*;
use model::oci::{Digest, Reference};

use super::artifact::{Artifact, address};
use super::copy::copy;
use crate::texts::text;

/// A command on its own line with a copy button. It may break after a slash or before the tag.
pub(crate) fn command(text: String) -> AnyView {
    let shown = pieces(&text)
        .into_iter()
        .enumerate()
        .map(|(index, piece)| view! { {(index > 0).then(|| view! { <wbr/> })} {piece.to_owned()} })
        .collect_view();
    view! {
        <div class="command">
            <code tabindex="0">{shown}</code>
            {copy(text, text!(copy.command))}
        </div>
    }
    .into_any()
}

/// Pull commands for a tag or digest, in tabs that need no script. `repository` is host and path, `artifact` the kind of
/// what is not a container image, and `subject` the image that it is about.
pub(crate) fn pull(
    repository: &str,
    reference: &Reference,
    artifact: Option<Artifact>,
    subject: Option<&Digest>,
) -> AnyView {
    let clients = if let Some(artifact) = artifact {
        artifact.clients(repository, reference, subject)
    } else {
        let whole = address(repository, reference);
        vec![
            ("docker", format!("docker pull {whole}")),
            ("podman", format!("podman pull {whole}")),
            ("skopeo", format!("skopeo copy docker://{whole} oci:image")),
            ("Kubernetes", format!("image: {whole}")),
        ]
    };
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
            <div class="choice-heads" role="radiogroup" aria-label=text!(copy.client)>
                {heads}
            </div>
            <div>{bodies}</div>
        </div>
    }
    .into_any()
}

/// Splits the text where it may break: after slashes and before the tag. No piece is empty.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for ((_, before), (at, after)) in text.char_indices().zip(text.char_indices().skip(1)) {
        let (left, right) = text.split_at(at);
        let slash_left = left.rsplit(' ').next().is_some_and(|word| word.contains('/'));
        let slash_right = right.split(' ').next().is_some_and(|word| word.contains('/'));
        if (before == '/' && after != '/') || (after == ':' && slash_left && !slash_right) {
            pieces.extend(left.get(start..));
            start = at;
        }
    }
    pieces.extend(text.get(start..));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_breaks_after_a_slash_and_before_its_tag_alone() {
        let broken = |text: &str| pieces(text).join("|");
        assert_eq!(broken("docker pull hub:5000/a/b:1.0"), "docker pull hub:5000/|a/|b|:1.0");
        assert_eq!(broken("skopeo copy docker://hub/a:1 oci:image"), "skopeo copy docker://|hub/|a|:1 oci:image");
        assert_eq!(broken("docker login hub:5000"), "docker login hub:5000");
    }
}
