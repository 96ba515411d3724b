//! Health checks: whether the process, its database and its storage respond. Causes of failure are logged.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use registry::storage::{Storage, StorageError};
use store::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::http::trace::cause;

/// The time limit for each check. It is short so that a response does not wait for a connection timeout.
const SOON: Duration = Duration::from_secs(2);
/// How long the result of a check is used. Requests cannot cause more checks than this.
const FRESH: Duration = Duration::from_secs(5);

/// `GET /healthz`: succeeds if the process responds.
pub async fn alive() -> impl IntoResponse {
    (StatusCode::OK, [(CACHE_CONTROL, "no-store")], "alive\n")
}

/// Checks whether the database and the storage respond: in the background, at most once in five seconds, and one check
/// at a time. Cheap to clone.
#[derive(Clone)]
pub struct Readiness {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    storage: Arc<dyn Storage>,
    outcome: watch::Sender<Option<Outcome>>,
    /// The current check of both.
    checking: Mutex<Option<JoinHandle<()>>>,
    /// The last check of the storage, which may outlast its time limit.
    storage_check: tokio::sync::Mutex<Option<JoinHandle<Result<(), StorageError>>>>,
}

#[derive(Clone, Copy)]
struct Outcome {
    at: Instant,
    database: bool,
    storage: bool,
}

impl Readiness {
    /// Checks this database and this storage.
    pub fn new(store: Store, storage: Arc<dyn Storage>) -> Self {
        let outcome = watch::Sender::new(None);
        let (checking, storage_check) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { inner: Arc::new(Inner { store, storage, outcome, checking, storage_check }) }
    }

    /// `GET /readyz`: succeeds if the database and the storage responded when last checked. A full storage is ready,
    /// because pulls work.
    pub async fn respond(&self) -> Response {
        let mut outcome = self.inner.outcome.subscribe();
        let mut latest = fresh(*outcome.borrow_and_update());
        if latest.is_none() {
            self.start();
            // The check itself ends after the same time.
            let _ = timeout(SOON * 2, outcome.changed()).await;
            latest = fresh(*outcome.borrow());
        }
        let (database, storage) = latest.map_or((false, false), |outcome| (outcome.database, outcome.storage));
        let (status, text) = match (database, storage) {
            (true, true) => (StatusCode::OK, "ready\n"),
            (false, true) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
            (true, false) => (StatusCode::SERVICE_UNAVAILABLE, "the storage does not answer\n"),
            (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "neither the database nor the storage answers\n"),
        };
        (status, [(CACHE_CONTROL, "no-store")], text).into_response()
    }

    /// Starts a check, unless one is running.
    fn start(&self) {
        let mut checking = self.inner.checking.lock().unwrap_or_else(PoisonError::into_inner);
        if checking.as_ref().is_none_or(JoinHandle::is_finished) {
            let inner = Arc::clone(&self.inner);
            *checking = Some(tokio::spawn(async move { inner.check().await }));
        }
    }
}

fn fresh(outcome: Option<Outcome>) -> Option<Outcome> {
    outcome.filter(|outcome| outcome.at.elapsed() < FRESH)
}

impl Inner {
    async fn check(&self) {
        let (database, storage) =
            tokio::join!(answers("database", self.store.ping()), answers("storage", self.check_storage()));
        self.outcome.send_replace(Some(Outcome { at: Instant::now(), database, storage }));
    }

    /// Waits for the running check of the storage, or starts one: a storage that hangs must not use up threads.
    async fn check_storage(&self) -> Result<(), StorageError> {
        let mut slot = self.storage_check.lock().await;
        let running = slot.take().unwrap_or_else(|| {
            let storage = Arc::clone(&self.storage);
            tokio::spawn(async move { storage.check().await })
        });
        let checked = slot.insert(running).await;
        *slot = None;
        match checked {
            Ok(Err(StorageError::Full(_)) | Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error),
            Err(panic) => Err(StorageError::Failed(std::io::Error::other(panic))),
        }
    }
}

