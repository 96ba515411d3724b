//! Tests of uploads on disk against a model: random sequences of chunks, mistakes, interruptions and restarts.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use http::header::{CONTENT_RANGE, RANGE};
use http::{Method, StatusCode};
use proptest::prelude::*;
use tempfile::TempDir;
use uuid::Uuid;

use crate::Limits;
use crate::ledger::Segment;
use crate::storage::disk::Disk;
use crate::storage::{ByteStream, Lease, Object, Storage, StorageError, Writer};
use crate::testing::memory::{Fault, MemoryLedger};
use crate::testing::{REPOSITORY, TestRegistry, sha256, sha512};

/// A step of a client, or a fault.
#[derive(Clone, Debug)]
enum Step {
    /// Sends a chunk, with or without its range.
    Append { length: usize, ranged: bool },
    /// Sends a chunk with a range that starts at a wrong offset.
    Misplace { length: usize, by: usize },
    /// Disconnects in the middle of a chunk.
    Disconnect { length: usize },
    /// Closes the upload with the wrong digest.
    CloseWrongly { length: usize },
    /// Sends a chunk; the ledger fails before or after recording it.
    LedgerFault { length: usize, fault: Fault },
    /// Sends a chunk; the disk fails.
    DiskFault { length: usize },
    /// Continues on another process.
    Restart,
    /// Cancels the upload.
    Cancel,
}

fn step() -> impl Strategy<Value = Step> {
    let length = 1..60_000_usize;
    prop_oneof![
        4 => (length.clone(), any::<bool>()).prop_map(|(length, ranged)| Step::Append { length, ranged }),
        1 => (length.clone(), 1..50_usize).prop_map(|(length, by)| Step::Misplace { length, by }),
        2 => length.clone().prop_map(|length| Step::Disconnect { length }),
        1 => length.clone().prop_map(|length| Step::CloseWrongly { length }),
        2 => (length.clone(), fault()).prop_map(|(length, fault)| Step::LedgerFault { length, fault }),
        1 => length.prop_map(|length| Step::DiskFault { length }),
        1 => Just(Step::Restart),
        1 => Just(Step::Cancel),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![Just(Fault::Before), Just(Fault::After)]
}

fn bytes(length: usize, seed: usize) -> Bytes {
    (0..length).map(|at| (at * 31 + seed * 17 + at / 256).to_le_bytes()[0]).collect::<Vec<_>>().into()
}

/// Returns the same registry with the engine of another process that uses this folder.
fn process(registry: &TestRegistry, folder: &TempDir) -> TestRegistry {
    registry.with_engine(disk(folder), Limits::default())
}

fn disk(folder: &TempDir) -> Arc<dyn Storage> {
    Arc::new(Disk::open(folder.path()).unwrap())
}

async fn course(steps: Vec<Step>, tail: usize, long_digest: bool, at_the_end: Option<Fault>) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Arc::new(MemoryLedger::default());
    let mut registry = process(&TestRegistry::new(ledger.clone()).await, &folder);
    let mut location = registry.open().await;
    let mut model: Vec<u8> = Vec::new();
    for (seed, step) in steps.into_iter().enumerate() {
        match step {
            Step::Append { length, ranged } => {
                let chunk = bytes(length, seed);
                let mut request = registry.request(Method::PATCH, &location).body(chunk.clone());
                if ranged {
                    request = request.with(CONTENT_RANGE, format!("{}-{}", model.len(), model.len() + length - 1));
                }
                request.send().await.is(StatusCode::ACCEPTED);
                model.extend_from_slice(&chunk);
            }
            Step::Misplace { length, by } => {
                let first = model.len() + by;
                let request = registry.request(Method::PATCH, &location).body(bytes(length, seed));
                let response = request.with(CONTENT_RANGE, format!("{first}-{}", first + length - 1)).send().await;
                response.is_error(416, "SIZE_INVALID");
            }
            Step::Disconnect { length } => {
                let pieces = [Some(bytes(length, seed)), None];
                let response = registry.request(Method::PATCH, &location).streamed(pieces).send().await;
                response.is_error(400, "SIZE_INVALID");
            }
            Step::CloseWrongly { length } => {
                let closing = format!("{location}?digest={}", sha256(b"something else"));
                let response = registry.request(Method::PUT, closing).body(bytes(length, seed)).send().await;
                response.is_error(400, "DIGEST_INVALID");
            }
            Step::LedgerFault { length, fault } => {
                let chunk = bytes(length, seed);
                ledger.fail_next(fault);
                let response = registry.request(Method::PATCH, &location).body(chunk.clone()).send().await;
                response.is_error(503, "UNAVAILABLE");
                if fault == Fault::After {
                    model.extend_from_slice(&chunk);
                }
            }
            Step::DiskFault { length } => {
                let torn = registry
                    .with_engine(Arc::new(FailingStorage(StorageFault::Finish, disk(&folder))), Limits::default());
                let response = torn.request(Method::PATCH, &location).body(bytes(length, seed)).send().await;
                response.is_error(503, "UNAVAILABLE");
            }
            Step::Restart => registry = process(&registry, &folder),
            Step::Cancel => {
                registry.delete(&location).await.is(StatusCode::NO_CONTENT);
                registry.get(&location).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
                location = registry.open().await;
                model.clear();
            }
        }
        let standing = registry.get(&location).await;
        assert_eq!(standing.header(&RANGE), format!("0-{}", model.len().saturating_sub(1)));
    }
    model.extend_from_slice(&bytes(tail, 99));
    let digest = if long_digest { sha512(&model) } else { sha256(&model) };
    let close = || registry.request(Method::PUT, format!("{location}?digest={digest}")).body(bytes(tail, 99)).send();
    if let Some(fault) = at_the_end {
        ledger.fail_next(fault);
        close().await.is_error(503, "UNAVAILABLE");
    }
    if at_the_end != Some(Fault::After) {
        close().await.is(StatusCode::CREATED);
    }
    assert!(registry.get(format!("/v2/{REPOSITORY}/blobs/{digest}")).await.body == model);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_on_the_way_the_blob_is_what_was_acknowledged(
        steps in prop::collection::vec(step(), 0..8), tail in 0..60_000_usize, long_digest in any::<bool>(),
        at_the_end in prop::option::of(fault()),
    ) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
            .block_on(course(steps, tail, long_digest, at_the_end));
    }
}

