//! Tests that new members of a namespace or team find its documents without reindexing.

use model::id::RepositoryId;
use model::role::{Role, Visibility};

use super::SearchDocument;
use crate::access::{See, Viewer};
use crate::sql;
use crate::testing::{Fixture, each_database};

async fn finds(fixture: &Fixture, viewer: &Viewer, document: &SearchDocument) -> bool {
    let scope = fixture.store.scope(viewer).await.unwrap();
    let terms = fixture.store.search_terms(&scope).await.unwrap();
    terms.is_none_or(|terms| terms.iter().any(|term| document.readers.contains(term)))
}

async fn document(fixture: &Fixture, id: RepositoryId) -> SearchDocument {
    fixture.store.search_document(&fixture.system, id).await.unwrap().unwrap()
}

each_database! {
    async fn who_joins_a_namespace_or_a_team_finds_its_private_repositories_at_once(fixture: &Fixture) {
        let (ada, bob, eve) = (fixture.person("ada").await, fixture.person("bob").await, fixture.person("eve").await);
        let path = fixture.repository(&ada, "secret", Visibility::Private).await;
        let id = fixture.store.permit::<See>(&ada, &path).await.unwrap().repository();
        let namespace = ada.account_id().unwrap().0;
        for insert in [
            format!("INSERT INTO team (id, namespace_id, name, created_at) VALUES (7, {namespace}, 'crew', 0)"),
            format!("INSERT INTO repository_team (repository_id, team_id, role, since) VALUES ({id}, 7, 'reader', 0)"),
        ] {
            sql::execute(fixture.store.database().pool(), &insert, []).await.unwrap();
        }
        let indexed = document(fixture, id).await;
        let events = fixture.rows("outbox").await;
        for stranger in [&bob, &eve] {
            assert!(!finds(fixture, stranger, &indexed).await);
        }
        fixture.member(&ada, &bob, Role::Reader).await;
        let join = format!(
            "INSERT INTO team_member (team_id, account_id, since) VALUES (7, {}, 0)", eve.account_id().unwrap()
        );
        sql::execute(fixture.store.database().pool(), &join, []).await.unwrap();
        for member in [&ada, &bob, &eve] {
            assert!(finds(fixture, member, &indexed).await);
        }
        assert!(!finds(fixture, &fixture.store.anonymous(), &indexed).await);
        assert_eq!(document(fixture, id).await, indexed);
        assert_eq!(fixture.rows("outbox").await, events);
    }
}
