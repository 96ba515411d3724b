//! The HTTP/1.1 and HTTP/2 server: accepts connections, and shuts down gracefully.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};

use crate::http::caller::Peer;
use crate::http::trace::cause;
use crate::router::Hub;

/// The time limit for receiving the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause after a failure to accept a connection, for example because no file descriptors are left.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// The idle time after which the system checks whether a connection's peer is still there.
const KEEPALIVE: Duration = Duration::from_mins(1);
/// How long the peer may take nothing of what was sent to it (`TCP_USER_TIMEOUT`).
#[cfg(target_os = "linux")]
const STALLED: Duration = Duration::from_mins(2);

/// The interval between aggregations of metrics.
const SUMS: Duration = Duration::from_secs(5);

/// Binds the address.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves until `stop` resolves, then waits up to `drain` for open requests.
pub async fn run(listener: TcpListener, hub: Hub, drain: Duration, stop: impl Future<Output = ()>) {
    let connections = GracefulShutdown::new();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD_TIMEOUT);
    let mut stop = std::pin::pin!(stop);
    let mut sums = tokio::time::interval(SUMS);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = sums.tick() => {
                hub.metrics().sum_up();
                continue;
            }
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => speak(&builder, &connections, stream, peer, hub.clone()),
            Err(error) => {
                tracing::warn!(error = cause(&error), "cannot accept a connection");
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
    drop(listener);
    tracing::info!(connections = connections.count(), "stopping");
    if tokio::time::timeout(drain, connections.shutdown()).await.is_err() {
        tracing::warn!("open requests were aborted at shutdown");
    }
}

/// Sets the options of a connection: no delay of small responses (Nagle's algorithm), and an end for connections whose
/// peer is gone or takes nothing.
fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(STALLED))?;
    Ok(())
}

fn speak(
    builder: &auto::Builder<TokioExecutor>,
    connections: &GracefulShutdown,
    stream: TcpStream,
    peer: SocketAddr,
    hub: Hub,
) {
    if let Err(error) = set_options(&stream) {
        tracing::debug!(error = cause(&error), "cannot set the options of a connection");
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let hub = hub.clone();
        async move { Ok::<_, Infallible>(hub.answer(request, Some(Peer(peer))).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = &*error, "a connection ended early");
        }
    });
}

/// Resolves on SIGTERM or SIGINT.
pub async fn stop_signal() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(error = cause(&error), "cannot listen for signals");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::error!(error = cause(&error), "cannot listen for signals");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
