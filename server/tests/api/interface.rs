//! Tests of what all calls have in common: bodies, methods, the OpenAPI document, and whether responses match it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

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
    assert_eq!(answer.header("allow"), "GET,HEAD,PATCH,DELETE");
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
    for (query, field, message) in [
        ("limit=0", "limit", "The limit must be a whole number from 1 to 100."),
        ("limit=x", "limit", "The limit must be a whole number from 1 to 100."),
        ("limit=-1", "limit", "The limit must be a whole number from 1 to 100."),
        ("sort=best", "sort", "The value must be one of: name, stars, pulls, updated."),
        ("sort=Name", "sort", "The value must be one of: name, stars, pulls, updated."),
        ("cursor=x", "cursor", "This page of the list does not exist. Go back to the first page."),
    ] {
        let answer = world.get(&format!("/repositories?{query}"), &Caller::Nobody).await;
        let problem = answer.json();
        assert_eq!((answer.refusal().0, &problem["fields"][0]["field"]), (422, &json!(field)), "{query}");
        assert_eq!(problem["fields"][0]["message"], message, "{query}");
    }
    world.get("/repositories?limit=5000", &Caller::Nobody).await.expect(200);
}

#[tokio::test]
async fn the_description_and_the_page_need_no_credentials() {
    let world = World::new().await;
    let described = world.get("/openapi.json", &Caller::Nobody).await.expect(200);
    let calls: usize =
        described["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    assert_eq!(calls, server::api::routes().len());
    let page = world.get("/docs", &Caller::Nobody).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
}

/// Returns the schema with this name.
fn object<'a>(document: &'a Value, name: &str) -> &'a Value {
    let object = &document["components"]["schemas"][name];
    assert!(object.is_object(), "{name} is not described");
    object
}

/// Resolves a schema if it is a reference.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => object(document, reference.strip_prefix("#/components/schemas/").unwrap()),
        None => schema,
    }
}

/// Returns a schema's fields, including those of the schemas in its `allOf`, and whether each is required.
fn members<'a>(document: &'a Value, schema: &'a Value) -> BTreeMap<&'a str, (&'a Value, bool)> {
    let schema = resolved(document, schema);
    let mut members = BTreeMap::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members.extend(self::members(document, part));
    }
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()).collect();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        members.insert(name.as_str(), (member, required.contains(&name.as_str())));
    }
    members
}

/// Whether `value` matches `schema` and has no fields that are not described.
fn fits(document: &Value, schema: &Value, value: &Value) -> bool {
    let schema = resolved(document, schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().any(|choice| fits(document, choice, value));
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.contains(value);
    }
    let members = members(document, schema);
    if !members.is_empty() {
        let Some(sent) = value.as_object() else { return false };
        return members.iter().all(|(name, (member, required))| match sent.get(*name) {
            Some(value) => fits(document, member, value),
            None => !required,
        }) && sent.keys().all(|name| members.contains_key(name.as_str()));
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return parts.iter().all(|part| fits(document, part, value));
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
        kind => vec![kind.as_str().unwrap_or_else(|| panic!("no type: {schema}"))],
    };
    kinds.into_iter().any(|kind| match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "array" => value.as_array().is_some_and(|items| match schema["prefixItems"].as_array() {
            Some(kinds) => {
                kinds.len() == items.len() && kinds.iter().zip(items).all(|(kind, item)| fits(document, kind, item))
            }
            None => items.iter().all(|item| fits(document, &schema["items"], item)),
        }),
        other => panic!("unknown type {other}"),
    })
}

/// Checks a response's object against the schema with this name, field by field.
pub(crate) fn assert_described(document: &Value, name: &str, object: &Value) {
    let described = self::object(document, name);
    for (member, (schema, required)) in members(document, described) {
        match object.get(member) {
            Some(value) => assert!(fits(document, schema, value), "{name}.{member} = {value} is not {schema}"),
            None => assert!(!required, "{name}.{member} is missing"),
        }
    }
    assert!(fits(document, described, object), "{name}: {object} has what is not described");
}

#[tokio::test]
async fn each_parameter_of_a_path_and_each_body_is_described() {
    let world = World::new().await;
    let document = world.get("/openapi.json", &Caller::Nobody).await.expect(200);
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{method} {path}");
            let named: Vec<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let expected: Vec<&str> =
                path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
            assert_eq!(named, expected, "{method} {path}");
            let takes = matches!(method.as_str(), "patch" | "post")
                || path.ends_with("/collaborators/{name}") && method == "put";
            assert_eq!(operation["requestBody"].is_object(), takes, "{method} {path}");
        }
    }
    let list = &document["paths"]["/repositories"]["get"]["parameters"];
    let names: Vec<&str> =
        list.as_array().unwrap().iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["namespace", "starred_by", "sort", "limit", "cursor"]);
}

#[tokio::test]
async fn the_page_loads_its_own_files_and_no_inline_script() {
    let world = World::new().await;
    let page = world.get("/docs", &Caller::Nobody).await;
    let html = String::from_utf8(page.bytes.clone()).unwrap();
    assert!(!html.contains("<script>") && !page.header("content-security-policy").contains("script-src 'self' "));
    for link in html.split('"').filter_map(|part| part.strip_prefix("/api/v1/docs/")) {
        let file = world.get(&format!("/docs/{link}"), &Caller::Nobody).await;
        assert_eq!(file.status, 200, "{link}");
    }
    assert_eq!(world.get("/docs/nothing", &Caller::Nobody).await.refusal().0, 404);
}

#[tokio::test]
async fn what_is_sent_is_what_is_described() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let repository = world.repository(&ada, "ada/app", "public").await;
    let document = world.get("/openapi.json", &ada).await.expect(200);
    assert_described(&document, "Repository", &repository);
    let detail = world.get("/repositories/ada/app", &ada).await.expect(200);
    assert_described(&document, "RepositoryDetail", &detail);
    assert_described(&document, "Me", &world.get("/user", &ada).await.expect(200));
    assert_described(&document, "Account", &world.get("/users/ada", &ada).await.expect(200));
    let token = world.call("POST", "/user/tokens", &ada, Some(json!({"label": "x"}))).await.expect(201);
    assert_described(&document, "CreatedToken", &token);
    assert_described(&document, "Token", &world.get("/user/tokens", &ada).await.expect(200)["items"][0]);
    let comment =
        world.call("POST", "/repositories/ada/app/-/comments", &ada, Some(json!({"body": "x"}))).await.expect(201);
    assert_described(&document, "Comment", &comment);
    let problem = world.get("/repositories?limit=0", &ada).await.json();
    assert_described(&document, "Problem", &problem);
    world.person("eve").await;
    let place = "/repositories/ada/app/-/collaborators";
    world.call("PUT", &format!("{place}/eve"), &ada, Some(json!({"role": "reader"}))).await.expect(204);
    assert_described(&document, "Collaborator", &world.get(place, &ada).await.expect(200)["items"][0]);
}
