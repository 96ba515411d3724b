//! Tests of repositories, stars and lists.

use serde_json::{Value, json};
use server::api::{self, PREFIX};

use crate::world::{Answer, Caller, World};

fn paths(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_repository_is_private_until_said_otherwise() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let form = json!({"namespace": "ada", "name": "app/web", "description": "A web app"});
    let made = world.call("POST", "/repositories", &ada, Some(form)).await;
    assert_eq!(made.header("location"), "/api/v1/repositories/ada/app/web");
    let mut made = made.expect(201);
    assert_eq!(made["visibility"], "private");
    assert_eq!(
        (&made["namespace"], &made["name"], &made["path"]),
        (&json!("ada"), &json!("app/web"), &json!("ada/app/web"))
    );
    assert_eq!((&made["role"], &made["starred"]), (&json!("owner"), &json!(false)));
    made["overview"] = json!("");
    assert_eq!(world.get("/repositories/ada/app/web", &ada).await.expect(200), made);
}

#[tokio::test]
async fn text_and_settings_change_one_by_one() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    world.repository(&ada, "ada/app", "private").await;
    let change = json!({"description": "New", "topics": ["web", "rust"], "visibility": "public", "comments": "off"});
    let changed = world.call("PATCH", "/repositories/ada/app", &ada, Some(change)).await.expect(200);
    assert_eq!((&changed["description"], &changed["topics"]), (&json!("New"), &json!(["web", "rust"])));
    let changed =
        world.call("PATCH", "/repositories/ada/app", &ada, Some(json!({"overview": "# Hi"}))).await.expect(200);
    assert_eq!(
        (&changed["description"], &changed["visibility"], &changed["comments"]),
        (&json!("New"), &json!("public"), &json!("off"))
    );
    assert_eq!(world.get("/repositories/ada/app", &ada).await.expect(200)["overview"], "# Hi");
}

#[tokio::test]
async fn a_bad_change_names_its_field_and_changes_nothing() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    world.repository(&ada, "ada/app", "private").await;
    let before = world.get("/repositories/ada/app", &ada).await.expect(200);
    for (change, field) in [
        (json!({"visibility": "secret"}), "visibility"),
        (json!({"comments": "some"}), "comments"),
        (json!({"topics": ["a b"]}), "topics"),
        (json!({"description": "x".repeat(300)}), "description"),
    ] {
        let answer = world.call("PATCH", "/repositories/ada/app", &ada, Some(change)).await;
        assert_eq!(answer.refusal(), (422, "invalid".to_owned()));
        assert_eq!(answer.json()["fields"][0]["field"], field);
    }
    assert_eq!(world.get("/repositories/ada/app", &ada).await.expect(200), before);
}

#[tokio::test]
async fn an_old_name_leads_to_the_renamed_repository() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    world.repository(&ada, "ada/old", "public").await;
    let renamed =
        world.call("POST", "/repositories/ada/old/-/rename", &ada, Some(json!({"name": "new"}))).await.expect(200);
    assert_eq!(renamed["path"], "ada/new");
    assert_eq!(world.get("/repositories/ada/old", &Caller::Nobody).await.expect(200)["path"], "ada/new");
}

