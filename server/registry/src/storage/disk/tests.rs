//! Tests of the disk storage: writes, reads, resumed and interrupted uploads.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use model::clock::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use super::reader::{BATCH_PIECES, MAX_PIECES, PIECE, SMALL_PIECE, SMALL_PIECES};
use super::writer::{BATCH, Batch};
use super::*;
use crate::body::length_of;
use crate::storage::key::key_of;
use crate::storage::runs;

fn disk() -> (TempDir, Disk) {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(&folder.path().join("objects")).unwrap();
    (folder, disk)
}

fn lease() -> Lease {
    Lease::new(())
}

/// Returns bytes that differ at every position, so that tests detect a wrong offset.
fn pattern(length: usize) -> Bytes {
    (0..length).map(|at| (at / 251 + at * 7).to_le_bytes()[0]).collect::<Vec<_>>().into()
}

async fn store(disk: &Disk, upload: Uuid, segments: &[Segment], pieces: &[Bytes]) -> Vec<Segment> {
    let mut writer = disk.writer(upload, segments.to_vec(), lease()).await.unwrap();
    for piece in pieces {
        writer.write(piece.clone()).await.unwrap();
    }
    writer.finish().await.unwrap()
}

async fn load(disk: &Disk, segments: &[Segment], range: Range<u64>) -> Result<Vec<u8>, io::Error> {
    let stream = disk.read(segments, range).await.map_err(io::Error::other)?;
    stream.try_fold(Vec::new(), |whole, piece| async move { Ok([&whole, &*piece].concat()) }).await
}

fn files(disk: &Disk) -> Vec<PathBuf> {
    let shards = fs::read_dir(&disk.folder).unwrap().map(|entry| entry.unwrap().path());
    shards.flat_map(|shard| fs::read_dir(shard).unwrap().map(|entry| entry.unwrap().path())).collect()
}

fn disk_path(disk: &Disk, segment: &Segment) -> PathBuf {
    path_of(&disk.folder, &segment.key).unwrap()
}

