//! Requirements on blobs: pulls, ranges, mounts and deletion.

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG,
    IF_NONE_MATCH, IF_RANGE, LOCATION, RANGE,
};
use http::{Method, StatusCode};

use super::{OTHER_REPOSITORY, REPOSITORY, TestRegistry, sha256};
use crate::document::OCI_MANIFEST;
use crate::response::CONTENT_DIGEST;
use crate::storage::Storage as _;

fn two_kilobytes() -> Vec<u8> {
    (0..2048_u32).map(|number| number.to_le_bytes()[0] ^ number.to_le_bytes()[1]).collect()
}

pub async fn a_blob_comes_back_with_its_length_and_digest(registry: &TestRegistry) {
    let bytes = two_kilobytes();
    let digest = registry.push_blob(REPOSITORY, bytes.clone()).await;
    let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
    let (whole, head) = (registry.get(&path).await, registry.head(&path).await);
    for response in [&whole, &head] {
        response.is(StatusCode::OK);
        assert_eq!(response.header(&CONTENT_LENGTH), "2048");
        assert_eq!(response.header(&CONTENT_DIGEST), digest.as_str());
        assert_eq!(response.header(&ETAG), format!("\"{digest}\""));
        assert_eq!(response.header(&ACCEPT_RANGES), "bytes");
        assert_eq!(response.header(&CACHE_CONTROL), "private, max-age=31536000, immutable");
    }
    assert_eq!(whole.body, bytes);
    assert!(head.body.is_empty());
}

pub async fn a_blob_is_served_as_it_was_pushed_whatever_the_client_accepts(registry: &TestRegistry) {
    let bytes = two_kilobytes();
    let digest = registry.push_blob(REPOSITORY, bytes.clone()).await;
    let request = registry.request(Method::GET, format!("/v2/{REPOSITORY}/blobs/{digest}?ns=docker.io"));
    let response = request.with(ACCEPT_ENCODING, "zstd, gzip").send().await;
    response.is(StatusCode::OK);
    assert!(!response.headers.contains_key(CONTENT_ENCODING));
    assert_eq!(response.body, bytes);
}

pub async fn an_empty_blob_is_a_blob(registry: &TestRegistry) {
    let digest = registry.push_blob(REPOSITORY, "").await;
    let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
    for response in [registry.get(&path).await, registry.head(&path).await] {
        response.is(StatusCode::OK);
        assert_eq!(response.header(&CONTENT_LENGTH), "0");
        assert!(response.body.is_empty());
    }
    let response = registry.request(Method::GET, &path).with(RANGE, "bytes=-1").send().await;
    response.is_error(416, "SIZE_INVALID");
}

pub async fn a_range_of_a_blob_is_partial(registry: &TestRegistry) {
    let bytes = two_kilobytes();
    let path = format!("/v2/{REPOSITORY}/blobs/{}", registry.push_blob(REPOSITORY, bytes.clone()).await);
    for (range, first, last) in
        [("500-1499", 500, 1499), ("500-", 500, 2047), ("-500", 1548, 2047), ("2000-5000", 2000, 2047), ("0-0", 0, 0)]
    {
        let response = registry.request(Method::GET, &path).with(RANGE, format!("bytes={range}")).send().await;
        response.is(StatusCode::PARTIAL_CONTENT);
        assert_eq!(response.header(&CONTENT_RANGE), format!("bytes {first}-{last}/2048"));
        assert_eq!(response.header(&CONTENT_LENGTH), (last - first + 1).to_string());
        assert_eq!(response.body, bytes[first..=last]);
    }
}

pub async fn a_range_outside_of_a_blob_is_refused_with_its_size(registry: &TestRegistry) {
    let path = format!("/v2/{REPOSITORY}/blobs/{}", registry.push_blob(REPOSITORY, two_kilobytes()).await);
    for range in ["bytes=500-0", "bytes=5000-10000"] {
        let response = registry.request(Method::GET, &path).with(RANGE, range).send().await;
        response.is_error(416, "SIZE_INVALID");
        assert_eq!(response.header(&CONTENT_RANGE), "bytes */2048");
    }
}

