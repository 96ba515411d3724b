//! Parsers for the addresses in settings: networks, sites and databases.

use std::net::IpAddr;

use ipnet::IpNet;
use registry::storage::cloud::SCHEMES;
use url::Url;

/// Parses networks separated by commas; a plain address is a network of one.
pub(super) fn networks(text: &str) -> Option<Vec<IpNet>> {
    let network = |part: &str| part.parse().or_else(|_| part.parse::<IpAddr>().map(IpNet::from)).ok();
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(network).collect()
}

/// Parses a database URL. An empty path is rejected, because SQLite would use a temporary database.
pub(super) fn database(text: &str) -> Option<String> {
    let named = match text.strip_prefix("sqlite:") {
        Some(path) => !path.trim_start_matches('/').is_empty(),
        None => Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "postgres" | "postgresql")),
    };
    named.then(|| text.to_owned())
}

/// Parses the URL of a storage: a folder or an object store.
pub(super) fn storage(text: &str) -> Option<String> {
    let (scheme, place) = text.split_once("://")?;
    ((scheme == "file" || SCHEMES.contains(&scheme)) && !place.is_empty()).then(|| text.to_owned())
}

/// Parses a site's root URL and removes the trailing slash.
pub(super) fn site_root(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let web = matches!(url.scheme(), "http" | "https") && url.has_host();
    (plain && web).then(|| url.as_str().trim_end_matches('/').to_owned())
}

/// Replaces the password in a URL, if any.
pub(super) fn without_password(address: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) if url.password().is_some() => {
            // A URL with a password accepts another one.
            let _ = url.set_password(Some("***"));
            url.to_string()
        }
        _ => address.to_owned(),
    }
}
