//! Property test: for every viewer, a search for everything, the store's list and the permits agree on what they may
//! see.

use std::collections::BTreeSet;

use crate::world::World;
use model::page::PageRequest;
use model::role::{Role, Visibility};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use model::repository::RepositoryFilter;
use store::access::{See, Viewer};

const MEMBERS: [&str; 3] = ["ann", "bob", "eve"];

/// A repository to create: owner, visibility, an account to share it with, and whether to delete it again.
type RepositoryPlan = (usize, Visibility, Option<usize>, bool);

fn worlds() -> impl Strategy<Value = Vec<RepositoryPlan>> {
    let visibility = prop_oneof![Just(Visibility::Public), Just(Visibility::Internal), Just(Visibility::Private)];
    let one = (0..MEMBERS.len(), visibility, proptest::option::of(0..MEMBERS.len()), proptest::bool::weighted(0.2));
    proptest::collection::vec(one, 1..12)
}

async fn agree(planned: Vec<RepositoryPlan>) {
    let world = World::new().await;
    let mut members: Vec<Viewer> = Vec::new();
    for name in MEMBERS {
        members.push(world.member(name).await);
    }
    let mut paths = Vec::new();
    for (number, (owner, visibility, reader, deleted)) in planned.into_iter().enumerate() {
        let path = format!("{}/thing-{number}", MEMBERS[owner]);
        world.repository(&members[owner], &path, visibility, "", "").await;
        if let Some(reader) = reader.filter(|reader| *reader != owner) {
            let permit = world.manage(&members[owner], &path).await;
            world.store.set_collaborator(&permit, MEMBERS[reader], Role::Reader).await.unwrap();
        }
        // Index only some repositories before the changes below, so that both updates and first inserts are tested.
        if number % 3 == 0 {
            world.follow().await;
        }
        if deleted {
            world.delete(&members[owner], &path).await;
        }
        paths.push(path);
    }
    world.follow().await;
    members.push(world.store.anonymous());
    for viewer in &members {
        let searched: BTreeSet<String> = world.found(viewer, "").await.into_iter().collect();
        let by_word: BTreeSet<String> = world.found(viewer, "thing").await.into_iter().collect();
        let scope = world.store.scope(viewer).await.unwrap();
        let page = PageRequest { limit: Some(100), cursor: None };
        let listed = world.store.repositories(&scope, &RepositoryFilter::default(), &page).await.unwrap();
        let listed: BTreeSet<String> = listed.items.iter().map(|item| item.path.as_str().to_owned()).collect();
        let mut permitted = BTreeSet::new();
        for path in &paths {
            if world.store.permit::<See>(viewer, &path.parse().unwrap()).await.is_ok() {
                permitted.insert(path.clone());
            }
        }
        assert_eq!(searched, permitted);
        assert_eq!(by_word, permitted);
        assert_eq!(listed, permitted);
    }
}

#[test]
fn search_list_and_verdict_agree_in_every_world() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() });
    let outcome = runner.run(&worlds(), |planned| {
        runtime.block_on(agree(planned));
        Ok(())
    });
    outcome.unwrap();
}
