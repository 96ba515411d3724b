//! The caller's address and the site's root URL as the caller sees it, also behind trusted proxies.

use std::net::{IpAddr, SocketAddr};
use std::sync::Once;

use http::header::HOST;
use http::{HeaderMap, HeaderName, Uri};

use crate::config::Config;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The address of the connection's other end; an extension of requests to axum's router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Returns the caller's address: the peer's, or if the peer is a trusted proxy, the last address in `X-Forwarded-For`
/// that is not a trusted proxy's. It is unknown behind a proxy in a local network that is not in `trusted_proxies`, so
/// that its users do not share one address.
pub fn address(config: &Config, peer: Option<Peer>, headers: &HeaderMap) -> Option<IpAddr> {
    static WARNED: Once = Once::new();
    let peer = peer?.0.ip().to_canonical();
    if !config.trusts(peer) {
        if headers.contains_key(FORWARDED_FOR) && is_local(peer) {
            WARNED.call_once(|| {
                tracing::warn!(%peer, "requests come through a proxy; add its address to trusted_proxies");
            });
            return None;
        }
        return Some(peer);
    }
    let hops = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let mut hops: Vec<&str> = hops.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut nearest = peer;
    while let Some(hop) = hops.pop() {
        let Ok(address) = hop.parse::<IpAddr>() else { break };
        nearest = address.to_canonical();
        if !config.trusts(nearest) {
            break;
        }
    }
    Some(nearest)
}

/// Whether an address is of this machine or of a private network, where proxies run.
fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

/// Returns the site's root URL as the caller can reach it: the configured public URL if it is set, otherwise a URL with
/// the request's host.
pub fn site_root(config: &Config, peer: Option<Peer>, uri: &Uri, headers: &HeaderMap) -> String {
    if config.public_url_set {
        return config.public_url.clone();
    }
    let named = uri.authority().map(http::uri::Authority::as_str);
    let named = named.or_else(|| headers.get(HOST).and_then(|value| value.to_str().ok())).filter(|host| is_host(host));
    let Some(host) = named else { return config.public_url.clone() };
    let proxied = peer.is_some_and(|peer| config.trusts(peer.0.ip()));
    let https = proxied && headers.get(FORWARDED_PROTO).is_some_and(|value| value == "https");
    format!("{}://{host}", if https { "https" } else { "http" })
}

/// Whether the text is safe in a quoted header parameter and in a URL.
fn is_host(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    !text.is_empty() && text.len() <= 255 && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use http::HeaderValue;

    use super::*;

    fn config(proxies: &str) -> Config {
        Config::resolve(BTreeMap::from([("trusted_proxies", proxies.to_owned())]), [], None).unwrap()
    }

    fn peer(text: &str) -> Peer {
        Peer(text.parse().unwrap())
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_stranger_cannot_choose_the_address_they_are_known_by() {
        let forged = headers(&[("x-forwarded-for", "1.2.3.4")]);
        assert_eq!(address(&config(""), Some(peer("9.9.9.9:1")), &forged), Some("9.9.9.9".parse().unwrap()));
        let through = headers(&[("x-forwarded-for", "1.2.3.4, 8.8.8.8")]);
        assert_eq!(address(&config("10.0.0.1"), Some(peer("10.0.0.1:1")), &through), Some("8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn callers_behind_a_proxy_that_is_not_trusted_do_not_share_its_address() {
        let through = headers(&[("x-forwarded-for", "1.2.3.4")]);
        for proxy in ["127.0.0.1:1", "10.1.2.3:1", "192.168.1.9:1", "172.16.0.1:1", "[::1]:1", "[fd00::1]:1"] {
            assert_eq!(address(&config(""), Some(peer(proxy)), &through), None, "{proxy}");
            let direct = address(&config(""), Some(peer(proxy)), &headers(&[]));
            assert_eq!(direct, Some(peer(proxy).0.ip()), "{proxy}");
        }
        for other in ["8.8.8.8:1", "[2001:db8::1]:1"] {
            let found = address(&config(""), Some(peer(other)), &through);
            assert_eq!(found, Some(peer(other).0.ip()), "anyone can send the header");
        }
    }

    #[test]
    fn without_a_public_address_the_one_that_was_asked_is_used() {
        let uri = Uri::from_static("/v2/");
        let root = site_root(&config(""), None, &uri, &headers(&[("host", "127.0.0.1:5001")]));
        assert_eq!(root, "http://127.0.0.1:5001");
        let root = site_root(&config(""), None, &uri, &headers(&[("host", "a\",realm=\"b")]));
        assert_eq!(root, "http://127.0.0.1:5000");
    }

    #[test]
    fn only_a_trusted_proxy_may_say_that_the_caller_used_tls() {
        let (uri, said) = (Uri::from_static("/"), headers(&[("host", "hub.example"), ("x-forwarded-proto", "https")]));
        assert_eq!(site_root(&config(""), Some(peer("10.0.0.1:1")), &uri, &said), "http://hub.example");
        assert_eq!(site_root(&config("10.0.0.1"), Some(peer("10.0.0.1:1")), &uri, &said), "https://hub.example");
    }
}
