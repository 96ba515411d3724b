//! Requirements on uploads: whole, streamed, in chunks, resumed, cancelled, interrupted and concurrent.

use bytes::Bytes;
use futures::future::join_all;
use http::header::{CONTENT_RANGE, HeaderName, LOCATION, RANGE, RETRY_AFTER};
use http::{Method, StatusCode};

use super::{OTHER_REPOSITORY, REPOSITORY, TestRegistry, sha256, sha512};
use crate::Limits;
use crate::response::CONTENT_DIGEST;
use crate::storage::Storage as _;

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");
const CHUNK_MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");

pub async fn an_opened_upload_says_where_it_is(registry: &TestRegistry) {
    let response = registry.request(Method::POST, format!("/v2/{REPOSITORY}/blobs/uploads/")).send().await;
    response.is(StatusCode::ACCEPTED);
    let id = response.header(&UPLOAD_ID);
    assert_eq!(response.header(&LOCATION), format!("/v2/{REPOSITORY}/blobs/uploads/{id}"));
    assert_eq!(response.header(&RANGE), "0-0");
    assert!(response.header(&CHUNK_MIN_LENGTH).parse::<u64>().is_ok());
}

pub async fn a_blob_is_pushed_by_post_and_put(registry: &TestRegistry) {
    let (location, digest) = (registry.open().await, sha256(b"whole"));
    let response =
        registry.request(Method::PUT, format!("{location}?extra=1&digest={digest}")).body("whole").send().await;
    response.is(StatusCode::CREATED);
    assert_eq!(response.header(&CONTENT_DIGEST), digest.as_str());
    assert_eq!(registry.get(response.header(&LOCATION)).await.body, "whole");
    registry.get(&location).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
}

pub async fn a_blob_is_pushed_by_one_post(registry: &TestRegistry) {
    let digest = sha256(b"at once");
    let path = format!("/v2/{REPOSITORY}/blobs/uploads/?digest={digest}");
    let response = registry.request(Method::POST, path).body("at once").send().await;
    response.is(StatusCode::CREATED);
    assert_eq!(response.header(&CONTENT_DIGEST), digest.as_str());
    assert_eq!(registry.get(response.header(&LOCATION)).await.body, "at once");
}

pub async fn a_post_with_another_digest_than_its_bytes_is_refused(registry: &TestRegistry) {
    let path = format!("/v2/{REPOSITORY}/blobs/uploads/?digest={}", sha256(b"other"));
    registry.request(Method::POST, path).body("bytes").send().await.is_error(400, "DIGEST_INVALID");
    registry.get(format!("/v2/{REPOSITORY}/blobs/{}", sha256(b"bytes"))).await.is_error(404, "BLOB_UNKNOWN");
    assert_eq!(registry.storage.keys(), Vec::<String>::new());
}

pub async fn a_post_that_only_announces_a_digest_opens_an_upload(registry: &TestRegistry) {
    let path = format!("/v2/{REPOSITORY}/blobs/uploads/?digest={}", sha256(b"later"));
    registry.request(Method::POST, path).send().await.is(StatusCode::ACCEPTED);
}

pub async fn a_blob_is_streamed_in_one_patch(registry: &TestRegistry) {
    let location = registry.open().await;
    let pieces = (0..100).map(|_| Some(Bytes::from(vec![7; 1000])));
    let response = registry.request(Method::PATCH, &location).streamed(pieces).send().await;
    response.is(StatusCode::ACCEPTED);
    assert_eq!(response.header(&RANGE), "0-99999");
    let digest = sha256(&vec![7; 100_000]);
    let response = registry.request(Method::PUT, format!("{location}?digest={digest}")).send().await;
    response.is(StatusCode::CREATED);
    assert_eq!(registry.get(response.header(&LOCATION)).await.body, vec![7; 100_000]);
}

pub async fn a_blob_is_pushed_in_chunks_the_last_with_the_put(registry: &TestRegistry) {
    let mut location = registry.open().await;
    for (range, chunk) in [("0-3", "abcd"), ("4-5", "ef")] {
        let response = registry.request(Method::PATCH, &location).with(CONTENT_RANGE, range).body(chunk).send().await;
        response.is(StatusCode::ACCEPTED);
        response.header(&LOCATION).clone_into(&mut location);
    }
    let put = registry.request(Method::PUT, format!("{location}?digest={}", sha256(b"abcdefghi")));
    let response = put.with(CONTENT_RANGE, "6-8").body("ghi").send().await;
    response.is(StatusCode::CREATED);
    let response = registry.request(Method::GET, response.header(&LOCATION)).with(RANGE, "bytes=3-6").send().await;
    assert_eq!(response.body, "defg");
}

