//! Tests of creating, listing, changing and deleting repositories, on both databases.

use std::collections::BTreeSet;
use std::time::Duration;

use model::event::EventKind;
use model::fault::{Fault, FaultCode};
use model::oci::{Algorithm, Digest, Reference, RepositoryName, Tag};
use model::page::PageRequest;
use model::repository::{CommentPolicy, NewRepository, RepositoryFilter, RepositoryPatch, RepositorySort};
use model::role::{Role, Visibility};
use registry::ledger::{NewManifest, Place, Put, Segment, TagPrecondition, Upload};
use sea_orm::TransactionTrait;
use uuid::Uuid;

use crate::access::{Manage, Own, Participate, Push, See, Star, Viewer};
use crate::testing::{Fixture, each_database};
use crate::{Error, Result, sql};

mod freeable;
mod pending;

fn fault<T>(answer: Result<T>) -> Fault {
    answer.err().expect("it was refused").into()
}

fn path(text: &str) -> RepositoryName {
    RepositoryName::parse(text).unwrap()
}

fn new(namespace: &str, name: &str) -> NewRepository {
    let (namespace, name) = (namespace.to_owned(), name.to_owned());
    NewRepository { namespace, name, description: String::new(), visibility: None }
}

async fn list(fixture: &Fixture, viewer: &Viewer, filter: &RepositoryFilter, limit: u32) -> Vec<String> {
    let scope = fixture.store.scope(viewer).await.unwrap();
    let mut page = PageRequest { limit: Some(limit), cursor: None };
    let mut paths = Vec::new();
    loop {
        let answer = fixture.store.repositories(&scope, filter, &page).await.unwrap();
        assert!(answer.items.len() <= usize::try_from(limit).unwrap());
        paths.extend(answer.items.into_iter().map(|repository| repository.path.to_string()));
        let Some(next) = answer.next else { return paths };
        page.cursor = Some(next);
    }
}

