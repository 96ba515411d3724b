//! Tests of search results: what is found, in which order, and what stays hidden.

use std::mem;

use model::role::{Role, Visibility};
use model::search::{Facet, SearchRequest, SearchSort};
use server::search::{Search, follow};

use store::access::{See, Viewer};

use crate::world::World;

/// Returns a world with some indexed repositories, and their owner.
async fn harbour() -> (World, Viewer) {
    let world = World::new().await;
    let ann = world.member("ann").await;
    let redis = world
        .public(&ann, "ann/redis", "An in-memory key value store", "# Redis\n\nKeeps *lighthouses* in memory.")
        .await;
    world
        .push(
            redis,
            "ann/redis",
            &["latest", "7.2-alpine"],
            "linux/arm64/v8",
            &[("org.opencontainers.image.vendor", "Acme Ltd")],
        )
        .await;
    let postgres =
        world.public(&ann, "ann/postgres", "A relational database", "Rows and columns, kept with care.").await;
    world.push(postgres, "ann/postgres", &["16"], "linux/amd64", &[]).await;
    world.public(&ann, "ann/registry-mirror", "私有镜像仓库", "适用于内网的镜像仓库").await;
    world.follow().await;
    (world, ann)
}

#[tokio::test]
async fn a_repository_is_found_by_any_of_its_words() {
    let (world, _) = harbour().await;
    let nobody = world.store.anonymous();
    for query in [
        "redis",
        "REDIS",
        "ann/redis",
        "lighthouses",
        "key value",
        "\"key value store\"",
        "7.2-alpine",
        "acme",
        "in-memory",
        "redis arm64",
        "linux/arm64",
    ] {
        assert_eq!(world.found(&nobody, query).await, ["ann/redis"], "{query}");
    }
    assert!(world.found(&nobody, "\"value key\"").await.is_empty());
    for query in ["redis columns", "redis amd64"] {
        assert!(world.found(&nobody, query).await.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn a_word_is_found_by_its_beginning_and_within_one_edit() {
    let (world, _) = harbour().await;
    let nobody = world.store.anonymous();
    for query in ["red", "lighth", "rediss", "ridis", "rdeis", "ligthhouses"] {
        assert_eq!(world.found(&nobody, query).await, ["ann/redis"], "{query}");
    }
    for query in ["rxdxs", "edi", "rxd"] {
        assert!(world.found(&nobody, query).await.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn chinese_is_found_by_any_run_of_its_characters() {
    let (world, _) = harbour().await;
    let nobody = world.store.anonymous();
    for query in ["镜像", "仓库", "库", "内网的镜像", "私有 仓库", "mirror镜像"] {
        assert_eq!(world.found(&nobody, query).await, ["ann/registry-mirror"], "{query}");
    }
    assert!(world.found(&nobody, "像镜").await.is_empty());
    let results = world.results(&nobody, "镜像").await;
    let marked: Vec<&str> =
        results.hits[0].excerpt.iter().filter(|part| part.marked).map(|part| part.text.as_str()).collect();
    assert_eq!(marked, ["镜像"]);
}

#[tokio::test]
async fn qualifiers_narrow() {
    let (world, ann) = harbour().await;
    let nobody = world.store.anonymous();
    for (query, expected) in [
        ("tag:7.2-alpine", vec!["ann/redis"]),
        ("tag:7.2", vec![]),
        ("arch:arm64", vec!["ann/redis"]),
        ("arch:x86_64", vec!["ann/postgres"]),
        ("label:org.opencontainers.image.vendor", vec!["ann/redis"]),
        ("label:\"org.opencontainers.image.vendor=Acme Ltd\"", vec!["ann/redis"]),
        ("label:org.opencontainers.image.vendor=Other", vec![]),
        ("ns:ann database", vec!["ann/postgres"]),
        ("ns:ann -redis -is:private arch:amd64", vec!["ann/postgres"]),
        ("database -relational", vec![]),
        ("stars:>0", vec![]),
        ("updated:<2026-01-01", vec![]),
        ("updated:2026-01-01 arch:arm64", vec!["ann/redis"]),
        ("is:starred", vec![]),
    ] {
        assert_eq!(world.found(&nobody, query).await, expected, "{query}");
    }
    let permit = world.store.permit(&ann, &"ann/redis".parse().unwrap()).await.unwrap();
    world.store.set_star(&permit, true).await.unwrap();
    world.follow().await;
    assert_eq!(world.found(&ann, "is:starred").await, ["ann/redis"]);
    assert_eq!(world.found(&nobody, "stars:1..*").await, ["ann/redis"]);
}

#[tokio::test]
async fn what_the_name_says_comes_before_what_the_readme_says() {
    let world = World::new().await;
    let ann = world.member("ann").await;
    world.public(&ann, "ann/cache", "A cache", "Like nginx, but not nginx.").await;
    world.public(&ann, "ann/nginx-exporter", "Figures of a web server", "").await;
    world.public(&ann, "ann/nginx", "A web server", "").await;
    world.public(&ann, "ann/proxy", "Made from nginx", "").await;
    world.follow().await;
    let nobody = world.store.anonymous();
    assert_eq!(world.found(&nobody, "nginx").await, ["ann/nginx", "ann/nginx-exporter", "ann/proxy", "ann/cache"]);
}

#[tokio::test]
async fn of_equal_matches_the_most_starred_comes_first() {
    let world = World::new().await;
    let ann = world.member("ann").await;
    world.public(&ann, "ann/quiet-cache", "", "").await;
    world.public(&ann, "ann/loud-cache", "", "").await;
    world.public(&ann, "ann/other-cache", "", "").await;
    for name in ["bob", "eve"] {
        let fan = world.member(name).await;
        let permit = world.store.permit(&fan, &"ann/loud-cache".parse().unwrap()).await.unwrap();
        world.store.set_star(&permit, true).await.unwrap();
    }
    world.follow().await;
    assert_eq!(world.found(&world.store.anonymous(), "cache").await[0], "ann/loud-cache");
}

#[tokio::test]
async fn sorting_is_by_what_was_asked_for() {
    let (world, ann) = harbour().await;
    let star = world.store.permit(&ann, &"ann/postgres".parse().unwrap()).await.unwrap();
    world.store.set_star(&star, true).await.unwrap();
    world.follow().await;
    let nobody = world.store.anonymous();
    let by = async |sort| {
        let request = SearchRequest { sort, ..SearchRequest::default() };
        let results = world.search.search(&world.store, &nobody, request).await.unwrap();
        results.hits[0].repository.path.as_str().to_owned()
    };
    assert_eq!(by(SearchSort::Stars).await, "ann/postgres");
    assert_eq!(by(SearchSort::Updated).await, "ann/registry-mirror");
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_overlap() {
    let world = World::new().await;
    let ann = world.member("ann").await;
    for number in 0..7 {
        world.public(&ann, &format!("ann/part-{number}"), "", "").await;
    }
    world.follow().await;
    let nobody = world.store.anonymous();
    let mut seen = Vec::new();
    for page in 1..=3 {
        let request = SearchRequest { q: "part".to_owned(), page, limit: 3, ..SearchRequest::default() };
        let results = world.search.search(&world.store, &nobody, request).await.unwrap();
        assert_eq!((results.total, results.page, results.pages), (7, page, 3));
        seen.extend(results.hits.into_iter().map(|hit| hit.repository.name));
    }
    seen.sort();
    assert_eq!(seen, (0..7).map(|number| format!("part-{number}")).collect::<Vec<_>>());
    let past = SearchRequest { page: 101, ..SearchRequest::default() };
    assert!(world.search.search(&world.store, &nobody, past).await.is_err());
}

#[tokio::test]
async fn what_is_private_is_neither_found_nor_counted_nor_suggested_for_others() {
    let world = World::new().await;
    let (ann, bob, eve) = (world.member("ann").await, world.member("bob").await, world.member("eve").await);
    world.public(&ann, "ann/harbour-public", "", "").await;
    let secret = world.repository(&ann, "ann/harbour-secret", Visibility::Private, "", "").await;
    world.push(secret, "ann/harbour-secret", &["1"], "linux/s390x", &[]).await;
    world.repository(&ann, "ann/harbour-inner", Visibility::Internal, "", "").await;
    let permit = world.manage(&ann, "ann/harbour-secret").await;
    world.store.set_collaborator(&permit, "bob", Role::Reader).await.unwrap();
    world.follow().await;

    let nobody = world.store.anonymous();
    for (viewer, expected) in [(&nobody, 1), (&eve, 2), (&bob, 3), (&ann, 3)] {
        for query in ["", "harbour", "ns:ann", "harbor"] {
            let results = world.results(viewer, query).await;
            let shown = u64::try_from(results.hits.len()).unwrap();
            assert_eq!((results.total, shown), (expected, expected), "{query}");
            let counted = |qualifier: &str| -> u64 {
                let of = |facet: &&Facet| facet.qualifier == qualifier;
                results.facets.iter().find(of).map_or(0, |facet| facet.values.iter().map(|value| value.count).sum())
            };
            assert_eq!(counted("ns"), expected, "{query}");
            assert_eq!(counted("arch"), u64::from(expected == 3), "{query}");
        }
        assert_eq!(u64::try_from(world.suggested(viewer, "harb").await.len()).unwrap(), expected);
    }
    assert!(world.found(&eve, "is:private").await.is_empty());
    assert!(world.found(&eve, "arch:s390x").await.is_empty());
}

#[tokio::test]
async fn a_stale_index_can_hide_and_never_leak() {
    let world = World::new().await;
    let ann = world.member("ann").await;
    world.public(&ann, "ann/open", "", "").await;
    world.follow().await;
    let permit = world.manage(&ann, "ann/open").await;
    let patch = model::repository::RepositoryPatch { visibility: Some(Visibility::Private), ..Default::default() };
    world.store.update_repository(&permit, &patch).await.unwrap();
    let nobody = world.store.anonymous();
    assert!(world.found(&nobody, "open").await.is_empty());
    assert!(world.suggested(&nobody, "open").await.is_empty());
}

#[tokio::test]
async fn totals_and_facets_never_count_what_has_just_become_hidden() {
    let world = World::new().await;
    let (ann, ben) = (world.member("ann").await, world.member("ben").await);
    for path in ["ann/turned", "ann/deleted", "ann/open"] {
        world.public(&ann, path, "", "A whispered word.").await;
    }
    world.repository(&ann, "ann/shared", Visibility::Private, "", "A whispered word.").await;
    world.store.set_collaborator(&world.manage(&ann, "ann/shared").await, "ben", Role::Reader).await.unwrap();
    world.follow().await;
    let count = async |viewer: &Viewer, query: &str| {
        let results = world.results(viewer, query).await;
        let counted = results.facets.iter().flat_map(|facet| &facet.values).map(|value| value.count).max();
        (results.total, counted.unwrap_or(0))
    };
    let nobody = world.store.anonymous();
    assert_eq!((count(&nobody, "whispered").await, count(&ben, "whispered").await), ((3, 3), (4, 4)));
    let permit = world.manage(&ann, "ann/turned").await;
    let patch = model::repository::RepositoryPatch { visibility: Some(Visibility::Private), ..Default::default() };
    world.store.update_repository(&permit, &patch).await.unwrap();
    world.delete(&ann, "ann/deleted").await;
    world.store.remove_collaborator(&world.manage(&ann, "ann/shared").await, "ben").await.unwrap();
    // The index has not followed yet. Not even a page that shows none of them counts them.
    for query in ["whispered", "ns:ann whispered", "whispered -open", "ns:ann"] {
        let visible = u64::from(!query.contains("-open"));
        assert_eq!(count(&nobody, query).await, (visible, visible), "{query}");
        assert_eq!(count(&ben, query).await, (visible, visible), "{query}");
    }
    assert_eq!(count(&ann, "whispered").await, (3, 3), "the owner still sees the others");
    world.follow().await;
    assert_eq!((count(&nobody, "whispered").await, count(&ann, "whispered").await), ((1, 1), (3, 3)));
}

#[tokio::test]
async fn what_is_pasted_leads_to_its_repository() {
    let (world, ann) = harbour().await;
    let secret = world.repository(&ann, "ann/secret", Visibility::Private, "", "").await;
    world.push(secret, "ann/secret", &["1"], "linux/amd64", &[]).await;
    world.follow().await;
    let nobody = world.store.anonymous();
    for pasted in [
        "http://127.0.0.1:5000/r/ann/redis",
        "127.0.0.1:5000/ann/redis:7.2-alpine",
        "docker pull hub.example/ann/redis",
        "ann/redis:latest",
    ] {
        assert_eq!(world.found(&nobody, pasted).await.first().map(String::as_str), Some("ann/redis"), "{pasted}");
    }
    let digest = async |path: &str, tag: &str| {
        let permit = world.store.permit::<See>(&ann, &path.parse().unwrap()).await.unwrap();
        world.store.tag(&permit, &tag.parse().unwrap()).await.unwrap().digest.to_string()
    };
    let (redis, hidden) = (digest("ann/redis", "latest").await, digest("ann/secret", "1").await);
    assert_eq!(world.found(&nobody, &redis).await, ["ann/redis"]);
    assert_eq!(world.found(&ann, &format!(" {hidden} ")).await, ["ann/secret"]);
    assert!(world.found(&nobody, &hidden).await.is_empty());
    assert!(world.found(&nobody, &format!("sha256:{}", "0".repeat(64))).await.is_empty());
}

#[tokio::test]
async fn what_is_deleted_disappears() {
    let (world, ann) = harbour().await;
    world.delete(&ann, "ann/redis").await;
    assert!(world.found(&ann, "redis").await.is_empty(), "even before the index follows");
    world.follow().await;
    assert!(world.found(&ann, "redis").await.is_empty());
    assert_eq!(world.results(&ann, "").await.total, 2);
}

#[tokio::test]
async fn a_token_finds_only_what_its_scopes_name() {
    let (world, ann) = harbour().await;
    let form = model::token::NewToken {
        label: "one".to_owned(),
        scopes: vec!["ann/re*:pull".parse().unwrap()],
        expires_at: None,
    };
    let token = world.store.create_token(&ann, &form).await.unwrap();
    let narrowed = world.store.secret_viewer(&token.secret).await.unwrap();
    let mut found = world.found(&narrowed, "").await;
    found.sort();
    assert_eq!(found, ["ann/redis", "ann/registry-mirror"]);
    assert!(world.suggested(&narrowed, "postgres").await.is_empty());
}

#[tokio::test]
async fn suggestions_go_on_from_what_is_typed() {
    let (world, _) = harbour().await;
    let nobody = world.store.anonymous();
    assert_eq!(world.suggested(&nobody, "re").await, ["ann/redis", "ann/registry-mirror"], "the most complete first");
    assert_eq!(world.suggested(&nobody, "ann/post").await, ["ann/postgres"]);
    assert_eq!(world.suggested(&nobody, "postgras").await, ["ann/postgres"]);
    assert!(world.suggested(&nobody, "").await.is_empty());
    assert!(world.suggested(&nobody, "lighthouses").await.is_empty());
}

#[tokio::test]
async fn suggestions_heed_qualifiers_and_half_a_qualifier_suggests_nothing() {
    let (world, _) = harbour().await;
    let nobody = world.store.anonymous();
    assert_eq!(world.suggested(&nobody, "re arch:arm64").await, ["ann/redis"]);
    assert_eq!(world.suggested(&nobody, "re -mirror").await, ["ann/redis"]);
    assert!(world.suggested(&nobody, "re ns:bob").await.is_empty());
    for typed in ["re is:", "re is:off", "re stars:>"] {
        assert!(world.suggested(&nobody, typed).await.is_empty(), "{typed}");
    }
}

#[tokio::test]
async fn a_rebuilt_index_answers_as_the_followed_one_did() {
    let (mut world, ann) = harbour().await;
    world.delete(&ann, "ann/postgres").await;
    world.public(&ann, "ann/late", "Came later", "").await;
    world.follow().await;
    let queries = ["", "redis", "镜像", "later", "arch:arm64", "tag:16"];
    let mut before = Vec::new();
    for query in queries {
        before.push(world.results(&ann, query).await);
    }
    follow::rebuild(&world.search, &world.system).await.unwrap();
    let another = Search::open(&world.folder.path().join("another")).unwrap();
    let search = mem::replace(&mut world.search, another);
    world.follow().await;
    for (query, before) in queries.into_iter().zip(before) {
        let again =
            search.search(&world.store, &ann, SearchRequest { q: query.to_owned(), limit: 100, ..Default::default() });
        assert_eq!(again.await.unwrap(), before, "{query}");
        assert_eq!(world.results(&ann, query).await, before, "{query}");
    }
}

#[tokio::test]
async fn an_index_that_was_away_for_so_long_that_its_events_are_gone_is_built_anew() {
    let world = World::new().await;
    let ann = world.member("ann").await;
    world.public(&ann, "ann/one", "", "").await;
    world.follow().await;
    for path in ["ann/two", "ann/three"] {
        world.public(&ann, path, "", "").await;
    }
    world.pass(std::time::Duration::from_hours(15 * 24));
    assert!(world.store.trim_events(&world.system, &[]).await.unwrap() > 0);
    world.follow().await;
    assert_eq!(world.results(&ann, "").await.total, 3);
    world.public(&ann, "ann/four", "", "").await;
    world.follow().await;
    assert_eq!(world.results(&ann, "").await.total, 4);
}

#[tokio::test]
async fn a_change_is_findable_within_two_seconds_while_the_follower_runs() {
    let world = World::new().await;
    let ann = world.member("ann").await;
    let stop = tokio_util::sync::CancellationToken::new();
    let follower = tokio::spawn(follow::run(world.search.clone(), world.system.clone(), stop.clone()));
    for number in 0..3 {
        let path = format!("ann/boat-{number}");
        world.public(&ann, &path, "", "").await;
        let found = async {
            while !world.found(&ann, &format!("boat-{number}")).await.contains(&path) {
                tokio::time::sleep(std::time::Duration::from_millis(25)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(2), found).await.expect("within two seconds");
    }
    stop.cancel();
    follower.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_field_and_a_reason() {
    let (world, ann) = harbour().await;
    for q in ["stars:many", "is:nice", "updated:soon"] {
        let request = SearchRequest { q: q.to_owned(), ..SearchRequest::default() };
        let fault = world.search.search(&world.store, &ann, request).await.unwrap_err();
        assert_eq!(fault.fields[0].field, "q");
    }
}
