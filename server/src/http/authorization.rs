//! Parser for the `Authorization` header, shared by REST, the registry and the token service.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use model::token::SECRET_PREFIX;

/// The unverified credentials of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials<'a> {
    /// None were sent.
    None,
    /// A token of the token service.
    Token(&'a str),
    /// A personal access token's secret.
    Secret(&'a str),
    /// A name and a password (RFC 7617).
    Basic {
        /// The name; never empty.
        name: String,
        /// The password, which may be a personal access token's secret.
        password: String,
    },
    /// The header is malformed or has an unknown scheme.
    Unreadable,
}

impl<'a> Credentials<'a> {
    /// Parses the header. Several headers are [`Credentials::Unreadable`].
    pub fn of(headers: &'a HeaderMap) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Self::None };
        if values.next().is_some() {
            return Self::Unreadable;
        }
        let Some((scheme, rest)) = value.to_str().ok().and_then(|text| text.trim().split_once(' ')) else {
            return Self::Unreadable;
        };
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return if rest.starts_with(SECRET_PREFIX) { Self::Secret(rest) } else { Self::Token(rest) };
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Self::Unreadable;
        }
        let decoded = STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match decoded.as_deref().and_then(|text| text.split_once(':')) {
            // Some clients send an empty name and password instead of none.
            Some(("", "")) => Self::None,
            Some((name, password)) if !name.is_empty() => {
                Self::Basic { name: name.to_owned(), password: password.to_owned() }
            }
            _ => Self::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(text: &str) -> (String, bool) {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(text).unwrap());
        let credentials = Credentials::of(&headers);
        (format!("{credentials:?}"), credentials == Credentials::Unreadable)
    }

    #[test]
    fn a_password_may_hold_colons_and_the_scheme_any_case() {
        let headers =
            [(AUTHORIZATION, HeaderValue::from_static("bAsIc YWRhOnA6dw=="))].into_iter().collect::<HeaderMap>();
        assert_eq!(
            Credentials::of(&headers),
            Credentials::Basic { name: "ada".to_owned(), password: "p:w".to_owned() }
        );
    }

    #[test]
    fn a_secret_is_told_from_a_token_by_its_prefix() {
        assert!(of("Bearer ptl_abc").0.starts_with("Secret"));
        assert!(of("Bearer ey.ab.cd").0.starts_with("Token"));
    }

    #[test]
    fn an_empty_name_and_password_are_no_credentials() {
        assert_eq!(of("Basic Og=="), ("None".to_owned(), false));
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_nothing() {
        for text in ["Basic ???", "Negotiate abc", "Bearer", "Basic YWRh", "Basic OnA="] {
            assert!(of(text).1, "{text}");
        }
    }
}
