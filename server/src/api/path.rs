//! Turns a repository's path into one segment, so that `/repositories/{path}/-/tags` is an ordinary route.

use http::Uri;
use http::uri::PathAndQuery;

use super::PREFIX;

/// Encodes the slashes in the repository part of a request's path; other paths are not changed.
pub(super) fn fold(uri: &mut Uri) {
    let Some(folded) = folded(uri.path()) else { return };
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    let mut parts = uri.clone().into_parts();
    // Encoding slashes keeps the path valid.
    if let Ok(path) = PathAndQuery::try_from(format!("{folded}{query}")) {
        parts.path_and_query = Some(path);
        if let Ok(changed) = Uri::from_parts(parts) {
            *uri = changed;
        }
    }
}

fn folded(path: &str) -> Option<String> {
    let rest = path.strip_prefix(PREFIX)?.strip_prefix("/repositories/")?;
    // A repository's path ends at the first `/-/`, or at the end.
    let end = rest.find("/-/").unwrap_or(rest.len());
    let (repository, below) = rest.split_at_checked(end)?;
    Some(format!("{PREFIX}/repositories/{}{below}", repository.replace('/', "%2F")))
}

#[cfg(test)]
mod tests {
    fn fold(text: &str) -> String {
        let mut uri = text.parse().unwrap();
        super::fold(&mut uri);
        uri.to_string()
    }

    #[test]
    fn a_repository_path_may_hold_slashes_and_words_of_the_interface() {
        assert_eq!(
            fold("/api/v1/repositories/team/tags/star/-/tags/v1?a=b/c"),
            "/api/v1/repositories/team%2Ftags%2Fstar/-/tags/v1?a=b/c"
        );
        assert_eq!(fold("/api/v1/repositories/a/b"), "/api/v1/repositories/a%2Fb");
        assert_eq!(fold("http://hub.example/api/v1/repositories/a/b"), "http://hub.example/api/v1/repositories/a%2Fb");
    }

    #[test]
    fn other_paths_stay() {
        for path in ["/api/v1/repositories", "/api/v1/users/a", "/r/a/b", "/api/v1/user/tokens/1?x=/repositories/a/b"] {
            assert_eq!(fold(path), path);
        }
    }
}
