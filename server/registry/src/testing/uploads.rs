//! What uploads must do: whole, streamed and in chunks, resumed, cancelled, cut off and raced.
//! It refuses to know what the blobs are for.

use bytes::Bytes;
use futures::future::join_all;
use http::header::{CONTENT_RANGE, HeaderName, LOCATION, RANGE};
use http::{Method, StatusCode};

use super::{HERE, THERE, World, sha256, sha512};
use crate::response::CONTENT_DIGEST;

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");
const CHUNK_MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");

pub async fn an_opened_upload_says_where_it_is(world: &World) {
    let answer = world.ask(Method::POST, format!("/v2/{HERE}/blobs/uploads/")).send().await;
    answer.is(StatusCode::ACCEPTED);
    let id = answer.header(&UPLOAD_ID);
    assert_eq!(answer.header(&LOCATION), format!("/v2/{HERE}/blobs/uploads/{id}"));
    assert_eq!(answer.header(&RANGE), "0-0");
    assert!(answer.header(&CHUNK_MIN_LENGTH).parse::<u64>().is_ok());
}

pub async fn a_blob_is_pushed_by_post_and_put(world: &World) {
    let (location, digest) = (world.open().await, sha256(b"whole"));
    let answer = world.ask(Method::PUT, format!("{location}?extra=1&digest={digest}")).body("whole").send().await;
    answer.is(StatusCode::CREATED);
    assert_eq!(answer.header(&CONTENT_DIGEST), digest.as_str());
    assert_eq!(world.get(answer.header(&LOCATION)).await.body, "whole");
    world.get(&location).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
}

pub async fn a_blob_is_pushed_by_one_post(world: &World) {
    let digest = sha256(b"at once");
    let path = format!("/v2/{HERE}/blobs/uploads/?digest={digest}");
    let answer = world.ask(Method::POST, path).body("at once").send().await;
    answer.is(StatusCode::CREATED);
    assert_eq!(answer.header(&CONTENT_DIGEST), digest.as_str());
    assert_eq!(world.get(answer.header(&LOCATION)).await.body, "at once");
}

pub async fn a_post_with_another_digest_than_its_bytes_is_refused(world: &World) {
    let path = format!("/v2/{HERE}/blobs/uploads/?digest={}", sha256(b"other"));
    world.ask(Method::POST, path).body("bytes").send().await.is_error(400, "DIGEST_INVALID");
    world.get(format!("/v2/{HERE}/blobs/{}", sha256(b"bytes"))).await.is_error(404, "BLOB_UNKNOWN");
    assert_eq!(world.storage.keys(), Vec::<String>::new());
}

pub async fn a_post_that_only_announces_a_digest_opens_an_upload(world: &World) {
    let path = format!("/v2/{HERE}/blobs/uploads/?digest={}", sha256(b"later"));
    world.ask(Method::POST, path).send().await.is(StatusCode::ACCEPTED);
}

pub async fn a_blob_is_streamed_in_one_patch(world: &World) {
    let location = world.open().await;
    let pieces = (0..100).map(|_| Some(Bytes::from(vec![7; 1000])));
    let answer = world.ask(Method::PATCH, &location).streamed(pieces).send().await;
    answer.is(StatusCode::ACCEPTED);
    assert_eq!(answer.header(&RANGE), "0-99999");
    let digest = sha256(&vec![7; 100_000]);
    let answer = world.ask(Method::PUT, format!("{location}?digest={digest}")).send().await;
    answer.is(StatusCode::CREATED);
    assert_eq!(world.get(answer.header(&LOCATION)).await.body, vec![7; 100_000]);
}

pub async fn a_blob_is_pushed_in_chunks_the_last_with_the_put(world: &World) {
    let mut location = world.open().await;
    for (range, chunk) in [("0-3", "abcd"), ("4-5", "ef")] {
        let answer = world.ask(Method::PATCH, &location).with(CONTENT_RANGE, range).body(chunk).send().await;
        answer.is(StatusCode::ACCEPTED);
        answer.header(&LOCATION).clone_into(&mut location);
    }
    let put = world.ask(Method::PUT, format!("{location}?digest={}", sha256(b"abcdefghi")));
    let answer = put.with(CONTENT_RANGE, "6-8").body("ghi").send().await;
    answer.is(StatusCode::CREATED);
    let answer = world.ask(Method::GET, answer.header(&LOCATION)).with(RANGE, "bytes=3-6").send().await;
    assert_eq!(answer.body, "defg");
}

