//! Tests of comments.

use serde_json::json;

use crate::world::{Caller, World};

const COMMENTS: &str = "/repositories/ada/app/-/comments";

#[tokio::test]
async fn a_comment_and_its_answer_stand_together_with_their_html() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    world.repository(&ada, "ada/app", "public").await;
    let made = world.call("POST", COMMENTS, &eve, Some(json!({"body": "Does it *work*?"}))).await;
    let location = made.header("location").strip_prefix("/api/v1").unwrap().to_owned();
    let made = made.expect(201);
    assert_eq!(made["html"], "<p>Does it <em>work</em>?</p>\n");
    assert_eq!(made["author"], "eve");
    let answer = json!({"body": "Yes, @eve <script>alert(1)</script>", "parent": made["id"]});
    let answer = world.call("POST", COMMENTS, &ada, Some(answer)).await.expect(201);
    assert!(answer["html"].as_str().unwrap().contains("href=\"/u/eve\""));
    assert!(!answer["html"].as_str().unwrap().contains("<script"));
    let listed = world.get(COMMENTS, &Caller::Nobody).await.expect(200);
    let ids: Vec<_> = listed["items"].as_array().unwrap().iter().map(|comment| &comment["id"]).collect();
    assert_eq!(ids, [&made["id"], &answer["id"]]);
    assert_eq!(listed["items"][1]["parent"], made["id"]);
    assert_eq!(world.get(&location, &Caller::Nobody).await.expect(200)["body"], "Does it *work*?");
}

#[tokio::test]
async fn only_its_author_edits_a_comment_and_a_maintainer_may_delete_it() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    let mal = world.person("mal").await;
    world.repository(&ada, "ada/app", "public").await;
    let made = world.call("POST", COMMENTS, &eve, Some(json!({"body": "First"}))).await.expect(201);
    let comment = format!("{COMMENTS}/{}", made["id"]);
    let change = json!({"body": "Second"});
    for other in [&ada, &mal] {
        assert_eq!(world.call("PATCH", &comment, other, Some(change.clone())).await.refusal().0, 403);
    }
    let changed = world.call("PATCH", &comment, &eve, Some(change)).await.expect(200);
    assert_eq!(changed["body"], "Second");
    assert!(changed["edited_at"].is_string());
    assert_eq!(world.call("DELETE", &comment, &mal, None).await.refusal().0, 403);
    world.call("DELETE", &comment, &ada, None).await.expect(204);
    assert_eq!(world.get(COMMENTS, &eve).await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn a_comment_of_another_repository_is_not_found_here() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    world.repository(&ada, "ada/app", "public").await;
    world.repository(&ada, "ada/other", "public").await;
    let made = world.call("POST", COMMENTS, &ada, Some(json!({"body": "Here"}))).await.expect(201);
    let elsewhere = format!("/repositories/ada/other/-/comments/{}", made["id"]);
    for method in ["GET", "DELETE"] {
        assert_eq!(world.call(method, &elsewhere, &ada, None).await.refusal().0, 404);
    }
    let there = json!({"body": "There", "parent": made["id"]});
    let answer = world.call("POST", "/repositories/ada/other/-/comments", &ada, Some(there)).await;
    assert!(matches!(answer.refusal().0, 404 | 422));
}

#[tokio::test]
async fn nobody_comments_where_comments_are_off() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    world.repository(&ada, "ada/app", "public").await;
    world.call("PATCH", "/repositories/ada/app", &ada, Some(json!({"comments": "off"}))).await.expect(200);
    let answer = world.call("POST", COMMENTS, &ada, Some(json!({"body": "x"}))).await;
    assert_eq!(answer.refusal(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn an_empty_or_endless_comment_is_refused() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    world.repository(&ada, "ada/app", "public").await;
    for body in [" \n ".to_owned(), "x".repeat(17 * 1024)] {
        let answer = world.call("POST", COMMENTS, &ada, Some(json!({"body": body}))).await;
        assert!(matches!(answer.refusal().0, 413 | 422));
        assert_eq!(answer.json()["fields"][0]["field"], "body");
    }
}