#[tokio::test]
async fn a_deleted_repository_is_gone() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    world.repository(&ada, "ada/app", "public").await;
    world.call("DELETE", "/repositories/ada/app", &ada, None).await.expect(204);
    assert_eq!(world.get("/repositories/ada/app", &ada).await.refusal(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn another_s_namespace_takes_nothing() {
    let world = World::new().await;
    world.person("ada").await;
    let eve = world.person("eve").await;
    let form = json!({"namespace": "ada", "name": "app"});
    let answer = world.call("POST", "/repositories", &eve, Some(form.clone())).await;
    assert_eq!(answer.refusal().0, 403);
    assert_eq!(world.call("POST", "/repositories", &Caller::Nobody, Some(form)).await.refusal().0, 401);
}

#[tokio::test]
async fn pages_of_a_list_make_up_the_whole() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for name in ["a", "b", "c", "d", "e"] {
        world.repository(&ada, &format!("ada/{name}"), "public").await;
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get(&format!("/repositories?namespace=ada&sort=name&limit=2{cursor}"), &ada).await.expect(200);
        seen.extend(paths(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={}", url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>());
    }
    assert_eq!(seen, ["ada/a", "ada/b", "ada/c", "ada/d", "ada/e"]);
}

#[tokio::test]
async fn a_list_holds_what_the_caller_may_see_and_no_more() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    world.repository(&ada, "ada/hidden", "private").await;
    world.repository(&ada, "ada/inner", "internal").await;
    world.repository(&ada, "ada/open", "public").await;
    let list = async |caller| world.get("/repositories?sort=name", &caller).await.expect(200);
    assert_eq!(paths(&list(ada.clone()).await), ["ada/hidden", "ada/inner", "ada/open"]);
    assert_eq!(paths(&list(eve).await), ["ada/inner", "ada/open"]);
    assert_eq!(paths(&list(Caller::Nobody).await), ["ada/open"]);
}

#[tokio::test]
async fn a_star_is_the_caller_s_own() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    world.repository(&ada, "ada/app", "public").await;
    let star = "/repositories/ada/app/-/star";
    assert_eq!(world.get(star, &eve).await.refusal().0, 404);
    world.call("PUT", star, &eve, None).await.expect(204);
    world.call("PUT", star, &eve, None).await.expect(204);
    world.get(star, &eve).await.expect(204);
    assert_eq!(world.get(star, &ada).await.refusal().0, 404);
    assert_eq!(world.call("PUT", star, &Caller::Nobody, None).await.refusal(), (401, "sign_in".to_owned()));
    let seen = world.get("/repositories/ada/app", &eve).await.expect(200);
    assert_eq!((&seen["stars"], &seen["starred"]), (&json!(1), &json!(true)));
    let stargazers = world.get("/repositories/ada/app/-/stargazers", &Caller::Nobody).await.expect(200);
    assert_eq!(stargazers["items"][0]["name"], "eve");
    assert_eq!(paths(&world.get("/repositories?starred_by=eve", &ada).await.expect(200)), ["ada/app"]);
    world.call("DELETE", star, &eve, None).await.expect(204);
    assert_eq!(world.get("/repositories/ada/app", &eve).await.expect(200)["stars"], 0);
}

/// Returns a body with valid fields for a call; `None` if it takes no body.
fn any_body(method: &str, path: &str) -> Option<Value> {
    let (_, call) = path.split_once("{path}").unwrap();
    match (method, call) {
        ("PATCH", "") => Some(json!({"description": "x"})),
        ("POST", "/-/rename") => Some(json!({"name": "other"})),
        ("POST", "/-/comments") | ("PATCH", "/-/comments/{id}") => Some(json!({"body": "x"})),
        ("PUT", "/-/collaborators/{name}") => Some(json!({"role": "reader"})),
        ("POST" | "PATCH", other) => panic!("no body for {method} {other}"),
        _ => None,
    }
}

fn all_but_the_date(answer: &Answer) -> (u16, Vec<(String, String)>, &[u8]) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "date");
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (answer.status.as_u16(), headers, &answer.bytes)
}

#[tokio::test]
async fn a_stranger_cannot_tell_a_private_repository_from_a_missing_one() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    world.repository(&ada, "ada/hidden", "private").await;
    let comment = json!({"body": "Hello"});
    world.call("POST", "/repositories/ada/hidden/-/comments", &ada, Some(comment)).await.expect(201);
    let narrowed = world.token(&eve, json!({"label": "n", "scopes": ["**:pull,push,delete,manage"]})).await;
    let digest = format!("sha256:{}", "0".repeat(64));
    for caller in [Caller::Nobody, eve, narrowed] {
        for (method, path) in api::routes().iter().filter(|(_, path)| path.contains("{path}")) {
            let filled = path.strip_prefix(PREFIX).unwrap().replace("{tag}", "latest").replace("{digest}", &digest);
            let filled = filled.replace("{id}", "1").replace("{name}", "eve");
            let body = any_body(method, path);
            let hidden = world.call(method, &filled.replace("{path}", "ada/hidden"), &caller, body.clone()).await;
            let missing = world.call(method, &filled.replace("{path}", "ada/missing"), &caller, body.clone()).await;
            let nowhere = world.call(method, &filled.replace("{path}", "nobody/x"), &caller, body).await;
            let which = format!("{method} {path} as {caller:?}");
            assert_eq!(hidden.refusal(), (404, "not_found".to_owned()), "{which}");
            assert_eq!(all_but_the_date(&hidden), all_but_the_date(&missing), "{which}");
            assert_eq!(all_but_the_date(&hidden), all_but_the_date(&nowhere), "{which}");
        }
    }
}