/// Two nodes with one ledger and one folder.
async fn nodes(folder: &TempDir) -> [TestRegistry; 2] {
    let registry = TestRegistry::new(Arc::new(MemoryLedger::default())).await;
    [process(&registry, folder), process(&registry, folder)]
}

#[tokio::test]
async fn what_one_node_acknowledged_outlives_a_chunk_that_broke_off_on_another() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = nodes(&folder).await;
    let location = one.open().await;
    let mut left = Box::pin(one.request(Method::PATCH, &location).stalled(vec![bytes(300_000, 1); 20]).send());
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut left).await.is_err());
    other.request(Method::PATCH, &location).body("acknowledged").send().await.is(StatusCode::ACCEPTED);
    drop(left);
    let digest = sha256(b"acknowledged, and on");
    let closing = format!("{location}?digest={digest}");
    one.request(Method::PUT, closing).body(", and on").send().await.is(StatusCode::CREATED);
    for node in [&one, &other] {
        assert_eq!(node.get(format!("/v2/{REPOSITORY}/blobs/{digest}")).await.body, "acknowledged, and on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_chunks_on_two_nodes_one_counts_and_stays_whole() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = nodes(&folder).await;
    for round in 0..20 {
        let location = one.open().await;
        let chunks = [bytes(200_000, round), bytes(200_000, round + 1)];
        let patch = async |node: &TestRegistry, chunk: &Bytes| {
            node.request(Method::PATCH, &location).with(CONTENT_RANGE, "0-199999").body(chunk.clone()).send().await
        };
        let (first, second) = tokio::join!(patch(&one, &chunks[0]), patch(&other, &chunks[1]));
        let won = [first, second].map(|response| response.status == StatusCode::ACCEPTED);
        assert_ne!(won[0], won[1]);
        let whole = &chunks[usize::from(won[1])];
        let digest = sha256(whole);
        one.request(Method::PUT, format!("{location}?digest={digest}")).send().await.is(StatusCode::CREATED);
        assert!(other.get(format!("/v2/{REPOSITORY}/blobs/{digest}")).await.body == *whole);
    }
}

/// How the storage fails.
#[derive(Clone, Copy)]
enum StorageFault {
    /// No writer can be opened because the storage is full.
    Full,
    /// Writers accept bytes but fail to finish.
    Finish,
}

/// A storage that fails.
struct FailingStorage(StorageFault, Arc<dyn Storage>);

struct FailingWriter(Box<dyn Writer>);

#[async_trait]
impl Storage for FailingStorage {
    async fn writer(&self, id: Uuid, segments: Vec<Segment>, lease: Lease) -> Result<Box<dyn Writer>, StorageError> {
        match self.0 {
            StorageFault::Full => Err(io::Error::from(io::ErrorKind::StorageFull).into()),
            StorageFault::Finish => Ok(Box::new(FailingWriter(self.1.writer(id, segments, lease).await?))),
        }
    }

    async fn read(&self, segments: &[Segment], range: Range<u64>) -> Result<ByteStream, StorageError> {
        self.1.read(segments, range).await
    }

    async fn length(&self, key: &str) -> Result<Option<u64>, StorageError> {
        self.1.length(key).await
    }

    fn objects(&self) -> BoxStream<'static, Result<Object, StorageError>> {
        self.1.objects()
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        self.1.delete(key).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.1.check().await
    }
}