pub async fn a_chunk_out_of_order_is_refused_and_the_upload_survives(registry: &TestRegistry) {
    let location = registry.open().await;
    let chunk = |range| registry.request(Method::PATCH, &location).with(CONTENT_RANGE, range).body("xyz").send();
    let early = chunk("5-7").await;
    early.is_error(416, "SIZE_INVALID");
    assert_eq!(early.header(&LOCATION), location);
    chunk("0-2").await.is(StatusCode::ACCEPTED);
    for range in ["0-2", "4-6"] {
        let response = chunk(range).await;
        response.is_error(416, "SIZE_INVALID");
        assert_eq!(response.header(&RANGE), "0-2");
    }
    let closing = format!("{location}?digest={}", sha256(b"xyzxyz"));
    let put = |range| registry.request(Method::PUT, &closing).with(CONTENT_RANGE, range).body("xyz").send();
    put("0-2").await.is_error(416, "SIZE_INVALID");
    put("3-5").await.is(StatusCode::CREATED);
}

pub async fn a_chunk_of_another_length_than_its_range_is_not_stored(registry: &TestRegistry) {
    let location = registry.open().await;
    let patch = || registry.request(Method::PATCH, &location).with(CONTENT_RANGE, "0-9");
    patch().body("short").send().await.is_error(416, "SIZE_INVALID");
    patch().streamed([Some("short".into())]).send().await.is_error(400, "BLOB_UPLOAD_INVALID");
    let odd = registry.request(Method::PATCH, &location).with(CONTENT_RANGE, "bytes 0-4").body("short").send().await;
    odd.is_error(400, "BLOB_UPLOAD_INVALID");
    assert_eq!(registry.get(&location).await.header(&RANGE), "0-0");
    assert_eq!(registry.storage.keys(), Vec::<String>::new());
}

pub async fn an_upload_tells_where_it_stands(registry: &TestRegistry) {
    let location = registry.open().await;
    let fresh = registry.get(&location).await;
    fresh.is(StatusCode::NO_CONTENT);
    assert_eq!(fresh.header(&RANGE), "0-0");
    registry.request(Method::PATCH, &location).body("12345").send().await.is(StatusCode::ACCEPTED);
    for response in [registry.get(&location).await, registry.head(&location).await] {
        response.is(StatusCode::NO_CONTENT);
        assert_eq!(response.header(&RANGE), "0-4");
        assert_eq!(response.header(&LOCATION), location);
    }
}

pub async fn an_upload_that_is_cancelled_is_gone(registry: &TestRegistry) {
    let location = registry.open().await;
    registry.request(Method::PATCH, &location).body("12345").send().await.is(StatusCode::ACCEPTED);
    registry.delete(&location).await.is(StatusCode::NO_CONTENT);
    registry.get(&location).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
    registry.delete(&location).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
    registry.request(Method::PATCH, &location).body("6").send().await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(registry.trash().await, registry.storage.keys());
}

pub async fn an_upload_of_another_repository_is_unknown(registry: &TestRegistry) {
    let location = registry.open().await.replace(REPOSITORY, OTHER_REPOSITORY);
    registry.get(&location).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
    registry.request(Method::PATCH, &location).body("x").send().await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
    registry.delete(&location).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
    registry.get(format!("/v2/{REPOSITORY}/blobs/uploads/no-uuid")).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
}

pub async fn an_upload_is_not_closed_without_a_digest(registry: &TestRegistry) {
    let location = registry.open().await;
    registry.request(Method::PUT, &location).body("x").send().await.is_error(400, "DIGEST_INVALID");
    registry
        .request(Method::PUT, format!("{location}?digest=md5:1"))
        .body("x")
        .send()
        .await
        .is_error(400, "DIGEST_INVALID");
    registry.get(&location).await.is(StatusCode::NO_CONTENT);
}

pub async fn an_upload_that_is_closed_with_a_wrong_digest_stands_where_it_stood(registry: &TestRegistry) {
    let location = registry.open().await;
    registry.request(Method::PATCH, &location).body("abc").send().await.is(StatusCode::ACCEPTED);
    for wrong in [sha256(b"abd"), sha512(b"abd")] {
        let response = registry.request(Method::PUT, format!("{location}?digest={wrong}")).body("d").send().await;
        response.is_error(400, "DIGEST_INVALID");
    }
    assert_eq!(registry.get(&location).await.header(&RANGE), "0-2");
    let right = format!("{location}?digest={}", sha256(b"abcd"));
    registry.request(Method::PUT, right).body("d").send().await.is(StatusCode::CREATED);
}

pub async fn a_chunk_that_is_cut_off_was_never_sent(registry: &TestRegistry) {
    let location = registry.open().await;
    registry.request(Method::PATCH, &location).body("abc").send().await.is(StatusCode::ACCEPTED);
    let cut = [Some("de".into()), None];
    registry.request(Method::PATCH, &location).streamed(cut.clone()).send().await.is_error(400, "SIZE_INVALID");
    let closing = format!("{location}?digest={}", sha256(b"abcdef"));
    registry.request(Method::PUT, &closing).streamed(cut).send().await.is_error(400, "SIZE_INVALID");
    assert_eq!(registry.get(&location).await.header(&RANGE), "0-2");
    registry.request(Method::PUT, &closing).body("def").send().await.is(StatusCode::CREATED);
}

