//! Tests of collaborators.

use serde_json::json;

use crate::world::{Caller, World};

#[tokio::test]
async fn a_collaborator_gets_in_and_is_out_again_at_once() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    world.repository(&ada, "ada/app", "private").await;
    let people = "/repositories/ada/app/-/collaborators";
    assert_eq!(world.get("/repositories/ada/app", &eve).await.refusal().0, 404);
    world.call("PUT", &format!("{people}/eve"), &ada, Some(json!({"role": "reader"}))).await.expect(204);
    assert_eq!(world.get("/repositories/ada/app", &eve).await.expect(200)["role"], "reader");
    let listed = world.get(people, &ada).await.expect(200);
    assert!(
        listed["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|item| item["account"]["name"] == "eve" && item["role"] == "reader")
    );
    world.call("DELETE", &format!("{people}/eve"), &ada, None).await.expect(204);
    assert_eq!(world.get("/repositories/ada/app", &eve).await.refusal().0, 404);
}

#[tokio::test]
async fn a_role_is_given_by_those_above_it_alone() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    let bob = world.person("bob").await;
    world.repository(&ada, "ada/app", "public").await;
    let role = |name: &str| format!("/repositories/ada/app/-/collaborators/{name}");
    assert_eq!(world.call("PUT", &role("eve"), &eve, Some(json!({"role": "writer"}))).await.refusal().0, 403);
    world.call("PUT", &role("eve"), &ada, Some(json!({"role": "maintainer"}))).await.expect(204);
    world.call("PUT", &role("bob"), &eve, Some(json!({"role": "writer"}))).await.expect(204);
    assert_eq!(world.get("/repositories/ada/app", &bob).await.expect(200)["role"], "writer");
    let equal = world.call("PUT", &role("bob"), &eve, Some(json!({"role": "maintainer"}))).await;
    assert_eq!((equal.refusal().0, &equal.json()["fields"][0]["field"]), (422, &json!("role")));
}

#[tokio::test]
async fn an_unknown_role_or_person_names_its_field() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    world.repository(&ada, "ada/app", "public").await;
    let people = "/repositories/ada/app/-/collaborators";
    let answer = world.call("PUT", &format!("{people}/eve"), &ada, Some(json!({"role": "king"}))).await;
    assert_eq!((answer.refusal().0, &answer.json()["fields"][0]["field"]), (422, &json!("role")));
    let answer = world.call("PUT", &format!("{people}/nobody"), &ada, Some(json!({"role": "reader"}))).await;
    assert_eq!((answer.refusal().0, &answer.json()["fields"][0]["field"]), (422, &json!("account")));
}

#[tokio::test]
async fn one_may_leave_by_oneself() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    world.repository(&ada, "ada/app", "private").await;
    let place = "/repositories/ada/app/-/collaborators/eve";
    world.call("PUT", place, &ada, Some(json!({"role": "reader"}))).await.expect(204);
    world.call("DELETE", place, &eve, None).await.expect(204);
    assert_eq!(world.get("/repositories/ada/app", &eve).await.refusal().0, 404);
}

#[tokio::test]
async fn who_works_on_it_is_not_for_every_visitor() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    world.repository(&ada, "ada/app", "public").await;
    let people = "/repositories/ada/app/-/collaborators";
    assert_eq!(world.get(people, &eve).await.refusal().0, 403);
    assert_eq!(world.get(people, &Caller::Nobody).await.refusal().0, 401);
}

#[tokio::test]
async fn a_token_for_pulling_does_not_give_its_owners_role_away() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    world.repository(&ada, "ada/app", "private").await;
    let place = "/repositories/ada/app/-/collaborators/eve";
    world.call("PUT", place, &ada, Some(json!({"role": "reader"}))).await.expect(204);
    let pulls = world.token(&eve, json!({"label": "ci", "scopes": ["ada/*:pull"]})).await;
    assert_eq!(world.call("DELETE", place, &pulls, None).await.refusal().0, 403);
    world.get("/repositories/ada/app", &eve).await.expect(200);
    let manages = world.token(&eve, json!({"label": "mine", "scopes": ["ada/*:manage"]})).await;
    world.call("DELETE", place, &manages, None).await.expect(204);
}