#[async_trait]
impl Writer for FailingWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.0.write(bytes).await
    }

    async fn finish(self: Box<Self>) -> Result<Vec<Segment>, StorageError> {
        Err(io::Error::other("injected fault").into())
    }
}

#[tokio::test]
async fn a_full_storage_says_so_and_the_upload_survives_it() {
    let registry = TestRegistry::new(Arc::new(MemoryLedger::default())).await;
    let location = registry.open().await;
    registry.request(Method::PATCH, &location).body("before ").send().await.is(StatusCode::ACCEPTED);
    let closing = format!("{location}?digest={}", sha256(b"before after"));
    let full = registry.with_engine(
        Arc::new(FailingStorage(StorageFault::Full, Arc::new(registry.storage.clone()))),
        Limits::default(),
    );
    full.request(Method::PATCH, &location).body("x").send().await.is_error(507, "STORAGE_FULL");
    full.request(Method::PUT, &closing).body("after").send().await.is_error(507, "STORAGE_FULL");
    assert_eq!(registry.get(&location).await.header(&RANGE), "0-6");
    registry.request(Method::PUT, &closing).body("after").send().await.is(StatusCode::CREATED);
}

#[tokio::test]
async fn a_blob_beyond_the_limit_is_refused_before_and_while_it_arrives() {
    let registry = TestRegistry::new(Arc::new(MemoryLedger::default())).await;
    let registry = registry.with_limits(Limits { blob: 10, ..Limits::default() });
    let location = registry.open().await;
    registry.request(Method::PATCH, &location).body("12345").send().await.is(StatusCode::ACCEPTED);
    registry.request(Method::PATCH, &location).body("678901").send().await.is_error(413, "SIZE_INVALID");
    let streamed = registry.request(Method::PATCH, &location).streamed([Some("678".into()), Some("901".into())]);
    streamed.send().await.is_error(413, "SIZE_INVALID");
    let closing = format!("{location}?digest={}", sha256(b"1234567890"));
    registry.request(Method::PUT, closing).body("67890").send().await.is(StatusCode::CREATED);
}

#[tokio::test]
async fn a_request_that_goes_away_lets_the_next_one_write() {
    let folder = tempfile::tempdir().unwrap();
    let registry = process(&TestRegistry::new(Arc::new(MemoryLedger::default())).await, &folder);
    let location = registry.open().await;
    for _ in 0..20 {
        let sending = registry.request(Method::PATCH, &location).stalled(vec![bytes(300_000, 1); 20]).send();
        // The request is dropped where it first waits: for a blocking thread or for more of the body.
        assert!(futures::FutureExt::now_or_never(sending).is_none());
    }
    registry.request(Method::PATCH, &location).body("after").send().await.is(StatusCode::ACCEPTED);
    let digest = sha256(b"after");
    registry.request(Method::PUT, format!("{location}?digest={digest}")).send().await.is(StatusCode::CREATED);
    assert_eq!(registry.get(format!("/v2/{REPOSITORY}/blobs/{digest}")).await.body, "after");
}
