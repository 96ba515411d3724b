//! Requirements of every storage. `storage_requirements!` creates one test for each of them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use model::clock::Timestamp;
use uuid::Uuid;

use crate::ledger::Segment;
use crate::storage::{Lease, Storage, StorageError};

/// Larger than the parts and pieces of any storage.
const LARGE: usize = (20 << 20) + 123;

/// Returns bytes that differ at every position, so that a wrong offset is noticed.
pub fn pattern(length: usize) -> Bytes {
    (0..length).map(|at| (at / 251 + at * 7).to_le_bytes()[0]).collect::<Vec<_>>().into()
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}

/// Appends bytes in pieces of this size to an upload and returns its segments.
pub async fn append(
    storage: &dyn Storage,
    upload: Uuid,
    segments: &[Segment],
    bytes: &[u8],
    piece: usize,
) -> Vec<Segment> {
    let mut writer = storage.writer(upload, segments.to_vec(), Lease::new(())).await.unwrap();
    for piece in bytes.chunks(piece) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    writer.finish().await.unwrap()
}

async fn store(storage: &dyn Storage, bytes: &[u8]) -> Vec<Segment> {
    append(storage, Uuid::now_v7(), &[], bytes, 100_000).await
}

/// Reads a range; the error is that of opening it or of the stream.
pub async fn load(storage: &dyn Storage, segments: &[Segment], range: Range<u64>) -> Result<Vec<u8>, String> {
    let bytes = storage.read(segments, range).await.map_err(|error| error.to_string())?;
    let whole = bytes.try_fold(Vec::new(), |mut whole, piece| async move {
        whole.extend_from_slice(&piece);
        Ok(whole)
    });
    whole.await.map_err(|error| error.to_string())
}

async fn listed(storage: &dyn Storage) -> Vec<(String, u64)> {
    let mut objects: Vec<_> =
        storage.objects().map_ok(|object| (object.key, object.length)).try_collect().await.unwrap();
    objects.sort();
    objects
}

pub async fn what_is_written_is_read_whole_and_in_parts(storage: Arc<dyn Storage>) {
    for length in [1, 1_000, 8 << 20, (8 << 20) + 1, LARGE] {
        let bytes = pattern(length);
        let segments = store(&*storage, &bytes).await;
        let size = length_of(&bytes);
        assert_eq!(segments.iter().map(|segment| segment.length).sum::<u64>(), size);
        let middle = size / 2;
        for range in [0..size, 0..1, size - 1..size, middle..size, middle / 2..middle + 1, middle..middle] {
            let expected = &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            assert!(load(&*storage, &segments, range.clone()).await.unwrap() == expected, "{length} {range:?}");
        }
    }
}

pub async fn no_bytes_need_no_object(storage: Arc<dyn Storage>) {
    let segments = store(&*storage, b"").await;
    assert_eq!(segments, []);
    assert_eq!(listed(&*storage).await, []);
    assert_eq!(load(&*storage, &segments, 0..0).await.unwrap(), b"");
}

pub async fn many_small_chunks_become_few_objects(storage: Arc<dyn Storage>) {
    let (upload, bytes) = (Uuid::now_v7(), pattern(300 * 700));
    let (mut segments, mut largest) = (Vec::new(), 0);
    for chunk in bytes.chunks(700) {
        segments = append(&*storage, upload, &segments, chunk, 700).await;
        largest = largest.max(segments.len());
    }
    assert!(largest <= 12, "{largest}");
    assert!(load(&*storage, &segments, 0..length_of(&bytes)).await.unwrap() == bytes);
    assert!(load(&*storage, &segments, 699..140_001).await.unwrap() == bytes[699..140_001]);
}

pub async fn chunks_of_all_sizes_continue_an_upload(storage: Arc<dyn Storage>) {
    let (upload, bytes) = (Uuid::now_v7(), pattern(LARGE + 3_000_000));
    let (mut segments, mut from) = (Vec::new(), 0);
    for length in [10, 1_000_000, 1_999_990, 12_000_000, 5, LARGE - 12_000_005] {
        segments = append(&*storage, upload, &segments, &bytes[from..from + length], 1 << 20).await;
        from += length;
    }
    assert_eq!(from, bytes.len());
    assert!(load(&*storage, &segments, 0..length_of(&bytes)).await.unwrap() == bytes);
}

/// The ledger may still have the segments before a chunk whose acknowledgement was lost, or soon have those with it.
pub async fn bytes_whose_acknowledgement_may_be_late_are_neither_used_nor_overwritten(storage: Arc<dyn Storage>) {
    let (storage, upload) = (&*storage, Uuid::now_v7());
    let first = append(storage, upload, &[], &pattern(1000), 100).await;
    let late = append(storage, upload, &first, b"late", 4).await;
    let later = append(storage, upload, &first, b"later", 4).await;
    let segments = append(storage, upload, &first, b"end", 4).await;
    let segments = append(storage, upload, &segments, b"ing", 4).await;
    for (segments, end) in [(&first, &b""[..]), (&late, b"late"), (&later, b"later"), (&segments, b"ending")] {
        let whole = [&pattern(1000), end].concat();
        assert_eq!(load(storage, segments, 0..length_of(&whole)).await.unwrap(), whole);
    }
}

