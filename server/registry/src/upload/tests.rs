//! The upload machine on a real folder, held against a model: any course of chunks, mistakes, interruptions and restarts.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_RANGE, LOCATION, RANGE};
use http::{Method, StatusCode};
use model::clock::{Clock, Timestamp};
use proptest::prelude::*;

use crate::ledger::Segment;
use crate::storage::disk::Disk;
use crate::storage::{ByteStream, Lease, Storage, StorageError, Writer};
use crate::testing::memory::MemoryLedger;
use crate::testing::{HERE, World, sha256, sha512};
use crate::{Engine, Limits};

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
        1 => length.prop_map(|length| Step::CloseWrongly { length }),
        1 => Just(Step::Restart),
        1 => Just(Step::Cancel),
    ]
}

fn bytes(length: usize, seed: usize) -> Bytes {
    (0..length).map(|at| (at * 31 + seed * 17 + at / 256).to_le_bytes()[0]).collect::<Vec<_>>().into()
}

fn engine(world: &World, storage: Arc<dyn Storage>) -> Engine {
    Engine::new(world.ledger.clone(), storage, Clock::new(|| Timestamp::from_micros(0)), Limits::default())
}

async fn course(steps: Vec<Step>, tail: usize, long_digest: bool) {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(Arc::new(MemoryLedger::default())).await;
    world.engine = engine(&world, Arc::new(Disk::open(folder.path()).unwrap()));
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
            Step::Restart => world.engine = engine(&world, Arc::new(Disk::open(folder.path()).unwrap())),
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
    let closing = format!("{location}?digest={digest}");
    let answer = world.ask(Method::PUT, closing).body(bytes(tail, 99)).send().await;
    answer.is(StatusCode::CREATED);
    assert!(world.get(answer.header(&LOCATION)).await.body == model);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_on_the_way_the_blob_is_what_was_acknowledged(
        steps in prop::collection::vec(step(), 0..8), tail in 0..60_000_usize, long_digest in any::<bool>(),
    ) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
            .block_on(course(steps, tail, long_digest));
    }
}

/// A storage with no room left for writing.
struct Full(Arc<dyn Storage>);

#[async_trait]
impl Storage for Full {
    async fn writer(&self, _: uuid::Uuid, _: Vec<Segment>, _: Lease) -> Result<Box<dyn Writer>, StorageError> {
        Err(std::io::Error::from(std::io::ErrorKind::StorageFull).into())
    }

    async fn read(&self, segments: &[Segment], range: std::ops::Range<u64>) -> Result<ByteStream, StorageError> {
        self.0.read(segments, range).await
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        self.0.delete(key).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_full_storage_says_so_and_the_upload_survives_it() {
    let mut world = World::new(Arc::new(MemoryLedger::default())).await;
    let location = world.open().await;
    world.ask(Method::PATCH, &location).body("before ").send().await.is(StatusCode::ACCEPTED);
    let closing = format!("{location}?digest={}", sha256(b"before after"));
    let roomy: Arc<dyn Storage> = Arc::new(world.storage.clone());
    world.engine = engine(&world, Arc::new(Full(roomy.clone())));
    world.ask(Method::PATCH, &location).body("x").send().await.is_error(507, "STORAGE_FULL");
    world.ask(Method::PUT, &closing).body("after").send().await.is_error(507, "STORAGE_FULL");
    assert_eq!(world.get(&location).await.header(&RANGE), "0-6");
    world.engine = engine(&world, roomy);
    world.ask(Method::PUT, &closing).body("after").send().await.is(StatusCode::CREATED);
}

#[tokio::test]
async fn a_blob_beyond_the_limit_is_refused_before_and_while_it_arrives() {
    let mut world = World::new(Arc::new(MemoryLedger::default())).await;
    let limits = Limits { blob: 10, ..Limits::default() };
    let storage = Arc::new(world.storage.clone());
    world.engine = Engine::new(world.ledger.clone(), storage, Clock::new(|| Timestamp::from_micros(0)), limits);
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
    let mut world = World::new(Arc::new(MemoryLedger::default())).await;
    world.engine = engine(&world, Arc::new(Disk::open(folder.path()).unwrap()));
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
