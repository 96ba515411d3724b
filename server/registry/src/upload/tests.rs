//! The upload machine on a real folder, held against a model: any course of chunks, mistakes, interruptions and restarts.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_RANGE, RANGE};
use http::{Method, StatusCode};
use proptest::prelude::*;
use tempfile::TempDir;
use uuid::Uuid;

use crate::Limits;
use crate::ledger::Segment;
use crate::storage::disk::Disk;
use crate::storage::{ByteStream, Lease, Storage, StorageError, Writer};
use crate::testing::memory::{Fault, MemoryLedger};
use crate::testing::{HERE, World, sha256, sha512};

/// What a client may do next.
#[derive(Clone, Debug)]
enum Step {
    /// Sends a chunk, with the right range or none.
    Append { length: usize, ranged: bool },
    /// Sends a chunk with a range that starts elsewhere.
    Misplace { length: usize, by: usize },
    /// Breaks off in the middle of a chunk.
    BreakOff { length: usize },
    /// Closes with another digest, and bytes that then do not count.
    CloseWrongly { length: usize },
    /// Sends a chunk that the ledger fails to write down, or writes down without an answer.
    Forget { length: usize, fault: Fault },
    /// Sends a chunk that the disk fails to keep.
    Tear { length: usize },
    /// Another process takes over.
    Restart,
    /// Gives up.
    Cancel,
}

