//! Requests to other hosts: only over HTTP and HTTPS, and only to public addresses.

pub mod address;

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpStream, lookup_host};
use tower::Service;
use url::Url;

/// How long one address of a host may take to accept a connection, before the next one is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The ports for which a URL needs no special right on its host, and above which anyone may serve.
const FIRST_FREE_PORT: u16 = 1024;

/// Whether connections to an address are allowed.
pub type AddressCheck = fn(IpAddr) -> bool;

/// A client for other hosts. It follows no redirects, keeps no cookies and reuses no connection, uses no proxy, and has
/// no time limit: callers decide about these.
#[derive(Clone, Debug)]
pub struct Outbound {
    client: Client<HttpsConnector<Connector>, Full<Bytes>>,
}

impl Outbound {
    /// Creates a client that only connects to addresses that pass the check. It sees each address right before the
    /// connection, so a name cannot change its address in between.
    pub fn new(allows: AddressCheck) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector { allows });
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .retry_canceled_requests(false)
            .build(connector);
        Self { client }
    }

    /// Sends a request. Its URL has to be [acceptable](is_acceptable).
    pub async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("Portolan"));
        self.client.request(request).await
    }
}

/// Whether a request may be sent to a URL, as far as the URL itself tells: over HTTP or HTTPS, without credentials, and
/// to a port of the web or one above the system's own, where other protocols expect no requests of ours.
pub fn is_acceptable(url: &Url) -> bool {
    let port = url.port_or_known_default().unwrap_or_default();
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && (matches!(port, 80 | 443) || port >= FIRST_FREE_PORT)
}

/// Opens connections to the allowed addresses of a host.
#[derive(Clone, Copy, Debug)]
struct Connector {
    allows: AddressCheck,
}

impl Connector {
    async fn connect(self, target: Uri) -> io::Result<TokioIo<TcpStream>> {
        let host = target.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = target.port_u16().unwrap_or(if target.scheme_str() == Some("https") { 443 } else { 80 });
        let mut error = io::Error::new(io::ErrorKind::PermissionDenied, "the host has no public address");
        for address in lookup_host((host, port)).await? {
            if !(self.allows)(address.ip()) {
                continue;
            }
            match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(TokioIo::new(stream)),
                Ok(Err(refused)) => error = refused,
                Err(elapsed) => error = elapsed.into(),
            }
        }
        Err(error)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<TcpStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        Box::pin(self.connect(target))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn only_urls_of_the_web_without_credentials_are_acceptable() {
        for (url, acceptable) in [
            ("http://x.example", true),
            ("https://x.example/a?b", true),
            ("HTTPS://x.example:443", true),
            ("http://x.example:8080", true),
            ("http://x.example:443", true),
            ("http://x.example:22", false),
            ("http://x.example:0", false),
            ("ftp://x.example", false),
            ("file:///etc/passwd", false),
            ("data:image/png;base64,AAAA", false),
            ("http://a@x.example", false),
            ("http://:b@x.example", false),
        ] {
            assert_eq!(is_acceptable(&Url::parse(url).unwrap()), acceptable, "{url}");
        }
    }

    #[tokio::test]
    async fn nothing_connects_to_this_machine_however_its_address_is_written() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                drop(stream);
            }
        });
        let send = |outbound: Outbound, host: &'static str, parsed: bool| async move {
            let url = format!("http://{host}:{port}/");
            let url = if parsed { Url::parse(&url).unwrap().to_string() } else { url };
            outbound.send(Request::get(url).body(Full::default()).unwrap()).await
        };
        let outbound = Outbound::new(address::is_public);
        for host in [
            "127.0.0.1",
            "localhost",
            "LOCALHOST.",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "0",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
        ] {
            for parsed in [true, false] {
                assert!(send(outbound.clone(), host, parsed).await.unwrap_err().is_connect(), "{host}");
            }
        }
        assert_eq!(connections.load(Ordering::SeqCst), 0);
        assert!(send(Outbound::new(|_| true), "localhost", true).await.is_err());
        assert_eq!(connections.load(Ordering::SeqCst), 1);
        accepting.abort();
    }
}