each_database! {
    async fn the_first_push_makes_a_private_repository_where_one_may(fixture: &Fixture) {
        let now = fixture.store.clock().now();
        let ada = fixture.person("ada").await;
        let ben = fixture.person("ben").await;
        let cleo = fixture.person("cleo").await;
        fixture.member(&ada, &ben, Role::Maintainer).await;
        fixture.member(&ada, &cleo, Role::Writer).await;
        let permit = fixture.store.push_permit(&ben, &path("ada/deep/app"), now).await.unwrap();
        let made = fixture.store.repository(&permit.narrow()).await.unwrap();
        assert_eq!((made.visibility, made.role), (Visibility::Private, Some(Role::Maintainer)));
        assert_eq!(fixture.events().await, []);
        fill(fixture, &permit.narrow(), &path("ada/deep/app")).await;
        fixture.store.push_permit(&cleo, &path("ada/deep/app"), now).await.unwrap();
        for (viewer, name) in [(&cleo, "ada/other"), (&ada, "library/app"), (&ada, "nobody/app"), (&ada, "ben/app")] {
            assert!(matches!(fixture.store.push_permit(viewer, &path(name), now).await, Err(Error::Absent)), "{name}");
        }
        assert_eq!(fixture.events().await.first(), Some(&EventKind::RepositoryCreated));
    }

    async fn an_account_may_want_its_first_pushes_public(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let update = "UPDATE account SET default_visibility = 'public'";
        sql::execute(fixture.store.database().pool(), update, []).await.unwrap();
        let permit = fixture.store.push_permit(&ada, &path("ada/app"), fixture.store.clock().now()).await.unwrap();
        let made = fixture.store.repository(&permit.narrow()).await.unwrap();
        assert_eq!(made.visibility, Visibility::Public);
    }

    async fn many_first_pushes_at_once_make_one_repository(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let pushes = (0..16).map(|_| {
            let (store, ada) = (fixture.store.clone(), ada.clone());
            tokio::spawn(async move { store.push_permit(&ada, &path("ada/app"), store.clock().now()).await })
        });
        let mut ids = BTreeSet::new();
        for push in pushes.collect::<Vec<_>>() {
            ids.insert(push.await.unwrap().unwrap().repository());
        }
        assert_eq!((ids.len(), fixture.rows("repository").await), (1, 1));
    }

    async fn a_repository_is_made_once_and_only_where_one_may(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        fixture.person("ben").await;
        let made = fixture.store.create_repository(&ada, &new("ada", "app")).await.unwrap();
        assert_eq!((made.path.as_str(), made.visibility, made.official), ("ada/app", Visibility::Private, false));
        let again = fault(fixture.store.create_repository(&ada, &new("ada", "app")).await);
        assert_eq!(again.code, FaultCode::Conflict);
        for (namespace, code) in [("ben", FaultCode::Forbidden), ("library", FaultCode::Forbidden), ("no", FaultCode::Invalid)] {
            assert_eq!(fault(fixture.store.create_repository(&ada, &new(namespace, "app")).await).code, code);
        }
        for name in ["", "App", "a//b", "-/settings"] {
            assert_eq!(fault(fixture.store.create_repository(&ada, &new("ada", name)).await).fields[0].field, "name");
        }
        let nobody = fixture.store.anonymous();
        assert!(matches!(fixture.store.create_repository(&nobody, &new("ada", "x")).await, Err(Error::SignIn)));
    }

    async fn the_namespaces_of_a_form_are_those_where_one_may_make_repositories(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let zoe = fixture.person("zoe").await;
        let root = fixture.administrator("root").await;
        fixture.member(&ada, &zoe, Role::Maintainer).await;
        fixture.member(&root, &zoe, Role::Writer).await;
        let names = async |viewer: &Viewer| {
            let accounts = fixture.store.namespaces(viewer).await.unwrap();
            accounts.into_iter().map(|account| account.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(&zoe).await, ["zoe", "ada"]);
        assert_eq!(names(&root).await, ["root", "library"]);
    }

    async fn a_renamed_repository_is_found_by_both_names_and_the_old_one_stays_taken(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let old = fixture.repository(&ada, "old", Visibility::Public).await;
        fixture.repository(&ada, "other", Visibility::Public).await;
        let own = fixture.store.permit::<Own>(&ada, &old).await.unwrap();
        assert_eq!(fault(fixture.store.rename_repository(&own, "other").await).code, FaultCode::Conflict);
        assert_eq!(fixture.store.rename_repository(&own, "new").await.unwrap().path.as_str(), "ada/new");
        let nobody = fixture.store.anonymous();
        let found = fixture.store.permit::<See>(&nobody, &old).await.unwrap();
        assert_eq!(found.path().as_str(), "ada/new");
        assert_eq!(fault(fixture.store.create_repository(&ada, &new("ada", "old")).await).code, FaultCode::Conflict);
        let other = fixture.store.permit::<Own>(&ada, &path("ada/other")).await.unwrap();
        assert_eq!(fault(fixture.store.rename_repository(&other, "old").await).code, FaultCode::Conflict);
        let own = fixture.store.permit::<Own>(&ada, &old).await.unwrap();
        assert_eq!(fixture.store.rename_repository(&own, "old").await.unwrap().path, old);
        assert_eq!(fixture.store.permit::<See>(&nobody, &path("ada/new")).await.unwrap().path(), &old);
    }

    async fn pages_make_the_whole_list_in_every_order(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        for number in 0_i64..11 {
            let path = fixture.repository(&ada, &format!("r{number}"), Visibility::Public).await;
            let update = "UPDATE repository SET star_count = $2, pull_count = $3 WHERE path = $1";
            let values = [path.as_str().into(), (number % 3).into(), (number / 4).into()];
            sql::execute(fixture.store.database().pool(), update, values).await.unwrap();
            fixture.pass(std::time::Duration::from_secs(u64::try_from(number % 2).unwrap()));
        }
        let narrow = ada.clone().limited(vec!["ada/r1*:pull".parse().unwrap()], false);
        for sort in [RepositorySort::Name, RepositorySort::Stars, RepositorySort::Pulls, RepositorySort::Updated] {
            let filter = RepositoryFilter { sort, ..RepositoryFilter::default() };
            let whole = list(fixture, &ada, &filter, 100).await;
            assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 11, "{sort:?}");
            for limit in [1, 2, 3, 11] {
                assert_eq!(list(fixture, &ada, &filter, limit).await, whole, "{sort:?} {limit}");
            }
            let narrowed: Vec<_> = whole.into_iter().filter(|path| path.starts_with("ada/r1")).collect();
            assert_eq!(narrowed.len(), 2);
            assert_eq!(list(fixture, &narrow, &filter, 1).await, narrowed, "{sort:?}");
        }
        let by_stars = RepositoryFilter { sort: RepositorySort::Stars, ..RepositoryFilter::default() };
        assert_eq!(list(fixture, &ada, &by_stars, 5).await[..2], ["ada/r8", "ada/r5"]);
        let wrong = PageRequest { limit: None, cursor: Some("no cursor".to_owned()) };
        let scope = fixture.store.scope(&ada).await.unwrap();
        let refused = fault(fixture.store.repositories(&scope, &by_stars, &wrong).await);
        assert_eq!(refused.fields[0].field, "cursor");
    }

    async fn a_list_can_be_of_a_namespace_of_ones_own_of_stars_or_official(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let ben = fixture.person("ben").await;
        let root = fixture.administrator("root").await;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        fixture.repository(&ben, "tool", Visibility::Private).await;
        fixture.collaborator(&ada, &app, &ben, Role::Reader).await;
        fixture.store.create_repository(&root, &new("library", "busybox")).await.unwrap();
        let star = fixture.store.permit::<Star>(&ada, &path("library/busybox")).await.unwrap();
        fixture.store.set_star(&star, true).await.unwrap();
        let by_name = RepositoryFilter { sort: RepositorySort::Name, ..RepositoryFilter::default() };
        let of = |text: &str| Some(text.to_owned());
        let cases = [
            (&ben, RepositoryFilter { namespace: of("ada"), ..by_name.clone() }, vec!["ada/app"]),
            (&ada, RepositoryFilter { namespace: of("ben"), ..by_name.clone() }, vec![]),
            (&ada, RepositoryFilter { namespace: of("No Such"), ..by_name.clone() }, vec![]),
            (&ben, RepositoryFilter { mine: true, ..by_name.clone() }, vec!["ada/app", "ben/tool"]),
            (&root, RepositoryFilter { mine: true, ..by_name.clone() }, vec![]),
            (&ben, RepositoryFilter { starred_by: of("ada"), ..by_name.clone() }, vec!["library/busybox"]),
            (&ben, RepositoryFilter { official: true, ..by_name.clone() }, vec!["library/busybox"]),
            (&root, by_name.clone(), vec!["ada/app", "ben/tool", "library/busybox"]),
        ];
        for (viewer, filter, expected) in cases {
            assert_eq!(list(fixture, viewer, &filter, 10).await, expected, "{filter:?}");
        }
        let scope = fixture.store.scope(&ada).await.unwrap();
        let mut ids = Vec::new();
        for name in ["library/busybox", "ben/tool", "ada/app"] {
            ids.push(fixture.store.permit::<See>(&root, &path(name)).await.unwrap().repository());
        }
        let found = fixture.store.repositories_by_id(&scope, &ids).await.unwrap();
        let shown: Vec<_> = found.iter().map(|found| (found.path.as_str(), found.role, found.starred)).collect();
        assert_eq!(shown, [("library/busybox", None, true), ("ada/app", Some(Role::Owner), false)]);
    }

    async fn settings_change_together_and_a_hidden_repository_is_hidden_at_once(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        let nobody = fixture.store.anonymous();
        fixture.store.permit::<See>(&nobody, &app).await.unwrap();
        let manage = fixture.store.permit::<Manage>(&ada, &app).await.unwrap();
        let patch = RepositoryPatch {
            description: Some(" Serves. ".to_owned()),
            overview: Some("# App".to_owned()),
            visibility: Some(Visibility::Private),
            comments: Some(CommentPolicy::Off),
            topics: Some(vec!["Web".to_owned(), "web".to_owned(), "rust".to_owned()]),
        };
        let changed = fixture.store.update_repository(&manage, &patch).await.unwrap();
        assert_eq!((changed.description.as_str(), changed.comments), ("Serves.", CommentPolicy::Off));
        assert_eq!(changed.topics, ["web", "rust"]);
        assert_eq!(fixture.store.overview_source(&manage.narrow()).await.unwrap(), "# App");
        assert!(matches!(fixture.store.permit::<See>(&nobody, &app).await, Err(Error::Absent)));
        let only_text = RepositoryPatch { description: Some(String::new()), ..RepositoryPatch::default() };
        let changed = fixture.store.update_repository(&manage, &only_text).await.unwrap();
        assert_eq!((changed.visibility, changed.topics.len()), (Visibility::Private, 2));
        for (patch, field) in [
            (RepositoryPatch { description: Some("x".repeat(201)), ..RepositoryPatch::default() }, "description"),
            (RepositoryPatch { overview: Some("x".repeat(65 * 1024)), ..RepositoryPatch::default() }, "overview"),
            (RepositoryPatch { overview: Some("\0".to_owned()), ..RepositoryPatch::default() }, "overview"),
            (RepositoryPatch { topics: Some(vec!["a b".to_owned()]), ..RepositoryPatch::default() }, "topics"),
        ] {
            assert_eq!(fault(fixture.store.update_repository(&manage, &patch).await).fields[0].field, field);
        }
    }

    async fn a_head_says_whose_it_is_and_what_one_may_do(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let ben = fixture.person("ben").await;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        fixture.collaborator(&ada, &app, &ben, Role::Writer).await;
        let (_, head) = fixture.store.head(&ben, &app).await.unwrap();
        assert_eq!((head.owner.name.as_str(), head.repository.role), ("ada", Some(Role::Writer)));
        let abilities = head.abilities;
        assert!(abilities.star && abilities.comment && abilities.push);
        assert!(!abilities.delete && !abilities.manage && !abilities.own);
    }

    async fn stars_are_counted_once_an_account(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        let mut stars = Vec::new();
        for number in 0..12 {
            let viewer = fixture.person(&format!("fan{number}")).await;
            let store = fixture.store.clone();
            let app = app.clone();
            stars.push(tokio::spawn(async move {
                let permit = store.permit::<Star>(&viewer, &app).await.unwrap();
                store.set_star(&permit, true).await.unwrap();
                store.set_star(&permit, true).await.unwrap();
            }));
        }
        for star in stars {
            star.await.unwrap();
        }
        let permit = fixture.store.permit::<Star>(&ada, &app).await.unwrap();
        assert_eq!(fixture.store.set_star(&permit, true).await.unwrap(), 13);
        assert!(fixture.store.is_starred(&permit.narrow()).await.unwrap());
        assert_eq!(fixture.store.set_star(&permit, false).await.unwrap(), 12);
        assert!(!fixture.store.is_starred(&permit.narrow()).await.unwrap());
        let page = PageRequest { limit: Some(8), cursor: None };
        let first = fixture.store.stargazers(&permit.narrow(), &page).await.unwrap();
        let page = PageRequest { limit: Some(8), cursor: first.next };
        let second = fixture.store.stargazers(&permit.narrow(), &page).await.unwrap();
        assert_eq!((first.items.len(), second.items.len(), second.next), (8, 4, None));
        let nobody = fixture.store.anonymous();
        assert!(matches!(fixture.store.permit::<Star>(&nobody, &app).await, Err(Error::SignIn)));
        let starred = fixture.events().await.into_iter().filter(|what| matches!(what, EventKind::Starred { .. })).count();
        assert_eq!(starred, 14);
    }

    async fn nobody_gives_or_takes_a_role_that_is_not_below_their_own(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let ben = fixture.person("ben").await;
        let cleo = fixture.person("cleo").await;
        let app = fixture.repository(&ada, "app", Visibility::Private).await;
        fixture.collaborator(&ada, &app, &ben, Role::Maintainer).await;
        let store = &fixture.store;
        let by_ben = store.permit::<Manage>(&ben, &app).await.unwrap();
        store.set_collaborator(&by_ben, "cleo", Role::Writer).await.unwrap();
        for role in [Role::Maintainer, Role::Owner] {
            assert_eq!(fault(store.set_collaborator(&by_ben, "cleo", role).await).fields[0].field, "role");
        }
        let by_ada = store.permit::<Manage>(&ada, &app).await.unwrap();
        assert_eq!(fault(store.set_collaborator(&by_ada, "ben", Role::Owner).await).fields[0].field, "role");
        store.set_collaborator(&by_ada, "cleo", Role::Maintainer).await.unwrap();
        assert!(matches!(store.set_collaborator(&by_ben, "cleo", Role::Reader).await, Err(Error::Forbidden)));
        assert!(matches!(store.remove_collaborator(&by_ben, "cleo").await, Err(Error::Forbidden)));
        for name in ["nobody", "ada", "library", "no such"] {
            let refused = fault(store.set_collaborator(&by_ada, name, Role::Reader).await);
            assert_eq!(refused.fields[0].field, "account", "{name}");
        }
        let first = store.collaborators(&by_ada, &PageRequest { limit: Some(1), cursor: None }).await.unwrap();
        assert_eq!(first.items[0].account.name.as_str(), "ben");
        let next = PageRequest { limit: Some(1), cursor: first.next };
        let second = store.collaborators(&by_ada, &next).await.unwrap();
        assert_eq!((second.items[0].account.name.as_str(), &second.next), ("cleo", &None));
        let zero = PageRequest { limit: None, cursor: Some("\0".to_owned()) };
        assert_eq!(fault(store.collaborators(&by_ada, &zero).await).fields[0].field, "cursor");
        let people = store.collaborators(&by_ada, &PageRequest::default()).await.unwrap();
        let people: Vec<_> = people.items.iter().map(|one| (one.account.name.as_str(), one.role)).collect();
        assert_eq!(people, [("ben", Role::Maintainer), ("cleo", Role::Maintainer)]);
        store.leave_repository(&store.permit::<Participate>(&cleo, &app).await.unwrap()).await.unwrap();
        assert!(matches!(store.permit::<See>(&cleo, &app).await, Err(Error::Absent)));
        store.remove_collaborator(&by_ada, "ben").await.unwrap();
        assert!(matches!(store.remove_collaborator(&by_ada, "ben").await, Err(Error::Absent)));
    }

    async fn a_deleted_repository_leaves_nothing_but_trash_and_its_blobs_for_the_sweep(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        let now = fixture.store.clock().now();
        let push = fixture.store.permit::<Push>(&ada, &app).await.unwrap();
        fill(fixture, &push.narrow(), &app).await;
        let star = fixture.store.permit::<Star>(&ada, &app).await.unwrap();
        fixture.store.set_star(&star, true).await.unwrap();
        let ben = fixture.person("ben").await;
        fixture.collaborator(&ada, &app, &ben, Role::Writer).await;
        let own = fixture.store.permit::<Own>(&ada, &app).await.unwrap();
        fixture.store.rename_repository(&own, "renamed").await.unwrap();
        let own = fixture.store.permit::<Own>(&ada, &app).await.unwrap();
        fixture.store.delete_repository(own).await.unwrap();
        assert!(matches!(fixture.store.permit::<See>(&ada, &app).await, Err(Error::Absent)));
        for table in ["repository", "repository_alias", "repository_blob", "manifest", "manifest_blob", "tag", "upload",
            "tag_history", "star", "collaborator", "comment"] {
            assert_eq!(fixture.rows(table).await, 0, "{table}");
        }
        assert_eq!(fixture.rows("blob").await, 1);
        assert_eq!(fixture.ledger.trash(10).await.unwrap()[0].key, "unfinished");
        assert_eq!(fixture.events().await.last(), Some(&EventKind::RepositoryDeleted));
        fixture.store.push_permit(&ada, &app, now).await.unwrap();
    }

    async fn an_upload_that_moves_on_while_its_repository_goes_leaves_no_bytes_behind(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let (ledger, now) = (&fixture.ledger, fixture.store.clock().now());
        let app = fixture.repository(&ada, "app", Visibility::Private).await;
        let own = fixture.store.permit::<Own>(&ada, &app).await.unwrap();
        let upload = Uuid::now_v7();
        ledger.open_upload(own.repository(), upload, Algorithm::Sha256, u64::MAX, now).await.unwrap();
        let moving = fixture.store.database().pool().begin().await.unwrap();
        let advance = "UPDATE upload SET position = 1, segments = '[[\"late\",1]]'";
        assert_eq!(sql::execute(&moving, advance, []).await.unwrap(), 1);
        let (deleted, ()) = tokio::join!(fixture.store.delete_repository(own), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            moving.commit().await.unwrap();
        });
        deleted.unwrap();
        assert_eq!(ledger.trash(10).await.unwrap(), [Segment { key: "late".to_owned(), length: 1 }]);
    }
}