pub async fn of_two_chunks_at_once_one_counts(registry: &TestRegistry) {
    let location = registry.open().await;
    let patch =
        |chunk: &'static str| registry.request(Method::PATCH, &location).with(CONTENT_RANGE, "0-2").body(chunk).send();
    let answers = join_all(["one", "two", "six"].map(patch)).await;
    let won: Vec<_> = answers.iter().map(|response| response.status == StatusCode::ACCEPTED).collect();
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{answers:?}");
    for lost in answers.iter().filter(|response| response.status != StatusCode::ACCEPTED) {
        assert!(matches!(lost.status, StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::CONFLICT), "{lost:?}");
    }
    let winner = ["one", "two", "six"][won.iter().position(|won| *won).unwrap()];
    let closing = format!("{location}?digest={}", sha256(winner.as_bytes()));
    registry.request(Method::PUT, closing).send().await.is(StatusCode::CREATED);
}

pub async fn an_announced_algorithm_is_the_one_that_counts(registry: &TestRegistry) {
    let path = format!("/v2/{REPOSITORY}/blobs/uploads/?digest-algorithm=sha512");
    let location = registry.request(Method::POST, path).send().await.header(&LOCATION).to_owned();
    registry.request(Method::PATCH, &location).body("long ").send().await.is(StatusCode::ACCEPTED);
    let digest = sha512(b"long digest");
    let response = registry.request(Method::PUT, format!("{location}?digest={digest}")).body("digest").send().await;
    response.is(StatusCode::CREATED);
    assert_eq!(response.header(&CONTENT_DIGEST), digest.as_str());
    assert_eq!(registry.get(format!("/v2/{REPOSITORY}/blobs/{digest}")).await.body, "long digest");
}

pub async fn an_algorithm_that_was_not_announced_is_still_checked(registry: &TestRegistry) {
    for bytes in ["unannounced", ""] {
        let location = registry.open().await;
        if !bytes.is_empty() {
            registry.request(Method::PATCH, &location).body(bytes).send().await.is(StatusCode::ACCEPTED);
        }
        let wrong = format!("{location}?digest={}", sha512(b"wrong"));
        registry.request(Method::PUT, wrong).send().await.is_error(400, "DIGEST_INVALID");
        let right = format!("{location}?digest={}", sha512(bytes.as_bytes()));
        let response = registry.request(Method::PUT, right).send().await;
        response.is(StatusCode::CREATED);
        assert_eq!(registry.get(response.header(&LOCATION)).await.body, bytes);
    }
}

pub async fn an_unknown_algorithm_is_refused(registry: &TestRegistry) {
    let path = format!("/v2/{REPOSITORY}/blobs/uploads/?digest-algorithm=md5");
    registry.request(Method::POST, path).send().await.is_error(400, "UNSUPPORTED");
}

pub async fn the_same_blob_pushed_twice_is_stored_once(registry: &TestRegistry) {
    registry.push_blob(REPOSITORY, "again").await;
    registry.push_blob(REPOSITORY, "again").await;
    let digest = registry.push_blob(OTHER_REPOSITORY, "again").await;
    for repository in [REPOSITORY, OTHER_REPOSITORY] {
        assert_eq!(registry.get(format!("/v2/{repository}/blobs/{digest}")).await.body, "again");
    }
    assert_eq!(registry.trash().await.len() + 1, registry.storage.keys().len());
    registry.empty_trash().await;
    assert_eq!(registry.storage.keys().len(), 1);
    assert_eq!(registry.get(format!("/v2/{REPOSITORY}/blobs/{digest}")).await.body, "again");
}

pub async fn a_repository_with_too_many_uploads_asks_to_wait(registry: &TestRegistry) {
    let limited = registry.with_limits(Limits { open_uploads: 1, ..Limits::default() });
    let location = limited.open().await;
    let path = format!("/v2/{REPOSITORY}/blobs/uploads/");
    let refused = limited.request(Method::POST, path).send().await;
    refused.is_error(429, "TOOMANYREQUESTS");
    assert!(refused.headers.contains_key(&RETRY_AFTER));
    limited.delete(location).await.is(StatusCode::NO_CONTENT);
    limited.open().await;
}

pub async fn an_upload_whose_bytes_are_lost_starts_again(registry: &TestRegistry) {
    let closing = |location: &str| format!("{location}?digest={}", sha256(b"one two"));
    for method in [Method::PATCH, Method::PUT] {
        let location = registry.open().await;
        registry.request(Method::PATCH, &location).body("one ").send().await.is(StatusCode::ACCEPTED);
        let key = registry.storage.keys().pop().unwrap();
        registry.storage.delete(&key).await.unwrap();
        let path = if method == Method::PUT { closing(&location) } else { location.clone() };
        registry.request(method, path).body("two").send().await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
        registry.get(&location).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
    }
    let location = registry.open().await;
    registry.request(Method::PUT, closing(&location)).body("one two").send().await.is(StatusCode::CREATED);
}
