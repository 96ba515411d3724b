//! What blobs must do: be pulled, in part and not again, be mounted and deleted.
//! It refuses to know how they were pushed; that is `uploads`.

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG,
    IF_NONE_MATCH, IF_RANGE, LOCATION, RANGE,
};
use http::{Method, StatusCode};

use super::{HERE, THERE, World, sha256};
use crate::document::OCI_MANIFEST;
use crate::response::CONTENT_DIGEST;

fn two_kilobytes() -> Vec<u8> {
    (0..2048_u32).map(|number| number.to_le_bytes()[0] ^ number.to_le_bytes()[1]).collect()
}

pub async fn a_blob_comes_back_with_its_length_and_digest(world: &World) {
    let bytes = two_kilobytes();
    let digest = world.push_blob(HERE, bytes.clone()).await;
    let path = format!("/v2/{HERE}/blobs/{digest}");
    let (whole, head) = (world.get(&path).await, world.head(&path).await);
    for answer in [&whole, &head] {
        answer.is(StatusCode::OK);
        assert_eq!(answer.header(&CONTENT_LENGTH), "2048");
        assert_eq!(answer.header(&CONTENT_DIGEST), digest.as_str());
        assert_eq!(answer.header(&ETAG), format!("\"{digest}\""));
        assert_eq!(answer.header(&ACCEPT_RANGES), "bytes");
        assert_eq!(answer.header(&CACHE_CONTROL), "max-age=31536000, immutable");
    }
    assert_eq!(whole.body, bytes);
    assert!(head.body.is_empty());
}

pub async fn a_blob_goes_out_as_it_came_in_for_a_mirror_and_for_whoever_would_unpack_it(world: &World) {
    let bytes = two_kilobytes();
    let digest = world.push_blob(HERE, bytes.clone()).await;
    let ask = world.ask(Method::GET, format!("/v2/{HERE}/blobs/{digest}?ns=docker.io"));
    let answer = ask.with(ACCEPT_ENCODING, "zstd, gzip").send().await;
    answer.is(StatusCode::OK);
    assert!(!answer.headers.contains_key(CONTENT_ENCODING));
    assert_eq!(answer.body, bytes);
}

pub async fn an_empty_blob_is_a_blob(world: &World) {
    let digest = world.push_blob(HERE, "").await;
    let path = format!("/v2/{HERE}/blobs/{digest}");
    for answer in [world.get(&path).await, world.head(&path).await] {
        answer.is(StatusCode::OK);
        assert_eq!(answer.header(&CONTENT_LENGTH), "0");
        assert!(answer.body.is_empty());
    }
    let answer = world.ask(Method::GET, &path).with(RANGE, "bytes=-1").send().await;
    answer.is_error(416, "SIZE_INVALID");
}

pub async fn a_range_of_a_blob_is_partial(world: &World) {
    let bytes = two_kilobytes();
    let path = format!("/v2/{HERE}/blobs/{}", world.push_blob(HERE, bytes.clone()).await);
    for (range, first, last) in
        [("500-1499", 500, 1499), ("500-", 500, 2047), ("-500", 1548, 2047), ("2000-5000", 2000, 2047), ("0-0", 0, 0)]
    {
        let answer = world.ask(Method::GET, &path).with(RANGE, format!("bytes={range}")).send().await;
        answer.is(StatusCode::PARTIAL_CONTENT);
        assert_eq!(answer.header(&CONTENT_RANGE), format!("bytes {first}-{last}/2048"));
        assert_eq!(answer.header(&CONTENT_LENGTH), (last - first + 1).to_string());
        assert_eq!(answer.body, bytes[first..=last]);
    }
}

pub async fn a_range_outside_of_a_blob_is_refused_with_its_size(world: &World) {
    let path = format!("/v2/{HERE}/blobs/{}", world.push_blob(HERE, two_kilobytes()).await);
    for range in ["bytes=500-0", "bytes=5000-10000"] {
        let answer = world.ask(Method::GET, &path).with(RANGE, range).send().await;
        answer.is_error(416, "SIZE_INVALID");
        assert_eq!(answer.header(&CONTENT_RANGE), "bytes */2048");
    }
}

pub async fn a_range_that_is_not_understood_gets_the_whole_blob(world: &World) {
    let path = format!("/v2/{HERE}/blobs/{}", world.push_blob(HERE, two_kilobytes()).await);
    for range in ["lines=1-2", "bytes=x-y", "bytes=0-1,5-6"] {
        let answer = world.ask(Method::GET, &path).with(RANGE, range).send().await;
        answer.is(StatusCode::OK);
        assert_eq!(answer.body.len(), 2048);
    }
    let other = world.ask(Method::GET, &path).with(RANGE, "bytes=0-1").with(IF_RANGE, "\"other\"").send().await;
    other.is(StatusCode::OK);
}