pub async fn a_chunk_out_of_order_is_refused_and_the_upload_survives(world: &World) {
    let location = world.open().await;
    let chunk = |range| world.ask(Method::PATCH, &location).with(CONTENT_RANGE, range).body("xyz").send();
    let early = chunk("5-7").await;
    early.is_error(416, "SIZE_INVALID");
    assert_eq!(early.header(&LOCATION), location);
    chunk("0-2").await.is(StatusCode::ACCEPTED);
    for range in ["0-2", "4-6"] {
        let answer = chunk(range).await;
        answer.is_error(416, "SIZE_INVALID");
        assert_eq!(answer.header(&RANGE), "0-2");
    }
    let closing = format!("{location}?digest={}", sha256(b"xyzxyz"));
    let put = |range| world.ask(Method::PUT, &closing).with(CONTENT_RANGE, range).body("xyz").send();
    put("0-2").await.is_error(416, "SIZE_INVALID");
    put("3-5").await.is(StatusCode::CREATED);
}

pub async fn a_chunk_of_another_length_than_its_range_is_not_stored(world: &World) {
    let location = world.open().await;
    let patch = || world.ask(Method::PATCH, &location).with(CONTENT_RANGE, "0-9");
    patch().body("short").send().await.is_error(416, "SIZE_INVALID");
    patch().streamed([Some("short".into())]).send().await.is_error(400, "BLOB_UPLOAD_INVALID");
    let odd = world.ask(Method::PATCH, &location).with(CONTENT_RANGE, "bytes 0-4").body("short").send().await;
    odd.is_error(400, "BLOB_UPLOAD_INVALID");
    assert_eq!(world.get(&location).await.header(&RANGE), "0-0");
    assert_eq!(world.storage.keys(), Vec::<String>::new());
}

pub async fn an_upload_tells_where_it_stands(world: &World) {
    let location = world.open().await;
    let fresh = world.get(&location).await;
    fresh.is(StatusCode::NO_CONTENT);
    assert_eq!(fresh.header(&RANGE), "0-0");
    world.ask(Method::PATCH, &location).body("12345").send().await.is(StatusCode::ACCEPTED);
    for answer in [world.get(&location).await, world.head(&location).await] {
        answer.is(StatusCode::NO_CONTENT);
        assert_eq!(answer.header(&RANGE), "0-4");
        assert_eq!(answer.header(&LOCATION), location);
    }
}

pub async fn an_upload_that_is_cancelled_is_gone(world: &World) {
    let location = world.open().await;
    world.ask(Method::PATCH, &location).body("12345").send().await.is(StatusCode::ACCEPTED);
    world.delete(&location).await.is(StatusCode::NO_CONTENT);
    world.get(&location).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
    world.delete(&location).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
    world.ask(Method::PATCH, &location).body("6").send().await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(world.ledger.trash(10).await.unwrap(), world.storage.keys());
}

pub async fn an_upload_of_another_repository_is_unknown(world: &World) {
    let location = world.open().await.replace(HERE, THERE);
    world.get(&location).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
    world.ask(Method::PATCH, &location).body("x").send().await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
    world.delete(&location).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
    world.get(format!("/v2/{HERE}/blobs/uploads/no-uuid")).await.is_error(404, "BLOB_UPLOAD_UNKNOWN");
}

pub async fn an_upload_is_not_closed_without_a_digest(world: &World) {
    let location = world.open().await;
    world.ask(Method::PUT, &location).body("x").send().await.is_error(400, "DIGEST_INVALID");
    world.ask(Method::PUT, format!("{location}?digest=md5:1")).body("x").send().await.is_error(400, "DIGEST_INVALID");
    world.get(&location).await.is(StatusCode::NO_CONTENT);
}

pub async fn an_upload_that_is_closed_with_a_wrong_digest_stands_where_it_stood(world: &World) {
    let location = world.open().await;
    world.ask(Method::PATCH, &location).body("abc").send().await.is(StatusCode::ACCEPTED);
    for wrong in [sha256(b"abd"), sha512(b"abd")] {
        let answer = world.ask(Method::PUT, format!("{location}?digest={wrong}")).body("d").send().await;
        answer.is_error(400, "DIGEST_INVALID");
    }
    assert_eq!(world.get(&location).await.header(&RANGE), "0-2");
    let right = format!("{location}?digest={}", sha256(b"abcd"));
    world.ask(Method::PUT, right).body("d").send().await.is(StatusCode::CREATED);
}

