//! Tests of what a deletion is said to free.

use std::sync::Arc;

use registry::sweep::{SweepOptions, UnknownObjects};
use registry::testing::memory::MemoryStorage;
use registry::{Engine, Limits};

use super::*;
use crate::access::Delete;
use crate::ledger::tests::world::World;

each_database! {
    async fn what_a_deletion_frees_is_known_before_and_tells_nothing_of_hidden_repositories(fixture: &Fixture) {
        let (ada, ben, root) =
            (fixture.person("ada").await, fixture.person("ben").await, fixture.administrator("root").await);
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        fixture.repository(&ada, "other", Visibility::Private).await;
        fixture.repository(&ben, "secret", Visibility::Private).await;
        let world = World::new(fixture, "ada/app").await;
        let (other, secret) = (World::new(fixture, "ada/other").await, World::new(fixture, "ben/secret").await);
        let (own, shared, hidden) =
            (world.blob(b"only").await, world.blob(b"shared").await, world.blob(b"also in a secret").await);
        for (with, blob) in [(&other, &shared), (&secret, &hidden)] {
            with.ledger.mount(with.place.id, world.place.id, &blob.digest, with.now()).await.unwrap().unwrap();
            with.push("same", std::slice::from_ref(blob), &["v1"]).await;
        }
        let blobs = [own, shared, hidden];
        let digest = world.push("image", &blobs, &["v1"]).await;
        let freed = async |viewer: &Viewer| {
            let (store, tag) = (&fixture.store, Tag::parse("v1").unwrap());
            let scope = store.scope(viewer).await.unwrap();
            let (delete, own) =
                (store.permit::<Delete>(viewer, &app).await.unwrap(), store.permit::<Own>(viewer, &app).await.unwrap());
            let by_tag = store.freed_by_tag(&delete, &scope, &tag).await.unwrap();
            let by_repository = store.freed_by_repository(&own, &scope).await.unwrap();
            [by_tag, by_repository].map(|freed| (freed.blobs, freed.bytes, freed.is_exact, freed.more))
        };
        let (up_to, exact) = ((2, 4 + 16, false, false), (1, 4, true, false));
        assert_eq!((freed(&ada).await, freed(&root).await), ([up_to; 2], [exact; 2]));
        world.push("image", &blobs, &["v2"]).await;
        let nothing = (0, 0, true, false);
        assert_eq!(freed(&root).await, [nothing, exact], "another tag has the image");
        // This is what is freed.
        assert!(world.ledger.delete_manifest(&world.place, &digest, world.now()).await.unwrap());
        let clock = fixture.store.clock().clone();
        let engine = Engine::new(fixture.ledger.clone(), Arc::new(MemoryStorage::default()), clock, Limits::default());
        let options = SweepOptions {
            grace: Duration::ZERO,
            untagged: Some(Duration::ZERO),
            uploads: Duration::ZERO,
            rate: 0,
            unknown_objects: UnknownObjects::Not,
        };
        let swept = engine.sweep(&options, &()).await.unwrap().1;
        assert_eq!((swept.blobs, swept.bytes), (1, 4));
    }

    async fn a_deletion_that_frees_very_much_is_counted_up_to_a_limit(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        let world = World::new(fixture, "ada/app").await;
        let pool = fixture.store.database().pool();
        let blobs = "INSERT INTO blob (digest, size, segments, created_at)
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001) SELECT 'd' || i, 1, '[]', 0 FROM n";
        sql::execute(pool, blobs, []).await.unwrap();
        let links = "INSERT INTO repository_blob (repository_id, digest) SELECT $1, digest FROM blob";
        sql::execute(pool, links, [world.place.id.0.into()]).await.unwrap();
        let own = fixture.store.permit::<Own>(&ada, &app).await.unwrap();
        let scope = fixture.store.scope(&ada).await.unwrap();
        let freed = fixture.store.freed_by_repository(&own, &scope).await.unwrap();
        assert_eq!((freed.blobs, freed.more), (10_000, true));
    }
}
