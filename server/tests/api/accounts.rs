//! Tests of accounts, credentials and tokens.

use std::time::Duration;

use serde_json::json;

use crate::world::{Caller, PASSWORD, World};

#[tokio::test]
async fn signing_up_makes_an_account_and_says_where_it_is() {
    let world = World::new().await;
    let form = json!({"name": "ada", "email": "ada@mail.example", "password": PASSWORD});
    let answer = world.call("POST", "/users", &Caller::Nobody, Some(form)).await;
    assert_eq!(answer.header("location"), "/api/v1/users/ada");
    let account = answer.expect(201);
    assert_eq!((&account["name"], &account["kind"]), (&json!("ada"), &json!("person")));
    assert!(account.get("email").is_none(), "an account's address is its owner's");
    let me = world.get("/user", &Caller::Password("ada", PASSWORD)).await.expect(200);
    assert_eq!((&me["email"], &me["admin"]), (&json!("ada@mail.example"), &json!(false)));
    world.get("/users/ada", &Caller::Nobody).await.expect(200);
}

#[tokio::test]
async fn a_bad_sign_up_is_told_field_by_field() {
    let world = World::new().await;
    let form = json!({"name": "A", "email": "nowhere", "password": "short"});
    let answer = world.call("POST", "/users", &Caller::Nobody, Some(form)).await;
    assert_eq!(answer.refusal(), (422, "invalid".to_owned()));
    let body = answer.json();
    let fields: Vec<_> =
        body["fields"].as_array().unwrap().iter().map(|field| field["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "email", "password"]);
    assert!(!String::from_utf8(answer.bytes).unwrap().contains("short\""), "a password is never repeated");
}

#[tokio::test]
async fn a_taken_name_is_a_conflict() {
    let world = World::new().await;
    world.person("ada").await;
    let form = json!({"name": "ada", "email": "other@mail.example", "password": PASSWORD});
    let answer = world.call("POST", "/users", &Caller::Nobody, Some(form)).await;
    assert_eq!(answer.refusal(), (409, "conflict".to_owned()));
}

#[tokio::test]
async fn nobody_signs_up_where_registration_is_closed() {
    let world = World::with(&[("registration", "closed")]).await;
    let form = json!({"name": "ada", "email": "ada@mail.example", "password": PASSWORD});
    let answer = world.call("POST", "/users", &Caller::Nobody, Some(form)).await;
    assert_eq!(answer.refusal(), (403, "forbidden".to_owned()));
    assert_eq!(world.get("/users/ada", &Caller::Nobody).await.refusal().0, 404);
}

#[tokio::test]
async fn wrong_credentials_of_any_kind_get_one_answer() {
    let world = World::new().await;
    world.person("ada").await;
    let first = world.get("/user", &Caller::Password("ada", "wrong")).await;
    assert_eq!(first.refusal(), (401, "sign_in".to_owned()));
    assert!(first.header("www-authenticate").contains("Bearer") && first.header("www-authenticate").contains("Basic"));
    for caller in [
        Caller::Password("nobody", "wrong"),
        Caller::Token("ptl_unknown".to_owned()),
        Caller::Header("Bearer eyJhbGciOiJub25lIn0.e30.".to_owned()),
        Caller::Header("Digest x".to_owned()),
        Caller::Header("Basic %%%".to_owned()),
    ] {
        let other = world.get("/repositories", &caller).await;
        assert_eq!((other.status, other.header("www-authenticate")), (first.status, first.header("www-authenticate")));
        assert_eq!(other.json()["code"], "sign_in", "{caller:?}");
    }
}

#[tokio::test]
async fn an_empty_name_and_password_are_anonymous() {
    let world = World::new().await;
    world.get("/repositories", &Caller::Password("", "")).await.expect(200);
    assert_eq!(world.get("/user", &Caller::Password("", "")).await.refusal(), (401, "sign_in".to_owned()));
}

#[tokio::test]
async fn a_cookie_says_nothing_here() {
    let world = World::new().await;
    world.person("ada").await;
    let request = http::Request::builder().uri("/api/v1/user").header("cookie", "portolan=abc; __Host-portolan=abc");
    let answer = world.answer(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(answer.refusal(), (401, "sign_in".to_owned()));
    assert!(answer.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn a_token_is_listed_without_its_secret_and_ends_when_revoked() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let form = json!({"label": "ci", "scopes": ["ada/*:pull,push"], "expires_at": "2027-01-01T00:00:00Z"});
    let made = world.call("POST", "/user/tokens", &ada, Some(form)).await;
    let location = made.header("location").strip_prefix("/api/v1").unwrap().to_owned();
    let made = made.expect(201);
    assert!(made["token"].as_str().unwrap().starts_with("ptl_"));
    let listed = world.get("/user/tokens", &ada).await.expect(200);
    assert_eq!(listed["next"], json!(null));
    let newest = &listed["items"][0];
    assert_eq!((&newest["label"], &newest["scopes"]), (&json!("ci"), &json!(["ada/*:pull,push"])));
    assert!(newest.get("token").is_none());
    let ci = Caller::Token(made["token"].as_str().unwrap().to_owned());
    world.get("/user", &ci).await.expect(200);
    world.call("DELETE", &location, &ada, None).await.expect(204);
    assert_eq!(world.get("/user", &ci).await.refusal().0, 401);
    assert_eq!(world.call("DELETE", &location, &ada, None).await.refusal().0, 404);
}

#[tokio::test]
async fn another_s_token_cannot_be_ended() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    let id = world.get("/user/tokens", &ada).await.expect(200)["items"][0]["id"].clone();
    let foreign = world.call("DELETE", &format!("/user/tokens/{id}"), &eve, None).await;
    let missing = world.call("DELETE", "/user/tokens/999999", &eve, None).await;
    assert_eq!((foreign.status, foreign.bytes), (missing.status, missing.bytes));
    world.get("/user", &ada).await.expect(200);
}

#[tokio::test]
async fn an_expired_token_opens_nothing() {
    let world = World::new().await;
    world.person("ada").await;
    let soon = world.now().plus(Duration::from_hours(1)).rfc3339();
    let token = world.token(&Caller::Password("ada", PASSWORD), json!({"label": "short", "expires_at": soon})).await;
    world.get("/user", &token).await.expect(200);
    world.pass(Duration::from_secs(3601));
    assert_eq!(world.get("/user", &token).await.refusal(), (401, "sign_in".to_owned()));
}

#[tokio::test]
async fn a_narrowed_token_does_no_more_than_its_scopes_say() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    world.repository(&ada, "ada/inside", "private").await;
    world.repository(&ada, "ada/outside", "private").await;
    let reader = world.token(&ada, json!({"label": "r", "scopes": ["ada/inside:pull"]})).await;
    world.get("/repositories/ada/inside", &reader).await.expect(200);
    assert_eq!(world.get("/repositories/ada/outside", &reader).await.refusal().0, 404);
    let change = json!({"description": "x"});
    let refused = world.call("PATCH", "/repositories/ada/inside", &reader, Some(change)).await;
    assert_eq!(refused.refusal(), (403, "forbidden".to_owned()));
    let listed = world.get("/repositories", &reader).await.expect(200);
    let paths: Vec<_> = listed["items"].as_array().unwrap().iter().map(|item| item["path"].clone()).collect();
    assert_eq!(paths, ["ada/inside"]);
    let wider = world.call("POST", "/user/tokens", &reader, Some(json!({"label": "wider"}))).await;
    assert_eq!(wider.refusal(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn a_malformed_scope_or_time_names_its_field() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for (form, field) in [
        (json!({"label": "x", "scopes": ["ada/x:eat"]}), "scopes"),
        (json!({"label": "x", "expires_at": "tomorrow"}), "expires_at"),
        (json!({"label": ""}), "label"),
    ] {
        let answer = world.call("POST", "/user/tokens", &ada, Some(form)).await;
        assert_eq!(answer.refusal(), (422, "invalid".to_owned()));
        assert_eq!(answer.json()["fields"][0]["field"], field);
    }
}
