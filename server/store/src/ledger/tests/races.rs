//! Tests that concurrent changes leave a consistent state, whichever comes first. The changes run in parallel tasks;
//! their interleaving is left to chance.

use futures::future::join_all;
use model::event::EventKind;
use model::oci::{Reference, Tag};
use registry::ledger::{Put, TagPrecondition, UnlinkOutcome};

use super::world::{World, digest_of, manifest};
use crate::sql;
use crate::testing::each_database;

/// Runs tasks concurrently and returns their results.
pub(super) async fn together<T: Send + 'static>(
    tasks: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = tasks.map(tokio::spawn).collect();
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

each_database! {
    async fn of_many_writers_of_a_tag_one_is_last_and_all_are_remembered(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let pushes = (0..64).map(|number| {
            let world = world.clone();
            async move { world.push(&format!("manifest {number}"), &[], &["latest", "also"]).await }
        });
        let digests = together(pushes).await;
        let latest = Reference::Tag(Tag::parse("latest").unwrap());
        let last = world.ledger.manifest(world.place.id, &latest).await.unwrap().unwrap().digest;
        assert!(digests.contains(&last));
        let select = "SELECT digest FROM tag_history WHERE name = 'latest' ORDER BY id";
        let history = sql::all(world.store.database().pool(), select, []).await.unwrap();
        assert_eq!(history.len(), 64);
        assert_eq!(history[63].try_get_by_index::<String>(0).unwrap(), last.as_str());
        let events = world.events().await;
        assert_eq!(events.len(), 64);
        assert!(matches!(&events[63].kind, EventKind::Pushed { digest, .. } if *digest == last));
        assert_eq!(world.counters().await.0, 2);
    }

    async fn only_one_of_many_makes_a_tag_that_was_to_be_new(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let pushes = (0..16).map(|number| {
            let world = world.clone();
            async move {
                let mut new = manifest(&format!("manifest {number}"), &[], &["release"]);
                new.expect = TagPrecondition::Absent;
                world.put(&new).await
            }
        });
        let outcomes = together(pushes).await;
        assert_eq!(outcomes.iter().filter(|put| **put == Put::Stored).count(), 1);
        assert_eq!(outcomes.iter().filter(|put| **put == Put::Unexpected).count(), 15);
    }

    async fn fifty_uploads_of_one_blob_leave_one_and_the_rest_in_the_trash(fixture: &Fixture) {
        let worlds = [World::new(fixture, "team/one").await, World::new(fixture, "team/two").await];
        let uploads = (0..50_usize).map(|number| {
            let world = worlds[number % 2].clone();
            async move {
                let upload = world.upload(b"same", &format!("o/{number}")).await;
                world.ledger.commit_upload(world.place.id, &upload, 0, &digest_of(b"same"), None, world.now()).await.unwrap()
            }
        });
        assert!(together(uploads).await.into_iter().all(|committed| committed));
        let trash = worlds[0].trash().await;
        assert_eq!(trash.len(), 49);
        for world in &worlds {
            let blob = world.ledger.blob(world.place.id, &digest_of(b"same")).await.unwrap().unwrap();
            assert!(!trash.contains(&blob.segments[0].key));
        }
    }

    async fn only_one_of_two_requests_moves_an_upload(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let upload = world.upload(b"bytes", "o/1").await;
        let moves = (0..8).map(|_| {
            let (world, upload) = (world.clone(), upload.clone());
            async move { world.ledger.advance_upload(world.place.id, &upload, 0, world.now()).await.unwrap() }
        });
        assert_eq!(together(moves).await.into_iter().filter(|moved| *moved).count(), 1);
    }

    async fn a_manifest_and_the_unlinking_of_its_blob_never_both_succeed(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        for round in 0..30 {
            let layer = world.blob(format!("layer {round}").as_bytes()).await;
            let (pusher, remover, digest) = (world.clone(), world.clone(), layer.digest.clone());
            let push = tokio::spawn(async move {
                pusher.put(&manifest(&format!("manifest {round}"), &[layer], &["latest"])).await
            });
            let unlink = tokio::spawn({
                let digest = digest.clone();
                async move { remover.ledger.unlink_blob(remover.place.id, &digest, remover.now()).await.unwrap() }
            });
            match (push.await.unwrap(), unlink.await.unwrap()) {
                (Put::Stored, UnlinkOutcome::InUse) => {
                    assert!(world.ledger.blob(world.place.id, &digest).await.unwrap().is_some());
                }
                (Put::Missing(missing), UnlinkOutcome::Done) => assert_eq!(missing, [digest]),
                outcome => panic!("{outcome:?}"),
            }
        }
    }

    async fn a_blob_that_is_swept_while_it_is_uploaded_again_is_there_afterwards(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        for round in 0..30 {
            let bytes = format!("layer {round}");
            let link = world.blob(bytes.as_bytes()).await;
            assert_eq!(world.ledger.unlink_blob(world.place.id, &link.digest, world.now()).await.unwrap(), UnlinkOutcome::Done);
            let (sweeper, pusher) = (world.clone(), world.clone());
            let sweep = tokio::spawn(async move { sweeper.ledger.sweep_blobs(100, sweeper.now()).await.unwrap() });
            let again = tokio::spawn(async move { pusher.blob(bytes.as_bytes()).await });
            sweep.await.unwrap();
            assert_eq!(again.await.unwrap(), link);
            assert!(world.ledger.blob(world.place.id, &link.digest).await.unwrap().is_some());
        }
    }
}
