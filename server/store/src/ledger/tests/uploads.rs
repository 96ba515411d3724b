//! Tests of uploads and blobs.

use std::time::Duration;

use model::oci::Algorithm;
use registry::ledger::{ListPage, Segment, UnlinkOutcome, Upload};
use uuid::Uuid;

use super::world::{World, digest_of};
use crate::testing::each_database;

each_database! {
    async fn an_upload_becomes_a_blob_of_its_repository_alone(fixture: &Fixture) {
        let (here, elsewhere) = (World::new(fixture, "team/here").await, World::new(fixture, "team/elsewhere").await);
        let link = here.blob(b"layer").await;
        let blob = here.ledger.blob(here.place.id, &link.digest).await.unwrap().unwrap();
        assert_eq!((blob.size, blob.segments.len()), (5, 1));
        assert_eq!(here.ledger.blob(elsewhere.place.id, &link.digest).await.unwrap(), None);
    }

    async fn an_upload_is_found_only_in_its_repository_and_as_it_was_left(fixture: &Fixture) {
        let (here, elsewhere) = (World::new(fixture, "team/here").await, World::new(fixture, "team/elsewhere").await);
        let upload = here.upload(b"half", "o/1").await;
        assert!(here.ledger.advance_upload(here.place.id, &upload, 0, here.now()).await.unwrap());
        assert_eq!(here.ledger.upload(here.place.id, upload.id).await.unwrap().as_ref(), Some(&upload));
        assert_eq!(here.ledger.upload(elsewhere.place.id, upload.id).await.unwrap(), None);
        assert!(!here.ledger.advance_upload(elsewhere.place.id, &upload, 4, here.now()).await.unwrap());
        assert!(!here.ledger.cancel_upload(elsewhere.place.id, upload.id, here.now()).await.unwrap());
        let digest = digest_of(b"half");
        assert!(!here.ledger.commit_upload(elsewhere.place.id, &upload, 4, &digest, None, here.now()).await.unwrap());
    }

    async fn an_upload_moves_only_from_where_it_stands(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let upload = world.upload(b"four", "o/1").await;
        assert!(world.ledger.advance_upload(world.place.id, &upload, 0, world.now()).await.unwrap());
        assert!(!world.ledger.advance_upload(world.place.id, &upload, 0, world.now()).await.unwrap());
        assert!(!world.ledger.commit_upload(world.place.id, &upload, 0, &digest_of(b"four"), None, world.now()).await.unwrap());
        assert!(world.ledger.commit_upload(world.place.id, &upload, 4, &digest_of(b"four"), None, world.now()).await.unwrap());
        assert!(!world.ledger.commit_upload(world.place.id, &upload, 4, &digest_of(b"four"), None, world.now()).await.unwrap());
        assert_eq!(world.ledger.upload(world.place.id, upload.id).await.unwrap(), None);
    }

    async fn an_empty_blob_is_a_blob(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let id = Uuid::now_v7();
        world.ledger.open_upload(world.place.id, id, Algorithm::Sha512, u64::MAX, world.now()).await.unwrap();
        let upload = world.ledger.upload(world.place.id, id).await.unwrap().unwrap();
        assert_eq!((upload.algorithm, upload.offset, upload.segments.as_slice()), (Algorithm::Sha512, 0, &[][..]));
        assert!(world.ledger.commit_upload(world.place.id, &upload, 0, &digest_of(b""), None, world.now()).await.unwrap());
        let blob = world.ledger.blob(world.place.id, &digest_of(b"")).await.unwrap().unwrap();
        assert_eq!((blob.size, blob.segments), (0, Vec::new()));
    }

    async fn the_bytes_of_a_second_upload_of_a_digest_go_to_the_trash(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        for key in ["o/first", "o/second"] {
            let upload = world.upload(b"same", key).await;
            let digest = digest_of(b"same");
            assert!(world.ledger.commit_upload(world.place.id, &upload, 0, &digest, None, world.now()).await.unwrap());
        }
        let blob = world.ledger.blob(world.place.id, &digest_of(b"same")).await.unwrap().unwrap();
        assert_eq!(blob.segments, [Segment { key: "o/first".to_owned(), length: 4 }]);
        assert_eq!(world.trash().await, ["o/second"]);
        world.ledger.forget_trash(&["o/second".to_owned()]).await.unwrap();
        assert!(world.trash().await.is_empty());
    }

    async fn a_cancelled_upload_leaves_its_bytes_to_the_sweep_oldest_first(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        for key in ["o/b", "o/a"] {
            let upload = world.upload(b"half", key).await;
            assert!(world.ledger.advance_upload(world.place.id, &upload, 0, world.now()).await.unwrap());
            assert!(world.ledger.cancel_upload(world.place.id, upload.id, world.now()).await.unwrap());
            assert!(!world.ledger.cancel_upload(world.place.id, upload.id, world.now()).await.unwrap());
            fixture.pass(Duration::from_secs(1));
        }
        assert_eq!(world.trash().await, ["o/b", "o/a"]);
        assert_eq!(world.ledger.trash(1).await.unwrap(), [Segment { key: "o/b".to_owned(), length: 4 }]);
    }

    async fn only_what_the_other_repository_has_can_be_mounted(fixture: &Fixture) {
        let (here, source) = (World::new(fixture, "team/here").await, World::new(fixture, "team/source").await);
        let link = source.blob(b"layer").await;
        let (to, from) = (here.place.id, source.place.id);
        assert_eq!(here.ledger.mount(from, to, &link.digest, here.now()).await.unwrap(), None);
        assert_eq!(here.ledger.mount(to, from, &link.digest, here.now()).await.unwrap().map(|blob| blob.size), Some(5));
        assert_eq!(here.ledger.mount(to, from, &link.digest, here.now()).await.unwrap().map(|blob| blob.size), Some(5));
        assert!(here.ledger.blob(to, &link.digest).await.unwrap().is_some());
        assert_eq!(source.ledger.unlink_blob(from, &link.digest, source.now()).await.unwrap(), UnlinkOutcome::Done);
        assert_eq!(source.ledger.unlink_blob(from, &link.digest, source.now()).await.unwrap(), UnlinkOutcome::Absent);
        assert!(here.ledger.blob(to, &link.digest).await.unwrap().is_some());
    }

    async fn a_blob_that_would_soon_be_collected_is_kept_for_a_push_and_a_pull_writes_nothing(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let (link, id) = (world.blob(b"layer").await, world.place.id);
        let unused_since = || world.number("SELECT unused_since FROM repository_blob");
        let at_first = unused_since().await;
        fixture.pass(Duration::from_secs(50));
        assert!(world.ledger.hold_blob(id, &link.digest, world.now()).await.unwrap());
        assert_eq!(unused_since().await, at_first);
        fixture.pass(Duration::from_secs(20));
        world.ledger.blob(id, &link.digest).await.unwrap().unwrap();
        assert_eq!(unused_since().await, at_first);
        assert!(world.ledger.hold_blob(id, &link.digest, world.now()).await.unwrap());
        assert_eq!(unused_since().await, world.now().micros());
        assert!(!world.ledger.hold_blob(id, &digest_of(b"other"), world.now()).await.unwrap());
        // A blob that a manifest uses needs no hold.
        world.push("m", std::slice::from_ref(&link), &["v1"]).await;
        let used = unused_since().await;
        fixture.pass(Duration::from_hours(48));
        assert!(world.ledger.hold_blob(id, &link.digest, world.now()).await.unwrap());
        assert_eq!(unused_since().await, used);
    }

    async fn a_repository_has_a_bounded_number_of_uploads(fixture: &Fixture) {
        let (here, elsewhere) = (World::new(fixture, "team/here").await, World::new(fixture, "team/elsewhere").await);
        let open = async |world: &World| {
            let id = Uuid::now_v7();
            world.ledger.open_upload(world.place.id, id, Algorithm::Sha256, 2, world.now()).await.unwrap().then_some(id)
        };
        let first = open(&here).await.unwrap();
        assert!(open(&here).await.is_some());
        assert_eq!(open(&here).await, None);
        assert!(open(&elsewhere).await.is_some());
        assert!(here.ledger.cancel_upload(here.place.id, first, here.now()).await.unwrap());
        assert!(open(&here).await.is_some());
    }

    async fn uploads_that_do_not_advance_expire(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let (old, other, new) =
            (world.upload(b"old", "o/1").await, world.upload(b"other", "o/2").await, world.upload(b"new", "o/3").await);
        for upload in [&old, &other, &new] {
            assert!(world.ledger.advance_upload(world.place.id, upload, 0, world.now()).await.unwrap());
        }
        fixture.pass(Duration::from_hours(24));
        let longer = Upload { offset: 4, ..new.clone() };
        assert!(world.ledger.advance_upload(world.place.id, &longer, 3, world.now()).await.unwrap());
        let before = world.now().minus(Duration::from_hours(12));
        let expire = |limit| world.ledger.expire_uploads(before, limit, world.now());
        assert_eq!((expire(1).await.unwrap(), expire(5).await.unwrap(), expire(5).await.unwrap()), (1, 1, 0));
        for (upload, there) in [(&old, false), (&other, false), (&new, true)] {
            assert_eq!(world.ledger.upload(world.place.id, upload.id).await.unwrap().is_some(), there);
        }
        assert_eq!(world.trash().await, ["o/1", "o/2"]);
    }

    async fn an_object_that_cannot_be_deleted_does_not_hold_up_the_others(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        for key in ["o/1", "o/2", "o/3"] {
            let upload = world.upload(b"half", key).await;
            assert!(world.ledger.advance_upload(world.place.id, &upload, 0, world.now()).await.unwrap());
            assert!(world.ledger.cancel_upload(world.place.id, upload.id, world.now()).await.unwrap());
            fixture.pass(Duration::from_secs(1));
        }
        world.ledger.postpone_trash(&["o/1".to_owned()], world.now()).await.unwrap();
        assert_eq!(world.trash().await, ["o/2", "o/3", "o/1"]);
    }

    async fn repositories_of_an_engine_alone_are_listed_in_byte_order(fixture: &Fixture) {
        let ledger = &fixture.ledger;
        for name in ["b", "a/z", "a-b", "a"] {
            World::new(fixture, name).await;
            World::new(fixture, name).await;
        }
        assert!(ledger.repositories(&ListPage { last: None, limit: 2 }).await.unwrap().is_empty());
        fixture.publish().await;
        let page = |last: Option<&str>| ListPage { last: last.map(str::to_owned), limit: 2 };
        let names = async |last| -> Vec<String> {
            ledger.repositories(&page(last)).await.unwrap().into_iter().map(String::from).collect()
        };
        assert_eq!(names(None).await, ["a", "a-b"]);
        assert_eq!(names(Some("a-b")).await, ["a/z", "b"]);
        assert!(names(Some("b")).await.is_empty());
        let missing = "c".parse().unwrap();
        assert_eq!(ledger.repository(&missing, false, fixture.store.clock().now()).await.unwrap(), None);
    }
}