pub async fn objects_are_listed_with_length_time_and_upload(storage: Arc<dyn Storage>) {
    let mut expected = Vec::new();
    for length in 1..12 {
        let upload = Uuid::now_v7();
        let segment = append(&*storage, upload, &[], &pattern(length), 100).await.remove(0);
        assert_eq!(storage.length(&segment.key).await.unwrap(), Some(segment.length));
        expected.push((segment.key, segment.length, Some(upload)));
    }
    storage.check().await.unwrap();
    let objects: Vec<_> = storage.objects().try_collect().await.unwrap();
    let before = Timestamp::from_micros(1_600_000_000_000_000);
    assert!(objects.iter().all(|object| object.written_at > before), "{objects:?}");
    let mut found: Vec<_> = objects.into_iter().map(|object| (object.key, object.length, object.upload)).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

pub async fn a_deleted_object_is_missing_and_can_be_deleted_again(storage: Arc<dyn Storage>) {
    let (small, large) = (store(&*storage, &pattern(10)).await, store(&*storage, &pattern(LARGE)).await);
    for segments in [&small, &large] {
        let size = segments.iter().map(|segment| segment.length).sum();
        for segment in segments {
            storage.delete(&segment.key).await.unwrap();
            storage.delete(&segment.key).await.unwrap();
            assert_eq!(storage.length(&segment.key).await.unwrap(), None);
        }
        assert!(matches!(storage.read(segments, 0..size).await, Err(StorageError::Missing(_))));
    }
    assert_eq!(listed(&*storage).await, []);
}

pub async fn an_object_that_is_too_short_is_an_error_and_not_fewer_bytes(storage: Arc<dyn Storage>) {
    let mut segments = store(&*storage, &pattern(1000)).await;
    segments[0].length = 1001;
    assert!(load(&*storage, &segments, 0..1001).await.is_err());
    assert!(load(&*storage, &segments, 1000..1001).await.is_err());
}

pub async fn what_is_not_finished_leaves_nothing(storage: Arc<dyn Storage>) {
    let (upload, held) = (Uuid::now_v7(), Arc::new(()));
    let first = append(&*storage, upload, &[], &pattern(1000), 1000).await;
    for length in [10, LARGE] {
        let mut writer = storage.writer(upload, first.clone(), Lease::new(Arc::clone(&held))).await.unwrap();
        writer.write(pattern(length)).await.unwrap();
        drop(writer);
        for _ in 0..500 {
            if Arc::strong_count(&held) == 1 && listed(&*storage).await.len() == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(Arc::strong_count(&held), 1, "the lease has been given back");
    }
    assert_eq!(listed(&*storage).await, [(first[0].key.clone(), 1000)]);
    assert_eq!(load(&*storage, &first, 0..1000).await.unwrap(), pattern(1000));
}

pub async fn keys_of_nothing_are_refused(storage: Arc<dyn Storage>) {
    for key in ["../outside", "/etc/passwd", "..", "", "00/../../outside", "check"] {
        assert!(matches!(storage.delete(key).await, Err(StorageError::Key)), "{key}");
        assert!(matches!(storage.length(key).await, Err(StorageError::Key)), "{key}");
        let segments = [Segment { key: key.to_owned(), length: 1 }];
        assert!(matches!(storage.read(&segments, 0..1).await, Err(StorageError::Key)), "{key}");
    }
}

pub async fn writers_at_the_same_time_do_not_disturb_each_other(storage: Arc<dyn Storage>) {
    let upload = Uuid::now_v7();
    let writers = (0..8_usize).map(|number| {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move { append(&*storage, upload, &[], &pattern(1_000_000 + number), 300_000).await })
    });
    let mut keys = BTreeSet::new();
    for (number, writer) in writers.collect::<Vec<_>>().into_iter().enumerate() {
        let (segments, expected) = (writer.await.unwrap(), pattern(1_000_000 + number));
        assert!(load(&*storage, &segments, 0..length_of(&expected)).await.unwrap() == expected);
        keys.extend(segments.into_iter().map(|segment| segment.key));
    }
    assert_eq!(keys.len(), 8);
}

/// Creates a test for each requirement.
///
/// The expression is a future of `Some((storage, guard))`: an empty storage, and a value that is dropped after the test. If it is a future of `None`, the storage is not available and the test passes without doing anything.
#[macro_export]
macro_rules! storage_requirements {
    ($storage:expr) => {
        $crate::storage_requirements! { $storage =>
            what_is_written_is_read_whole_and_in_parts,
            no_bytes_need_no_object,
            many_small_chunks_become_few_objects,
            chunks_of_all_sizes_continue_an_upload,
            bytes_whose_acknowledgement_may_be_late_are_neither_used_nor_overwritten,
            objects_are_listed_with_length_time_and_upload,
            a_deleted_object_is_missing_and_can_be_deleted_again,
            an_object_that_is_too_short_is_an_error_and_not_fewer_bytes,
            what_is_not_finished_leaves_nothing,
            keys_of_nothing_are_refused,
            writers_at_the_same_time_do_not_disturb_each_other,
        }
    };
    ($storage:expr => $($name:ident,)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let Some((storage, _guard)) = $storage.await else { return };
            $crate::testing::storages::$name(std::sync::Arc::new(storage)).await;
        }
    )+};
}
