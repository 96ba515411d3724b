//! Tests of a process that dies during a push: what it has acknowledged is there when another process starts, and the
//! push can be repeated.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use fail::FailScenario;
use futures::TryStreamExt as _;
use http::header::RANGE;
use http::{Method, StatusCode};
use model::token::NewToken;
use registry::check::{self, BlobState};
use registry::sweep::{SweepEnd, SweepOptions, UnknownObjects};
use store::scratch::Scratch;

use crate::common::{Answer, Now, Site, basic, digest, image};

/// The points at which the process can die: around each step that makes something durable.
const POINTS: [&str; 5] = ["file-written", "file-synced", "folder-synced", "transaction-done", "transaction-committed"];

/// The variables with the folder of the process that dies, and the number of points that it survives.
const FOLDER: &str = "PORTOLAN_CRASH_FOLDER";
const SURVIVED: &str = "PORTOLAN_CRASH_SURVIVED";

/// The layers of the images that are pushed under the tag one after the other.
const LAYERS: [&[u8]; 2] = [b"the first layer, in three parts", b"the second layer"];
const TAG: &str = "/v2/ada/app/manifests/1";

/// A push by a client that reports what the hub has acknowledged.
struct Push<'a> {
    site: &'a Site,
    owner: &'a str,
    acknowledged: &'a mut dyn FnMut(String),
}

impl Push<'_> {
    async fn call(&self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        self.site.call(method, path, self.owner, body).await
    }

    async fn run(&mut self) {
        let first = LAYERS[0];
        let location = self.site.open_upload("ada/app", self.owner).await;
        (self.acknowledged)(format!("upload {location} 0"));
        for end in [10, 20] {
            let chunk = first[end - 10..end].to_vec();
            let answer = self.call(Method::PATCH, &location, chunk).await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
            (self.acknowledged)(format!("upload {location} {end}"));
        }
        let closing = format!("{location}?digest={}", digest(first));
        let answer = self.call(Method::PUT, &closing, first[20..].to_vec()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        (self.acknowledged)(format!("blob {}", digest(first)));
        for layer in LAYERS {
            // The layers that are there already are pushed again, as by a client that does not ask first.
            self.site.push("ada/app", "1", self.owner, layer).await;
            (self.acknowledged)(format!("blob {}", digest(layer)));
            (self.acknowledged)(format!("tag {}", digest(image(layer).to_string().as_bytes())));
        }
    }
}

async fn open(folder: &Path, now: &Now) -> Site {
    Site::open(folder, &Scratch::sqlite(folder), &[], now).await
}

/// Creates a hub with an account whose token is in the file `owner`.
async fn create(folder: &Path, now: &Now) {
    let site = open(folder, now).await;
    let ada = site.member("ada").await;
    let form = NewToken { label: "push".to_owned(), scopes: Vec::new(), expires_at: None };
    let secret = site.state.store.create_token(&ada, &form).await.unwrap().secret;
    fs::write(folder.join("owner"), basic("ada", &secret)).unwrap();
}

fn owner(folder: &Path) -> String {
    fs::read_to_string(folder.join("owner")).unwrap()
}

/// Runs a test of this file in another process.
fn run(test: &str, folder: &Path, survived: u64) -> bool {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args([&format!("crash::{test}"), "--exact", "--ignored", "--test-threads=1"]);
    let output = command.env(FOLDER, folder).env(SURVIVED, survived.to_string()).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(!printed.contains("panicked") && printed.contains("running 1 test"), "{printed}");
    output.status.success()
}

#[tokio::test]
#[ignore = "started by the test that follows, in another process"]
async fn pushes_until_it_dies() {
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let survived: u64 = std::env::var(SURVIVED).unwrap().parse().unwrap();
    let site = open(&folder, &Now::new()).await;
    let scenario = FailScenario::setup();
    let passed = Arc::new(AtomicU64::new(0));
    for point in POINTS {
        let passed = Arc::clone(&passed);
        let die = move || {
            if passed.fetch_add(1, Ordering::SeqCst) == survived {
                std::process::abort();
            }
        };
        fail::cfg_callback(point, die).unwrap();
    }
    let mut report = OpenOptions::new().append(true).create(true).open(folder.join("acknowledged")).unwrap();
    let mut acknowledged = |what| writeln!(report, "{what}").unwrap();
    Push { site: &site, owner: &owner(&folder), acknowledged: &mut acknowledged }.run().await;
    scenario.teardown();
}

#[tokio::test]
async fn a_process_that_dies_anywhere_in_a_push_loses_nothing_that_it_acknowledged() {
    let (origin, now) = (tempfile::tempdir().unwrap(), Now::new());
    create(origin.path(), &now).await;
    let mut survived = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        copy(origin.path(), folder.path());
        let ended = run("pushes_until_it_dies", folder.path(), survived);
        let acknowledged = fs::read_to_string(folder.path().join("acknowledged")).unwrap_or_default();
        check_after_death(folder.path(), &acknowledged).await;
        if ended {
            break;
        }
        survived += 1;
    }
    assert!(survived > 30, "a push has more steps than {survived}");
}

