//! Tests of garbage collection: what a sweep frees, that it frees what was announced, and its races with pushes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use model::event::EventKind;
use model::oci::{Algorithm, Digest, Reference, Tag};
use registry::ledger::{Freed, Link, NewManifest, Put, SweepClaim, SweepJob};
use registry::sweep::{SweepEnd, SweepOptions, UnknownObjects};
use registry::testing::memory::MemoryStorage;
use registry::{Engine, Limits};
use uuid::Uuid;

use super::races::together;
use super::world::{World, digest_of, manifest};
use crate::testing::{Fixture, each_database};

const DAY: Duration = Duration::from_hours(24);

/// Frees everything that is unused now.
const AT_ONCE: SweepOptions = SweepOptions {
    grace: Duration::ZERO,
    untagged: Some(Duration::ZERO),
    uploads: Duration::ZERO,
    rate: 0,
    unknown_objects: UnknownObjects::Not,
};

/// The ages that a hub uses by default.
const USUAL: SweepOptions = SweepOptions {
    grace: DAY,
    untagged: Some(Duration::from_hours(24 * 30)),
    uploads: Duration::from_hours(24 * 7),
    rate: 0,
    unknown_objects: UnknownObjects::Not,
};

fn engine(world: &World) -> Engine {
    let (ledger, storage) = (Arc::clone(&world.ledger), Arc::new(MemoryStorage::default()));
    Engine::new(ledger, storage, world.store.clock().clone(), Limits::default())
}

/// Sweeps and returns what was freed, which is also what was announced.
async fn sweep(world: &World, options: &SweepOptions) -> Freed {
    let engine = engine(world);
    let announced = engine.sweepable(options).await.unwrap();
    let (end, freed) = engine.sweep(options, &()).await.unwrap();
    assert_eq!((end, freed), (SweepEnd::Done, announced));
    freed
}

/// The manifests and blobs that exist in a repository.
async fn contents(world: &World, digests: &[Digest]) -> Vec<bool> {
    let mut there = Vec::new();
    for digest in digests {
        let manifest = world.ledger.manifest(world.place.id, &Reference::Digest(digest.clone())).await.unwrap();
        there.push(manifest.is_some() || world.ledger.blob(world.place.id, digest).await.unwrap().is_some());
    }
    there
}

fn index(payload: &str, children: &[(&Digest, &str)], tags: &[&str]) -> NewManifest {
    let link = |(digest, payload): &(&Digest, &str)| Link {
        digest: Digest::clone(digest),
        size: u64::try_from(payload.len()).unwrap(),
    };
    NewManifest { children: children.iter().map(link).collect(), ..manifest(payload, &[], tags) }
}

fn about(payload: &str, subject: &Digest) -> NewManifest {
    NewManifest { subject: Some(subject.clone()), ..manifest(payload, &[], &[]) }
}

