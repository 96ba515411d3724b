//! Tests of what a bearer token grants, on both databases.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::oci::RepositoryName;
use model::role::{Role, Visibility};
use registry::ledger::ListPage;
use registry::scope::ResourceScope;
use serde_json::Value;

use super::IssuedBearer;
use crate::Error;
use crate::access::{Delete, Manage, Own, Pull, Push, See, Viewer};
use crate::testing::{Fixture, each_database};

const SERVICE: &str = "hub.example";

async fn issue(fixture: &Fixture, viewer: &Viewer, scopes: &str) -> IssuedBearer {
    let asked = ResourceScope::parse_all(scopes).collect();
    fixture.store.issue_bearer(viewer, SERVICE, "portolan", asked).await.unwrap()
}

async fn granted(fixture: &Fixture, viewer: &Viewer, scopes: &str) -> String {
    let granted = issue(fixture, viewer, scopes).await.granted;
    granted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn part(token: &str, number: usize) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(number).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

each_database! {
    async fn what_is_granted_is_what_one_may_and_lack_is_no_error(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let ben = fixture.person("ben").await;
        fixture.repository(&ada, "open", Visibility::Public).await;
        let shared = fixture.repository(&ada, "shared", Visibility::Private).await;
        fixture.collaborator(&ada, &shared, &ben, Role::Writer).await;
        fixture.repository(&ada, "hidden", Visibility::Private).await;
        let nobody = fixture.store.anonymous();
        for (viewer, asked, expected) in [
            (&ada, "repository:ada/open:pull,push,delete", "repository:ada/open:pull,push,delete"),
            (&ada, "repository:ada/open:*", "repository:ada/open:pull,push,delete"),
            (&ben, "repository:ada/open:pull,push", "repository:ada/open:pull"),
            (&ben, "repository:ada/shared:push,pull,delete", "repository:ada/shared:pull,push"),
            (&ben, "repository:ada/hidden:pull repository:ada/missing:pull", ""),
            (&ben, "repository:ada/hidden:push repository:ada/missing:push", ""),
            (&nobody, "repository:ada/open:pull,push repository:ada/hidden:pull", "repository:ada/open:pull"),
            (&nobody, "repository:ada/new:push repository:Bad/Name:pull other:x:y", ""),
            (&ben, "repository:ben/new:pull,push,delete", "repository:ben/new:pull,push,delete"),
            (&ben, "repository:ben/new:pull", "repository:ben/new:pull"),
            (&ben, "registry:catalog:*", ""),
        ] {
            assert_eq!(granted(fixture, viewer, asked).await, expected, "{asked}");
        }
        let root = fixture.administrator("root").await;
        assert_eq!(granted(fixture, &root, "registry:catalog:*").await, "registry:catalog:*");
    }

    async fn a_token_opens_what_it_grants_and_no_more(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let app = fixture.repository(&ada, "app", Visibility::Private).await;
        let other = fixture.repository(&ada, "other", Visibility::Private).await;
        let token = issue(fixture, &ada, "repository:ada/app:pull,push").await.token;
        let viewer = fixture.store.bearer_viewer(&token, SERVICE).await.unwrap();
        fixture.store.permit::<Pull>(&viewer, &app).await.unwrap();
        fixture.store.permit::<Push>(&viewer, &app).await.unwrap();
        assert!(matches!(fixture.store.permit::<Delete>(&viewer, &app).await, Err(Error::Forbidden)));
        assert!(matches!(fixture.store.permit::<Manage>(&viewer, &app).await, Err(Error::Forbidden)));
        assert!(matches!(fixture.store.permit::<See>(&viewer, &other).await, Err(Error::Absent)));
        assert!(matches!(fixture.store.tokens(&viewer).await, Err(Error::Forbidden)));
    }

    async fn a_token_for_a_new_name_makes_the_repository_by_its_push(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let path = RepositoryName::parse("ada/new").unwrap();
        let token = issue(fixture, &ada, "repository:ada/new:pull,push").await.token;
        let viewer = fixture.store.bearer_viewer(&token, SERVICE).await.unwrap();
        let now = fixture.store.clock().now();
        fixture.store.push_permit(&viewer, &path, now).await.unwrap();
        fixture.publish().await;
        fixture.store.permit::<Pull>(&viewer, &path).await.unwrap();
        let elsewhere = RepositoryName::parse("ada/elsewhere").unwrap();
        assert!(matches!(fixture.store.push_permit(&viewer, &elsewhere, now).await, Err(Error::Absent)));
    }

    async fn rights_that_are_gone_are_gone_from_tokens_too(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let ben = fixture.person("ben").await;
        let app = fixture.repository(&ada, "app", Visibility::Private).await;
        fixture.collaborator(&ada, &app, &ben, Role::Writer).await;
        let token = issue(fixture, &ben, "repository:ada/app:pull,push").await.token;
        let viewer = fixture.store.bearer_viewer(&token, SERVICE).await.unwrap();
        fixture.store.permit::<Push>(&viewer, &app).await.unwrap();
        fixture.collaborator(&ada, &app, &ben, Role::Reader).await;
        assert!(matches!(fixture.store.permit::<Push>(&viewer, &app).await, Err(Error::Forbidden)));
    }

    async fn a_token_is_for_one_service_and_five_minutes_and_cannot_be_altered(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        fixture.repository(&ada, "app", Visibility::Private).await;
        let issued = issue(fixture, &ada, "repository:ada/app:pull").await;
        assert_eq!(issued.expires_in, 300);
        let refused = async |token: &str, service: &str| {
            matches!(fixture.store.bearer_viewer(token, service).await, Err(Error::SignIn))
        };
        assert!(refused(&issued.token, "mirror.example").await);
        let forged = URL_SAFE_NO_PAD.encode(part(&issued.token, 1).to_string().replace("pull", "push"));
        let parts: Vec<&str> = issued.token.split('.').collect();
        assert!(refused(&format!("{}.{forged}.{}", parts[0], parts[2]), SERVICE).await);
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT","kid":"x"}"#);
        assert!(refused(&format!("{none}.{}.", parts[1]), SERVICE).await);
        for nonsense in ["", "a", "a.b.c", "ptl_secret"] {
            assert!(refused(nonsense, SERVICE).await, "{nonsense}");
        }
        assert!(!refused(&issued.token, SERVICE).await);
        fixture.pass(Duration::from_secs(299));
        assert!(!refused(&issued.token, SERVICE).await);
        fixture.pass(Duration::from_secs(1));
        assert!(refused(&issued.token, SERVICE).await);
    }

    async fn a_token_says_what_other_registries_need(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        fixture.repository(&ada, "app", Visibility::Public).await;
        let issued = issue(fixture, &ada, "repository:ada/app:push,pull").await;
        let (header, claims) = (part(&issued.token, 0), part(&issued.token, 1));
        assert_eq!((&header["alg"], &header["typ"]), (&Value::from("ES256"), &Value::from("JWT")));
        assert_eq!((&claims["sub"], &claims["aud"]), (&Value::from("ada"), &Value::from(SERVICE)));
        assert_eq!(claims["iss"], "portolan");
        assert_eq!(claims["access"], serde_json::json!([
            { "type": "repository", "name": "ada/app", "actions": ["pull", "push"] }
        ]));
        assert!(claims.get("lists").is_none());
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
        let anonymous = issue(fixture, &fixture.store.anonymous(), "").await;
        assert_eq!(part(&anonymous.token, 1)["sub"], "");
        let viewer = fixture.store.bearer_viewer(&anonymous.token, SERVICE).await.unwrap();
        assert!(!viewer.is_signed_in());
    }

    async fn every_key_is_published_under_both_names_and_outlives_the_process(fixture: &Fixture) {
        let jwks = fixture.store.jwks().await.unwrap();
        let keys = jwks["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 2);
        assert_eq!((&keys[0]["x"], &keys[0]["y"]), (&keys[1]["x"], &keys[1]["y"]));
        assert_ne!(keys[0]["kid"], keys[1]["kid"]);
        let token = issue(fixture, &fixture.store.anonymous(), "").await.token;
        assert_eq!(part(&token, 0)["kid"], keys[0]["kid"]);
        let again = fixture.again().await;
        assert_eq!(again.jwks().await.unwrap(), jwks);
        again.bearer_viewer(&token, SERVICE).await.unwrap();
    }

    async fn a_token_for_the_catalog_lists_what_its_subject_sees(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let ben = fixture.person("ben").await;
        fixture.repository(&ada, "open", Visibility::Public).await;
        fixture.repository(&ada, "hidden", Visibility::Private).await;
        fixture.repository(&ben, "own", Visibility::Private).await;
        let all = ListPage { last: None, limit: 10 };
        for (scopes, expected) in [("registry:catalog:*", vec!["ada/open", "ben/own"]), ("", vec![])] {
            let token = issue(fixture, &ben, scopes).await.token;
            let viewer = fixture.store.bearer_viewer(&token, SERVICE).await.unwrap();
            let scope = fixture.store.scope(&viewer).await.unwrap();
            let names = fixture.store.catalog(&scope, &all).await.unwrap().items;
            assert_eq!(names.iter().map(RepositoryName::as_str).collect::<Vec<_>>(), expected);
        }
        // A narrow personal token cannot request a wider bearer token.
        let narrow = ben.limited(vec!["ada/*:pull".parse().unwrap()], false);
        let token = issue(fixture, &narrow, "registry:catalog:*").await.token;
        let viewer = fixture.store.bearer_viewer(&token, SERVICE).await.unwrap();
        let scope = fixture.store.scope(&viewer).await.unwrap();
        assert!(fixture.store.catalog(&scope, &all).await.unwrap().items.is_empty());
    }

    async fn a_token_for_the_name_before_a_rename_still_opens_the_repository(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let old = fixture.repository(&ada, "old", Visibility::Private).await;
        let own = fixture.store.permit::<Own>(&ada, &old).await.unwrap();
        fixture.store.rename_repository(&own, "new").await.unwrap();
        let token = issue(fixture, &ada, "repository:ada/old:pull").await.token;
        let viewer = fixture.store.bearer_viewer(&token, SERVICE).await.unwrap();
        let permit = fixture.store.permit::<Pull>(&viewer, &old).await.unwrap();
        assert_eq!(permit.path().as_str(), "ada/new");
        assert!(matches!(fixture.store.permit::<Push>(&viewer, &old).await, Err(Error::Forbidden)));
        let new = RepositoryName::parse("ada/new").unwrap();
        assert!(matches!(fixture.store.permit::<Pull>(&viewer, &new).await, Err(Error::Absent)));
    }
}
