//! What holds for every call: bodies, methods, the description, and that the description says what is sent.

use serde_json::{Value, json};
use server::api::operations::OPERATIONS;
use server::api::schema::{self, Shape};

use crate::world::{Caller, World};

#[tokio::test]
async fn a_body_that_is_no_json_is_told_where() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let answer = world.send("POST", "/repositories", &ada, Some("application/json"), "{\"namespace\": \n oops}").await;
    insta::assert_json_snapshot!(answer.json(), @r#"
    {
      "code": "malformed",
      "detail": "The body does not read as JSON: expected value at line 2 column 2.",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn a_body_of_another_shape_is_told_where() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for body in [json!({"name": "x"}), json!({"namespace": 5, "name": "x"}), json!([])] {
        assert_eq!(world.call("POST", "/repositories", &ada, Some(body)).await.refusal(), (422, "invalid".to_owned()));
    }
}

#[tokio::test]
async fn a_body_of_another_kind_or_none_is_refused() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let answer = world.send("POST", "/repositories", &ada, kind, "{}").await;
        assert_eq!(answer.refusal(), (415, "unsupported_media_type".to_owned()));
    }
    let answer = world.send("POST", "/repositories", &ada, Some("application/json; charset=utf-8"), "{}").await;
    assert_eq!(answer.refusal().0, 422);
}

#[tokio::test]
async fn an_endless_body_is_refused() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let answer = world.send("POST", "/repositories", &ada, Some("application/json"), vec![b' '; 600 * 1024]).await;
    assert_eq!(answer.refusal(), (413, "too_large".to_owned()));
}

#[tokio::test]
async fn another_method_is_refused_with_those_that_are_served() {
    let world = World::new().await;
    let answer = world.call("PUT", "/repositories/a/b", &Caller::Nobody, None).await;
    assert_eq!(answer.header("allow"), "GET, PATCH, DELETE");
    assert_eq!(answer.refusal(), (405, "method_not_allowed".to_owned()));
}

#[tokio::test]
async fn what_is_not_served_is_not_found_and_not_repeated() {
    let world = World::new().await;
    for path in [
        "",
        "/",
        "/nothing",
        "/repositories/",
        "/repositories/A/b",
        "/repositories/a/b/",
        "/repositories/a/b/-/x",
        "/user/",
        "/%ff",
    ] {
        let answer = world.get(path, &Caller::Nobody).await;
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()), "{path}");
        assert!(!String::from_utf8(answer.bytes).unwrap().contains("nothing/"));
    }
}

#[tokio::test]
async fn a_bad_limit_or_order_names_its_field() {
    let world = World::new().await;
    for (query, field) in [("limit=0", "limit"), ("limit=x", "limit"), ("sort=best", "sort")] {
        let answer = world.get(&format!("/repositories?{query}"), &Caller::Nobody).await;
        assert_eq!((answer.refusal().0, &answer.json()["fields"][0]["field"]), (422, &json!(field)));
    }
    world.get("/repositories?limit=5000", &Caller::Nobody).await.expect(200);
}

#[tokio::test]
async fn the_description_and_the_page_need_no_credentials() {
    let world = World::new().await;
    let described = world.get("/openapi.json", &Caller::Nobody).await.expect(200);
    let calls: usize =
        described["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    assert_eq!(calls, OPERATIONS.len());
    let page = world.get("/docs", &Caller::Nobody).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
}

/// Whether `value` is what `shape` says.
fn fits(shape: Shape, value: &Value) -> bool {
    match shape {
        Shape::Text | Shape::Moment => value.is_string(),
        Shape::Number => value.is_number(),
        Shape::Truth => value.is_boolean(),
        Shape::Word(words) => value.as_str().is_some_and(|value| words.contains(&value)),
        Shape::Object(name) => {
            assert_described(name, value);
            true
        }
        Shape::List(inner) => value.as_array().is_some_and(|items| items.iter().all(|item| fits(*inner, item))),
        Shape::Maybe(inner) => value.is_null() || fits(*inner, value),
    }
}

/// Holds an object that was sent against its description, member by member.
pub(crate) fn assert_described(name: &str, object: &Value) {
    let described = schema::find(name).unwrap();
    let sent = object.as_object().unwrap_or_else(|| panic!("{name}: {object}"));
    for member in described.members {
        match sent.get(member.name) {
            Some(value) => assert!(fits(member.shape, value), "{name}.{} = {value}", member.name),
            None => assert!(!member.required, "{name}.{} is missing", member.name),
        }
    }
    for sent in sent.keys() {
        assert!(described.members.iter().any(|member| member.name == sent), "{name}.{sent} is not described");
    }
}

#[tokio::test]
async fn what_is_sent_is_what_is_described() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let repository = world.repository(&ada, "ada/app", "public").await;
    assert_described("Repository", &repository);
    assert_described("Me", &world.get("/user", &ada).await.expect(200));
    assert_described("Account", &world.get("/users/ada", &ada).await.expect(200));
    let token = world.call("POST", "/user/tokens", &ada, Some(json!({"label": "x"}))).await.expect(201);
    assert_described("CreatedToken", &token);
    assert_described("Token", &world.get("/user/tokens", &ada).await.expect(200)["items"][0]);
    let comment =
        world.call("POST", "/repositories/ada/app/-/comments", &ada, Some(json!({"body": "x"}))).await.expect(201);
    assert_described("Comment", &comment);
    let problem = world.get("/repositories?limit=0", &ada).await.json();
    assert_described("Problem", &problem);
    world.person("eve").await;
    let place = "/repositories/ada/app/-/collaborators";
    world.call("PUT", &format!("{place}/eve"), &ada, Some(json!({"role": "reader"}))).await.expect(204);
    assert_described("Collaborator", &world.get(place, &ada).await.expect(200)["items"][0]);
}
