//! Addresses that settings hold: networks, sites and databases, as far as their spelling goes.
//! It refuses to look whether anything is there.

use std::net::IpAddr;
use std::str::FromStr;

use url::Url;

/// A network as `address/bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    pub(super) fn contains(self, other: IpAddr) -> bool {
        let (mine, theirs) = match (self.address, other.to_canonical()) {
            (IpAddr::V4(mine), IpAddr::V4(theirs)) => {
                (u128::from(mine.to_bits()) << 96, u128::from(theirs.to_bits()) << 96)
            }
            (IpAddr::V6(mine), IpAddr::V6(theirs)) => (mine.to_bits(), theirs.to_bits()),
            _ => return false,
        };
        let differing = mine ^ theirs;
        differing.leading_zeros() >= u32::from(self.bits)
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), str::parse).map_err(|_| ())?;
        if bits > width { Err(()) } else { Ok(Self { address, bits }) }
    }
}

pub(super) fn networks(text: &str) -> Option<Vec<Network>> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| part.parse().ok()).collect()
}

/// An address that names a database: an empty path would be SQLite's way to ask for one that is thrown away.
pub(super) fn database(text: &str) -> Option<String> {
    let named = match text.strip_prefix("sqlite:") {
        Some(path) => !path.trim_start_matches('/').is_empty(),
        None => Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "postgres" | "postgresql")),
    };
    named.then(|| text.to_owned())
}

/// The address of a site's root without its trailing slash.
pub(super) fn site_root(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let web = matches!(url.scheme(), "http" | "https") && url.has_host();
    (plain && web).then(|| url.as_str().trim_end_matches('/').to_owned())
}

/// An address with its password, if it holds one, hidden.
pub(super) fn without_password(address: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) if url.password().is_some() => {
            // An address that holds a password takes another one.
            let _ = url.set_password(Some("***"));
            url.to_string()
        }
        _ => address.to_owned(),
    }
}
