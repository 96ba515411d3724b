//! Properties of a request besides its parameters: origin, referring page, and preferences for the response.

use std::net::IpAddr;

use http::header::{ACCEPT, ACCEPT_LANGUAGE, COOKIE, HOST, REFERER};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};
use model::language::Language;
use url::Url;

use crate::http::caller::{self, Peer};
use crate::http::trace::RequestId;
use crate::state::State;

/// The theme cookie, which scripts on the page read and write.
pub(super) const THEME_COOKIE: &str = "theme";

/// The cookie with the language of the pages.
pub(super) const LANGUAGE_COOKIE: &str = "language";

/// The themes; the first is the default.
const THEMES: [&str; 3] = ["auto", "light", "dark"];

/// Actions that answer with a page, so that its forms are sent from the action's address, and the page.
const ANSWERED_BY_PAGE: [(&str, &str); 1] = [("/_actions/tokens/create", "/settings/tokens")];

/// Properties of a request.
#[derive(Clone, Debug)]
pub struct RequestFacts {
    source: Option<IpAddr>,
    pub(super) path: String,
    pub(super) came_from: String,
    pub(super) scripted: bool,
    pub(super) theme: &'static str,
    /// From the cookie, otherwise from `Accept-Language`.
    pub(super) language: Language,
    pub(super) request_id: String,
    pub(super) https: bool,
}

impl RequestFacts {
    /// Reads the properties of a request, with defaults for missing or invalid ones.
    pub fn read(parts: &Parts, state: &State) -> Self {
        let peer = parts.extensions.get::<Peer>().copied();
        let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        Self {
            source: caller::address(&state.config, peer, &parts.headers),
            came_from: came_from(parts).unwrap_or_else(|| "/".to_owned()),
            scripted: scripted(parts),
            theme: theme(&parts.headers),
            language: language(&parts.headers),
            request_id: parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default(),
            https: state.config.https(),
            path,
        }
    }

    /// The caller's address, if known.
    pub fn source(&self) -> Option<IpAddr> {
        self.source
    }
}

/// Whether one of our scripts sent the request and expects a value instead of a page. Scripts only call actions.
fn scripted(parts: &Parts) -> bool {
    parts.method == Method::POST && !said(&parts.headers, ACCEPT).is_some_and(|accept| accept.contains("text/html"))
}

fn said(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The path and query of a `Referer` from this site.
fn came_from(parts: &Parts) -> Option<String> {
    let referer = Url::parse(said(&parts.headers, REFERER)?).ok()?;
    let here = parts.uri.authority().map(http::uri::Authority::as_str).or_else(|| said(&parts.headers, HOST))?;
    let theirs = referer.port().map_or_else(
        || referer.host_str().map(str::to_owned),
        |port| referer.host_str().map(|host| format!("{host}:{port}")),
    )?;
    if !theirs.eq_ignore_ascii_case(here.trim_end_matches(":443").trim_end_matches(":80")) {
        return None;
    }
    if let Some((_, page)) = ANSWERED_BY_PAGE.iter().find(|(action, _)| *action == referer.path()) {
        return Some((*page).to_owned());
    }
    let query = referer.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{}{query}", referer.path()))
}

fn theme(headers: &HeaderMap) -> &'static str {
    cookie(headers, THEME_COOKIE).map_or(THEMES[0], known_theme)
}

fn language(headers: &HeaderMap) -> Language {
    let kept = cookie(headers, LANGUAGE_COOKIE).and_then(|value| value.parse().ok());
    kept.or_else(|| said(headers, ACCEPT_LANGUAGE).and_then(Language::preferred)).unwrap_or_default()
}

/// The value of a cookie.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// The theme with this name, or the default.
pub(super) fn known_theme(name: &str) -> &'static str {
    THEMES.into_iter().find(|theme| *theme == name).unwrap_or(THEMES[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri("/r/a/b?x=1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_a_page_of_this_site_is_where_a_form_came_from() {
        let from = |referer: &str| came_from(&parts(&[("host", "hub.example:5000"), ("referer", referer)]));
        assert_eq!(from("http://hub.example:5000/r/a/b?tab=1#x").as_deref(), Some("/r/a/b?tab=1"));
        assert_eq!(from("http://hub.example:5000/_actions/tokens/create").as_deref(), Some("/settings/tokens"));
        for other in [
            "http://evil.example/r",
            "http://hub.example/r",
            "hub.example:5000",
            "",
            "http://hub.example:5000@evil.example/",
        ] {
            assert_eq!(from(other), None, "{other}");
        }
        assert_eq!(
            came_from(&parts(&[("host", "hub.example"), ("referer", "https://hub.example/a")])).as_deref(),
            Some("/a")
        );
    }

    #[test]
    fn only_an_act_is_for_scripts() {
        assert!(!scripted(&parts(&[])));
        let mut act = parts(&[("accept", "application/json")]);
        act.method = Method::POST;
        assert!(scripted(&act));
        act.headers.insert(ACCEPT, http::HeaderValue::from_static("text/html,*/*"));
        assert!(!scripted(&act));
    }

    #[test]
    fn the_cookie_chooses_the_language_before_the_browser_does() {
        let of = |headers: &[(&str, &str)]| language(&parts(headers).headers);
        assert_eq!(of(&[("accept-language", "zh-CN,en;q=0.5")]), Language::Chinese);
        assert_eq!(of(&[("cookie", "language=en"), ("accept-language", "zh-CN")]), Language::English);
        assert_eq!(of(&[("cookie", "a=b; language=zh-CN")]), Language::Chinese);
        assert_eq!(of(&[("cookie", "language=tlh"), ("accept-language", "zh")]), Language::Chinese);
        assert_eq!(of(&[]), Language::English);
    }

    #[test]
    fn an_unknown_theme_is_the_default() {
        assert_eq!(theme(&parts(&[("cookie", "a=b; theme=dark")]).headers), "dark");
        assert_eq!(theme(&parts(&[("cookie", "theme=<script>")]).headers), "auto");
        assert_eq!(theme(&parts(&[]).headers), "auto");
    }
}