/// Copies a hub's data folder without the search index.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            if entry.file_name() != "index" {
                fs::create_dir_all(&target).unwrap();
                copy(&entry.path(), &target);
            }
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Checks what a process has left behind, repeats the push, and cleans up.
async fn check_after_death(folder: &Path, acknowledged: &str) {
    let now = Now::new();
    let site = open(folder, &now).await;
    let owner = owner(folder);
    let get = async |path: &str| site.call(Method::GET, path, &owner, Body::empty()).await;
    let manifests = LAYERS.map(|layer| digest(image(layer).to_string().as_bytes()));
    let mut last_tag = None;
    for line in acknowledged.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["upload", location, offset] => {
                let standing = get(location).await;
                if standing.status == StatusCode::NOT_FOUND {
                    let blob = get(&format!("/v2/ada/app/blobs/{}", digest(LAYERS[0]))).await;
                    assert_eq!(blob.status, StatusCode::OK, "{acknowledged}");
                } else {
                    let end: usize = standing.header(RANGE).strip_prefix("0-").unwrap().parse().unwrap();
                    let offset: usize = offset.parse().unwrap();
                    assert!(offset == 0 || end + 1 >= offset, "{end} after {acknowledged}");
                }
            }
            ["blob", digest] => {
                let blob = get(&format!("/v2/ada/app/blobs/{digest}")).await;
                assert_eq!((blob.status, crate::common::digest(&blob.body)), (StatusCode::OK, digest.to_owned()));
            }
            ["tag", digest] => last_tag = manifests.iter().position(|manifest| manifest == digest),
            _ => panic!("{line}"),
        }
    }
    // The tag points at the image of the last push that was acknowledged, or at that of the next one.
    let tag = get(TAG).await;
    let points_at = manifests.iter().position(|manifest| manifest == tag.header("docker-content-digest"));
    assert!(points_at == last_tag || points_at == Some(last_tag.map_or(0, |last| last + 1)), "{tag:?}");
    if let Some(at) = points_at {
        assert_eq!(tag.text(), image(LAYERS[at]).to_string());
        assert_eq!(get(&format!("/v2/ada/app/blobs/{}", digest(LAYERS[at]))).await.body, LAYERS[at]);
    }
    Push { site: &site, owner: &owner, acknowledged: &mut |_| {} }.run().await;
    assert_eq!(get(TAG).await.text(), image(LAYERS[1]).to_string());
    for layer in LAYERS {
        assert_eq!(get(&format!("/v2/ada/app/blobs/{}", digest(layer))).await.body, layer);
    }
    nothing_is_left_over(&site, &now).await;
}

/// Checks that all blobs are intact, and that clean-up and repair leave no other objects.
pub(crate) async fn nothing_is_left_over(site: &Site, now: &Now) {
    let (ledger, storage) = (&*site.opened.ledger, &*site.state.storage);
    let blobs: Vec<_> = check::blobs(ledger, storage, true).try_collect().await.unwrap();
    assert!(blobs.iter().all(|(_, state)| *state == BlobState::Intact), "{blobs:?}");
    now.later(Duration::from_hours(24 * 8));
    let options = SweepOptions {
        grace: Duration::from_hours(24 * 400),
        untagged: None,
        uploads: Duration::from_hours(24 * 7),
        rate: 0,
        unknown_objects: UnknownObjects::Not,
    };
    assert_eq!(site.state.engine.sweep(&options, &()).await.unwrap().0, SweepEnd::Done);
    let future = model::clock::Timestamp::from_micros(i64::MAX);
    let unused: Vec<_> = check::unused_objects(ledger, storage, future).await.unwrap().try_collect().await.unwrap();
    for object in &unused {
        storage.delete(&object.key).await.unwrap();
    }
    let left: Vec<_> = storage.objects().try_collect().await.unwrap();
    assert_eq!(left.len(), blobs.iter().map(|(blob, _)| blob.segments.len()).sum::<usize>(), "{left:?}");
}

#[tokio::test]
#[ignore = "started by the test that follows, in another process"]
async fn records_its_steps() {
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let site = open(&folder, &Now::new()).await;
    let scenario = FailScenario::setup();
    let steps = Arc::new(Mutex::new(Vec::new()));
    for point in POINTS {
        let steps = Arc::clone(&steps);
        fail::cfg_callback(point, move || steps.lock().unwrap().push(point.to_owned())).unwrap();
    }
    let mut requests = Vec::new();
    let mut acknowledged = |what: String| {
        let kind = what.split(' ').next().unwrap().to_owned();
        requests.push((kind, std::mem::take(&mut *steps.lock().unwrap())));
    };
    Push { site: &site, owner: &owner(&folder), acknowledged: &mut acknowledged }.run().await;
    scenario.teardown();
    let [written, synced, folder, done, committed] = POINTS;
    let row = [done, committed];
    let chunk = [written, synced, done, committed];
    let new_file = [written, synced, folder, done, committed];
    let expected: [(&str, &[&str]); 4] = [
        // The first request also creates the repository and records that the token was used.
        ("upload", &[row, row, row].concat()),
        ("upload", &new_file),
        ("upload", &chunk),
        ("blob", &chunk),
    ];
    for ((kind, steps), expected) in requests.iter().zip(expected) {
        assert_eq!((&**kind, &*steps.iter().map(String::as_str).collect::<Vec<_>>()), expected);
    }
    // Then, for each image: its config and its layer, each an upload and a file, and its manifest.
    let whole = [&row[..], &new_file, &row, &new_file, &row].concat();
    let images: Vec<_> = requests[4..].iter().filter(|(kind, _)| kind == "blob").map(|(_, steps)| steps).collect();
    assert_eq!(images, [&whole, &whole]);
}

#[test]
fn nothing_is_acknowledged_before_it_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(create(folder.path(), &Now::new()));
    assert!(run("records_its_steps", folder.path(), 0));
}
