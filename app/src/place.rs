//! The URLs of pages, and the parser for a repository's URL.

use model::oci::RepositoryName;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters that need no encoding in a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'/').remove(b'~');

/// A tab of a repository's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settings {
    General,
    Collaborators,
    Danger,
}

impl Settings {
    pub(crate) const ALL: [Self; 3] = [Self::General, Self::Collaborators, Self::Danger];

    /// The name used in URLs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Collaborators => "collaborators",
            Self::Danger => "danger",
        }
    }
}

/// A page within a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Edit,
    Tags,
    /// An image, by the tag or digest in the URL.
    Image(String),
    Comments,
    Settings(Settings),
}

/// A page of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) repository: RepositoryName,
    pub(crate) section: Section,
}

impl Place {
    /// Parses what follows `/r/`; `None` if it cannot be a page. A component of a name cannot be `-`, so the first
    /// `/-/` ends it.
    pub(crate) fn parse(rest: &str) -> Option<Self> {
        let rest = rest.trim_end_matches('/');
        let (name, tail) = rest.split_once("/-/").unwrap_or((rest, ""));
        let repository = RepositoryName::parse(name).ok()?.within_hub();
        let section = match tail.split_once('/').unwrap_or((tail, "")) {
            ("", "") => Section::Overview,
            ("edit", "") => Section::Edit,
            ("tags", "") => Section::Tags,
            ("tags" | "manifests", reference) if !reference.is_empty() && !reference.contains('/') => {
                Section::Image(reference.to_owned())
            }
            ("comments", "") => Section::Comments,
            ("settings", "") => Section::Settings(Settings::General),
            ("settings", tab) => Section::Settings(Settings::ALL.into_iter().find(|known| known.as_str() == tab)?),
            _ => return None,
        };
        Some(Self { repository, section })
    }
}

/// The URL of a repository.
pub(crate) fn repository(path: &RepositoryName) -> String {
    format!("/r/{path}")
}

/// The URL of a page within a repository, such as `tags`.
pub(crate) fn within(path: &RepositoryName, section: &str) -> String {
    format!("/r/{path}/-/{section}")
}

/// The URL of an image by tag.
pub(crate) fn tag(path: &RepositoryName, tag: &str) -> String {
    format!("/r/{path}/-/tags/{tag}")
}

/// The URL of an image by digest.
pub(crate) fn manifest(path: &RepositoryName, digest: &str) -> String {
    format!("/r/{path}/-/manifests/{digest}")
}

/// The URL of a tab of the settings.
pub(crate) fn settings(path: &RepositoryName, tab: Settings) -> String {
    format!("/r/{path}/-/settings/{}", tab.as_str())
}

/// The URL of an account or organisation.
pub(crate) fn account(name: &str) -> String {
    format!("/u/{name}")
}

/// The URL of the sign-in page that continues with `next`.
pub(crate) fn sign_in(next: &str) -> String {
    format!("/signin{}", query(&[("next", next)]))
}

/// A query string of the parameters that are not empty, with its question mark; empty if there are none.
pub(crate) fn query(parameters: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.extend(utf8_percent_encode(value, QUERY));
    }
    text
}

/// A path on this site to continue with; `/` for anything that might lead to another site or back to sign-in.
pub(crate) fn next_or_home(next: &str) -> String {
    let within = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\n', '\r', '\t']);
    let door = ["/signin", "/signup", "/signout", "/setup", "/invites"].iter().any(|door| next.starts_with(door));
    if within && !door { next.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(rest: &str) -> Option<Section> {
        Place::parse(rest).map(|place| place.section)
    }

    #[test]
    fn a_repository_name_may_hold_slashes_before_its_section() {
        let place = Place::parse("team/app/web/-/tags").unwrap();
        assert_eq!(place.repository.as_str(), "team/app/web");
        assert_eq!(place.section, Section::Tags);
    }

    #[test]
    fn a_one_word_name_is_in_the_library() {
        assert_eq!(Place::parse("alpine").unwrap().repository.as_str(), "library/alpine");
    }

    #[test]
    fn an_image_is_found_by_tag_and_by_digest() {
        assert_eq!(section("a/b/-/tags/1.0"), Some(Section::Image("1.0".into())));
        assert_eq!(section("a/b/-/manifests/sha256:ab"), Some(Section::Image("sha256:ab".into())));
    }

    #[test]
    fn what_is_no_page_has_no_place() {
        for rest in ["", "A/b", "a/b/-/nonsense", "a/b/-/tags/x/y", "a/b/-/settings/webhooks", "a/b/-/edit/x", "-/x"] {
            assert_eq!(Place::parse(rest), None, "{rest}");
        }
    }

    #[test]
    fn going_on_never_leaves_the_site() {
        for next in ["https://evil.example/", "//evil.example", "/\\evil.example", "", "/signin?next=/", "/a\nb"] {
            assert_eq!(next_or_home(next), "/", "{next}");
        }
        assert_eq!(next_or_home("/r/a/b?x=1"), "/r/a/b?x=1");
    }

    #[test]
    fn a_query_leaves_out_what_says_nothing_and_escapes_the_rest() {
        assert_eq!(query(&[("q", "a b&c"), ("sort", ""), ("page", "2")]), "?q=a%20b%26c&page=2");
        assert_eq!(query(&[("q", "")]), "");
    }
}