/// Runs a check and returns whether it succeeded in time. Logs the reason if it did not.
async fn answers<E: Error + 'static>(part: &'static str, check: impl Future<Output = Result<(), E>>) -> bool {
    match timeout(SOON, check).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(part, error = cause(&error), "a health check failed");
            false
        }
        Err(_) => {
            tracing::warn!(part, seconds = SOON.as_secs(), "a health check timed out");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::io;
    use std::ops::Range;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use futures::stream::BoxStream;
    use futures::{StreamExt, stream};
    use model::clock::Clock;
    use registry::ledger::Segment;
    use registry::storage::{ByteStream, Lease, Object, Writer};
    use store::OpenStore;
    use uuid::Uuid;

    use super::*;

    #[derive(Clone, Copy)]
    enum Behaviour {
        Works,
        Full,
        Fails,
        Hangs,
    }

    /// A storage that can only be checked.
    struct Checked {
        behaviour: Behaviour,
        checks: AtomicUsize,
    }

    #[async_trait]
    impl Storage for Checked {
        async fn writer(&self, _: Uuid, _: Vec<Segment>, _: Lease) -> Result<Box<dyn Writer>, StorageError> {
            Err(StorageError::Key)
        }

        async fn read(&self, _: &[Segment], _: Range<u64>) -> Result<ByteStream, StorageError> {
            Err(StorageError::Key)
        }

        async fn length(&self, _: &str) -> Result<Option<u64>, StorageError> {
            Err(StorageError::Key)
        }

        fn objects(&self) -> BoxStream<'static, Result<Object, StorageError>> {
            stream::empty().boxed()
        }

        async fn delete(&self, _: &str) -> Result<(), StorageError> {
            Err(StorageError::Key)
        }

        async fn check(&self) -> Result<(), StorageError> {
            self.checks.fetch_add(1, Ordering::SeqCst);
            match self.behaviour {
                Behaviour::Works => Ok(()),
                Behaviour::Full => Err(StorageError::Full(io::ErrorKind::StorageFull.into())),
                Behaviour::Fails => Err(StorageError::Failed(io::Error::other("refused"))),
                Behaviour::Hangs => pending().await,
            }
        }
    }

    async fn readiness(behaviour: Behaviour) -> (Readiness, Arc<Checked>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("hub.db").display());
        let OpenStore { store, .. } = Store::open(&url, Clock::system()).await.unwrap();
        let storage = Arc::new(Checked { behaviour, checks: AtomicUsize::new(0) });
        (Readiness::new(store, storage.clone()), storage, folder)
    }

    #[tokio::test]
    async fn a_full_storage_is_ready_and_a_broken_one_is_not() {
        for (behaviour, status) in
            [(Behaviour::Works, 200), (Behaviour::Full, 200), (Behaviour::Fails, 503), (Behaviour::Hangs, 503)]
        {
            let (readiness, _, _folder) = readiness(behaviour).await;
            assert_eq!(readiness.respond().await.status(), status);
        }
    }

    #[tokio::test]
    async fn many_requests_cause_one_check() {
        for behaviour in [Behaviour::Works, Behaviour::Hangs] {
            let (readiness, storage, _folder) = readiness(behaviour).await;
            futures::future::join_all((0..100).map(|_| readiness.respond())).await;
            for _ in 0..100 {
                readiness.respond().await;
            }
            assert_eq!(storage.checks.load(Ordering::SeqCst), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_never_answers_is_not_waited_for() {
        let asked = Instant::now();
        assert!(!answers("database", pending::<io::Result<()>>()).await);
        assert_eq!(asked.elapsed(), SOON);
        assert!(answers("database", ready(Ok::<_, io::Error>(()))).await);
        assert!(!answers("database", ready(Err(io::Error::other("refused")))).await);
    }
}