pub async fn a_chunk_that_is_cut_off_was_never_sent(world: &World) {
    let location = world.open().await;
    world.ask(Method::PATCH, &location).body("abc").send().await.is(StatusCode::ACCEPTED);
    let cut = [Some("de".into()), None];
    world.ask(Method::PATCH, &location).streamed(cut.clone()).send().await.is_error(400, "SIZE_INVALID");
    let closing = format!("{location}?digest={}", sha256(b"abcdef"));
    world.ask(Method::PUT, &closing).streamed(cut).send().await.is_error(400, "SIZE_INVALID");
    assert_eq!(world.get(&location).await.header(&RANGE), "0-2");
    world.ask(Method::PUT, &closing).body("def").send().await.is(StatusCode::CREATED);
}

pub async fn of_two_chunks_at_once_one_counts(world: &World) {
    let location = world.open().await;
    let patch = |chunk: &'static str| world.ask(Method::PATCH, &location).with(CONTENT_RANGE, "0-2").body(chunk).send();
    let answers = join_all(["one", "two", "six"].map(patch)).await;
    let won: Vec<_> = answers.iter().map(|answer| answer.status == StatusCode::ACCEPTED).collect();
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{answers:?}");
    for lost in answers.iter().filter(|answer| answer.status != StatusCode::ACCEPTED) {
        assert!(matches!(lost.status, StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::CONFLICT), "{lost:?}");
    }
    let winner = ["one", "two", "six"][won.iter().position(|won| *won).unwrap()];
    let closing = format!("{location}?digest={}", sha256(winner.as_bytes()));
    world.ask(Method::PUT, closing).send().await.is(StatusCode::CREATED);
}

pub async fn an_announced_algorithm_is_the_one_that_counts(world: &World) {
    let path = format!("/v2/{HERE}/blobs/uploads/?digest-algorithm=sha512");
    let location = world.ask(Method::POST, path).send().await.header(&LOCATION).to_owned();
    world.ask(Method::PATCH, &location).body("long ").send().await.is(StatusCode::ACCEPTED);
    let digest = sha512(b"long digest");
    let answer = world.ask(Method::PUT, format!("{location}?digest={digest}")).body("digest").send().await;
    answer.is(StatusCode::CREATED);
    assert_eq!(answer.header(&CONTENT_DIGEST), digest.as_str());
    assert_eq!(world.get(format!("/v2/{HERE}/blobs/{digest}")).await.body, "long digest");
}

pub async fn an_algorithm_that_was_not_announced_is_still_checked(world: &World) {
    for bytes in ["unannounced", ""] {
        let location = world.open().await;
        if !bytes.is_empty() {
            world.ask(Method::PATCH, &location).body(bytes).send().await.is(StatusCode::ACCEPTED);
        }
        let wrong = format!("{location}?digest={}", sha512(b"wrong"));
        world.ask(Method::PUT, wrong).send().await.is_error(400, "DIGEST_INVALID");
        let right = format!("{location}?digest={}", sha512(bytes.as_bytes()));
        let answer = world.ask(Method::PUT, right).send().await;
        answer.is(StatusCode::CREATED);
        assert_eq!(world.get(answer.header(&LOCATION)).await.body, bytes);
    }
}

pub async fn an_unknown_algorithm_is_refused(world: &World) {
    let path = format!("/v2/{HERE}/blobs/uploads/?digest-algorithm=md5");
    world.ask(Method::POST, path).send().await.is_error(400, "UNSUPPORTED");
}

pub async fn the_same_blob_pushed_twice_is_stored_once(world: &World) {
    world.push_blob(HERE, "again").await;
    world.push_blob(HERE, "again").await;
    let digest = world.push_blob(THERE, "again").await;
    for repository in [HERE, THERE] {
        assert_eq!(world.get(format!("/v2/{repository}/blobs/{digest}")).await.body, "again");
    }
    assert_eq!(world.ledger.trash(10).await.unwrap().len() + 1, world.storage.keys().len());
    world.engine.delete_trash(10).await.unwrap();
    assert_eq!(world.storage.keys().len(), 1);
    assert_eq!(world.get(format!("/v2/{HERE}/blobs/{digest}")).await.body, "again");
}