/// Waits until `happened` returns true, because a blocking thread may still be working.
async fn soon(happened: impl Fn() -> bool) {
    for _ in 0..500 {
        if happened() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never happened");
}

#[tokio::test]
async fn chunks_of_one_upload_share_one_file() {
    let (_folder, disk) = disk();
    let upload = Uuid::now_v7();
    let mut segments = Vec::new();
    for piece in pattern(50_000).chunks(20_000) {
        segments = store(&disk, upload, &segments, &[Bytes::copy_from_slice(piece)]).await;
    }
    assert_eq!(segments.len(), 1);
    assert_eq!(files(&disk).len(), 1);
    assert_eq!(load(&disk, &segments, 0..50_000).await.unwrap(), pattern(50_000));
}

#[tokio::test]
async fn after_a_chunk_whose_acknowledgement_was_lost_another_file_is_begun() {
    let (_folder, disk) = disk();
    let upload = Uuid::now_v7();
    let first = store(&disk, upload, &[], &[pattern(1000)]).await;
    // Two chunks whose acknowledgement was lost: the ledger still has the first segments, or soon has these.
    let late = store(&disk, upload, &first, &[Bytes::from_static(b"late")]).await;
    let later = store(&disk, upload, &first, &[Bytes::from_static(b"later")]).await;
    let segments = store(&disk, upload, &first, &[Bytes::from_static(b"end")]).await;
    let segments = store(&disk, upload, &segments, &[Bytes::from_static(b"ing")]).await;
    for (segments, end) in [(&first, &b""[..]), (&late, b"late"), (&later, b"later"), (&segments, b"ending")] {
        let whole = [&pattern(1000), end].concat();
        assert_eq!(load(&disk, segments, 0..length_of(&whole)).await.unwrap(), whole);
    }
    assert_eq!((late.len(), later.len(), segments.len()), (1, 2, 2));
}

#[tokio::test]
async fn objects_are_listed_with_their_lengths() {
    let (_folder, disk) = disk();
    let mut expected = Vec::new();
    for length in 1..40 {
        let segment = store(&disk, Uuid::now_v7(), &[], &[pattern(length)]).await.remove(0);
        assert_eq!(disk.length(&segment.key).await.unwrap(), Some(segment.length));
        expected.push((segment.key, segment.length));
    }
    disk.check().await.unwrap();
    fs::write(disk.folder.join("00").join("no object"), "").unwrap();
    fs::create_dir(disk.folder.join("00").join("0".repeat(40))).unwrap();
    let before = Timestamp::from_micros(1_000_000);
    let mut listed: Vec<_> = disk
        .objects()
        .map_ok(|object| {
            assert!(object.written_at > before);
            (object.key, object.length)
        })
        .try_collect()
        .await
        .unwrap();
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
    disk.delete(&expected[0].0).await.unwrap();
    assert_eq!(disk.length(&expected[0].0).await.unwrap(), None);
    assert!(matches!(disk.length("../outside").await, Err(StorageError::Key)));
}

#[tokio::test]
async fn a_process_goes_on_beside_a_file_that_another_one_began() {
    let (folder, one) = disk();
    let other = Disk::open(&folder.path().join("objects")).unwrap();
    let upload = Uuid::now_v7();
    let mut segments = store(&one, upload, &[], &[pattern(1000)]).await;
    // The first process is still writing a chunk while the upload continues in the other one.
    let mut writer = one.writer(upload, segments.clone(), lease()).await.unwrap();
    writer.write(pattern(3 * BATCH)).await.unwrap();
    for (disk, files) in [(&other, 2), (&other, 2), (&one, 3)] {
        segments = store(disk, upload, &segments, &[Bytes::from_static(b"more")]).await;
        assert_eq!(segments.len(), files);
    }
    assert!(segments.iter().all(|segment| disk_path(&other, segment).exists()));
    drop(writer.finish().await);
    assert_eq!(load(&other, &segments, 998..1012).await.unwrap(), [&pattern(1000)[998..], b"moremoremore"].concat());
}

#[tokio::test]
async fn a_writer_that_is_dropped_leaves_what_was_acknowledged() {
    let (_folder, disk) = disk();
    let upload = Uuid::now_v7();
    let held = Arc::new(());
    let mut writer = disk.writer(upload, Vec::new(), Lease::new(held.clone())).await.unwrap();
    writer.write(pattern(3 * BATCH)).await.unwrap();
    drop(writer);
    soon(|| Arc::strong_count(&held) == 1).await;
    assert_eq!(files(&disk), Vec::<PathBuf>::new());
    let segments = store(&disk, upload, &[], &[pattern(1000)]).await;
    let mut writer = disk.writer(upload, segments.clone(), Lease::new(held.clone())).await.unwrap();
    writer.write(pattern(3 * BATCH)).await.unwrap();
    drop(writer);
    soon(|| Arc::strong_count(&held) == 1).await;
    assert_eq!(fs::metadata(&files(&disk)[0]).unwrap().len(), 1000);
    assert_eq!(load(&disk, &segments, 0..1000).await.unwrap(), pattern(1000));
}

crate::storage_requirements!(async {
    let (folder, disk) = disk();
    Some((disk, folder))
});

#[tokio::test]
async fn a_missing_or_short_object_is_an_error_and_not_fewer_bytes() {
    let (_folder, disk) = disk();
    let length = 4 * PIECE;
    let upload = Uuid::now_v7();
    let segments = store(&disk, upload, &[], &[pattern(length)]).await;
    let size = length_of(&pattern(length));
    OpenOptions::new().write(true).open(&files(&disk)[0]).unwrap().set_len(size - 1).unwrap();
    assert!(load(&disk, &segments, 0..size).await.is_err());
    assert!(load(&disk, &segments, size - 10..size).await.is_err());
    assert!(matches!(disk.writer(upload, segments.clone(), lease()).await, Err(StorageError::Missing(_))));
    disk.delete(&segments[0].key).await.unwrap();
    disk.delete(&segments[0].key).await.unwrap();
    assert!(matches!(disk.read(&segments, 0..size).await, Err(StorageError::Missing(_))));
}

#[tokio::test]
async fn a_slow_reader_holds_little_memory() {
    let (_folder, disk) = disk();
    let size = 64 * PIECE;
    let segments = store(&disk, Uuid::now_v7(), &[], &[pattern(size)]).await;
    let mut stream = disk.read(&segments, 0..length_of(&pattern(size))).await.unwrap();
    let mut kept = Vec::new();
    for _ in 0..4 {
        kept.push(stream.next().await.unwrap().unwrap());
        tokio::time::sleep(Duration::from_millis(20)).await;
        // The pool is referenced by the disk, the reader and each buffer in use: those in `kept`, and two batches.
        let in_use = Arc::strong_count(&disk.spare) - kept.len();
        assert!(in_use <= 2 + 2 * BATCH_PIECES, "{in_use}");
    }
    assert_eq!(kept.concat(), pattern(size)[..kept.iter().map(Bytes::len).sum()]);
}

#[tokio::test]
async fn many_slow_readers_together_hold_bounded_memory_and_others_go_on() {
    const READERS: usize = 300;
    let (_folder, disk) = disk();
    let size = length_of(&pattern(8 * PIECE));
    let segments = store(&disk, Uuid::now_v7(), &[], &[pattern(8 * PIECE)]).await;
    let mut slow = Vec::new();
    for _ in 0..READERS {
        let mut stream = disk.read(&segments, 0..size).await.unwrap();
        let mut kept = Vec::new();
        // Takes pieces without ever dropping them, as a connection does that nobody reads from.
        while let Ok(Some(piece)) = tokio::time::timeout(Duration::from_millis(20), stream.next()).await {
            kept.push(piece.unwrap());
        }
        slow.push((stream, kept));
    }
    let held: usize = slow.iter().flat_map(|(_, kept)| kept).map(Bytes::len).sum();
    let most = MAX_PIECES * PIECE + READERS * SMALL_PIECES * SMALL_PIECE;
    assert!(held <= most, "{held} bytes of at most {most}");
    assert!(slow.iter().any(|(_, kept)| kept.iter().map(Bytes::len).sum::<usize>() == SMALL_PIECES * SMALL_PIECE));
    assert!(load(&disk, &segments, 0..size).await.unwrap() == pattern(8 * PIECE));
    drop(slow);
    assert!(load(&disk, &segments, 0..size).await.unwrap() == pattern(8 * PIECE));
}

#[tokio::test]
async fn the_folder_can_be_opened_again_and_checks_itself() {
    let (folder, disk) = disk();
    let segments = store(&disk, Uuid::now_v7(), &[], &[pattern(10)]).await;
    drop(disk);
    let disk = Disk::open(&folder.path().join("objects")).unwrap();
    let checks = futures::future::join_all((0..64).map(|_| disk.check())).await;
    assert!(checks.iter().all(Result::is_ok), "{checks:?}");
    assert_eq!(load(&disk, &segments, 0..10).await.unwrap(), pattern(10));
    fs::remove_dir_all(folder.path()).unwrap();
    assert!(disk.check().await.is_err());
}

#[test]
fn keys_are_spread_over_the_folder() {
    let key = || key_of(Uuid::now_v7(), 0, Uuid::nil());
    let shards: HashSet<_> = (0..500).map(|_| key()[..2].to_owned()).collect();
    assert!(shards.len() > 100, "{}", shards.len());
}

#[test]
fn a_full_disk_is_told_from_a_broken_one() {
    assert!(matches!(StorageError::from(io::Error::from(io::ErrorKind::StorageFull)), StorageError::Full(_)));
    assert!(matches!(StorageError::from(io::Error::from(io::ErrorKind::QuotaExceeded)), StorageError::Full(_)));
    assert!(matches!(StorageError::from(io::Error::from(io::ErrorKind::PermissionDenied)), StorageError::Failed(_)));
}

proptest! {
    #[test]
    fn runs_cover_the_range_and_nothing_else(
        lengths in prop::collection::vec(0..50_u64, 0..8), start in 0..400_u64, length in 0..400_u64,
    ) {
        let segments: Vec<_> =
            lengths.iter().enumerate().map(|(at, length)| Segment { key: at.to_string(), length: *length }).collect();
        let whole: Vec<(String, u64)> =
            segments.iter().flat_map(|segment| (0..segment.length).map(|at| (segment.key.clone(), at))).collect();
        let size = length_of(&vec![0; whole.len()]);
        let range = start.min(size)..start.saturating_add(length).min(size);
        let covered: Vec<(String, u64)> =
            runs(&segments, &range).into_iter().flat_map(|run| run.range.map(move |at| (run.key.clone(), at))).collect();
        let (start, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
        prop_assert_eq!(covered, whole[start..end].to_vec());
    }

    #[test]
    fn a_batch_keeps_every_byte_in_order(sizes in prop::collection::vec(0..40_000_usize, 0..12)) {
        let mut batch = Batch::default();
        let pieces: Vec<_> = sizes.iter().map(|size| pattern(*size)).collect();
        for piece in &pieces {
            batch.push(piece.clone());
        }
        prop_assert_eq!(batch.size, sizes.iter().sum::<usize>());
        prop_assert_eq!(batch.take().concat(), pieces.concat());
        prop_assert!(batch.take().is_empty());
    }
}
