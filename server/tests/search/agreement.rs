//! Property test: for every viewer (anonymous, a member, an administrator, a token with scopes), a search for everything,
//! the store's list and the permits agree on what they may see.

use std::collections::BTreeSet;

use model::page::PageRequest;
use model::repository::{RepositoryFilter, RepositoryPatch};
use model::role::{Role, Visibility};
use model::token::{NewToken, TokenScope};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use store::access::{Own, See, Viewer};

use crate::world::{World, sign_up};

const PEOPLE: [&str; 3] = ["ann", "bob", "eve"];

/// The globs of tokens. Nothing matches the last one.
const GLOBS: [&str; 6] = ["**", "ann/*", "*/thing-1", "eve/thing-*", "*ob/*1*", "nobody/thing"];

/// A repository to create.
#[derive(Clone, Debug)]
struct RepositoryPlan {
    owner: usize,
    visibility: Visibility,
    reader: Option<usize>,
    /// What is done to it once it may have been indexed.
    end: End,
}

#[derive(Clone, Debug)]
enum End {
    Stays,
    Changes(Visibility),
    IsRenamed,
    IsDeleted,
}

/// Repositories, pairs of a namespace and a member with a role, and globs of tokens.
#[derive(Clone, Debug)]
struct Plan {
    repositories: Vec<RepositoryPlan>,
    members: Vec<(usize, usize, Role)>,
    tokens: Vec<Vec<(&'static str, &'static str)>>,
}

fn visibility() -> impl Strategy<Value = Visibility> {
    prop::sample::select(Visibility::ALL.to_vec())
}

fn plans() -> impl Strategy<Value = Plan> {
    let person = || 0..PEOPLE.len();
    let end = prop_oneof![
        3 => Just(End::Stays),
        2 => visibility().prop_map(End::Changes),
        1 => Just(End::IsRenamed),
        1 => Just(End::IsDeleted),
    ];
    let repository = (person(), visibility(), prop::option::of(person()), end)
        .prop_map(|(owner, visibility, reader, end)| RepositoryPlan { owner, visibility, reader, end });
    let roles = prop::sample::select(vec![Role::Reader, Role::Writer, Role::Maintainer, Role::Owner]);
    let member = (person(), person(), roles);
    let scope = (prop::sample::select(GLOBS.to_vec()), prop::sample::select(vec!["pull", "push", "pull,push,delete"]));
    (
        prop::collection::vec(repository, 1..12),
        prop::collection::vec(member, 0..3),
        prop::collection::vec(prop::collection::vec(scope, 1..4), PEOPLE.len()),
    )
        .prop_map(|(repositories, members, tokens)| Plan { repositories, members, tokens })
}

async fn agree(plan: Plan) {
    let world = World::new().await;
    let mut people: Vec<Viewer> = Vec::new();
    for name in PEOPLE {
        people.push(world.member(name).await);
    }
    let site = world.system.viewer("a test");
    let form = sign_up("root");
    world.store.create_account(&site, &form, true).await.unwrap();
    for (namespace, member, role) in plan.members {
        if namespace != member {
            // A pair that occurs twice keeps its first role.
            let _ = world.scratch.add_member(PEOPLE[namespace], PEOPLE[member], role).await;
        }
    }
    let mut paths = Vec::new();
    for (number, RepositoryPlan { owner, visibility, reader, end }) in plan.repositories.into_iter().enumerate() {
        let path = format!("{}/thing-{number}", PEOPLE[owner]);
        let owning = &people[owner];
        world.repository(owning, &path, visibility, "", "").await;
        if let Some(reader) = reader.filter(|reader| *reader != owner) {
            let permit = world.manage(owning, &path).await;
            world.store.set_collaborator(&permit, PEOPLE[reader], Role::Reader).await.unwrap();
        }
        // Index only some repositories before the changes below, so that both updates and first inserts are tested.
        if number % 3 == 0 {
            world.follow().await;
        }
        match end {
            End::Stays => {}
            End::Changes(to) => {
                let change = RepositoryPatch { visibility: Some(to), ..RepositoryPatch::default() };
                let permit = world.manage(owning, &path).await;
                world.store.update_repository(&permit, &change).await.unwrap();
            }
            End::IsRenamed => {
                let permit = world.store.permit::<Own>(owning, &path.parse().unwrap()).await.unwrap();
                world.store.rename_repository(&permit, &format!("other-thing-{number}")).await.unwrap();
                paths.push(format!("{}/other-thing-{number}", PEOPLE[owner]));
                continue;
            }
            End::IsDeleted => world.delete(owning, &path).await,
        }
        paths.push(path);
    }
    world.follow().await;
    let mut viewers =
        vec![(world.store.anonymous(), None), (world.store.act_for(&world.system, "root").await.unwrap(), None)];
    for (person, scopes) in people.into_iter().zip(plan.tokens) {
        let scopes: Vec<TokenScope> =
            scopes.iter().map(|(glob, actions)| format!("{glob}:{actions}").parse().unwrap()).collect();
        let form = NewToken { label: "token".to_owned(), scopes: scopes.clone(), expires_at: None };
        let secret = world.store.create_token(&person, &form).await.unwrap().secret;
        viewers.push((person, None));
        viewers.push((world.store.secret_viewer(&secret).await.unwrap(), Some(scopes)));
    }
    for (viewer, scopes) in &viewers {
        let searched: BTreeSet<String> = world.found(viewer, "").await.into_iter().collect();
        let by_word: BTreeSet<String> = world.found(viewer, "thing").await.into_iter().collect();
        let scope = world.store.scope(viewer).await.unwrap();
        let page = PageRequest { limit: Some(100), cursor: None };
        let listed = world.store.repositories(&scope, &RepositoryFilter::default(), &page).await.unwrap();
        let listed: BTreeSet<String> = listed.items.iter().map(|item| item.path.as_str().to_owned()).collect();
        let mut permitted = BTreeSet::new();
        for path in &paths {
            // A token also reads public repositories that it does not cover, but does not list them.
            let covered = scopes.as_ref().is_none_or(|scopes| scopes.iter().any(|scope| scope.covers(path)));
            if covered && world.store.permit::<See>(viewer, &path.parse().unwrap()).await.is_ok() {
                permitted.insert(path.clone());
            }
        }
        assert_eq!(searched, permitted, "{viewer:?} {scopes:?}");
        assert_eq!(by_word, permitted, "{viewer:?} {scopes:?}");
        assert_eq!(listed, permitted, "{viewer:?} {scopes:?}");
    }
}

#[test]
fn search_list_and_verdict_agree_in_every_world() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() });
    let outcome = runner.run(&plans(), |plan| {
        runtime.block_on(agree(plan));
        Ok(())
    });
    outcome.unwrap();
}