pub async fn a_range_of_the_blob_that_the_client_began_with_is_partial(world: &World) {
    let digest = world.push_blob(HERE, two_kilobytes()).await;
    let ask = world.ask(Method::GET, format!("/v2/{HERE}/blobs/{digest}")).with(RANGE, "bytes=0-1");
    ask.with(IF_RANGE, format!("\"{digest}\"")).send().await.is(StatusCode::PARTIAL_CONTENT);
}

pub async fn a_blob_that_the_client_has_is_not_sent_again(world: &World) {
    let digest = world.push_blob(HERE, "known").await;
    let path = format!("/v2/{HERE}/blobs/{digest}");
    for method in [Method::GET, Method::HEAD] {
        let answer = world.ask(method, &path).with(IF_NONE_MATCH, format!("\"{digest}\"")).send().await;
        answer.is(StatusCode::NOT_MODIFIED);
        assert!(answer.body.is_empty());
        assert_eq!(answer.header(&CONTENT_DIGEST), digest.as_str());
    }
}

pub async fn a_blob_of_another_repository_is_unknown_here(world: &World) {
    let digest = world.push_blob(THERE, "theirs").await;
    world.get(format!("/v2/{HERE}/blobs/{digest}")).await.is_error(404, "BLOB_UNKNOWN");
    let head = world.head(format!("/v2/{HERE}/blobs/{digest}")).await;
    head.is(StatusCode::NOT_FOUND);
    assert!(head.body.is_empty());
}

pub async fn a_malformed_digest_is_refused(world: &World) {
    world.get(format!("/v2/{HERE}/blobs/sha256:abc")).await.is_error(400, "DIGEST_INVALID");
    world.get(format!("/v2/{HERE}/blobs/nonsense")).await.is_error(400, "DIGEST_INVALID");
}

pub async fn a_mount_links_a_blob_of_another_repository(world: &World) {
    let digest = world.push_blob(THERE, "shared").await;
    let path = format!("/v2/{HERE}/blobs/uploads/?mount={digest}&from={THERE}");
    let answer = world.ask(Method::POST, path).send().await;
    answer.is(StatusCode::CREATED);
    assert_eq!(answer.header(&CONTENT_DIGEST), digest.as_str());
    assert_eq!(world.get(answer.header(&LOCATION)).await.body, "shared");
}

pub async fn a_mount_of_what_is_not_there_opens_an_upload(world: &World) {
    let digest = sha256(b"nowhere");
    for query in
        [format!("mount={digest}&from={THERE}"), format!("mount={digest}&from=no/such"), format!("mount={digest}")]
    {
        let answer = world.ask(Method::POST, format!("/v2/{HERE}/blobs/uploads/?{query}")).send().await;
        answer.is(StatusCode::ACCEPTED);
        world.get(answer.header(&LOCATION)).await.is(StatusCode::NO_CONTENT);
    }
}

pub async fn a_mount_without_a_source_finds_what_is_here_and_nothing_else(world: &World) {
    let (here, there) = (world.push_blob(HERE, "here").await, world.push_blob(THERE, "there").await);
    let path = format!("/v2/{HERE}/blobs/uploads/?mount=");
    world.ask(Method::POST, format!("{path}{here}")).send().await.is(StatusCode::CREATED);
    world.ask(Method::POST, format!("{path}{there}")).send().await.is(StatusCode::ACCEPTED);
}

pub async fn a_malformed_mount_is_refused(world: &World) {
    let path = format!("/v2/{HERE}/blobs/uploads/");
    world.ask(Method::POST, format!("{path}?mount=x&from={THERE}")).send().await.is_error(400, "DIGEST_INVALID");
    let digest = sha256(b"");
    world.ask(Method::POST, format!("{path}?mount={digest}&from=A//b")).send().await.is_error(400, "NAME_INVALID");
}

pub async fn a_deleted_blob_is_gone_at_once_and_from_its_repository_only(world: &World) {
    let digest = world.push_blob(HERE, "twice").await;
    world.push_blob(THERE, "twice").await;
    let path = format!("/v2/{HERE}/blobs/{digest}");
    world.get(&path).await.is(StatusCode::OK);
    world.delete(&path).await.is(StatusCode::ACCEPTED);
    world.get(&path).await.is_error(404, "BLOB_UNKNOWN");
    world.delete(&path).await.is_error(404, "BLOB_UNKNOWN");
    world.get(format!("/v2/{THERE}/blobs/{digest}")).await.is(StatusCode::OK);
}

pub async fn a_blob_that_a_manifest_refers_to_stays(world: &World) {
    let image = world.image("kept").await;
    world.push_manifest("kept", OCI_MANIFEST, image.to_string()).await.is(StatusCode::CREATED);
    let path = format!("/v2/{HERE}/blobs/{}", image["layers"][0]["digest"].as_str().unwrap());
    world.delete(&path).await.is_error(405, "UNSUPPORTED");
    world.get(&path).await.is(StatusCode::OK);
}
