//! Leases, which make sure that only one request of a process writes to an upload at a time. A newer request takes over
//! from one that receives nothing any more, because its connection is dead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::error::Error;
use crate::storage::Lease;

/// How long a request waits for another one that is writing to the same upload.
const LEASE_WAIT: Duration = Duration::from_secs(1);
/// A holder that has received nothing for this long loses its lease to a newer request.
const STALLED: Duration = Duration::from_secs(5);

/// The uploads that are being written to.
#[derive(Default)]
pub(crate) struct Leases {
    held: Mutex<HashMap<Uuid, Arc<Holder>>>,
    released: Notify,
}

/// The request that holds a lease.
pub(crate) struct Holder {
    last_progress: Mutex<Instant>,
    stopped: Notify,
}

impl Holder {
    /// Records that bytes have arrived.
    pub(crate) fn progress(&self) {
        *self.last_progress.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Waits until a newer request takes over.
    pub(crate) async fn stopped(&self) {
        self.stopped.notified().await;
    }

    fn is_stalled(&self) -> bool {
        self.last_progress.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= STALLED
    }
}

impl Leases {
    /// Takes the lease on an upload. Waits up to [`LEASE_WAIT`] if another request still holds it, such as one whose
    /// chunk was interrupted; stops that request if it is stalled.
    pub(crate) async fn take(self: &Arc<Self>, upload: Uuid) -> Result<(Lease, Arc<Holder>), Error> {
        let acquired = async {
            loop {
                // Create this before the attempt, so that a release right after the attempt is not missed.
                let released = self.released.notified();
                match self.try_take(upload) {
                    Ok(holder) => return holder,
                    Err(other) if other.is_stalled() => other.stopped.notify_one(),
                    Err(_) => {}
                }
                released.await;
            }
        };
        let holder = timeout(LEASE_WAIT, acquired).await.map_err(|_| Error::UploadBusy)?;
        Ok((Lease::new(LeaseGuard { upload, leases: self.clone() }), holder))
    }

    /// Takes the lease, or returns who holds it.
    fn try_take(&self, upload: Uuid) -> Result<Arc<Holder>, Arc<Holder>> {
        let mut held = self.held();
        if let Some(holder) = held.get(&upload) {
            return Err(holder.clone());
        }
        let holder = Arc::new(Holder { last_progress: Mutex::new(Instant::now()), stopped: Notify::new() });
        held.insert(upload, holder.clone());
        Ok(holder)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Holder>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct LeaseGuard {
    upload: Uuid,
    leases: Arc<Leases>,
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        self.leases.held().remove(&self.upload);
        self.leases.released.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_taken_as_soon_as_it_is_released_and_waited_for_a_second_at_most() {
        let (leases, upload, other) = (Arc::new(Leases::default()), Uuid::now_v7(), Uuid::now_v7());
        let held = leases.take(upload).await.unwrap();
        leases.take(other).await.unwrap();
        let start = Instant::now();
        assert!(matches!(leases.take(upload).await, Err(Error::UploadBusy)));
        assert_eq!(start.elapsed(), Duration::from_secs(1));
        let start = Instant::now();
        let (taken, ()) = tokio::join!(leases.take(upload), async {
            tokio::time::sleep(Duration::from_millis(7)).await;
            drop(held);
        });
        assert_eq!((taken.is_ok(), start.elapsed()), (true, Duration::from_millis(7)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_newer_request_takes_over_from_one_that_receives_nothing_any_more() {
        let (leases, upload) = (Arc::new(Leases::default()), Uuid::now_v7());
        let (lease, holder) = leases.take(upload).await.unwrap();
        tokio::time::sleep(STALLED).await;
        holder.progress();
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(leases.take(upload).await.is_err(), "bytes arrived less than five seconds ago");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let stopped = tokio::spawn(async move {
            holder.stopped().await;
            drop(lease);
        });
        leases.take(upload).await.unwrap();
        stopped.await.unwrap();
    }
}
