//! The paths under which the hub serves pictures of other hosts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use store::SharedKey;
use url::Url;

use crate::outbound;

/// What the paths of all pictures start with.
pub const PREFIX: &str = "/-/pictures/";

/// The longest URL of a picture, in bytes.
const LONGEST: usize = 2048;

/// Makes and checks the paths of pictures. Each contains the picture's URL and its keyed hash (HMAC-SHA256), so that the
/// hub only fetches what a text on it shows.
#[derive(Debug)]
pub struct PictureLinks {
    key: hmac::Key,
}

impl PictureLinks {
    /// Creates links with a key that all nodes share.
    pub fn new(key: &SharedKey) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// Returns the path of the picture at a URL, if the hub would fetch it.
    pub fn path(&self, source: &str) -> Option<String> {
        let mut url = Url::parse(source).ok()?;
        url.set_fragment(None);
        if url.as_str().len() > LONGEST || !outbound::is_acceptable(&url) {
            return None;
        }
        let hash = URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, url.as_str().as_bytes()));
        Some(format!("{PREFIX}{hash}/{}", URL_SAFE_NO_PAD.encode(url.as_str())))
    }

    /// Returns the URL in a path, unless the path was not made with this key.
    pub fn source(&self, hash: &str, encoded: &str) -> Option<Url> {
        let url = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        hmac::verify(&self.key, &url, &URL_SAFE_NO_PAD.decode(hash).ok()?).ok()?;
        Url::parse(str::from_utf8(&url).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(path: &str) -> (&str, &str) {
        path.strip_prefix(PREFIX).unwrap().split_once('/').unwrap()
    }

    #[test]
    fn a_path_leads_to_its_url_and_only_with_the_key_that_made_it() {
        let links = PictureLinks::new(&[1; 32]);
        let path = links.path("HTTPS://X.example/a b.png?c=%20#d").unwrap();
        let (hash, encoded) = parts(&path);
        assert_eq!(links.source(hash, encoded).unwrap().as_str(), "https://x.example/a%20b.png?c=%20");
        assert!(PictureLinks::new(&[2; 32]).source(hash, encoded).is_none());
        let other = links.path("https://x.example/other.png").unwrap();
        let (other_hash, other_encoded) = parts(&other);
        for (hash, encoded) in [
            (other_hash, encoded),
            (hash, other_encoded),
            ("", encoded),
            (&hash[..20], encoded),
            (hash, ""),
            (hash, "%"),
            ("-", "-"),
        ] {
            assert!(links.source(hash, encoded).is_none(), "{hash} {encoded}");
        }
    }

    #[test]
    fn only_urls_that_can_be_fetched_have_a_path() {
        let links = PictureLinks::new(&[1; 32]);
        let long = format!("https://x.example/{}", "a".repeat(LONGEST));
        for source in ["", "a.png", "/a.png", "//x.example/a.png", "data:image/gif;base64,", "ftp://x.example/a", &long]
        {
            assert!(links.path(source).is_none(), "{source}");
        }
    }
}
