//! News of events that other nodes wrote, by PostgreSQL's NOTIFY. Where it fails, followers still look by themselves.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sea_query::{Expr, Func, Query};
use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, SqlxError};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// What all nodes on one database listen to.
const CHANNEL: &str = "portolan_events";

/// How long it waits before it connects again, at first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Tells all nodes that there are events, once the transaction has ended well.
pub(super) async fn notify(on: &impl ConnectionTrait) -> Result<(), DbErr> {
    if on.get_database_backend() == DbBackend::Postgres {
        let notify = Func::cust("pg_notify").arg(Expr::value(CHANNEL)).arg(Expr::value(""));
        on.execute(&Query::select().expr(notify).take()).await?;
    }
    Ok(())
}

/// Wakes whoever waits for news when a node on this database tells of some, until the set is dropped.
pub(crate) fn listen(url: &str, news: &Arc<Notify>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    if url.starts_with("postgres") {
        let (url, news) = (url.to_owned(), Arc::clone(news));
        tasks.spawn(async move { keep_listening(&url, &news).await });
    }
    tasks
}

async fn keep_listening(url: &str, news: &Notify) {
    let mut wait = FIRST_WAIT;
    loop {
        let Err(error) = hear(url, news, &mut wait).await;
        tracing::warn!(%error, "no news of other nodes' events; followers look once a second until there is");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

async fn hear(url: &str, news: &Notify, wait: &mut Duration) -> Result<Infallible, SqlxError> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    *wait = FIRST_WAIT;
    loop {
        // At first, and after the connection was lost, there may be what nobody told.
        news.notify_waiters();
        listener.try_recv().await?;
    }
}
