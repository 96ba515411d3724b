//! Tests of tags, images, inspection, pulls and search documents, on both databases. The viewer is the site itself;
//! access is tested elsewhere.

use std::time::Duration;

use model::event::EventKind;
use model::id::RepositoryId;
use model::image::{ImageConfig, Layer, TagSort};
use model::oci::{Digest, Reference, RepositoryName, Tag};
use model::page::PageRequest;
use model::role::Visibility;
use registry::ledger::{Link, Place, Put};

use crate::access::{Delete, Need, Permit, See, Viewer};
use crate::ledger::tests::world::{World, digest_of, manifest};
use crate::sql;
use crate::testing::{Fixture, each_database};
use crate::{Error, Pulls};

/// Creates a repository in a new namespace and returns it with a viewer who may do everything.
async fn hub(fixture: &Fixture) -> (World, Viewer) {
    let pool = fixture.store.database().pool();
    let account = "INSERT INTO account (name, kind, created_at) VALUES ('team', 'organisation', 0)";
    sql::execute(pool, account, []).await.unwrap();
    let world = World::new(fixture, "team/app").await;
    fixture.publish().await;
    sql::execute(pool, "UPDATE repository SET namespace_id = (SELECT id FROM account WHERE name = 'team')", [])
        .await
        .unwrap();
    (world, fixture.system.viewer("test"))
}

async fn permit<N: Need>(world: &World, viewer: &Viewer) -> Permit<N> {
    world.store.permit(viewer, &world.place.name).await.unwrap()
}

/// Returns an image config with this platform and these labels.
fn config(platform: &str, labels: &[(&str, &str)]) -> ImageConfig {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ImageConfig { platform: platform.to_owned(), labels, ..ImageConfig::default() }
}

async fn inspect(world: &World, digest: &Digest, platform: &str, labels: &[(&str, &str)]) {
    let (id, config) = (world.place.id, config(platform, labels));
    world.store.record_image(&world.system, id, digest, platform, config, Vec::new()).await.unwrap();
}

