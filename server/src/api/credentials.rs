//! Who calls: a personal access token as Bearer, or a name with a password or token as Basic, asked afresh on each request.
//! It refuses to know how either is checked.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use model::token::SECRET_PREFIX;
use store::access::Viewer;

use super::problem::Problem;
use crate::portal::told;
use crate::state::State;

/// The viewer that the request's credentials make; anonymous where there are none.
pub(super) async fn viewer(state: &State, headers: &HeaderMap, source: Option<IpAddr>) -> Result<Viewer, Problem> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let Some(header) = given.next() else { return Ok(state.store.anonymous()) };
    if given.next().is_some() {
        return Err(Problem::credentials());
    }
    let checked = match header.to_str().ok().and_then(parse).ok_or_else(Problem::credentials)? {
        Credentials::Token(secret) => state.store.secret_viewer(&secret).await,
        Credentials::Password { name, password } => state.store.sign_in(&name, &password, source).await,
    };
    checked.map_err(|error| match error {
        store::Error::SignIn | store::Error::Absent | store::Error::Forbidden => Problem::credentials(),
        error => told(error).into(),
    })
}

enum Credentials {
    Token(String),
    Password { name: String, password: String },
}

fn parse(header: &str) -> Option<Credentials> {
    let (scheme, value) = header.split_once(' ')?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return value.starts_with(SECRET_PREFIX).then(|| Credentials::Token(value.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some(Credentials::Password { name: name.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_of_ours_and_basic_are_taken() {
        assert!(matches!(parse("Bearer ptl_x"), Some(Credentials::Token(secret)) if secret == "ptl_x"));
        assert!(matches!(
            parse("basic YWRhOnBhOnNz"),
            Some(Credentials::Password { name, password }) if name == "ada" && password == "pa:ss"
        ));
        for other in ["", "Bearer", "Bearer eyJ.x.y", "Digest x", "Basic !!!", "Basic YWRh"] {
            assert!(parse(other).is_none(), "{other}");
        }
    }
}
