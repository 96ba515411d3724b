//! Tests of the token service.

use std::time::Duration;

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use model::role::Visibility;

use crate::common::{PASSWORD, basic};
use crate::support::World;

const LOGIN: &str = r#"Bearer realm="http://127.0.0.1:5000/token",service="portolan""#;

#[tokio::test]
async fn a_client_without_a_token_is_told_where_to_get_one_and_a_login_ends_with_200() {
    let world = World::new().await;
    world.member("ada").await;
    let answer = world.get("/v2/", "").await;
    assert_eq!((answer.status, answer.header(WWW_AUTHENTICATE)), (StatusCode::UNAUTHORIZED, LOGIN));
    assert_eq!(answer.json()["errors"][0]["code"], "UNAUTHORIZED");
    assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0");
    let token = world.bearer("ada", "").await;
    let answer = world.get("/v2/", &token).await;
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"{}"[..]));
    let anonymous = world.bearer("", "").await;
    assert_eq!(world.get("/v2/", &anonymous).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_password_is_refused_by_get_with_401_and_by_post_with_invalid_grant() {
    let world = World::new().await;
    world.member("ada").await;
    let answer = world.get("/token?service=portolan", &basic("ada", "wrong")).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header(WWW_AUTHENTICATE), r#"Basic realm="portolan""#);
    assert_eq!(answer.json()["errors"][0]["code"], "UNAUTHORIZED");
    let unknown = world.get("/token?service=portolan", &basic("nobody", "wrong")).await;
    assert_eq!(unknown.clone().comparable(), answer.comparable(), "an unknown name looks no different");
    let answer =
        world.form("/token", "grant_type=password&service=portolan&client_id=t&username=ada&password=no").await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_grant")));
}

#[tokio::test]
async fn a_token_holds_as_much_of_each_scope_as_its_holder_may() {
    let world = World::new().await;
    let ada = world.member("ada").await;
    world.member("bob").await;
    world.repository(&ada, "ada/open", Visibility::Public).await;
    world.repository(&ada, "ada/closed", Visibility::Private).await;
    let form = format!(
        "grant_type=password&service=portolan&client_id=t&username=bob&password={}&scope={}",
        PASSWORD,
        "repository:ada/open:pull,push+repository:ada/closed:pull+repository:ada/none:pull+repository:bob/new:push,pull"
    );
    let answer = world.form("/token", &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json()["scope"], "repository:ada/open:pull repository:bob/new:pull,push");
    assert!(answer.json()["expires_in"].as_u64().unwrap() >= 60);
    assert_eq!(answer.json().get("refresh_token"), None, "it was not asked for");
    let none = "grant_type=password&service=portolan&client_id=t&username=bob&scope=repository:ada/closed:pull";
    let answer = world.form("/token", &format!("{none}&password={PASSWORD}")).await;
    assert_eq!((answer.status, answer.json()["scope"].as_str()), (StatusCode::OK, Some("")));
}

#[tokio::test]
async fn a_repository_has_one_entry_whatever_is_asked_for_it() {
    let world = World::new().await;
    world.member("ada").await;
    let scopes =
        "scope=repository:ada/x:pull&scope=repository:ada/x:push+repository:ada/y:pull&scope=repository:ada/x:pull";
    let many = "&scope=repository:ada/x:pull".repeat(200);
    let form =
        format!("grant_type=password&service=portolan&client_id=t&username=ada&password={PASSWORD}&{scopes}{many}");
    let answer = world.form("/token", &form).await;
    assert_eq!(answer.json()["scope"], "repository:ada/x:pull,push repository:ada/y:pull");
}

#[tokio::test]
async fn a_client_with_an_empty_password_does_not_lock_out_its_user() {
    let world = World::new().await;
    world.member("ada").await;
    for _ in 0..40 {
        assert_eq!(world.get("/token", &basic("ada", "")).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.get("/token", &basic("ada", PASSWORD)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_token_stands_for_its_owner_until_it_is_wrong() {
    let world = World::new().await;
    world.member("ada").await;
    let form = format!(
        "grant_type=password&service=portolan&client_id=t&access_type=offline&username=ada&password={PASSWORD}"
    );
    let refresh = world.form("/token", &form).await.json()["refresh_token"].as_str().unwrap().to_owned();
    let again = |token: &str| format!("grant_type=refresh_token&service=portolan&client_id=t&refresh_token={token}");
    let answer = world.form("/token", &format!("{}&scope=repository:ada/x:push", again(&refresh))).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json()["refresh_token"].as_str(), Some(refresh.as_str()));
    assert_eq!(answer.json()["scope"], "repository:ada/x:push");
    let answer = world.form("/token", &again("ptr_wrong")).await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_grant")));
    let query = world.get("/token?service=portolan&offline_token=true", &basic("ada", PASSWORD)).await;
    assert_eq!((query.status, query.json().get("refresh_token")), (StatusCode::OK, None), "for docker login");
}

#[tokio::test]
async fn an_expired_a_forged_and_an_unreadable_token_are_invalid() {
    let world = World::new().await;
    world.member("ada").await;
    let token = world.bearer("ada", "").await;
    world.later(Duration::from_secs(301));
    for token in [token.as_str(), "Bearer ey.no.no", "Bearer ptl_unknown", "Negotiate abc", "Basic ???"] {
        let answer = world.get("/v2/", token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{token}");
        assert_eq!(answer.header(WWW_AUTHENTICATE), format!(r#"{LOGIN},error="invalid_token""#), "{token}");
    }
}

#[tokio::test]
async fn a_token_for_another_service_is_not_given() {
    let world = World::new().await;
    assert_eq!(world.get("/token?service=elsewhere", "").await.status, StatusCode::BAD_REQUEST);
    let answer = world.form("/token", "grant_type=implicit&service=portolan").await;
    assert_eq!(answer.json()["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn too_many_wrong_passwords_make_everyone_from_there_wait() {
    let world = World::new().await;
    world.member("ada").await;
    let mut last = world.get("/token", &basic("ada", "wrong")).await;
    for _ in 0..20 {
        last = world.get("/token", &basic("ada", "wrong")).await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(last.header("retry-after").parse::<u32>().unwrap() > 0);
}

#[tokio::test]
async fn the_signing_keys_are_published_under_both_names() {
    let world = World::new().await;
    let keys = world.get("/.well-known/jwks.json", "").await.json();
    let names: Vec<&str> = keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 2);
    assert!(names.iter().any(|name| name.matches(':').count() == 11), "{names:?}");
    assert!(keys["keys"].as_array().unwrap().iter().all(|key| key.get("d").is_none()), "nothing private");
}
