//! Tests of manifests, tags and referrers, and of the resulting counts and events. `races` tests concurrency.

use model::event::{EventKind, TagMove};
use model::id::RepositoryId;
use model::oci::{Reference, Tag};
use registry::ledger::{Link, ListPage, Put, TagPrecondition, UnlinkOutcome};

use super::world::{MANIFEST, World, digest_of, manifest};
use crate::testing::each_database;

fn tag(name: &str) -> Tag {
    Tag::parse(name).unwrap()
}

each_database! {
    async fn a_manifest_comes_back_by_tag_and_by_digest_byte_for_byte(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let layer = world.blob(b"layer").await;
        let digest = world.push("{ \"x\":\n1}", &[layer], &["latest"]).await;
        for reference in [Reference::Tag(tag("latest")), Reference::Digest(digest.clone())] {
            let found = world.ledger.manifest(world.place.id, &reference).await.unwrap().unwrap();
            assert_eq!((found.digest, found.media_type.as_str(), &*found.payload), (digest.clone(), MANIFEST, &b"{ \"x\":\n1}"[..]));
        }
        assert_eq!(world.ledger.manifest(world.place.id, &Reference::Tag(tag("LATEST"))).await.unwrap(), None);
    }

    async fn a_manifest_for_a_repository_that_was_deleted_meanwhile_finds_none(fixture: &Fixture) {
        let mut world = World::new(fixture, "team/app").await;
        world.place.id = RepositoryId(world.place.id.0 + 1);
        assert_eq!(world.put(&manifest("{}", &[], &["latest"])).await, Put::NoRepository);
        assert!(world.events().await.is_empty());
    }

    async fn a_manifest_without_its_blobs_is_refused_whole(fixture: &Fixture) {
        let (world, other) = (World::new(fixture, "team/app").await, World::new(fixture, "team/other").await);
        let here = world.blob(b"here").await;
        let elsewhere = other.blob(b"elsewhere").await;
        let child = Link { digest: digest_of(b"child"), size: 1 };
        let mut new = manifest("m", &[here, elsewhere.clone(), elsewhere.clone()], &["latest"]);
        new.children = vec![child.clone()];
        let mut missing = vec![elsewhere.digest, child.digest];
        missing.sort();
        assert_eq!(world.put(&new).await, Put::Missing(missing));
        assert!(world.tags().await.is_empty());
        assert_eq!(world.ledger.manifest(world.place.id, &Reference::Digest(new.digest)).await.unwrap(), None);
        assert!(world.events().await.is_empty());
    }

    async fn a_manifest_that_misstates_a_size_is_refused(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let layer = world.blob(b"layer").await;
        let wrong = Link { size: layer.size + 1, ..layer.clone() };
        assert_eq!(world.put(&manifest("m", &[wrong], &[])).await, Put::SizeMismatch(vec![layer.digest]));
    }

    async fn pushing_the_same_again_tells_nobody(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let layer = world.blob(b"layer").await;
        let digest = world.push("m", std::slice::from_ref(&layer), &["b", "a", "b"]).await;
        let counters = world.counters().await;
        world.push("m", std::slice::from_ref(&layer), &["a", "b"]).await;
        world.push("m", &[layer], &[]).await;
        assert_eq!(world.counters().await, counters);
        let new = |name| TagMove { tag: tag(name), before: None };
        let pushed = EventKind::Pushed { digest, media_type: MANIFEST.to_owned(), tags: vec![new("a"), new("b")] };
        let events = world.events().await;
        assert_eq!(events.iter().map(|event| &event.kind).collect::<Vec<_>>(), [&pushed]);
        assert_eq!(events[0].actor, world.place.actor);
        assert_eq!(world.number("SELECT COUNT(*) FROM tag_history").await, 2);
    }

    async fn tags_move_together_or_not_at_all(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let first = world.push("first", &[], &["b"]).await;
        let mut second = manifest("second", &[], &["a", "b"]);
        second.expect = TagPrecondition::Absent;
        assert_eq!(world.put(&second).await, Put::Unexpected);
        assert_eq!(world.tags().await, ["b"]);
        second.expect = TagPrecondition::PointsElsewhere(vec![second.digest.clone()]);
        assert_eq!(world.put(&second).await, Put::Stored);
        second.expect = TagPrecondition::PointsAt(vec![first]);
        assert_eq!(world.put(&second).await, Put::Unexpected);
        assert_eq!(world.tags().await, ["a", "b"]);
        assert_eq!(world.counters().await.0, 2);
    }

    async fn a_blob_that_a_manifest_uses_cannot_be_unlinked(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let layer = world.blob(b"layer").await;
        let digest = world.push("m", std::slice::from_ref(&layer), &[]).await;
        assert_eq!(world.ledger.unlink_blob(world.place.id, &layer.digest, world.now()).await.unwrap(), UnlinkOutcome::InUse);
        assert!(world.ledger.delete_manifest(&world.place, &digest, world.now()).await.unwrap());
        assert_eq!(world.ledger.unlink_blob(world.place.id, &layer.digest, world.now()).await.unwrap(), UnlinkOutcome::Done);
    }

    async fn deleting_a_manifest_takes_its_tags_and_leaves_its_children(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let child = world.push("child", &[], &["child"]).await;
        let mut index = manifest("index", &[], &["z", "a"]);
        index.children = vec![Link { digest: child.clone(), size: 5 }];
        assert_eq!(world.put(&index).await, Put::Stored);
        assert!(world.ledger.delete_manifest(&world.place, &index.digest, world.now()).await.unwrap());
        assert!(!world.ledger.delete_manifest(&world.place, &index.digest, world.now()).await.unwrap());
        assert_eq!(world.tags().await, ["child"]);
        assert!(world.ledger.manifest(world.place.id, &Reference::Digest(child)).await.unwrap().is_some());
        let gone = EventKind::ManifestDeleted { digest: index.digest, tags: vec![tag("a"), tag("z")] };
        assert_eq!(world.events().await.last().unwrap().kind, gone);
    }

    async fn deleting_a_tag_leaves_its_manifest_and_other_tags(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let digest = world.push("m", &[], &["a", "b"]).await;
        assert!(world.ledger.delete_tag(&world.place, &tag("a"), world.now()).await.unwrap());
        assert!(!world.ledger.delete_tag(&world.place, &tag("a"), world.now()).await.unwrap());
        assert_eq!(world.tags().await, ["b"]);
        assert_eq!(world.counters().await.0, 1);
        assert!(world.ledger.manifest(world.place.id, &Reference::Digest(digest.clone())).await.unwrap().is_some());
        assert_eq!(world.events().await.last().unwrap().kind, EventKind::TagDeleted { tag: tag("a"), digest });
        assert_eq!(world.number("SELECT COUNT(*) FROM tag_history WHERE name = 'a' AND digest IS NULL").await, 1);
    }

    async fn a_repository_counts_each_blob_once(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let (base, top) = (world.blob(b"base layer").await, world.blob(b"top").await);
        assert_eq!(world.counters().await, (0, 0));
        let one = world.push("one", &[base.clone(), base.clone()], &["one", "uno"]).await;
        assert_eq!(world.counters().await, (2, 3 + 10));
        let two = world.push("two!", &[base, top], &["two", "uno"]).await;
        assert_eq!(world.counters().await, (3, 3 + 10 + 4 + 3));
        assert_eq!(world.number("SELECT total_size FROM manifest WHERE size = 4").await, 4 + 10 + 3);
        assert!(world.ledger.delete_manifest(&world.place, &one, world.now()).await.unwrap());
        assert_eq!(world.counters().await, (2, 10 + 4 + 3));
        assert!(world.ledger.delete_manifest(&world.place, &two, world.now()).await.unwrap());
        assert_eq!(world.counters().await, (0, 0));
    }

    async fn an_index_is_as_large_as_all_its_images(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let layer = world.blob(b"layer").await;
        let child = world.push("child", &[layer], &[]).await;
        let mut index = manifest("index!", &[], &["latest"]);
        index.children = vec![Link { digest: child, size: 5 }];
        assert_eq!(world.put(&index).await, Put::Stored);
        assert_eq!(world.number("SELECT total_size FROM manifest WHERE size = 6").await, 6 + 5 + 5);
    }

    async fn tags_come_in_byte_order_page_by_page(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        world.push("m", &[], &["b", "_x", "B", "a", "A", "10", "9"]).await;
        assert_eq!(world.tags().await, ["10", "9", "A", "B", "_x", "a", "b"]);
        let mut seen = Vec::new();
        loop {
            let page = ListPage { last: seen.last().cloned(), limit: 3 };
            let tags = world.ledger.tags(world.place.id, &page).await.unwrap();
            if tags.is_empty() {
                break;
            }
            seen.extend(tags.into_iter().map(String::from));
        }
        assert_eq!(seen, world.tags().await);
        let zero = ListPage { last: Some("A\0x".to_owned()), limit: 1 };
        assert_eq!(world.ledger.tags(world.place.id, &zero).await.unwrap(), [tag("B")]);
        let after_missing = ListPage { last: Some("9zzz".to_owned()), limit: 1 };
        assert_eq!(world.ledger.tags(world.place.id, &after_missing).await.unwrap(), [tag("A")]);
        assert!(world.ledger.tags(world.place.id, &ListPage { last: None, limit: 0 }).await.unwrap().is_empty());
    }

    async fn referrers_come_by_digest_and_type_even_of_what_is_not_there(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let subject = digest_of(b"not pushed");
        let mut digests = Vec::new();
        for (payload, kind) in [("one", "text/sbom"), ("two", "text/signature"), ("three", "text/sbom")] {
            let mut referrer = manifest(payload, &[], &[]);
            referrer.subject = Some(subject.clone());
            referrer.artifact_type = Some(kind.to_owned());
            referrer.annotations = format!("{{\"of\":\"{payload}\"}}");
            assert_eq!(world.put(&referrer).await, Put::Stored);
            digests.push((referrer.digest, kind));
        }
        digests.sort();
        let all = ListPage { last: None, limit: 10 };
        let found = world.ledger.referrers(world.place.id, &subject, None, &all, u64::MAX).await.unwrap();
        let lengths: Vec<u64> = found.rows.iter().map(|row| u64::try_from(row.annotations.len()).unwrap()).collect();
        let found: Vec<_> = found.rows.iter().map(|row| (row.digest.clone(), row.artifact_type.as_deref().unwrap())).collect();
        assert_eq!(found, digests);
        let sboms = world.ledger.referrers(world.place.id, &subject, Some("text/sbom"), &all, u64::MAX).await.unwrap();
        assert_eq!(sboms.rows.len(), 2);
        let none = world.ledger.referrers(world.place.id, &subject, Some("text/\0"), &all, u64::MAX).await.unwrap();
        assert!(none.rows.is_empty());
        let rest = ListPage { last: Some(digests[0].0.to_string()), limit: 1 };
        let rest = world.ledger.referrers(world.place.id, &subject, None, &rest, u64::MAX).await.unwrap();
        assert_eq!(rest.rows.iter().map(|row| &row.digest).collect::<Vec<_>>(), [&digests[1].0]);
        assert!(rest.more);
        // A page ends when its annotations are too large, but has at least one row.
        for (max_bytes, count) in [(0, 1), (lengths[0], 1), (lengths[..2].iter().sum(), 2), (u64::MAX, 3)] {
            let page = world.ledger.referrers(world.place.id, &subject, None, &all, max_bytes).await.unwrap();
            assert_eq!((page.rows.len(), page.more), (count, count < 3), "{max_bytes}");
        }
    }

    async fn a_manifest_of_very_many_layers_is_stored(fixture: &Fixture) {
        let world = World::new(fixture, "team/app").await;
        let mut layers = Vec::new();
        for number in 0..1_201_u32 {
            layers.push(Link { digest: digest_of(&number.to_be_bytes()), size: 4 });
        }
        let refused = world.put(&manifest("m", &layers, &[])).await;
        assert!(matches!(refused, Put::Missing(missing) if missing.len() == layers.len()));
        let values: Vec<String> = layers.iter().map(|layer| format!("('{}', 4, '[]', 0)", layer.digest)).collect();
        let insert = format!("INSERT INTO blob (digest, size, segments, created_at) VALUES {}", values.join(", "));
        let pool = world.store.database().pool();
        crate::sql::execute(pool, &insert, []).await.unwrap();
        let link = "INSERT INTO repository_blob (repository_id, digest) SELECT $1, digest FROM blob";
        crate::sql::execute(pool, link, [world.place.id.0.into()]).await.unwrap();
        assert_eq!(world.put(&manifest("m", &layers, &[])).await, Put::Stored);
        assert_eq!(world.counters().await, (0, 1 + 4 * 1_201));
        // Layers that need not be here are looked up together.
        let digests: Vec<_> = layers.iter().map(|link| link.digest.clone()).chain([digest_of(b"other")]).collect();
        let before = world.store.statements();
        let mut linked = world.ledger.linked(world.place.id, &digests).await.unwrap();
        assert!(world.store.statements() - before <= 3);
        linked.sort_by(|one, other| one.digest.cmp(&other.digest));
        layers.sort_by(|one, other| one.digest.cmp(&other.digest));
        assert_eq!(linked, layers);
    }
}
