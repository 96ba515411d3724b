//! The stylesheet, icons, favicon and islands that are built into the binary, under paths that contain a hash of their
//! content. Pages work without them.

use app::portal::Islands;
use axum::body::Body;
use data_encoding::HEXLOWER;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

/// The path under which the built-in files are mounted.
pub const PREFIX: &str = "/static";

#[derive(RustEmbed)]
#[folder = "../target/site"]
struct Bundle;

/// The built-in files of this build.
///
/// Every path below [`PREFIX`] starts with one hash of all files, followed by the file's name. This way relative
/// imports of modules work, and responses for the current hash can be cached forever.
#[derive(Clone, Debug)]
pub struct Assets {
    version: String,
}

impl Assets {
    /// Hashes the built-in files.
    pub fn load() -> Self {
        let mut names: Vec<_> = Bundle::iter().collect();
        names.sort();
        let mut hash = Sha256::new();
        for name in names {
            if let Some(file) = Bundle::get(&name) {
                hash.update(name.as_bytes());
                hash.update(file.metadata.sha256_hash());
            }
        }
        Self { version: HEXLOWER.encode(&hash.finalize()).chars().take(16).collect() }
    }

    /// Returns the path of a file for links in pages. The file need not exist.
    pub fn path(&self, file: &str) -> String {
        format!("{PREFIX}/{}/{file}", self.version)
    }

    /// Returns the islands' bundle, if it was built in.
    pub fn islands(&self) -> Option<Islands> {
        let (script, wasm) = ("pkg/portolan.js", "pkg/portolan_bg.wasm");
        let built = Bundle::get(script).is_some() && Bundle::get(wasm).is_some();
        built.then(|| Islands { script: self.path(script), wasm: self.path(wasm) })
    }

    /// Serves `path` below [`PREFIX`]: `<version>/<file>` or `<file>`. Clients must revalidate the response unless
    /// `<version>` is the current one.
    pub fn respond(&self, path: &str, headers: &HeaderMap) -> Response<Body> {
        let path = path.trim_start_matches('/');
        let current = path.split_once('/').filter(|(version, _)| *version == self.version).map(|(_, file)| file);
        let stale = path.split_once('/').map(|(_, file)| file);
        let Some((name, file)) = [current, Some(path), stale]
            .into_iter()
            .flatten()
            .find_map(|name| Bundle::get(name).map(|file| (name, file)))
        else {
            return status(StatusCode::NOT_FOUND);
        };
        let etag = format!("\"{}\"", HEXLOWER.encode(&file.metadata.sha256_hash()));
        let known = headers.get_all(IF_NONE_MATCH).iter().any(|value| value.as_bytes() == etag.as_bytes());
        let mut response = if known { status(StatusCode::NOT_MODIFIED) } else { Response::new(body(file.data)) };
        let keep = if current.is_some() { "public, max-age=31536000, immutable" } else { "no-cache" };
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(keep));
        if let Ok(value) = HeaderValue::from_str(&etag) {
            response.headers_mut().insert(ETAG, value);
        }
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
        response
    }
}

fn body(data: std::borrow::Cow<'static, [u8]>) -> Body {
    match data {
        std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes),
    }
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Returns the content type of a built-in file.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
