//! Notifications of new events: immediate within this process, and through PostgreSQL's `LISTEN` and `NOTIFY` between
//! nodes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{ConnectionTrait, DatabaseConnection, SqlxError};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio_util::task::AbortOnDropHandle;

/// The channel for notifications.
const CHANNEL: &str = "portolan_events";
/// The minimum interval between two `NOTIFY` statements, because each takes a lock that all nodes compete for.
const NOTIFY_EVERY: Duration = Duration::from_millis(50);
/// The first and the longest wait before reconnecting the listener.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Wakes the tasks that wait for events.
#[derive(Debug)]
pub(crate) struct EventNotifier {
    signals: Arc<Signals>,
    /// The tasks that send and receive notifications on PostgreSQL; they end with the store.
    _tasks: Vec<AbortOnDropHandle<()>>,
}

#[derive(Debug, Default)]
struct Signals {
    waiting: Notify,
    to_send: Notify,
}

impl EventNotifier {
    /// Creates a notifier for this process only.
    pub(crate) fn local() -> Self {
        Self { signals: Arc::default(), _tasks: Vec::new() }
    }

    /// Creates a notifier for all nodes that share a PostgreSQL database.
    pub(crate) fn shared(url: &str, database: DatabaseConnection) -> Self {
        let signals: Arc<Signals> = Arc::default();
        let send = tokio::spawn(send(Arc::clone(&signals), database));
        let listen = tokio::spawn(listen(Arc::clone(&signals), url.to_owned()));
        Self { signals, _tasks: vec![AbortOnDropHandle::new(send), AbortOnDropHandle::new(listen)] }
    }

    /// Wakes the waiting tasks. Must be called after an event was committed.
    pub(crate) fn notify(&self) {
        self.signals.waiting.notify_waiters();
        self.signals.to_send.notify_one();
    }

    /// Resolves at the first notification after this call.
    pub(crate) fn notified(&self) -> Notified<'_> {
        self.signals.waiting.notified()
    }
}

async fn send(signals: Arc<Signals>, database: DatabaseConnection) {
    loop {
        signals.to_send.notified().await;
        if let Err(error) = database.execute_unprepared(&format!("NOTIFY {CHANNEL}")).await {
            tracing::debug!(%error, "cannot notify other nodes of events; they poll for them");
        }
        tokio::time::sleep(NOTIFY_EVERY).await;
    }
}

async fn listen(signals: Arc<Signals>, url: String) {
    let mut wait = FIRST_WAIT;
    loop {
        let Err(error) = receive(&signals, &url, &mut wait).await;
        tracing::warn!(%error, "cannot listen for other nodes' events; polling once a second");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

async fn receive(signals: &Signals, url: &str, wait: &mut Duration) -> Result<Infallible, SqlxError> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    *wait = FIRST_WAIT;
    loop {
        // Events may have been missed before the first connection, or while it was lost.
        signals.waiting.notify_waiters();
        listener.try_recv().await?;
    }
}
