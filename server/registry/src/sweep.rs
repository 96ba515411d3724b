//! Deletes unused objects from storage and expires uploads.

use std::error::Error as StdError;

use model::clock::Timestamp;

use crate::context::Context;
use crate::error::Error;

/// Deletes up to `limit` objects in the trash and returns the number of keys tried.
///
/// The object is deleted before its row, so that an interrupted run is repeated. Deleting an object twice is harmless
/// because keys are never reused. An object that cannot be deleted moves to the end of the trash.
pub(crate) async fn delete_trash(context: &Context, limit: u64) -> Result<usize, Error> {
    let keys = context.ledger.trash(limit).await.map_err(Error::from_ledger)?;
    let tried = keys.len();
    let (mut deleted, mut failed) = (Vec::new(), Vec::new());
    for key in keys {
        match context.storage.delete(&key).await {
            Ok(()) => deleted.push(key),
            Err(error) => {
                let error: &dyn StdError = &error;
                tracing::warn!(key, error, "cannot delete an unused object");
                failed.push(key);
            }
        }
    }
    if !deleted.is_empty() {
        context.ledger.forget_trash(&deleted).await.map_err(Error::from_ledger)?;
    }
    if !failed.is_empty() {
        context.ledger.postpone_trash(&failed, context.clock.now()).await.map_err(Error::from_ledger)?;
    }
    // With nothing but failures, another batch now would only fail again.
    Ok(if deleted.is_empty() { 0 } else { tried })
}

/// Deletes up to `limit` repositories that were created by a push before `before`, which has ended without a manifest.
pub(crate) async fn delete_abandoned(context: &Context, before: Timestamp, limit: u64) -> Result<usize, Error> {
    context.ledger.delete_abandoned(before, limit, context.clock.now()).await.map_err(Error::from_ledger)
}

/// Cancels up to `limit` uploads that have not advanced since `before` and returns their number.
pub(crate) async fn expire_uploads(context: &Context, before: Timestamp, limit: u64) -> Result<usize, Error> {
    context.ledger.expire_uploads(before, limit, context.clock.now()).await.map_err(Error::from_ledger)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::ops::Range;
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use futures::stream::BoxStream;
    use futures::{StreamExt, stream};
    use model::clock::Clock;
    use model::id::RepositoryId;
    use model::oci::Algorithm;
    use uuid::Uuid;

    use super::*;
    use crate::context::Limits;
    use crate::ledger::{Ledger, Segment, Upload};
    use crate::storage::{ByteStream, Lease, Object, Storage, StorageError, Writer};
    use crate::testing::memory::MemoryLedger;

    /// A storage that cannot delete one object, and records which it deleted.
    #[derive(Default)]
    struct Stubborn(Mutex<Vec<String>>);

    #[async_trait]
    impl Storage for Stubborn {
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

        async fn delete(&self, key: &str) -> Result<(), StorageError> {
            if key == "o/0" {
                return Err(StorageError::Failed(io::ErrorKind::PermissionDenied.into()));
            }
            self.0.lock().unwrap().push(key.to_owned());
            Ok(())
        }

        async fn check(&self) -> Result<(), StorageError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn an_object_that_cannot_be_deleted_does_not_hold_up_the_others() {
        let (ledger, storage, clock) = (MemoryLedger::default(), Arc::new(Stubborn::default()), Clock::system());
        let repository = RepositoryId(1);
        for number in 0..4 {
            let id = Uuid::now_v7();
            ledger.open_upload(repository, id, Algorithm::Sha256, u64::MAX, clock.now()).await.unwrap();
            let segments = vec![Segment { key: format!("o/{number}"), length: 1 }];
            let upload = Upload { id, algorithm: Algorithm::Sha256, offset: 1, hash_state: Vec::new(), segments };
            assert!(ledger.advance_upload(repository, &upload, 0, clock.now()).await.unwrap());
            assert!(ledger.cancel_upload(repository, id, clock.now()).await.unwrap());
        }
        let ledger: Arc<dyn Ledger> = Arc::new(ledger);
        let context = Context { ledger: ledger.clone(), storage: storage.clone(), clock, limits: Limits::default() };
        assert_eq!(delete_trash(&context, 1).await.unwrap(), 0, "the first batch only fails");
        while delete_trash(&context, 2).await.unwrap() > 0 {}
        assert_eq!(*storage.0.lock().unwrap(), ["o/1", "o/2", "o/3"]);
        assert_eq!(ledger.trash(10).await.unwrap(), ["o/0"]);
    }
}
