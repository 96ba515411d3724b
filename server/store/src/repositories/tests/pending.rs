//! Tests of repositories that a push has created and that have no manifest yet.

use model::id::RepositoryId;
use registry::ledger::ListPage;

use super::*;

const HOUR: Duration = Duration::from_hours(1);

/// Opens an upload and returns its id.
async fn open(fixture: &Fixture, repository: RepositoryId) -> Uuid {
    let (id, now) = (Uuid::now_v7(), fixture.store.clock().now());
    assert!(fixture.ledger.open_upload(repository, id, Algorithm::Sha256, 1_000, now).await.unwrap());
    id
}

/// Deletes abandoned repositories older than an hour and returns their number.
async fn sweep(fixture: &Fixture) -> u64 {
    let now = fixture.store.clock().now();
    fixture.ledger.delete_abandoned(now.minus(HOUR), now.minus(24 * HOUR), 10, now).await.unwrap()
}

/// Whether the viewer finds the repository `ada/app`: by its path, in lists, in the catalog and in search.
async fn finds(fixture: &Fixture, viewer: &Viewer) -> Vec<bool> {
    let (store, app) = (&fixture.store, path("ada/app"));
    let scope = store.scope(viewer).await.unwrap();
    let mut found = vec![
        store.permit::<See>(viewer, &app).await.is_ok(),
        store.head(viewer, &app).await.is_ok(),
        store.permit::<Own>(viewer, &app).await.is_ok(),
        !store.catalog(&scope, &ListPage { last: None, limit: 10 }).await.unwrap().items.is_empty(),
    ];
    let by_namespace = RepositoryFilter { namespace: Some("ada".to_owned()), ..RepositoryFilter::default() };
    let mine = RepositoryFilter { mine: true, ..RepositoryFilter::default() };
    for filter in [RepositoryFilter::default(), by_namespace, mine] {
        let listed = store.repositories(&scope, &filter, &PageRequest::default()).await.unwrap();
        found.push(!listed.items.is_empty());
    }
    let ids = store.repository_ids_after(&fixture.system, RepositoryId(0), 10).await.unwrap();
    found.push(!ids.is_empty());
    let all: Vec<RepositoryId> = (0..10).map(RepositoryId).collect();
    found.push(!store.repositories_by_id(&scope, &all).await.unwrap().is_empty());
    found.push(!store.search_documents(&fixture.system, &all).await.unwrap().is_empty());
    found
}