fn step() -> impl Strategy<Value = Step> {
    let length = 1..60_000_usize;
    prop_oneof![
        4 => (length.clone(), any::<bool>()).prop_map(|(length, ranged)| Step::Append { length, ranged }),
        1 => (length.clone(), 1..50_usize).prop_map(|(length, by)| Step::Misplace { length, by }),
        2 => length.clone().prop_map(|length| Step::BreakOff { length }),
        1 => length.clone().prop_map(|length| Step::CloseWrongly { length }),
        2 => (length.clone(), fault()).prop_map(|(length, fault)| Step::Forget { length, fault }),
        1 => length.prop_map(|length| Step::Tear { length }),
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

/// The same world, served by another process on this folder.
fn process(world: &World, folder: &TempDir) -> World {
    world.with_engine(disk(folder), Limits::default())
}

fn disk(folder: &TempDir) -> Arc<dyn Storage> {
    Arc::new(Disk::open(folder.path()).unwrap())
}

async fn course(steps: Vec<Step>, tail: usize, long_digest: bool, at_the_end: Option<Fault>) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Arc::new(MemoryLedger::default());
    let mut world = process(&World::new(ledger.clone()).await, &folder);
    let mut location = world.open().await;
    let mut model: Vec<u8> = Vec::new();
    for (seed, step) in steps.into_iter().enumerate() {
        match step {
            Step::Append { length, ranged } => {
                let chunk = bytes(length, seed);
                let mut ask = world.ask(Method::PATCH, &location).body(chunk.clone());
                if ranged {
                    ask = ask.with(CONTENT_RANGE, format!("{}-{}", model.len(), model.len() + length - 1));
                }
                ask.send().await.is(StatusCode::ACCEPTED);
                model.extend_from_slice(&chunk);
            }
            Step::Misplace { length, by } => {
                let first = model.len() + by;
                let ask = world.ask(Method::PATCH, &location).body(bytes(length, seed));
                let answer = ask.with(CONTENT_RANGE, format!("{first}-{}", first + length - 1)).send().await;
                answer.is_error(416, "SIZE_INVALID");
            }
            Step::BreakOff { length } => {
                let pieces = [Some(bytes(length, seed)), None];
                let answer = world.ask(Method::PATCH, &location).streamed(pieces).send().await;
                answer.is_error(400, "SIZE_INVALID");
            }
            Step::CloseWrongly { length } => {
                let closing = format!("{location}?digest={}", sha256(b"something else"));
                let answer = world.ask(Method::PUT, closing).body(bytes(length, seed)).send().await;
                answer.is_error(400, "DIGEST_INVALID");
            }
            Step::Forget { length, fault } => {
                let chunk = bytes(length, seed);
                ledger.fail_next(fault);
                let answer = world.ask(Method::PATCH, &location).body(chunk.clone()).send().await;
                answer.is_error(503, "UNAVAILABLE");
                if fault == Fault::After {
                    model.extend_from_slice(&chunk);
                }
            }
            Step::Tear { length } => {
                let torn = world.with_engine(Arc::new(Failing(Trouble::Torn, disk(&folder))), Limits::default());
                let answer = torn.ask(Method::PATCH, &location).body(bytes(length, seed)).send().await;
                answer.is_error(503, "UNAVAILABLE");
            }
            Step::Restart => world = process(&world, &folder),
            Step::Cancel => {
                world.delete(&location).await.is(StatusCode::NO_CONTENT);
                world.get(&location).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
                location = world.open().await;
                model.clear();
            }
        }
        let standing = world.get(&location).await;
        assert_eq!(standing.header(&RANGE), format!("0-{}", model.len().saturating_sub(1)));
    }
    model.extend_from_slice(&bytes(tail, 99));
    let digest = if long_digest { sha512(&model) } else { sha256(&model) };
    let close = || world.ask(Method::PUT, format!("{location}?digest={digest}")).body(bytes(tail, 99)).send();
    if let Some(fault) = at_the_end {
        ledger.fail_next(fault);
        close().await.is_error(503, "UNAVAILABLE");
    }
    if at_the_end != Some(Fault::After) {
        close().await.is(StatusCode::CREATED);
    }
    assert!(world.get(format!("/v2/{HERE}/blobs/{digest}")).await.body == model);
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

/// Two nodes that share a ledger and a folder.
async fn nodes(folder: &TempDir) -> [World; 2] {
    let world = World::new(Arc::new(MemoryLedger::default())).await;
    [process(&world, folder), process(&world, folder)]
}

#[tokio::test]
async fn what_one_node_acknowledged_outlives_a_chunk_that_broke_off_on_another() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = nodes(&folder).await;
    let location = one.open().await;
    let mut left = Box::pin(one.ask(Method::PATCH, &location).stalled(vec![bytes(300_000, 1); 20]).send());
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut left).await.is_err());
    other.ask(Method::PATCH, &location).body("acknowledged").send().await.is(StatusCode::ACCEPTED);
    drop(left);
    let digest = sha256(b"acknowledged, and on");
    let closing = format!("{location}?digest={digest}");
    one.ask(Method::PUT, closing).body(", and on").send().await.is(StatusCode::CREATED);
    for node in [&one, &other] {
        assert_eq!(node.get(format!("/v2/{HERE}/blobs/{digest}")).await.body, "acknowledged, and on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_chunks_on_two_nodes_one_counts_and_stays_whole() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = nodes(&folder).await;
    for round in 0..20 {
        let location = one.open().await;
        let chunks = [bytes(200_000, round), bytes(200_000, round + 1)];
        let patch = async |node: &World, chunk: &Bytes| {
            node.ask(Method::PATCH, &location).with(CONTENT_RANGE, "0-199999").body(chunk.clone()).send().await
        };
        let (first, second) = tokio::join!(patch(&one, &chunks[0]), patch(&other, &chunks[1]));
        let won = [first, second].map(|answer| answer.status == StatusCode::ACCEPTED);
        assert_ne!(won[0], won[1]);
        let whole = &chunks[usize::from(won[1])];
        let digest = sha256(whole);
        one.ask(Method::PUT, format!("{location}?digest={digest}")).send().await.is(StatusCode::CREATED);
        assert!(other.get(format!("/v2/{HERE}/blobs/{digest}")).await.body == *whole);
    }
}

/// How a storage fails that nothing can be written to.
#[derive(Clone, Copy)]
enum Trouble {
    /// It has no room left.
    Full,
    /// It takes bytes, and then fails to keep them.
    Torn,
}

/// A storage in trouble.
struct Failing(Trouble, Arc<dyn Storage>);

struct TornWriter(Box<dyn Writer>);

#[async_trait]
impl Storage for Failing {
    async fn writer(&self, id: Uuid, segments: Vec<Segment>, lease: Lease) -> Result<Box<dyn Writer>, StorageError> {
        match self.0 {
            Trouble::Full => Err(io::Error::from(io::ErrorKind::StorageFull).into()),
            Trouble::Torn => Ok(Box::new(TornWriter(self.1.writer(id, segments, lease).await?))),
        }
    }

    async fn read(&self, segments: &[Segment], range: Range<u64>) -> Result<ByteStream, StorageError> {
        self.1.read(segments, range).await
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        self.1.delete(key).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.1.check().await
    }
}

#[async_trait]
impl Writer for TornWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.0.write(bytes).await
    }

    async fn finish(self: Box<Self>) -> Result<Vec<Segment>, StorageError> {
        Err(io::Error::other("it was told to fail").into())
    }
}

