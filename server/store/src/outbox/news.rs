//! News of events: this process's own at once, other nodes' through PostgreSQL's `LISTEN` and `NOTIFY`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{ConnectionTrait, DatabaseConnection, SqlxError};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio_util::task::AbortOnDropHandle;

/// The channel on which nodes tell each other.
const CHANNEL: &str = "portolan_events";
/// A `NOTIFY` is at least this far from the one before: each takes a lock that all of the database's nodes share.
const NOTIFY_EVERY: Duration = Duration::from_millis(50);
/// How long to wait before connecting again to listen, at first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Who waits for events, and what tells them.
#[derive(Debug)]
pub(crate) struct News {
    signals: Arc<Signals>,
    /// What sends and hears news on PostgreSQL, for as long as the store is open.
    _tasks: Vec<AbortOnDropHandle<()>>,
}

#[derive(Debug, Default)]
struct Signals {
    waiting: Notify,
    to_send: Notify,
}

impl News {
    /// Of this process alone.
    pub(crate) fn local() -> Self {
        Self { signals: Arc::default(), _tasks: Vec::new() }
    }

    /// Of all nodes on one PostgreSQL database.
    pub(crate) fn shared(url: &str, database: DatabaseConnection) -> Self {
        let signals: Arc<Signals> = Arc::default();
        let send = tokio::spawn(send(Arc::clone(&signals), database));
        let listen = tokio::spawn(listen(Arc::clone(&signals), url.to_owned()));
        Self { signals, _tasks: vec![AbortOnDropHandle::new(send), AbortOnDropHandle::new(listen)] }
    }

    /// To be called after an event was committed.
    pub(crate) fn tell(&self) {
        self.signals.waiting.notify_waiters();
        self.signals.to_send.notify_one();
    }

    /// Done at the next news after this call.
    pub(crate) fn heard(&self) -> Notified<'_> {
        self.signals.waiting.notified()
    }
}

async fn send(signals: Arc<Signals>, database: DatabaseConnection) {
    loop {
        signals.to_send.notified().await;
        if let Err(error) = database.execute_unprepared(&format!("NOTIFY {CHANNEL}")).await {
            tracing::debug!(%error, "other nodes could not be told of events; they look for themselves");
        }
        tokio::time::sleep(NOTIFY_EVERY).await;
    }
}

async fn listen(signals: Arc<Signals>, url: String) {
    let mut wait = FIRST_WAIT;
    loop {
        let Err(error) = hear(&signals, &url, &mut wait).await;
        tracing::warn!(%error, "not listening for other nodes' events; followers look for them once a second");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

async fn hear(signals: &Signals, url: &str, wait: &mut Duration) -> Result<Infallible, SqlxError> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    *wait = FIRST_WAIT;
    loop {
        // At first, and after a lost connection, there may be events that nobody told of.
        signals.waiting.notify_waiters();
        listener.try_recv().await?;
    }
}
