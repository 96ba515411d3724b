//! The 401 that tells a client where to get a token and for what (distribution, "Token Authentication Specification").
//! Its text follows from the request alone, so a hidden repository and a missing one are challenged alike.

use std::fmt::Write as _;

use http::HeaderValue;
use model::oci::RepositoryName;
use registry::Error;
use serde_json::{Value, json};

use crate::v2::needs::Need;

/// Why the token that came is not enough; absent when none came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is not ours, or too old.
    InvalidToken,
    /// It is good, and not for this.
    InsufficientScope,
}

/// Where tokens are to be had.
#[derive(Clone, Copy, Debug)]
pub struct Realm<'a> {
    /// The site's root as the caller reaches it.
    pub root: &'a str,
    /// The name that tokens for this engine are made out to.
    pub service: &'a str,
}

/// What a request wants, as scopes.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// Nothing but to be known, as on `/v2/`.
    Nothing,
    /// The catalog.
    Catalog,
    /// Something on a repository, and to read what a mount comes from.
    Repository(&'a RepositoryName, Need, Option<&'a RepositoryName>),
}

/// The answer to a request that a token could allow.
pub fn unauthorized(realm: Realm<'_>, wanted: Wanted<'_>, trouble: Option<Trouble>) -> Error {
    let resources = resources(wanted);
    let mut text = format!("Bearer realm=\"{}/token\",service=\"{}\"", realm.root, realm.service);
    if !resources.is_empty() {
        let scopes: Vec<String> =
            resources.iter().map(|(kind, name, actions)| format!("{kind}:{name}:{}", actions.join(","))).collect();
        let _ = write!(text, ",scope=\"{}\"", scopes.join(" "));
    }
    match trouble {
        Some(Trouble::InvalidToken) => text.push_str(",error=\"invalid_token\""),
        Some(Trouble::InsufficientScope) => text.push_str(",error=\"insufficient_scope\""),
        None => {}
    }
    let detail: Vec<Value> = resources
        .iter()
        .flat_map(|(kind, name, actions)| {
            actions.iter().map(move |action| json!({ "Type": kind, "Name": name, "Action": action }))
        })
        .collect();
    // Names and hosts are visible ASCII by construction.
    let challenge = HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
    Error::Unauthorized { challenge, detail: if detail.is_empty() { Value::Null } else { Value::Array(detail) } }
}

fn resources(wanted: Wanted<'_>) -> Vec<(&'static str, &str, &'static [&'static str])> {
    match wanted {
        Wanted::Nothing => Vec::new(),
        Wanted::Catalog => vec![("registry", "catalog", &["*"])],
        Wanted::Repository(name, need, source) => {
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

    fn header(wanted: Wanted<'_>, trouble: Option<Trouble>) -> String {
        let response = unauthorized(REALM, wanted, trouble).into_response(&Method::GET);
        response.headers()[WWW_AUTHENTICATE].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_client_without_a_token_learns_where_to_get_one() {
        assert_eq!(header(Wanted::Nothing, None), r#"Bearer realm="https://hub.example/token",service="hub.example""#);
    }

    #[test]
    fn a_mount_asks_for_both_repositories_in_one_scope() {
        let (to, from) = (RepositoryName::parse("a/b").unwrap(), RepositoryName::parse("c/d").unwrap());
        assert_eq!(
            header(Wanted::Repository(&to, Need::Create, Some(&from)), Some(Trouble::InsufficientScope)),
            r#"Bearer realm="https://hub.example/token",service="hub.example",scope="repository:a/b:pull,push repository:c/d:pull",error="insufficient_scope""#
        );
    }
}