/// Pushes a tagged manifest with one blob, and leaves another upload unfinished.
async fn fill(fixture: &Fixture, permit: &crate::access::Permit<See>, name: &RepositoryName) {
    let ledger = &fixture.ledger;
    let now = fixture.store.clock().now();
    let id = permit.repository();
    let digest = |digit: char| Digest::parse(&format!("sha256:{}", digit.to_string().repeat(64))).unwrap();
    for (key, commit) in [("layer", true), ("unfinished", false)] {
        let upload = Upload {
            id: Uuid::now_v7(),
            algorithm: Algorithm::Sha256,
            offset: 3,
            hash_state: vec![1],
            segments: vec![Segment { key: key.to_owned(), length: 3 }],
        };
        ledger.open_upload(id, upload.id, Algorithm::Sha256, u64::MAX, now).await.unwrap();
        assert!(ledger.advance_upload(id, &upload, 0, now).await.unwrap());
        if commit {
            assert!(ledger.commit_upload(id, &upload, 3, &digest('a'), None, now).await.unwrap());
        }
    }
    let manifest = NewManifest {
        digest: digest('b'),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        payload: "{}".into(),
        artifact_type: None,
        subject: None,
        annotations: "{}".to_owned(),
        blobs: vec![registry::ledger::Link { digest: digest('a'), size: 3 }],
        children: Vec::new(),
        tags: vec![Tag::parse("latest").unwrap()],
        expect: TagPrecondition::default(),
    };
    let place = Place { id, name: name.clone(), actor: None };
    assert_eq!(ledger.put_manifest(&place, &manifest, now).await.unwrap(), Put::Stored);
    let reference = Reference::parse("latest").unwrap();
    assert!(ledger.manifest(id, &reference).await.unwrap().is_some());
}
