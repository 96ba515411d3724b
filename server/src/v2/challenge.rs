//! The 401 response that tells a client where to get a token and with which scope (distribution, "Token Authentication
//! Specification"). It depends on the request only, so it is the same for a hidden repository and for a missing one.

use std::fmt::Write as _;

use http::HeaderValue;
use model::oci::RepositoryName;
use registry::Error;
use serde_json::{Value, json};

use crate::v2::need::Need;

/// Why the token in a request was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// The token is malformed, expired or from another issuer.
    InvalidToken,
    /// The token is valid but lacks a scope.
    InsufficientScope,
}

/// Where tokens are issued.
#[derive(Clone, Copy, Debug)]
pub struct Realm<'a> {
    /// The site's root as the caller reaches it.
    pub root: &'a str,
    /// The name of this registry in tokens.
    pub service: &'a str,
}

/// The scopes that a request needs.
#[derive(Clone, Copy, Debug)]
pub enum RequiredScope<'a> {
    /// No scope, as for `/v2/`: any valid token is accepted.
    Nothing,
    /// The catalog.
    Catalog,
    /// A permission on a repository, and pull on the source of a mount.
    Repository(&'a RepositoryName, Need, Option<&'a RepositoryName>),
}

/// Creates the error for a request that a token could allow.
pub fn unauthorized(realm: Realm<'_>, wanted: RequiredScope<'_>, error: Option<TokenError>) -> Error {
    let resources = resources(wanted);
    let mut text = format!("Bearer realm=\"{}/token\",service=\"{}\"", realm.root, realm.service);
    if !resources.is_empty() {
        let scopes: Vec<String> =
            resources.iter().map(|(kind, name, actions)| format!("{kind}:{name}:{}", actions.join(","))).collect();
        let _ = write!(text, ",scope=\"{}\"", scopes.join(" "));
    }
    match error {
        Some(TokenError::InvalidToken) => text.push_str(",error=\"invalid_token\""),
        Some(TokenError::InsufficientScope) => text.push_str(",error=\"insufficient_scope\""),
        None => {}
    }
    let detail: Vec<Value> = resources
        .iter()
        .flat_map(|(kind, name, actions)| {
            actions.iter().map(move |action| json!({ "Type": kind, "Name": name, "Action": action }))
        })
        .collect();
    // Names and hosts are always visible ASCII.
    let challenge = HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
    Error::Unauthorized { challenge, detail: if detail.is_empty() { Value::Null } else { Value::Array(detail) } }
}

fn resources(wanted: RequiredScope<'_>) -> Vec<(&'static str, &str, &'static [&'static str])> {
    match wanted {
        RequiredScope::Nothing => Vec::new(),
        RequiredScope::Catalog => vec![("registry", "catalog", &["*"])],
        RequiredScope::Repository(name, need, source) => {
            let mut resources = vec![("repository", name.as_str(), need.actions())];
            if let Some(source) = source.filter(|source| *source != name) {
                resources.push(("repository", source.as_str(), Need::Pull.actions()));
            }
            resources
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use http::header::WWW_AUTHENTICATE;

    use super::*;

    const REALM: Realm<'_> = Realm { root: "https://hub.example", service: "hub.example" };

    fn header(wanted: RequiredScope<'_>, error: Option<TokenError>) -> String {
        let response = unauthorized(REALM, wanted, error).into_response(&Method::GET);
        response.headers()[WWW_AUTHENTICATE].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_client_without_a_token_learns_where_to_get_one() {
        assert_eq!(
            header(RequiredScope::Nothing, None),
            r#"Bearer realm="https://hub.example/token",service="hub.example""#
        );
    }

    #[test]
    fn a_mount_asks_for_both_repositories_in_one_scope() {
        let (to, from) = (RepositoryName::parse("a/b").unwrap(), RepositoryName::parse("c/d").unwrap());
        assert_eq!(
            header(RequiredScope::Repository(&to, Need::Create, Some(&from)), Some(TokenError::InsufficientScope)),
            r#"Bearer realm="https://hub.example/token",service="hub.example",scope="repository:a/b:pull,push repository:c/d:pull",error="insufficient_scope""#
        );
    }
}