pub async fn a_range_that_is_not_understood_gets_the_whole_blob(registry: &TestRegistry) {
    let path = format!("/v2/{REPOSITORY}/blobs/{}", registry.push_blob(REPOSITORY, two_kilobytes()).await);
    for range in ["lines=1-2", "bytes=x-y", "bytes=0-1,5-6"] {
        let response = registry.request(Method::GET, &path).with(RANGE, range).send().await;
        response.is(StatusCode::OK);
        assert_eq!(response.body.len(), 2048);
    }
    let other = registry.request(Method::GET, &path).with(RANGE, "bytes=0-1").with(IF_RANGE, "\"other\"").send().await;
    other.is(StatusCode::OK);
}

pub async fn a_range_of_the_blob_that_the_client_began_with_is_partial(registry: &TestRegistry) {
    let digest = registry.push_blob(REPOSITORY, two_kilobytes()).await;
    let request = registry.request(Method::GET, format!("/v2/{REPOSITORY}/blobs/{digest}")).with(RANGE, "bytes=0-1");
    request.with(IF_RANGE, format!("\"{digest}\"")).send().await.is(StatusCode::PARTIAL_CONTENT);
}

pub async fn a_blob_that_the_client_has_is_not_sent_again(registry: &TestRegistry) {
    let digest = registry.push_blob(REPOSITORY, "known").await;
    let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
    for method in [Method::GET, Method::HEAD] {
        let response = registry.request(method, &path).with(IF_NONE_MATCH, format!("\"{digest}\"")).send().await;
        response.is(StatusCode::NOT_MODIFIED);
        assert!(response.body.is_empty());
        assert_eq!(response.header(&CONTENT_DIGEST), digest.as_str());
    }
}

pub async fn a_blob_of_another_repository_is_unknown_here(registry: &TestRegistry) {
    let digest = registry.push_blob(OTHER_REPOSITORY, "theirs").await;
    registry.get(format!("/v2/{REPOSITORY}/blobs/{digest}")).await.is_error(404, "BLOB_UNKNOWN");
    let head = registry.head(format!("/v2/{REPOSITORY}/blobs/{digest}")).await;
    head.is(StatusCode::NOT_FOUND);
    assert!(head.body.is_empty());
}

pub async fn a_malformed_digest_is_refused(registry: &TestRegistry) {
    registry.get(format!("/v2/{REPOSITORY}/blobs/sha256:abc")).await.is_error(400, "DIGEST_INVALID");
    registry.get(format!("/v2/{REPOSITORY}/blobs/nonsense")).await.is_error(400, "DIGEST_INVALID");
}

pub async fn a_mount_links_a_blob_of_another_repository(registry: &TestRegistry) {
    let digest = registry.push_blob(OTHER_REPOSITORY, "shared").await;
    let path = format!("/v2/{REPOSITORY}/blobs/uploads/?mount={digest}&from={OTHER_REPOSITORY}");
    let response = registry.request(Method::POST, path).send().await;
    response.is(StatusCode::CREATED);
    assert_eq!(response.header(&CONTENT_DIGEST), digest.as_str());
    assert_eq!(registry.get(response.header(&LOCATION)).await.body, "shared");
}

pub async fn a_mount_of_what_is_not_there_opens_an_upload(registry: &TestRegistry) {
    let digest = sha256(b"nowhere");
    for query in [
        format!("mount={digest}&from={OTHER_REPOSITORY}"),
        format!("mount={digest}&from=no/such"),
        format!("mount={digest}"),
    ] {
        let response = registry.request(Method::POST, format!("/v2/{REPOSITORY}/blobs/uploads/?{query}")).send().await;
        response.is(StatusCode::ACCEPTED);
        registry.get(response.header(&LOCATION)).await.is(StatusCode::NO_CONTENT);
    }
}

pub async fn a_mount_without_a_source_finds_what_is_here_and_nothing_else(registry: &TestRegistry) {
    let (here, there) =
        (registry.push_blob(REPOSITORY, "here").await, registry.push_blob(OTHER_REPOSITORY, "there").await);
    let path = format!("/v2/{REPOSITORY}/blobs/uploads/?mount=");
    registry.request(Method::POST, format!("{path}{here}")).send().await.is(StatusCode::CREATED);
    registry.request(Method::POST, format!("{path}{there}")).send().await.is(StatusCode::ACCEPTED);
}

