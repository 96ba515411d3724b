//! Read-only addresses of blobs in Azure Blob Storage: a service SAS, signed with the account's key. OpenDAL's presigned
//! URLs for this service also allow writing and deleting.

use std::time::Duration;

use data_encoding::BASE64;
use model::clock::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;

/// The version of the service whose rules for signing apply.
const VERSION: &str = "2020-12-06";
/// How much the clocks of this node and of the service may differ.
const SKEW: Duration = Duration::from_mins(5);
/// What need not be encoded in a query.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The key of a storage account, for one container.
pub(super) struct Signer {
    /// The container's URL, without a slash at its end.
    container_url: String,
    /// The account and the container, as they are signed.
    resource: String,
    key: hmac::Key,
}

impl Signer {
    /// Creates a signer from the options of the service; `None` if they contain no key.
    pub(super) fn new(endpoint: &str, account: &str, container: &str, key: &str) -> Option<Self> {
        let key = BASE64.decode(key.as_bytes()).ok()?;
        let container_url = format!("{}/{container}", endpoint.trim_end_matches('/'));
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        Some(Self { container_url, resource: format!("/blob/{account}/{container}"), key })
    }

    /// Returns a URL with which anyone can read a blob for this time. `name` must need no percent-encoding.
    pub(super) fn read_url(&self, name: &str, media_type: &str, now: Timestamp, valid: Duration) -> String {
        let (start, expiry) = (moment(now.minus(SKEW)), moment(now.plus(valid)));
        let resource = format!("{}/{name}", self.resource);
        // Permissions, start, expiry, resource, identifier, addresses, protocol, version, kind of resource, snapshot,
        // encryption scope, and the overridden headers: Cache-Control, Content-Disposition, -Encoding, -Language, -Type.
        let signed =
            ["r", &start, &expiry, &resource, "", "", "", VERSION, "b", "", "", "", "", "", "", media_type].join("\n");
        let signature = BASE64.encode(hmac::sign(&self.key, signed.as_bytes()).as_ref());
        let query = [
            ("sp", "r"),
            ("st", &start),
            ("se", &expiry),
            ("sv", VERSION),
            ("sr", "b"),
            ("rsct", media_type),
            ("sig", &signature),
        ];
        let query: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, UNRESERVED))).collect();
        format!("{}/{name}?{}", self.container_url, query.join("&"))
    }
}

/// A time in whole seconds, as `2026-01-01T00:00:00Z`.
fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{}Z", text.get(..19).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_whole_seconds() {
        assert_eq!(moment(Timestamp::from_micros(1_767_225_600_123_456)), "2026-01-01T00:00:00Z");
    }

    #[test]
    fn a_url_names_the_blob_and_allows_only_reading() {
        let signer = Signer::new("https://acme.blob.core.windows.net/", "acme", "images", "a2V5").unwrap();
        let now = Timestamp::from_micros(1_767_225_600_000_000);
        let url = signer.read_url("00/abc", "application/octet-stream", now, Duration::from_mins(5));
        assert!(
            url.starts_with("https://acme.blob.core.windows.net/images/00/abc?sp=r&st=2025-12-31T23%3A55%3A00Z"),
            "{url}"
        );
        assert!(url.contains("se=2026-01-01T00%3A05%3A00Z") && url.contains("sr=b"), "{url}");
        assert!(Signer::new("https://x", "acme", "images", "no base64!").is_none());
    }
}