#[tokio::test]
async fn a_full_storage_says_so_and_the_upload_survives_it() {
    let world = World::new(Arc::new(MemoryLedger::default())).await;
    let location = world.open().await;
    world.ask(Method::PATCH, &location).body("before ").send().await.is(StatusCode::ACCEPTED);
    let closing = format!("{location}?digest={}", sha256(b"before after"));
    let full = world.with_engine(Arc::new(Failing(Trouble::Full, Arc::new(world.storage.clone()))), Limits::default());
    full.ask(Method::PATCH, &location).body("x").send().await.is_error(507, "STORAGE_FULL");
    full.ask(Method::PUT, &closing).body("after").send().await.is_error(507, "STORAGE_FULL");
    assert_eq!(world.get(&location).await.header(&RANGE), "0-6");
    world.ask(Method::PUT, &closing).body("after").send().await.is(StatusCode::CREATED);
}

#[tokio::test]
async fn a_blob_beyond_the_limit_is_refused_before_and_while_it_arrives() {
    let world = World::new(Arc::new(MemoryLedger::default())).await;
    let world = world.with_limits(Limits { blob: 10, ..Limits::default() });
    let location = world.open().await;
    world.ask(Method::PATCH, &location).body("12345").send().await.is(StatusCode::ACCEPTED);
    world.ask(Method::PATCH, &location).body("678901").send().await.is_error(413, "SIZE_INVALID");
    let streamed = world.ask(Method::PATCH, &location).streamed([Some("678".into()), Some("901".into())]);
    streamed.send().await.is_error(413, "SIZE_INVALID");
    let closing = format!("{location}?digest={}", sha256(b"1234567890"));
    world.ask(Method::PUT, closing).body("67890").send().await.is(StatusCode::CREATED);
}

#[tokio::test]
async fn a_request_that_goes_away_lets_the_next_one_write() {
    let folder = tempfile::tempdir().unwrap();
    let world = process(&World::new(Arc::new(MemoryLedger::default())).await, &folder);
    let location = world.open().await;
    for _ in 0..20 {
        let sending = world.ask(Method::PATCH, &location).stalled(vec![bytes(300_000, 1); 20]).send();
        // Dropped wherever it first waits: for a blocking thread, or for more of the body.
        assert!(futures::FutureExt::now_or_never(sending).is_none());
    }
    world.ask(Method::PATCH, &location).body("after").send().await.is(StatusCode::ACCEPTED);
    let digest = sha256(b"after");
    world.ask(Method::PUT, format!("{location}?digest={digest}")).send().await.is(StatusCode::CREATED);
    assert_eq!(world.get(format!("/v2/{HERE}/blobs/{digest}")).await.body, "after");
}
