//! The gateway to the engine: parse, find what is needed, admit, do, answer; and the token service that goes with it.
//! It decides no right by itself: the hub's guard asks `store` for a permit on every request.

pub mod alone;
pub mod challenge;
pub mod credentials;
pub mod gateway;
pub mod htpasswd;
pub mod hub;
pub mod index;
pub mod needs;
pub mod token;

/// The name that the hub's tokens for its own engine are made out to.
pub const SERVICE: &str = "portolan";

/// Every path that `Request::parse` takes, by method; the access matrix walks them.
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
