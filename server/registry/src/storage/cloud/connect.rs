//! Connecting to an object store by its URL and options.

use std::collections::BTreeMap;
use std::sync::Once;
use std::time::Duration;

use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::{HttpTransporter, Operator, services};
use opendal_http_transport_reqwest::ReqwestTransport;
use thiserror::Error;

use super::sas::Signer;
use super::swift::{Swift, SwiftError};
use super::{Cloud, Redirects, Source};

/// The schemes of URLs of object stores.
pub const SCHEMES: [&str; 5] = ["s3", "azblob", "gcs", "swift", "oss"];

/// The time limit for connecting.
const CONNECT: Duration = Duration::from_secs(10);
/// The time limit for a call without a body, and for each part or piece of a body.
const CALL: Duration = Duration::from_mins(1);
const BODY: Duration = Duration::from_mins(1);
/// How often a call that has failed is repeated, after waits from a tenth of a second that double.
const RETRIES: usize = 5;
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Why an object store cannot be used.
#[derive(Debug, Error)]
pub enum CloudError {
    /// The URL is malformed.
    #[error("an object store's URL is <service>://<bucket> or <service>://<bucket>/<prefix>, with one of the services {}", SCHEMES.join(", "))]
    Url,
    /// The HTTP client cannot be created.
    #[error("cannot create the HTTP client")]
    Client(#[source] reqwest::Error),
    /// An option is missing or invalid.
    #[error("the storage options are not valid")]
    Options(#[source] opendal::Error),
    /// Redirects need an option that is missing.
    #[error("storage_redirect needs the storage options {0}")]
    Redirect(&'static str),
    /// An option of Swift is missing.
    #[error("the storage options are not valid")]
    Swift(#[source] SwiftError),
}

impl Cloud {
    /// Prepares the use of a store. `options` are those of OpenDAL's service. With `redirect`, clients read objects with
    /// URLs of the store. Sends no request.
    pub fn open(url: &str, options: &BTreeMap<String, String>, redirect: bool) -> Result<Self, CloudError> {
        let client = install_transport()?;
        let (service, place) = url.split_once("://").ok_or(CloudError::Url)?;
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let prefix = prefix.trim_matches('/');
        // What needs no encoding in a URL.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
        if bucket.is_empty() || !prefix.bytes().all(plain) || prefix.contains("//") {
            return Err(CloudError::Url);
        }
        let (given, mut options) = (options, options.clone());
        options.insert("root".to_owned(), format!("/{prefix}"));
        let name = if matches!(service, "azblob" | "swift") { "container" } else { "bucket" };
        options.insert(name.to_owned(), bucket.to_owned());
        for key in alone(service, &options) {
            options.entry((*key).to_owned()).or_insert_with(|| "true".to_owned());
        }
        let redirects = match (redirect, service) {
            (false, _) => Redirects::Never,
            (true, "azblob") => {
                let signer = signer(given, bucket, prefix)
                    .ok_or(CloudError::Redirect("endpoint, account_name and account_key"))?;
                Redirects::Azure(Box::new(signer))
            }

            (true, "swift") if !given.contains_key("temp_url_key") => return Err(CloudError::Redirect("temp_url_key")),
            (true, "gcs") if !given.contains_key("credential") => return Err(CloudError::Redirect("credential")),
            (true, _) => Redirects::Presigned,
        };
        let operator = match service {
            "swift" => {
                let swift = Swift::new(client, options, reliable).map_err(CloudError::Swift)?;
                return Ok(Self::new(Source::Swift(Box::new(swift)), redirects));
            }
            "s3" => {
                // Elsewhere than at AWS, where it may come from the environment, the region has no meaning.
                if options.contains_key("endpoint") && !options.contains_key("aws_region") {
                    options.entry("region".to_owned()).or_insert_with(|| "us-east-1".to_owned());
                }
                options.entry("checksum_algorithm".to_owned()).or_insert_with(|| "crc32c".to_owned());
                Operator::from_iter::<services::S3>(options)
            }
            "azblob" => Operator::from_iter::<services::Azblob>(options),
            "gcs" => Operator::from_iter::<services::Gcs>(options),
            "oss" => Operator::from_iter::<services::Oss>(options),
            _ => return Err(CloudError::Url),
        };
        Ok(Self::new(Source::Fixed(reliable(operator.map_err(CloudError::Options)?)), redirects))
    }
}

/// Adds time limits and retries.
fn reliable(operator: Operator) -> Operator {
    let retry =
        RetryLayer::new().with_max_times(RETRIES).with_min_delay(FIRST_WAIT).with_max_delay(LONGEST_WAIT).with_jitter();
    operator.layer(TimeoutLayer::new().with_timeout(CALL).with_io_timeout(BODY)).layer(retry)
}

/// The options that keep a service from looking for credentials elsewhere, if the given ones suffice.
fn alone(service: &str, options: &BTreeMap<String, String>) -> &'static [&'static str] {
    match service {
        "s3" if options.contains_key("access_key_id") => &["disable_config_load", "disable_ec2_metadata"],
        "gcs" if options.contains_key("credential") || options.contains_key("token") => {
            &["disable_config_load", "disable_vm_metadata"]
        }
        _ => &[],
    }
}

/// Returns a signer for a container of Azure Blob Storage, unless the options contain no key of the account.
fn signer(options: &BTreeMap<String, String>, container: &str, prefix: &str) -> Option<Signer> {
    let option = |name| options.get(name).map(String::as_str);
    let place = if prefix.is_empty() { container.to_owned() } else { format!("{container}/{prefix}") };
    Signer::new(option("endpoint")?, option("account_name")?, &place, option("account_key")?)
}

/// Gives OpenDAL an HTTP client, and returns it.
pub(super) fn install_transport() -> Result<reqwest::Client, CloudError> {
    static ONCE: Once = Once::new();
    // Fails if another part of the process has installed the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().connect_timeout(CONNECT).build().map_err(CloudError::Client)?;
    ONCE.call_once(|| HttpTransporter::install_default(ReqwestTransport::new(client.clone())));
    Ok(client)
}