/// Pushes an index of existing images that states these platforms.
async fn push_index(world: &World, images: &[(&Digest, u64, &str)], tags: &[&str]) -> Digest {
    let descriptors: Vec<String> = images
        .iter()
        .map(|(digest, size, platform)| {
            let (os, architecture) = platform.split_once('/').unwrap();
            format!(
                r#"{{"digest":"{digest}","size":{size},"platform":{{"os":"{os}","architecture":"{architecture}"}}}}"#
            )
        })
        .collect();
    let mut index = manifest(&format!(r#"{{"manifests":[{}]}}"#, descriptors.join(",")), &[], tags);
    index.children = images.iter().map(|(digest, size, _)| Link { digest: (*digest).clone(), size: *size }).collect();
    assert_eq!(world.put(&index).await, Put::Stored);
    index.digest
}

/// Returns the names of all matching tags in this order, read in pages of two.
async fn names(world: &World, viewer: &Viewer, contains: &str, sort: TagSort) -> Vec<String> {
    let permit = permit::<See>(world, viewer).await;
    let (mut names, mut page) = (Vec::new(), PageRequest { limit: Some(2), cursor: None });
    loop {
        let tags = world.store.tags(&permit, contains, sort, &page).await.unwrap();
        names.extend(tags.items.into_iter().map(|tag| String::from(tag.name)));
        page.cursor = tags.next;
        if page.cursor.is_none() {
            return names;
        }
    }
}

each_database! {
    async fn pages_of_tags_make_the_whole_list_in_every_order(fixture: &Fixture) {
        let (world, viewer) = hub(fixture).await;
        for (name, payload) in [("b", "sm"), ("C", "the largest"), ("a", "middle"), ("d", "middle"), ("e", "middle")] {
            world.push(payload, &[], &[name]).await;
            fixture.pass(Duration::from_secs(1));
        }
        world.push("sm", &[], &["y", "x", "z"]).await;
        assert_eq!(names(&world, &viewer, "", TagSort::Name).await, ["C", "a", "b", "d", "e", "x", "y", "z"]);
        assert_eq!(names(&world, &viewer, "", TagSort::Newest).await, ["z", "y", "x", "e", "d", "a", "C", "b"]);
        assert_eq!(names(&world, &viewer, "", TagSort::Size).await, ["C", "e", "d", "a", "z", "y", "x", "b"]);
    }

    async fn tags_by_version_page_from_the_highest_to_what_is_none(fixture: &Fixture) {
        let (world, viewer) = hub(fixture).await;
        assert!(names(&world, &viewer, "", TagSort::Version).await.is_empty());
        world.push("m", &[], &["3.2.0", "latest", "3.10.0", "v3.10.1", "3.10.0-rc.1", "edge"]).await;
        assert_eq!(
            names(&world, &viewer, "", TagSort::Version).await,
            ["v3.10.1", "3.10.0", "3.10.0-rc.1", "3.2.0", "edge", "latest"]
        );
        assert_eq!(names(&world, &viewer, "3.10.0", TagSort::Version).await, ["3.10.0", "3.10.0-rc.1"]);
    }

    async fn tags_of_signatures_belong_to_the_image_that_they_are_about(fixture: &Fixture) {
        let (world, viewer) = hub(fixture).await;
        let image = world.push("image", &[], &["1.0", "1.1"]).await;
        let pushed_at = world.number("SELECT pushed_at FROM repository").await;
        fixture.pass(Duration::from_mins(1));
        let hex = image.as_str().replace(':', "-");
        let mut about = Vec::new();
        for (payload, suffix) in [("signature", ".sig"), ("attestation", ".att"), ("bill", ".sbom"), ("index", "")] {
            about.push(world.push(payload, &[], &[&format!("{hex}{suffix}")]).await);
        }
        for other in ["sha256-abc.sig", "sha256-abc", "latest.sig"] {
            world.push("another", &[], &[other]).await;
        }
        let regular = ["1.0", "1.1", "latest.sig", "sha256-abc", "sha256-abc.sig"];
        assert_eq!(names(&world, &viewer, "", TagSort::Name).await, regular);
        assert_eq!(world.counters().await.0, 5);
        assert_eq!(world.tags().await.len(), 9, "the engine lists all");
        let permit = permit::<See>(&world, &viewer).await;
        let found = world.store.image(&permit, &Reference::Digest(image.clone())).await.unwrap();
        let mut listed: Vec<Digest> = found.referrers.iter().map(|referrer| referrer.digest.clone()).collect();
        let kinds: Vec<&str> = found.referrers.iter().map(|referrer| referrer.artifact_type.as_str()).collect();
        assert!(kinds.iter().all(|kind| kind.starts_with("application/vnd.dev.cosign.artifact.")), "{kinds:?}");
        listed.sort();
        about.truncate(3);
        about.sort();
        assert_eq!(listed, about);
        let document = world.store.search_documents(&world.system, &[world.place.id]).await.unwrap();
        assert_eq!(document[&world.place.id].tags.len(), 5);
        // Only the other tags were pushes of images.
        let deleted = format!("{hex}.sig");
        let delete = self::permit::<Delete>(&world, &viewer).await;
        world.store.delete_tag(&delete, &Tag::parse(&deleted).unwrap()).await.unwrap();
        assert_eq!(world.counters().await.0, 5);
        let signed = world.push("signature of another", &[], &[&format!("{hex}.sig")]).await;
        assert_ne!(signed, image);
        fixture.pass(Duration::from_mins(1));
        let before = world.number("SELECT pushed_at FROM repository").await;
        world.push("again", &[], &[&format!("{hex}.att")]).await;
        assert_eq!(world.number("SELECT pushed_at FROM repository").await, before);
        assert!(before > pushed_at);
    }

    async fn a_filter_finds_parts_of_names_as_they_are_written(fixture: &Fixture) {
        let (world, viewer) = hub(fixture).await;
        world.push("m", &[], &["Latest", "1.0-alpine", "1_0", "1.0"]).await;
        assert_eq!(names(&world, &viewer, "LATE", TagSort::Name).await, ["Latest"]);
        assert_eq!(names(&world, &viewer, "1.0", TagSort::Name).await, ["1.0", "1.0-alpine"]);
        assert_eq!(names(&world, &viewer, "_", TagSort::Name).await, ["1_0"]);
        assert!(names(&world, &viewer, "%", TagSort::Name).await.is_empty());
        let permit = permit::<See>(&world, &viewer).await;
        let bad = PageRequest { limit: None, cursor: Some("x".to_owned()) };
        let refused = world.store.tags(&permit, "", TagSort::Name, &bad).await;
        assert!(matches!(refused, Err(Error::Fault(fault)) if fault.fields[0].field == "cursor"));
    }

    async fn a_tag_shows_the_platforms_of_its_image_or_of_its_index(fixture: &Fixture) {
        let (world, viewer) = hub(fixture).await;
        let amd = world.push("amd", &[], &["amd"]).await;
        let arm = world.push("arm!", &[], &[]).await;
        let proof = world.push("proof", &[], &[]).await;
        let images = [(&arm, 4, "linux/arm64"), (&amd, 3, "linux/amd64"), (&proof, 5, "unknown/unknown")];
        let index = push_index(&world, &images, &["all"]).await;
        for (digest, platform) in [(&amd, "linux/amd64"), (&arm, "linux/arm64/v8"), (&proof, "unknown/unknown")] {
            inspect(&world, digest, platform, &[]).await;
        }
        let permit = permit::<See>(&world, &viewer).await;
        let tag = |name| Tag::parse(name).unwrap();
        assert_eq!(world.store.tag(&permit, &tag("amd")).await.unwrap().platforms, ["linux/amd64"]);
        assert_eq!(world.store.tag(&permit, &tag("all")).await.unwrap().platforms, ["linux/amd64", "linux/arm64/v8"]);
        assert!(matches!(world.store.tag(&permit, &tag("none")).await, Err(Error::Absent)));

        let shown = world.store.image(&permit, &Reference::Tag(tag("all"))).await.unwrap();
        assert_eq!((&shown.digest, shown.tags), (&index, vec![tag("all")]));
        let platforms: Vec<_> = shown.platforms.iter().map(|image| (image.platform.as_str(), &image.digest)).collect();
        assert_eq!(platforms, [("linux/arm64/v8", &arm), ("linux/amd64", &amd), ("unknown/unknown", &proof)]);
        assert!(world.ledger.delete_manifest(&world.place, &arm, world.now()).await.unwrap());
        assert_eq!(world.store.image(&permit, &Reference::Digest(index)).await.unwrap().platforms.len(), 2);
    }

    async fn an_image_shows_what_inspection_found_and_who_refers_to_it(fixture: &Fixture) {
        let (world, viewer) = hub(fixture).await;
        let mut new = manifest("image", &[], &["v1", "latest"]);
        new.annotations = r#"{"b":"2","a":"1"}"#.to_owned();
        assert_eq!(world.put(&new).await, Put::Stored);
        let mut signature = manifest("signature", &[], &[]);
        signature.subject = Some(new.digest.clone());
        signature.artifact_type = Some("text/signature".to_owned());
        assert_eq!(world.put(&signature).await, Put::Stored);

        let see = permit::<See>(&world, &viewer).await;
        let by_digest = Reference::Digest(new.digest.clone());
        assert_eq!(world.store.image(&see, &by_digest).await.unwrap().config, None);
        let layer = Layer {
            digest: digest_of(b"l"),
            media_type: "m".to_owned(),
            size: 9,
            created_by: "RUN \0".to_owned(),
            title: "a\0".to_owned(),
        };
        let config = config("linux/amd64", &[("a", "b")]);
        let (id, layers) = (world.place.id, vec![layer.clone()]);
        world.store.record_image(&world.system, id, &new.digest, "linux/amd64\0", config.clone(), layers).await.unwrap();
        let image = world.store.image(&see, &by_digest).await.unwrap();
        assert_eq!((image.config, image.layers), (Some(config), vec![layer]));
        assert_eq!(image.annotations, [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        assert_eq!(image.tags.len(), 2);
        assert_eq!(image.referrers.len(), 1);
        assert_eq!(image.referrers[0].artifact_type, "text/signature");
        let missing = world.store.image(&see, &Reference::Digest(digest_of(b"missing"))).await;
        assert!(matches!(missing, Err(Error::Absent)));
    }

    async fn inspecting_again_tells_only_what_is_new_and_passes_over_what_is_gone(fixture: &Fixture) {
        let (world, _) = hub(fixture).await;
        let digest = world.push("image", &[], &[]).await;
        for platform in ["linux/amd64", "linux/amd64", "linux/arm64"] {
            inspect(&world, &digest, platform, &[]).await;
        }
        inspect(&world, &digest_of(b"gone"), "linux/amd64", &[]).await;
        let changes = world.events().await.into_iter().filter(|event| matches!(event.kind, EventKind::Inspected { .. })).count();
        assert_eq!(changes, 2);
    }

    async fn a_tag_that_is_deleted_from_a_page_is_gone_and_told_of(fixture: &Fixture) {
        let (world, viewer) = hub(fixture).await;
        world.push("image", &[], &["latest"]).await;
        let (delete, latest) = (permit::<Delete>(&world, &viewer).await, Tag::parse("latest").unwrap());
        world.store.delete_tag(&delete, &latest).await.unwrap();
        assert!(matches!(world.store.delete_tag(&delete, &latest).await, Err(Error::Absent)));
        assert!(world.tags().await.is_empty());
        assert!(matches!(world.events().await.last().unwrap().kind, EventKind::TagDeleted { .. }));
    }

    async fn pulls_add_up_and_mark_the_tags_that_were_asked_for(fixture: &Fixture) {
        let (world, viewer) = hub(fixture).await;
        world.push("image", &[], &["a", "b"]).await;
        let told = world.events().await.len();
        fixture.pass(Duration::from_mins(1));
        let batch = |count| {
            let tags = vec![Tag::parse("a").unwrap(), Tag::parse("gone").unwrap()];
            let gone = Pulls { repository: RepositoryId(i64::MAX), count: 1, tags: Vec::new() };
            vec![Pulls { repository: world.place.id, count, tags }, gone]
        };
        world.store.count_pulls(&world.system, batch(1000)).await.unwrap();
        world.store.count_pulls(&world.system, batch(2)).await.unwrap();
        world.store.count_pulls(&world.system, Vec::new()).await.unwrap();
        assert_eq!(world.number("SELECT pull_count FROM repository").await, 1002);
        assert_eq!(world.events().await.len(), told + 1);
        let see = permit::<See>(&world, &viewer).await;
        let pulled = async |name| world.store.tag(&see, &Tag::parse(name).unwrap()).await.unwrap().pulled_at;
        assert_eq!((pulled("a").await, pulled("b").await), (Some(world.now()), None));
    }

    async fn a_search_document_holds_what_a_repository_is_found_by(fixture: &Fixture) {
        let (world, _) = hub(fixture).await;
        let amd = world.push("amd", &[], &["old"]).await;
        inspect(&world, &amd, "linux/amd64", &[("maintainer", "ana"), ("x", "y")]).await;
        fixture.pass(Duration::from_secs(1));
        let arm = world.push("arm", &[], &[]).await;
        push_index(&world, &[(&arm, 3, "linux/arm64")], &["new"]).await;
        inspect(&world, &arm, "linux/arm64", &[("maintainer", "ana")]).await;
        let untagged = world.push("untagged", &[], &[]).await;
        inspect(&world, &untagged, "linux/s390x", &[]).await;

        let document = world.store.search_document(&world.system, world.place.id).await.unwrap().unwrap();
        assert_eq!(document.repository.path, world.place.name);
        assert_eq!(document.repository.visibility, Visibility::Private);
        let team = world.number("SELECT id FROM account WHERE name = 'team'").await;
        assert_eq!(document.readers, [format!("n{team}")]);
        assert_eq!(document.tags.iter().map(Tag::as_str).collect::<Vec<_>>(), ["new", "old"]);
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(document.labels, [label("maintainer", "ana"), label("x", "y")]);
        assert_eq!(document.platforms, ["linux/amd64", "linux/arm64"]);
        assert_eq!(world.store.search_document(&world.system, RepositoryId(i64::MAX)).await.unwrap(), None);
    }

    async fn labels_of_a_search_document_have_a_limit(fixture: &Fixture) {
        let (world, _) = hub(fixture).await;
        let long = "x".repeat(40_000);
        let digest = world.push("long", &[], &["long"]).await;
        inspect(&world, &digest, "linux/amd64", &[("a", &long), ("b", &long), ("c", "short")]).await;
        let document = world.store.search_document(&world.system, world.place.id).await.unwrap().unwrap();
        let names: Vec<&str> = document.labels.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "c"]);
    }

    async fn repositories_are_gone_through_in_the_order_of_their_numbers(fixture: &Fixture) {
        let (world, _) = hub(fixture).await;
        let mut all = vec![world.place.id];
        for name in ["team/b", "team/c"] {
            let other: Place = World::new(fixture, name).await.place;
            all.push(other.id);
        }
        let pool = fixture.store.database().pool();
        sql::execute(pool, "UPDATE repository SET namespace_id = (SELECT id FROM account WHERE name = 'team')", []).await.unwrap();
        World::new(fixture, "alone").await;
        fixture.publish().await;
        let first = world.store.repository_ids_after(&world.system, RepositoryId(0), 2).await.unwrap();
        assert_eq!(first, all[..2]);
        assert_eq!(world.store.repository_ids_after(&world.system, first[1], 2).await.unwrap(), all[2..]);
    }

    async fn the_newest_tag_is_the_one_that_was_pushed_last(fixture: &Fixture) {
        let (world, viewer) = hub(fixture).await;
        let see = permit::<See>(&world, &viewer).await;
        assert_eq!(world.store.newest_tag(&see).await.unwrap(), None);
        for name in ["z", "a"] {
            world.push(name, &[], &[name]).await;
            fixture.pass(Duration::from_secs(1));
        }
        assert_eq!(world.store.newest_tag(&see).await.unwrap().unwrap().name.as_str(), "a");
        let renamed = RepositoryName::parse("team/app").unwrap();
        assert_eq!(see.path(), &renamed);
    }
}
