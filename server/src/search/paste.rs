//! Recognises what people paste into the search box: addresses of pages, image references, pull commands and digests.

use model::oci::{Digest, RepositoryName};

/// Programs whose `pull` takes an image reference.
const PULLERS: [&str; 6] = ["docker", "podman", "nerdctl", "crictl", "crane", "helm"];
/// The schemes of addresses and references.
const SCHEMES: [&str; 4] = ["https://", "http://", "oci://", "docker://"];

/// Returns the path of the repository that an address, a reference with a host, tag or digest, or a pull command names;
/// `None` if the text is none of these.
pub(crate) fn path(text: &str) -> Option<RepositoryName> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (reference, is_command) = match words.as_slice() {
        [word] => (*word, false),
        [program, "pull", word] if PULLERS.contains(program) => (*word, true),
        _ => return None,
    };
    let without_scheme = SCHEMES.iter().find_map(|scheme| reference.strip_prefix(scheme));
    let rest = without_scheme.unwrap_or(reference);
    let host = rest.split_once('/').filter(|(host, _)| without_scheme.is_some() || is_host(host));
    let named = host.map_or(rest, |(_, path)| path);
    let bare = bare(named);
    // A plain path or word is an ordinary query, which also finds names that begin with it.
    let is_plain = host.is_none() && bare == named;
    if !is_command && (is_plain || !bare.contains('/')) {
        return None;
    }
    RepositoryName::parse(bare).ok().map(RepositoryName::within_hub)
}

/// Returns the digest that the text is.
pub(crate) fn digest(text: &str) -> Option<Digest> {
    Digest::parse(text.trim()).ok()
}

/// Whether the first segment of a reference is a host, as clients decide it: it has a dot or a port, or is `localhost`.
fn is_host(segment: &str) -> bool {
    let (name, port) = segment.split_once(':').map_or((segment, None), |(name, port)| (name, Some(port)));
    let has_port = port.is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_name = !name.is_empty() && name.bytes().all(plain);
    is_name && ((port.is_none() && (name.contains('.') || name == "localhost")) || has_port)
}

/// The path of a reference without its tag and digest, or of the address of a repository's page.
fn bare(named: &str) -> &str {
    let path = named.split(['?', '#', '@']).next().unwrap_or_default();
    if let Some(page) = path.strip_prefix("r/") {
        return page.split("/-/").next().unwrap_or_default().trim_end_matches('/');
    }
    let (folders, last) = path.rsplit_once('/').unwrap_or(("", path));
    let untagged = last.split(':').next().unwrap_or_default();
    let length = if folders.is_empty() { untagged.len() } else { folders.len() + 1 + untagged.len() };
    path.get(..length).unwrap_or_default().trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_texts_name_their_repository() {
        for text in [
            "http://hub.example/r/ada/app",
            "https://hub.example:8443/r/ada/app/-/tags?sort=version#top",
            "hub.example/ada/app",
            "hub.example:5000/ada/app:1.2",
            "localhost:5000/ada/app:1.2",
            "localhost/ada/app",
            "127.0.0.1:5000/ada/app",
            " docker pull hub.example/ada/app:latest ",
            "podman pull hub.example/ada/app@sha256:0123",
            "docker pull ada/app",
            "helm pull oci://hub.example/ada/app",
            "docker://hub.example/ada/app:1",
            "ada/app:1.2",
            "ada/app@sha256:0123",
        ] {
            assert_eq!(path(text).map(String::from).as_deref(), Some("ada/app"), "{text}");
        }
        assert_eq!(path("hub.example/team/deep/app:1").map(String::from).as_deref(), Some("team/deep/app"));
        assert_eq!(path("docker pull redis:7").map(String::from).as_deref(), Some("library/redis"));
    }

    #[test]
    fn ordinary_queries_are_left_alone() {
        for text in [
            "",
            "redis",
            "ada/app",
            "redis:7",
            "ns:team",
            "label:org/x",
            "tag:1.2/3",
            "topic:a/b:c",
            "node.js",
            "docker pull",
            "docker pull a b",
            "pull ada/app",
            "\"ada/app:1\"",
            "https://",
            "http://hub.example/search?q=a",
            "hub.example/",
            "label:1/2",
        ] {
            assert_eq!(path(text), None, "{text}");
        }
        assert!(digest("sha256:0123").is_none() && digest("redis").is_none());
        assert!(digest(&format!(" sha256:{} ", "0".repeat(64))).is_some());
    }
}
