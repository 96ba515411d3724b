//! Tests that lists use an index on both databases instead of reading all repositories.

use model::repository::RepositorySort;
use model::role::Role;
use sea_orm::{ConnectionTrait, DbBackend, QueryTrait, Statement};

use super::*;
use crate::testing::{Fixture, each_database};

/// Enough rows that reading all of them is more expensive than using an index.
const REPOSITORIES: u32 = 30_000;

/// Creates repositories of every visibility in many namespaces, and collects statistics for the query planner.
async fn populate(fixture: &Fixture) {
    let database = fixture.store.database().pool();
    let accounts = "INSERT INTO account (name, kind, created_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT 'n' || i, 'person', i FROM n";
    database.execute_unprepared(accounts).await.unwrap();
    let repositories = format!(
        "INSERT INTO repository (namespace_id, path, visibility, star_count, pull_count, created_at, updated_at, changed_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {REPOSITORIES})
         SELECT (SELECT MIN(id) FROM account WHERE name LIKE 'n%') + i % 3000, 'n' || (i % 3000) || '/r' || i,
             CASE i % 3 WHEN 0 THEN 'public' WHEN 1 THEN 'internal' ELSE 'private' END,
             i % 1000, i % 10000, i, i, i FROM n"
    );
    database.execute_unprepared(&repositories).await.unwrap();
    if database.get_database_backend() == DbBackend::Postgres {
        database.execute_unprepared("ANALYZE").await.unwrap();
    }
}

async fn plan(fixture: &Fixture, query: &Select<repository::Entity>) -> String {
    let database = fixture.store.database().pool();
    let backend = database.get_database_backend();
    let mut statement = query.build(backend);
    let (explain, column) = match backend {
        DbBackend::Postgres => ("EXPLAIN", "QUERY PLAN"),
        _ => ("EXPLAIN QUERY PLAN", "detail"),
    };
    statement.sql = format!("{explain} {}", statement.sql);
    let rows = database.query_all_raw(Statement { ..statement }).await.unwrap();
    rows.iter().map(|row| row.try_get::<String>("", column).unwrap() + "\n").collect()
}

each_database! {
    async fn no_list_reads_all_repositories(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let root = fixture.administrator("root").await;
        populate(fixture).await;
        let secret = RepositoryName::parse("n2/r2").unwrap();
        fixture.collaborator(&root, &secret, &ada, Role::Reader).await;
        let filters = [
            RepositoryFilter::default(),
            RepositoryFilter { namespace: Some("n7".to_owned()), ..RepositoryFilter::default() },
            RepositoryFilter { starred_by: Some("ada".to_owned()), ..RepositoryFilter::default() },
            RepositoryFilter { mine: true, ..RepositoryFilter::default() },
            RepositoryFilter { official: true, ..RepositoryFilter::default() },
        ];
        let sorts = [RepositorySort::Name, RepositorySort::Stars, RepositorySort::Pulls, RepositorySort::Updated];
        for viewer in [&ada, &root, &fixture.store.anonymous()] {
            let scope = fixture.store.scope(viewer).await.unwrap();
            for filter in &filters {
                for sort in sorts {
                    let Some(parts) = super::parts(filter, &scope) else { continue };
                    let after = match sort {
                        RepositorySort::Name => Position::Path("n5/r5".to_owned()),
                        _ => Position::Number(500, 500),
                    };
                    for after in [None, Some(&after)] {
                        let plan = plan(fixture, &page_of(&scope, &parts, sort, after, 31)).await;
                        let scans = ["SCAN repository", "Seq Scan on repository ", "repository_pending"];
                        let whole = scans.iter().any(|scan| plan.contains(scan));
                        assert!(!whole, "{viewer:?} {filter:?} {sort:?}\n{plan}");
                    }
                }
            }
        }
    }

    async fn a_list_under_a_narrow_token_examines_a_bounded_number_of_rows(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        populate(fixture).await;
        let viewer = ada.limited(vec!["*/r30000:pull".parse().unwrap()], false);
        let scope = fixture.store.scope(&viewer).await.unwrap();
        let statements = || fixture.store.statements();
        let most = u64::try_from(MAX_EXAMINED / GLOB_BATCH).unwrap() + 1;
        let (mut page, mut listed) = (PageRequest { limit: Some(1), cursor: None }, Vec::new());
        loop {
            let before = statements();
            let answer = fixture.store.repositories(&scope, &RepositoryFilter::default(), &page).await.unwrap();
            assert!(statements() - before <= most);
            listed.extend(answer.items.into_iter().map(|repository| repository.path.to_string()));
            let Some(next) = answer.next else { break };
            page.cursor = Some(next);
        }
        assert_eq!(listed, ["n0/r30000"]);
        let (mut page, mut listed) = (ListPage { last: None, limit: 1 }, Vec::new());
        loop {
            let before = statements();
            let answer = fixture.store.catalog(&scope, &page).await.unwrap();
            assert!(statements() - before <= most);
            listed.extend(answer.items.into_iter().map(|path| path.to_string()));
            let Some(next) = answer.next else { break };
            page.last = Some(next);
        }
        assert_eq!(listed, ["n0/r30000"]);
    }
}