each_database! {
    async fn a_repository_is_missing_until_its_first_manifest_except_for_those_who_may_create_it(fixture: &Fixture) {
        let (ada, root) = (fixture.person("ada").await, fixture.administrator("root").await);
        let cleo = fixture.person("cleo").await;
        fixture.member(&ada, &cleo, Role::Writer).await;
        let (store, app, now) = (&fixture.store, path("ada/app"), fixture.store.clock().now());
        let permit = store.push_permit(&ada, &app, now).await.unwrap();
        for viewer in [&ada, &root, &cleo, &store.anonymous()] {
            let found = finds(fixture, viewer).await;
            assert!(found.iter().all(|found| !found), "{viewer:?}: {found:?}");
        }
        assert_eq!(fixture.events().await, []);
        assert_eq!(store.continued_push_permit(&ada, &app).await.unwrap().repository(), permit.repository());
        assert_eq!(store.push_permit(&root, &app, now).await.unwrap().repository(), permit.repository());
        for viewer in [&cleo, &store.anonymous()] {
            assert!(matches!(store.continued_push_permit(viewer, &app).await, Err(Error::Absent)));
        }
        let pulls = ada.clone().limited(vec!["ada/app:pull".parse().unwrap()], false);
        assert!(matches!(store.continued_push_permit(&pulls, &app).await, Err(Error::Absent)));

        fill(fixture, &permit.narrow(), &app).await;
        for viewer in [&ada, &root] {
            let found = finds(fixture, viewer).await;
            assert_eq!(found.iter().filter(|found| !**found).count(), usize::from(viewer.is_admin()), "{found:?}");
        }
        let events = fixture.events().await;
        assert!(matches!(&events[..], [EventKind::RepositoryCreated, EventKind::Pushed { .. }]), "{events:?}");
    }

    async fn a_repository_created_on_purpose_keeps_what_a_push_has_begun(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let (store, app, now) = (&fixture.store, path("ada/app"), fixture.store.clock().now());
        let id = store.push_permit(&ada, &app, now).await.unwrap().repository();
        let upload = open(fixture, id).await;
        let form = NewRepository { visibility: Some(Visibility::Public), ..new("ada", "app") };
        let made = store.create_repository(&ada, &form).await.unwrap();
        assert_eq!((made.visibility, fixture.rows("repository").await), (Visibility::Public, 1));
        assert!(store.create_repository(&ada, &form).await.is_err());
        let permit = store.permit::<Push>(&ada, &app).await.unwrap();
        assert_eq!(permit.repository(), id);
        assert!(fixture.ledger.upload(id, upload).await.unwrap().is_some());
        fill(fixture, &permit.narrow(), &app).await;
        let created = fixture.events().await.into_iter().filter(|event| *event == EventKind::RepositoryCreated);
        assert_eq!(created.count(), 1);
    }

    async fn a_repository_can_be_renamed_to_the_name_of_a_pending_one(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let (store, app, now) = (&fixture.store, path("ada/app"), fixture.store.clock().now());
        let id = store.push_permit(&ada, &app, now).await.unwrap().repository();
        let upload = open(fixture, id).await;
        let old = fixture.repository(&ada, "old", Visibility::Private).await;
        let own = store.permit::<Own>(&ada, &old).await.unwrap();
        assert_eq!(store.rename_repository(&own, "app").await.unwrap().path, app);
        assert_eq!(store.permit::<Push>(&ada, &app).await.unwrap().repository(), own.repository());
        assert!(fixture.ledger.upload(id, upload).await.unwrap().is_none());
    }

    async fn a_repository_without_a_manifest_goes_once_nobody_pushes_to_it(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let (store, ledger, now) = (&fixture.store, &fixture.ledger, fixture.store.clock().now());
        fixture.repository(&ada, "empty", Visibility::Private).await;
        let id = |name: &'static str| async { store.push_permit(&ada, &path(name), now).await.unwrap().repository() };
        let (probed, pushed, other) = (id("ada/probed").await, id("ada/pushed").await, id("ada/other").await);
        let probe = open(fixture, probed).await;
        let upload = Upload {
            id: open(fixture, pushed).await,
            algorithm: Algorithm::Sha256,
            offset: 3,
            hash_state: vec![1],
            segments: vec![Segment { key: "layer".to_owned(), length: 3 }],
        };
        let digest = Digest::parse(&format!("sha256:{}", "a".repeat(64))).unwrap();
        assert!(ledger.commit_upload(pushed, &upload, 0, &digest, None, now).await.unwrap());
        open(fixture, other).await;
        assert!(ledger.cancel_upload(probed, probe, now).await.unwrap());
        assert_eq!(sweep(fixture).await, 0, "all are new");
        fixture.pass(HOUR * 2);
        assert_eq!((sweep(fixture).await, sweep(fixture).await), (1, 0));
        assert!(matches!(store.continued_push_permit(&ada, &path("ada/probed")).await, Err(Error::Absent)));
        fixture.pass(HOUR * 24);
        assert_eq!(sweep(fixture).await, 1, "the blob is no longer held");
        assert_eq!((fixture.rows("repository").await, fixture.rows("upload").await), (2, 1));
        assert_eq!(fixture.events().await, [EventKind::RepositoryCreated]);
    }

    async fn a_push_that_begins_while_its_repository_would_go_keeps_it(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let now = fixture.store.clock().now();
        let id = fixture.store.push_permit(&ada, &path("ada/app"), now).await.unwrap().repository();
        fixture.pass(HOUR * 2);
        let opening = fixture.store.database().pool().begin().await.unwrap();
        let insert = "INSERT INTO upload (id, repository_id, algorithm, position, hash_state, segments, created_at, updated_at)
             VALUES ('u', $1, 'sha256', 0, $2, '[]', 0, 0)";
        sql::execute(&opening, insert, [id.0.into(), Vec::<u8>::new().into()]).await.unwrap();
        let (deleted, ()) = tokio::join!(sweep(fixture), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            opening.commit().await.unwrap();
        });
        assert_eq!((deleted, fixture.rows("upload").await), (0, 1));
    }
}
