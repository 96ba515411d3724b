//! The registry API below `/v2`, the token service, and the search calls of the old registry index.

pub mod caller;
pub mod challenge;
pub mod gateway;
pub mod htpasswd;
pub mod hub;
pub mod index;
pub mod need;
pub mod operation;
pub mod standalone;
pub mod token;

/// The name of the hub's registry in tokens (their `service`).
pub const SERVICE: &str = "portolan";

/// The routes that `registry::Request::parse` accepts, for the tests of the access matrix. HEAD is listed only for
/// manifests.
pub const ROUTES: [(&str, &str); 18] = [
    ("GET", "/v2/"),
    ("GET", "/v2/_catalog"),
    ("GET", "/v2/_oci/ext/discover"),
    ("GET", "/v2/{name}/_oci/ext/discover"),
    ("GET", "/v2/{name}/tags/list"),
    ("GET", "/v2/{name}/referrers/{digest}"),
    ("GET", "/v2/{name}/manifests/{reference}"),
    ("PUT", "/v2/{name}/manifests/{reference}"),
    ("DELETE", "/v2/{name}/manifests/{reference}"),
    ("GET", "/v2/{name}/blobs/{digest}"),
    ("DELETE", "/v2/{name}/blobs/{digest}"),
    ("POST", "/v2/{name}/blobs/uploads/"),
    ("POST", "/v2/{name}/blobs/uploads/?mount={digest}&from={source}"),
    ("GET", "/v2/{name}/blobs/uploads/{upload}"),
    ("PATCH", "/v2/{name}/blobs/uploads/{upload}"),
    ("PUT", "/v2/{name}/blobs/uploads/{upload}"),
    ("DELETE", "/v2/{name}/blobs/uploads/{upload}"),
    ("HEAD", "/v2/{name}/manifests/{reference}"),
];