pub async fn a_malformed_mount_is_refused(registry: &TestRegistry) {
    let path = format!("/v2/{REPOSITORY}/blobs/uploads/");
    registry
        .request(Method::POST, format!("{path}?mount=x&from={OTHER_REPOSITORY}"))
        .send()
        .await
        .is_error(400, "DIGEST_INVALID");
    let digest = sha256(b"");
    registry
        .request(Method::POST, format!("{path}?mount={digest}&from=A//b"))
        .send()
        .await
        .is_error(400, "NAME_INVALID");
}

pub async fn a_deleted_blob_is_gone_at_once_and_from_its_repository_only(registry: &TestRegistry) {
    let digest = registry.push_blob(REPOSITORY, "twice").await;
    registry.push_blob(OTHER_REPOSITORY, "twice").await;
    let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
    registry.get(&path).await.is(StatusCode::OK);
    registry.delete(&path).await.is(StatusCode::ACCEPTED);
    registry.get(&path).await.is_error(404, "BLOB_UNKNOWN");
    registry.delete(&path).await.is_error(404, "BLOB_UNKNOWN");
    registry.get(format!("/v2/{OTHER_REPOSITORY}/blobs/{digest}")).await.is(StatusCode::OK);
}

pub async fn a_blob_that_a_manifest_refers_to_stays(registry: &TestRegistry) {
    let image = registry.image("kept").await;
    registry.push_manifest("kept", OCI_MANIFEST, image.to_string()).await.is(StatusCode::CREATED);
    let path = format!("/v2/{REPOSITORY}/blobs/{}", image["layers"][0]["digest"].as_str().unwrap());
    registry.delete(&path).await.is_error(405, "UNSUPPORTED");
    registry.get(&path).await.is(StatusCode::OK);
}

pub async fn a_blob_that_the_storage_has_lost_is_unknown_until_it_is_pushed_again(registry: &TestRegistry) {
    for lost in [Lost::Missing, Lost::Short] {
        let bytes = format!("layer {lost:?}");
        let digest = registry.push_blob(REPOSITORY, bytes.clone()).await;
        let other = registry.push_blob(OTHER_REPOSITORY, bytes.clone()).await;
        assert_eq!(other, digest);
        registry.empty_trash().await;
        let key = registry.storage.keys().pop().unwrap();
        match lost {
            Lost::Missing => registry.storage.delete(&key).await.unwrap(),
            Lost::Short => registry.storage.put(&key, "layer"),
        }
        let path = |repository: &str| format!("/v2/{repository}/blobs/{digest}");
        registry.get(path(REPOSITORY)).await.is_error(404, "BLOB_UNKNOWN");
        registry.head(path(REPOSITORY)).await.is(StatusCode::NOT_FOUND);
        let mount = format!("/v2/{OTHER_REPOSITORY}/blobs/uploads/?mount={digest}&from={REPOSITORY}");
        registry.request(Method::POST, mount).send().await.is(StatusCode::ACCEPTED);
        assert_eq!(registry.push_blob(REPOSITORY, bytes.clone()).await, digest);
        // What was lost goes to the trash, and what was pushed is kept.
        registry.empty_trash().await;
        for repository in [REPOSITORY, OTHER_REPOSITORY] {
            registry.head(path(repository)).await.is(StatusCode::OK);
            assert_eq!(registry.get(path(repository)).await.body, bytes);
        }
        assert!(!registry.storage.keys().contains(&key));
        // Once it is repaired, the first bytes are kept.
        let keys = registry.storage.keys();
        registry.push_blob(REPOSITORY, bytes.clone()).await;
        registry.empty_trash().await;
        assert_eq!(registry.storage.keys(), keys);
    }
}

/// How an object was lost.
#[derive(Clone, Copy, Debug)]
enum Lost {
    Missing,
    Short,
}
