//! Leases, which make sure that only one request of a process writes to an upload at a time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;
use uuid::Uuid;

use crate::error::Error;
use crate::storage::Lease;

/// How long a request waits for another one that is writing to the same upload.
const LEASE_WAIT: Duration = Duration::from_secs(1);

/// The uploads that are being written to.
#[derive(Default)]
pub(crate) struct Leases {
    held: Mutex<HashSet<Uuid>>,
    released: Notify,
}

impl Leases {
    /// Takes the lease on an upload. Waits up to [`LEASE_WAIT`] if another request still holds it, such as one whose
    /// chunk was interrupted.
    pub(crate) async fn take(self: &Arc<Self>, upload: Uuid) -> Result<Lease, Error> {
        let acquired = async {
            loop {
                // Create this before the attempt, so that a release right after the attempt is not missed.
                let released = self.released.notified();
                if self.held().insert(upload) {
                    return;
                }
                released.await;
            }
        };
        timeout(LEASE_WAIT, acquired).await.map_err(|_| Error::UploadBusy)?;
        Ok(Lease::new(LeaseGuard { upload, leases: self.clone() }))
    }

    fn held(&self) -> MutexGuard<'_, HashSet<Uuid>> {
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
    use tokio::time::Instant;

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
}