each_database! {
    async fn what_has_lost_its_tag_goes_after_its_age_and_its_blobs_after_the_grace_period(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let (shared, own) = (world.blob(b"shared").await, world.blob(b"own").await);
        let old = world.push("old", &[shared.clone(), own.clone()], &["latest"]).await;
        let new = world.push("new", std::slice::from_ref(&shared), &["latest"]).await;
        let all = [old, new, shared.digest, own.digest];
        fixture.pass(29 * DAY);
        assert_eq!(sweep(&world, &USUAL).await, Freed::default());
        fixture.pass(DAY);
        assert_eq!(sweep(&world, &USUAL).await, Freed { manifests: 1, ..Freed::default() });
        assert_eq!(contents(&world, &all).await, [false, true, true, true]);
        assert_eq!(world.counters().await, (1, 3 + 6));
        fixture.pass(DAY);
        assert_eq!(sweep(&world, &USUAL).await, Freed { blobs: 1, objects: 1, bytes: 3, ..Freed::default() });
        assert_eq!(contents(&world, &all).await, [false, true, true, false]);
        let deleted = world.events().await.into_iter().map(|event| event.kind);
        let deleted: Vec<_> = deleted.filter(|kind| matches!(kind, EventKind::ManifestDeleted { .. })).collect();
        assert_eq!(deleted, [EventKind::ManifestDeleted { digest: all[0].clone(), tags: Vec::new() }]);
        assert_eq!(sweep(&world, &AT_ONCE).await, Freed::default());
    }

    async fn an_index_keeps_its_images_and_an_image_its_signatures(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let (amd, arm) = (world.push("amd64", &[], &[]).await, world.push("arm64", &[], &[]).await);
        let list = index("index", &[(&amd, "amd64"), (&arm, "arm64")], &["v1"]);
        assert_eq!(world.put(&list).await, Put::Stored);
        let signature = about("signature", &amd);
        assert_eq!(world.put(&signature).await, Put::Stored);
        let countersignature = about("countersignature", &signature.digest);
        assert_eq!(world.put(&countersignature).await, Put::Stored);
        let dangling = about("dangling", &digest_of(b"never pushed"));
        assert_eq!(world.put(&dangling).await, Put::Stored);
        world.push("arm64", &[], &["arm"]).await;
        assert_eq!(sweep(&world, &AT_ONCE).await, Freed { manifests: 1, ..Freed::default() }, "the dangling one");
        world.ledger.delete_tag(&world.place, &Tag::parse("v1").unwrap(), world.now()).await.unwrap();
        let all = [list.digest, amd, arm, signature.digest, countersignature.digest];
        assert_eq!(sweep(&world, &AT_ONCE).await, Freed { manifests: 4, ..Freed::default() });
        assert_eq!(contents(&world, &all).await, [false, false, true, false, false]);
        assert_eq!(world.counters().await, (1, 5));
    }

    async fn untagged_manifests_are_kept_if_they_may_not_go(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let blob = world.blob(b"layer").await;
        let digest = world.push("m", std::slice::from_ref(&blob), &[]).await;
        fixture.pass(400 * DAY);
        assert_eq!(sweep(&world, &SweepOptions { untagged: None, ..AT_ONCE }).await, Freed::default());
        assert_eq!(contents(&world, &[digest, blob.digest]).await, [true, true]);
    }

    async fn a_manifest_that_is_pushed_again_starts_its_age_anew(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let digest = world.push("m", &[], &[]).await;
        fixture.pass(20 * DAY);
        world.push("m", &[], &[]).await;
        fixture.pass(20 * DAY);
        assert_eq!(sweep(&world, &USUAL).await, Freed::default());
        world.push("m", &[], &["v1"]).await;
        fixture.pass(20 * DAY);
        assert_eq!(sweep(&world, &USUAL).await, Freed::default());
        assert_eq!(contents(&world, &[digest]).await, [true]);
    }

    async fn an_image_that_lost_its_own_tag_after_its_index_is_kept_for_its_own_age(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let child = world.push("child", &[], &["child"]).await;
        let list = index("index", &[(&child, "child")], &["v1"]);
        assert_eq!(world.put(&list).await, Put::Stored);
        let untag = async |tag: &str| {
            world.ledger.delete_tag(&world.place, &Tag::parse(tag).unwrap(), world.now()).await.unwrap();
        };
        untag("v1").await;
        fixture.pass(20 * DAY);
        untag("child").await;
        fixture.pass(10 * DAY);
        assert_eq!(sweep(&world, &USUAL).await, Freed { manifests: 1, ..Freed::default() });
        assert_eq!(contents(&world, &[list.digest, child.clone()]).await, [false, true]);
        fixture.pass(20 * DAY);
        assert_eq!(sweep(&world, &USUAL).await, Freed { manifests: 1, ..Freed::default() });
        assert_eq!(contents(&world, &[child]).await, [false]);
    }

    async fn a_blob_goes_with_the_last_repository_that_has_it(fixture: &Fixture) {
        let (here, there) = (World::new(fixture, "team/here").await, World::new(fixture, "team/there").await);
        let blob = here.blob(b"layer").await;
        here.push("here", std::slice::from_ref(&blob), &["v1"]).await;
        there.ledger.mount(there.place.id, here.place.id, &blob.digest, there.now()).await.unwrap().unwrap();
        let digest = there.push("there", std::slice::from_ref(&blob), &["v1"]).await;
        assert!(there.ledger.delete_manifest(&there.place, &digest, there.now()).await.unwrap());
        assert_eq!(sweep(&here, &AT_ONCE).await, Freed::default());
        assert_eq!(contents(&here, std::slice::from_ref(&blob.digest)).await, [true]);
        assert_eq!(contents(&there, std::slice::from_ref(&blob.digest)).await, [false]);
        let digest = digest_of(b"here");
        assert!(here.ledger.delete_manifest(&here.place, &digest, here.now()).await.unwrap());
        assert_eq!(sweep(&here, &AT_ONCE).await, Freed { blobs: 1, objects: 1, bytes: 5, ..Freed::default() });
    }

    async fn uploads_and_repositories_without_a_manifest_go(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let upload = world.upload(b"half", "o/1").await;
        assert!(world.ledger.advance_upload(world.place.id, &upload, 0, world.now()).await.unwrap());
        fixture.pass(6 * DAY);
        assert_eq!(sweep(&world, &USUAL).await, Freed::default());
        fixture.pass(DAY);
        assert_eq!(sweep(&world, &USUAL).await, Freed { uploads: 1, objects: 1, bytes: 4, ..Freed::default() });
        assert_eq!(fixture.rows("repository").await, 0);
        // A blob that has no manifest yet keeps its repository until it goes itself.
        let world = World::new(fixture, "team/next").await;
        world.blob(b"layer").await;
        fixture.pass(DAY / 2);
        assert_eq!(sweep(&world, &USUAL).await, Freed::default());
        assert_eq!(fixture.rows("repository").await, 1);
        fixture.pass(DAY / 2);
        assert_eq!(sweep(&world, &USUAL).await, Freed { blobs: 1, objects: 1, bytes: 5, ..Freed::default() });
        assert_eq!(fixture.rows("repository").await, 0);
    }

    async fn only_one_process_sweeps_unless_it_is_gone_and_none_while_paused(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let (one, two, ledger) = (Uuid::now_v7(), Uuid::now_v7(), &world.ledger);
        let minute = Duration::from_mins(1);
        let claim = async |holder| ledger.claim_sweep(SweepJob::Sweep, holder, world.now().plus(minute), world.now()).await.unwrap();
        assert_eq!((claim(one).await, claim(two).await), (SweepClaim::Granted, SweepClaim::Busy));
        assert_eq!(engine(&world).sweep(&USUAL, &()).await.unwrap().0, SweepEnd::Busy);
        fixture.pass(minute / 2);
        assert_eq!(claim(one).await, SweepClaim::Granted);
        fixture.pass(minute / 2);
        assert_eq!(claim(two).await, SweepClaim::Busy, "it has been extended");
        fixture.pass(minute);
        assert_eq!((claim(two).await, claim(one).await), (SweepClaim::Granted, SweepClaim::Busy));
        ledger.release_sweep(SweepJob::Sweep, one).await.unwrap();
        assert_eq!(claim(one).await, SweepClaim::Busy);
        ledger.release_sweep(SweepJob::Sweep, two).await.unwrap();
        assert_eq!(claim(one).await, SweepClaim::Granted);
        ledger.pause_sweep(true).await.unwrap();
        assert_eq!(claim(one).await, SweepClaim::Paused);
        assert_eq!(engine(&world).sweep(&USUAL, &()).await.unwrap().0, SweepEnd::Paused);
        ledger.pause_sweep(false).await.unwrap();
        ledger.release_sweep(SweepJob::Sweep, one).await.unwrap();
        let claims = together((0..16).map(|_| {
            let (ledger, now) = (Arc::clone(ledger), world.now());
            async move { ledger.claim_sweep(SweepJob::Sweep, Uuid::now_v7(), now.plus(minute), now).await.unwrap() }
        }));
        assert_eq!(claims.await.into_iter().filter(|claim| *claim == SweepClaim::Granted).count(), 1);
    }

    async fn in_random_worlds_a_sweep_frees_what_it_announced_and_keeps_what_is_used(fixture: &Fixture) {
        for seed in 0..12 {
            random_world(fixture, seed).await;
        }
    }

    async fn a_manifest_and_the_sweep_of_its_blobs_never_both_succeed(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        for round in 0..60 {
            let layers = [world.blob(format!("a{round}").as_bytes()).await, world.blob(format!("b{round}").as_bytes()).await];
            let new = manifest(&format!("m{round}"), &layers, &["latest"]);
            let (sweeper, pusher) = (world.clone(), world.clone());
            let sweep = tokio::spawn(async move { engine(&sweeper).sweep(&AT_ONCE, &()).await.unwrap() });
            let push = tokio::spawn(async move { pusher.put(&new).await });
            match push.await.unwrap() {
                Put::Stored => {
                    sweep.await.unwrap();
                    let digests = layers.map(|layer| layer.digest);
                    assert_eq!(contents(&world, &digests).await, [true, true]);
                }
                Put::Missing(missing) => {
                    sweep.await.unwrap();
                    assert!(missing.iter().all(|digest| layers.iter().any(|layer| layer.digest == *digest)));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    async fn a_mount_and_the_sweep_of_its_blob_never_both_succeed(fixture: &Fixture) {
        let (here, there) = (World::new(fixture, "team/here").await, World::new(fixture, "team/there").await);
        for round in 0..60 {
            let blob = here.blob(format!("layer {round}").as_bytes()).await;
            let (sweeper, mounter, digest) = (here.clone(), there.clone(), blob.digest.clone());
            let from = here.place.id;
            let sweep = tokio::spawn(async move {
                let now = sweeper.now();
                sweeper.ledger.sweep_links(now, 100, now).await.unwrap();
                sweeper.ledger.sweep_blobs(100, now).await.unwrap();
            });
            let mount = tokio::spawn(async move {
                mounter.ledger.mount(mounter.place.id, from, &digest, mounter.now()).await.unwrap().is_some()
            });
            let is_mounted = mount.await.unwrap();
            sweep.await.unwrap();
            // The sweep without grace may have taken the new link too.
            let is_linked = there.ledger.blob(there.place.id, &blob.digest).await.unwrap().is_some();
            let is_stored = there.ledger.stored_blob(&blob.digest).await.unwrap().is_some();
            assert!((is_mounted || !is_linked) && is_linked == is_stored, "{is_mounted} {is_linked} {is_stored}");
        }
    }

    async fn an_index_and_the_sweep_of_its_images_never_both_succeed(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        world.push("keeps the repository", &[], &["keep"]).await;
        for round in 0..60 {
            let payload = format!("child {round}");
            let child = world.push(&payload, &[], &[]).await;
            let list = index(&format!("index {round}"), &[(&child, &payload)], &["latest"]);
            let (sweeper, pusher) = (world.clone(), world.clone());
            let sweep = tokio::spawn(async move {
                sweeper.ledger.sweep_manifests(sweeper.now(), 100, sweeper.now()).await.unwrap()
            });
            let push = tokio::spawn(async move { pusher.put(&list).await });
            let put = push.await.unwrap();
            sweep.await.unwrap();
            let is_there = contents(&world, std::slice::from_ref(&child)).await[0];
            match put {
                Put::Stored => assert!(is_there),
                Put::Missing(missing) => assert_eq!((missing, is_there), (vec![child], false)),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn a_tag_and_the_sweep_of_its_manifest_never_both_succeed(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        world.push("keeps the repository", &[], &["keep"]).await;
        for round in 0..60 {
            let payload = format!("m{round}");
            let digest = world.push(&payload, &[], &[]).await;
            let (sweeper, pusher) = (world.clone(), world.clone());
            let sweep = tokio::spawn(async move {
                sweeper.ledger.sweep_manifests(sweeper.now(), 100, sweeper.now()).await.unwrap()
            });
            let push = tokio::spawn(async move { pusher.put(&manifest(&payload, &[], &["latest"])).await });
            assert_eq!(push.await.unwrap(), Put::Stored);
            sweep.await.unwrap();
            assert_eq!(contents(&world, &[digest]).await, [true]);
        }
    }

    async fn a_blob_found_by_a_head_is_not_swept_before_its_manifest_comes(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let blob = world.blob(b"layer").await;
        fixture.pass(DAY);
        assert!(world.ledger.hold_blob(world.place.id, &blob.digest, world.now()).await.unwrap());
        assert_eq!(sweep(&world, &USUAL).await, Freed::default());
        world.push("m", &[blob], &["v1"]).await;
    }

    async fn sweeps_on_two_nodes_free_everything_once(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        world.push("keeps the repository", &[], &["keep"]).await;
        for number in 0..300 {
            let blob = world.blob(format!("layer {number}").as_bytes()).await;
            world.push(&format!("m{number}"), &[blob], &["latest"]).await;
        }
        let now = world.now();
        let batches = together((0..8).map(|_| {
            let ledger = Arc::clone(&world.ledger);
            async move {
                let mut freed = (0, 0, 0);
                for _ in 0..40 {
                    freed.0 += ledger.sweep_manifests(now, 10, now).await.unwrap().freed;
                    freed.1 += ledger.sweep_links(now, 10, now).await.unwrap().freed;
                    freed.2 += ledger.sweep_blobs(10, now).await.unwrap().freed;
                }
                freed
            }
        }));
        let freed = batches.await.into_iter().fold((0, 0, 0), |all, one| (all.0 + one.0, all.1 + one.1, all.2 + one.2));
        let rest = sweep(&world, &AT_ONCE).await;
        assert_eq!((freed.0 + rest.manifests, freed.2 + rest.blobs), (299, 299));
        assert_eq!(rest.objects, 299);
    }
}

/// A sequence of random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        // Constants of Knuth's MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn some<T: Clone>(&mut self, of: &[T], most: usize) -> Vec<T> {
        let count = self.below(most + 1).min(of.len());
        (0..count).map(|_| of[self.below(of.len())].clone()).collect()
    }
}

/// Pushes and deletes at random in two repositories, and sweeps in between.
async fn random_world(fixture: &Fixture, seed: u64) {
    let mut random = Random(seed);
    let worlds =
        [World::new(fixture, &format!("team{seed}/one")).await, World::new(fixture, &format!("team{seed}/two")).await];
    let mut blobs: [Vec<Link>; 2] = Default::default();
    let mut manifests: [Vec<(Digest, String)>; 2] = Default::default();
    for step in 0..60 {
        let here = random.below(2);
        let world = &worlds[here];
        match random.below(12) {
            0..3 => {
                let bytes = format!("{seed} blob {}", random.below(12));
                blobs[here].push(world.blob(bytes.as_bytes()).await);
            }
            3..6 => {
                let payload = format!("{seed} manifest {}", step % 25);
                let children = random.some(&manifests[here], 2);
                let children = children.iter().filter(|(_, child)| *child != payload);
                let link = |(digest, payload): &(Digest, String)| Link {
                    digest: digest.clone(),
                    size: u64::try_from(payload.len()).unwrap(),
                };
                let tags: &[&str] = [&[][..], &["latest"], &["v1"], &["v1", "v2"]][random.below(4)];
                let new = NewManifest {
                    children: children.map(link).collect(),
                    subject: random.some(&manifests[here], 1).pop().map(|(subject, _)| subject),
                    ..manifest(&payload, &random.some(&blobs[here], 3), tags)
                };
                // Blobs and children may have been swept.
                if world.put(&new).await == Put::Stored {
                    manifests[here].push((new.digest, payload));
                }
            }
            6 => {
                let tag = Tag::parse(["latest", "v1", "v2"][random.below(3)]).unwrap();
                world.ledger.delete_tag(&world.place, &tag, world.now()).await.unwrap();
            }
            7 => {
                if let Some((digest, _)) = random.some(&manifests[here], 1).pop() {
                    world.ledger.delete_manifest(&world.place, &digest, world.now()).await.unwrap();
                }
            }
            8 => {
                if let Some(link) = random.some(&blobs[here], 1).pop() {
                    let (to, now) = (worlds[1 - here].place.id, world.now());
                    if world.ledger.mount(to, world.place.id, &link.digest, now).await.unwrap().is_some() {
                        blobs[1 - here].push(link.clone());
                    }
                    world.ledger.unlink_blob(world.place.id, &link.digest, now).await.unwrap();
                }
            }
            9 => {
                let upload = world.upload(b"half", &format!("{seed}/{step}")).await;
                world.ledger.advance_upload(world.place.id, &upload, 0, world.now()).await.unwrap();
                let empty = (Uuid::now_v7(), Algorithm::Sha256, u64::MAX);
                world.ledger.open_upload(world.place.id, empty.0, empty.1, empty.2, world.now()).await.unwrap();
            }
            10 => fixture.pass(DAY * u32::try_from(random.below(20)).unwrap()),
            _ => {
                // A repository that has no manifest yet is not swept, so that the world goes on.
                let options = if random.below(3) == 0 { AT_ONCE } else { USUAL };
                fixture.publish().await;
                let lost = lost_children(world).await;
                sweep(world, &options).await;
                assert!(lost_children(world).await <= lost);
                check(fixture, &worlds).await;
            }
        }
    }
    fixture.publish().await;
    sweep(&worlds[0], &AT_ONCE).await;
    check(fixture, &worlds).await;
    let nothing = engine(&worlds[0]).sweepable(&AT_ONCE).await.unwrap();
    assert_eq!(nothing, Freed::default());
    let unused = "SELECT COUNT(*) FROM blob WHERE digest NOT IN (SELECT digest FROM manifest_blob)";
    assert_eq!(worlds[0].number(unused).await, 0);
    let unused = "SELECT COUNT(*) FROM manifest m WHERE NOT EXISTS (SELECT 1 FROM tag t WHERE t.repository_id =
        m.repository_id AND t.digest = m.digest) AND NOT EXISTS (SELECT 1 FROM manifest_child c WHERE c.repository_id =
        m.repository_id AND c.child = m.digest) AND NOT EXISTS (SELECT 1 FROM manifest s WHERE s.repository_id =
        m.repository_id AND s.digest = m.subject)";
    assert_eq!(worlds[0].number(unused).await, 0);
}

/// Returns how many children of indexes do not exist, because a client has deleted them.
async fn lost_children(world: &World) -> i64 {
    let select = "SELECT COUNT(*) FROM manifest_child c WHERE NOT EXISTS
        (SELECT 1 FROM manifest m WHERE m.repository_id = c.repository_id AND m.digest = c.child)";
    world.number(select).await
}

/// Checks that every tag has its manifest, and every manifest its blobs, and that sizes are right.
async fn check(fixture: &Fixture, worlds: &[World]) {
    let broken = [
        "SELECT COUNT(*) FROM tag t WHERE NOT EXISTS
            (SELECT 1 FROM manifest m WHERE m.repository_id = t.repository_id AND m.digest = t.digest)",
        "SELECT COUNT(*) FROM manifest_blob u WHERE NOT EXISTS (SELECT 1 FROM repository_blob l
            JOIN blob b ON b.digest = l.digest WHERE l.repository_id = u.repository_id AND l.digest = u.digest)",
    ];
    for select in broken {
        assert_eq!(worlds[0].number(select).await, 0, "{select}");
    }
    for world in worlds {
        let id = world.place.id.0;
        let size = format!(
            "SELECT CAST(COALESCE((SELECT SUM(size) FROM manifest WHERE repository_id = {id}), 0) + COALESCE((SELECT
                SUM(b.size) FROM blob b WHERE b.digest IN (SELECT digest FROM manifest_blob WHERE repository_id = {id})),
                0) AS BIGINT)"
        );
        assert_eq!(world.counters().await.1, world.number(&size).await);
    }
    let keys: BTreeSet<String> = worlds[0].trash().await.into_iter().collect();
    assert!(keys.is_empty(), "{keys:?} {}", fixture.rows("trash").await);
}
