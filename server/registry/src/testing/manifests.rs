//! Requirements on manifests: pulls, validation, tags, conditional pushes and deletion.

use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{OTHER_REPOSITORY, REPOSITORY, TestRegistry, TestResponse, descriptor, sha256, sha512};
use crate::document::{DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use crate::response::CONTENT_DIGEST;

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const TAG: HeaderName = HeaderName::from_static("oci-tag");

fn path(reference: impl std::fmt::Display) -> String {
    format!("/v2/{REPOSITORY}/manifests/{reference}")
}

async fn put(registry: &TestRegistry, reference: &str, media_type: &'static str, manifest: &Value) -> TestResponse {
    registry.push_manifest(reference, media_type, manifest.to_string()).await
}

fn with(mut manifest: Value, key: &str, value: Value) -> Value {
    manifest[key] = value;
    manifest
}

pub async fn a_manifest_comes_back_byte_for_byte(registry: &TestRegistry) {
    let payload = format!("{:#}\n", registry.image("spaced").await);
    let digest = sha256(payload.as_bytes());
    let pushed =
        registry.request(Method::PUT, path("spaced")).with(CONTENT_TYPE, format!("{OCI_MANIFEST}; charset=utf-8"));
    let pushed = pushed.body(payload.clone()).send().await;
    pushed.is(StatusCode::CREATED);
    assert_eq!(pushed.header(&CONTENT_DIGEST), digest.as_str());
    assert_eq!(registry.get(pushed.header(&LOCATION)).await.body, payload);
    for (reference, age) in [("spaced", "no-cache"), (digest.as_str(), "private, max-age=31536000, immutable")] {
        let (whole, head) = (registry.get(path(reference)).await, registry.head(path(reference)).await);
        for response in [&whole, &head] {
            response.is(StatusCode::OK);
            assert_eq!(response.header(&CONTENT_TYPE), OCI_MANIFEST);
            assert_eq!(response.header(&CONTENT_LENGTH), payload.len().to_string());
            assert_eq!(response.header(&CONTENT_DIGEST), digest.as_str());
            assert_eq!(response.header(&ETAG), format!("\"{digest}\""));
            assert_eq!(response.header(&CACHE_CONTROL), age);
        }
        assert_eq!(whole.body, payload);
        assert!(head.body.is_empty());
    }
}

pub async fn a_manifest_that_the_client_has_is_not_sent_again(registry: &TestRegistry) {
    let digest = registry.push_image("known").await;
    for reference in ["known", digest.as_str()] {
        let request = registry.request(Method::GET, path(reference)).with(IF_NONE_MATCH, format!("\"{digest}\""));
        let response = request.send().await;
        response.is(StatusCode::NOT_MODIFIED);
        assert_eq!(response.header(&CONTENT_DIGEST), digest.as_str());
    }
}

pub async fn a_manifest_is_served_as_it_is_whatever_the_client_says_that_it_accepts(registry: &TestRegistry) {
    registry.push_image("plain").await;
    for accepted in [DOCKER_MANIFEST, OCI_MANIFEST, "*/*", "text/html, application/json;q=0"] {
        let response = registry.request(Method::GET, path("plain")).with(ACCEPT, accepted).send().await;
        response.is(StatusCode::OK);
        assert_eq!(response.header(&CONTENT_TYPE), OCI_MANIFEST, "{accepted}");
    }
}

pub async fn a_manifest_that_is_not_there_is_unknown(registry: &TestRegistry) {
    for reference in ["nowhere", ".INVALID_MANIFEST_NAME", sha256(b"nowhere").as_str()] {
        registry.get(path(reference)).await.is_error(404, "MANIFEST_UNKNOWN");
        let head = registry.head(path(reference)).await;
        head.is(StatusCode::NOT_FOUND);
        assert!(head.body.is_empty());
    }
    registry.get(path("sha256:short")).await.is_error(400, "DIGEST_INVALID");
    registry.get("/v2/no/such/manifests/latest").await.is_error(404, "NAME_UNKNOWN");
    registry.get("/v2/No/manifests/latest").await.is_error(400, "NAME_INVALID");
}

pub async fn a_manifest_is_of_its_repository_alone(registry: &TestRegistry) {
    let digest = registry.push_image("mine").await;
    for reference in ["mine", digest.as_str()] {
        registry.get(format!("/v2/{OTHER_REPOSITORY}/manifests/{reference}")).await.is_error(404, "MANIFEST_UNKNOWN");
    }
}

pub async fn a_manifest_is_pushed_by_its_digest_of_either_algorithm(registry: &TestRegistry) {
    let image = registry.image("by digest").await;
    for digest in [sha256(image.to_string().as_bytes()), sha512(image.to_string().as_bytes())] {
        let response = put(registry, digest.as_str(), OCI_MANIFEST, &image).await;
        response.is(StatusCode::CREATED);
        assert_eq!(response.header(&CONTENT_DIGEST), digest.as_str());
        registry.get(path(&digest)).await.is(StatusCode::OK);
    }
    put(registry, sha256(b"other").as_str(), OCI_MANIFEST, &image).await.is_error(400, "DIGEST_INVALID");
}

pub async fn several_tags_are_set_with_one_push(registry: &TestRegistry) {
    let image = registry.image("many").await;
    let digest = sha512(image.to_string().as_bytes());
    let tags: Vec<String> = (0..12).map(|number| format!("v{number}")).collect();
    let query = format!("tag=v0&tag={}", tags.join("&tag="));
    let response = put(registry, &format!("{digest}?{query}"), OCI_MANIFEST, &image).await;
    response.is(StatusCode::CREATED);
    let said: Vec<_> = response.headers.get_all(TAG).iter().map(|tag| tag.to_str().unwrap()).collect();
    assert_eq!(said, tags);
    for tag in &tags {
        assert_eq!(registry.head(path(tag)).await.header(&CONTENT_DIGEST), digest.as_str());
    }
}

pub async fn tags_beside_a_tag_and_too_many_of_them_are_refused(registry: &TestRegistry) {
    let image = registry.image("refused").await;
    put(registry, "one?tag=two", OCI_MANIFEST, &image).await.is_error(400, "UNSUPPORTED");
    put(registry, ".one", OCI_MANIFEST, &image).await.is_error(400, "MANIFEST_INVALID");
    let digest = sha256(image.to_string().as_bytes());
    put(registry, &format!("{digest}?tag=.one"), OCI_MANIFEST, &image).await.is_error(400, "MANIFEST_INVALID");
    let query = (0..101).map(|number| format!("tag=v{number}")).collect::<Vec<_>>().join("&");
    put(registry, &format!("{digest}?{query}"), OCI_MANIFEST, &image).await.is_error(414, "UNSUPPORTED");
    registry.get(path("v0")).await.is_error(404, "MANIFEST_UNKNOWN");
}

pub async fn a_tag_moves_and_what_it_pointed_at_stays(registry: &TestRegistry) {
    let first = registry.push_image("moving").await;
    registry.get(path("moving")).await.is(StatusCode::OK);
    let image = registry.image("second").await;
    put(registry, "moving", OCI_MANIFEST, &image).await.is(StatusCode::CREATED);
    let second = sha256(image.to_string().as_bytes());
    assert_eq!(registry.head(path("moving")).await.header(&CONTENT_DIGEST), second.as_str());
    registry.get(path(first)).await.is(StatusCode::OK);
}

pub async fn the_same_manifest_pushed_again_is_well(registry: &TestRegistry) {
    let image = registry.image("again").await;
    for _ in 0..2 {
        put(registry, "again", OCI_MANIFEST, &image).await.is(StatusCode::CREATED);
    }
}

pub async fn a_document_that_is_no_manifest_is_refused(registry: &TestRegistry) {
    let image = registry.image("wrong").await;
    let nested = format!("{{\"schemaVersion\":2,\"x\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    for payload in ["", "{", "[]", "null", "\"text\"", "{}", &nested] {
        registry.push_manifest("wrong", OCI_MANIFEST, payload.to_owned()).await.is_error(400, "MANIFEST_INVALID");
    }
    let config = image["config"].clone();
    let wrong = [
        with(image.clone(), "schemaVersion", json!(1)),
        with(image.clone(), "mediaType", json!(DOCKER_MANIFEST)),
        with(image.clone(), "manifests", json!([])),
        with(image.clone(), "artifactType", json!("text/\u{0}")),
        with(image.clone(), "config", Value::Null),
        with(image.clone(), "config", json!({ "digest": config["digest"], "size": -1 })),
        with(image.clone(), "config", json!({ "digest": "sha256:short", "size": 1 })),
        with(image.clone(), "annotations", json!({ "key": 1 })),
        with(image.clone(), "layers", json!([{ "digest": config["digest"], "size": 1 }])),
    ];
    for manifest in wrong {
        put(registry, "wrong", OCI_MANIFEST, &manifest).await.is_error(400, "MANIFEST_INVALID");
    }
    let both = with(json!({ "schemaVersion": 2, "manifests": [] }), "layers", json!([]));
    put(registry, "wrong", OCI_INDEX, &both).await.is_error(400, "MANIFEST_INVALID");
    put(registry, "wrong", "application/json", &image).await.is_error(400, "MANIFEST_INVALID");
    let old = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    put(registry, "wrong", old, &image).await.is_error(400, "UNSUPPORTED");
    registry.get(path("wrong")).await.is_error(404, "MANIFEST_UNKNOWN");
}

pub async fn a_manifest_without_a_content_type_is_what_it_says(registry: &TestRegistry) {
    let image = registry.image("untyped").await;
    let mut shaped = image.clone();
    shaped.as_object_mut().unwrap().remove("mediaType");
    let docker = with(image.clone(), "mediaType", json!(DOCKER_MANIFEST));
    let index = json!({ "schemaVersion": 2, "manifests": [] });
    for (manifest, media_type) in
        [(image, OCI_MANIFEST), (shaped, OCI_MANIFEST), (docker, DOCKER_MANIFEST), (index, OCI_INDEX)]
    {
        registry.request(Method::PUT, path("untyped")).body(manifest.to_string()).send().await.is(StatusCode::CREATED);
        assert_eq!(registry.get(path("untyped")).await.header(&CONTENT_TYPE), media_type);
    }
}

pub async fn a_manifest_of_four_mebibytes_is_taken_and_one_byte_more_is_not(registry: &TestRegistry) {
    let image = registry.image("large").await;
    let empty = with(image.clone(), "annotations", json!({ "filler": "" })).to_string();
    let filled =
        |length: usize| with(image.clone(), "annotations", json!({ "filler": "x".repeat(length) })).to_string();
    let room = (4 << 20) - empty.len();
    let payload = filled(room);
    registry.push_manifest("large", OCI_MANIFEST, payload.clone()).await.is(StatusCode::CREATED);
    assert_eq!(registry.get(path("large")).await.body, payload);
    let larger = filled(room + 1);
    registry.push_manifest("larger", OCI_MANIFEST, larger.clone()).await.is_error(413, "MANIFEST_INVALID");
    let streamed = registry.request(Method::PUT, path("larger")).with(CONTENT_TYPE, OCI_MANIFEST);
    streamed.streamed([Some(larger.into())]).send().await.is_error(413, "MANIFEST_INVALID");
}

pub async fn every_missing_blob_is_named(registry: &TestRegistry) {
    let (config, layer) = (sha256(b"no config"), sha256(b"no layer"));
    let manifest = json!({
        "schemaVersion": 2,
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config, 9),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer, 8)],
    });
    let response = put(registry, "hollow", OCI_MANIFEST, &manifest).await;
    response.is_error(400, "MANIFEST_BLOB_UNKNOWN");
    let mut named: Vec<String> = Vec::new();
    for error in response.json()["errors"].as_array().unwrap() {
        named.push(error["detail"]["digest"].as_str().unwrap().to_owned());
    }
    named.sort();
    let mut missing = [config.to_string(), layer.to_string()];
    missing.sort();
    assert_eq!(named, missing);
    registry.push_blob(OTHER_REPOSITORY, "no config").await;
    registry.push_blob(OTHER_REPOSITORY, "no layer").await;
    put(registry, "hollow", OCI_MANIFEST, &manifest).await.is_error(400, "MANIFEST_BLOB_UNKNOWN");
    registry.get(path("hollow")).await.is_error(404, "MANIFEST_UNKNOWN");
}

pub async fn a_size_that_is_not_the_blobs_is_refused(registry: &TestRegistry) {
    let mut image = registry.image("sized").await;
    image["layers"][0]["size"] = json!(99_999);
    put(registry, "sized", OCI_MANIFEST, &image).await.is_error(400, "MANIFEST_INVALID");
}

pub async fn an_index_needs_its_manifests(registry: &TestRegistry) {
    let image = registry.image("child").await.to_string();
    let child = descriptor(OCI_MANIFEST, &sha256(image.as_bytes()), image.len());
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child] });
    put(registry, "index", OCI_INDEX, &index).await.is_error(400, "MANIFEST_BLOB_UNKNOWN");
    registry.push_manifest("child", OCI_MANIFEST, image).await.is(StatusCode::CREATED);
    put(registry, "index", OCI_INDEX, &index).await.is(StatusCode::CREATED);
    let list = with(index, "mediaType", json!(DOCKER_LIST));
    put(registry, "list", DOCKER_LIST, &list).await.is(StatusCode::CREATED);
    assert_eq!(registry.get(path("list")).await.header(&CONTENT_TYPE), DOCKER_LIST);
}

pub async fn a_build_cache_may_list_its_layers_in_an_index(registry: &TestRegistry) {
    let (layer, config) =
        (registry.push_blob(REPOSITORY, "cached layer").await, registry.push_blob(REPOSITORY, "{}").await);
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &layer, 12),
        descriptor("application/vnd.buildkit.cacheconfig.v0", &config, 2),
    ] });
    put(registry, "cache", OCI_INDEX, &index).await.is(StatusCode::CREATED);
    registry.delete(format!("/v2/{REPOSITORY}/blobs/{layer}")).await.is_error(405, "UNSUPPORTED");
}

pub async fn a_foreign_layer_need_not_be_here(registry: &TestRegistry) {
    let mut image = registry.image("foreign").await;
    for media_type in [
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ] {
        let mut layer = descriptor(media_type, &sha256(b"elsewhere"), 9);
        layer["urls"] = json!(["https://example.com/layer"]);
        image["layers"][0] = layer;
        put(registry, "foreign", OCI_MANIFEST, &image).await.is(StatusCode::CREATED);
        image["layers"][0]["urls"] = json!(["file:///etc/passwd"]);
        put(registry, "foreign", OCI_MANIFEST, &image).await.is_error(400, "MANIFEST_INVALID");
    }
}

pub async fn a_subject_need_not_be_here_and_is_echoed(registry: &TestRegistry) {
    let subject = sha256(b"not pushed yet");
    let subject_json = descriptor(OCI_MANIFEST, &subject, 14);
    let image = with(registry.image("signature").await, "subject", subject_json.clone());
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "subject": subject_json });
    for (manifest, media_type) in [(image, OCI_MANIFEST), (index, OCI_INDEX)] {
        let response = put(registry, "about", media_type, &manifest).await;
        response.is(StatusCode::CREATED);
        assert_eq!(response.header(&SUBJECT), subject.as_str());
    }
}

pub async fn a_conditional_push_waits_for_nothing_and_overwrites_nothing(registry: &TestRegistry) {
    let (first, second) = (registry.image("first").await, registry.image("second").await);
    let push = |manifest: &Value, reference: &str, name, value: String| {
        let request = registry.request(Method::PUT, path(reference)).with(CONTENT_TYPE, OCI_MANIFEST);
        request.with(name, value).body(manifest.to_string()).send()
    };
    let etag = |manifest: &Value| format!("\"{}\"", sha256(manifest.to_string().as_bytes()));
    push(&first, "cas", IF_MATCH, etag(&first)).await.is_error(412, "DENIED");
    push(&first, "cas", IF_NONE_MATCH, "*".to_owned()).await.is(StatusCode::CREATED);
    push(&second, "cas", IF_NONE_MATCH, "*".to_owned()).await.is_error(412, "DENIED");
    push(&second, "cas", IF_MATCH, etag(&second)).await.is_error(412, "DENIED");
    assert_eq!(registry.get(path("cas")).await.body, first.to_string());
    push(&second, "cas", IF_MATCH, etag(&first)).await.is(StatusCode::CREATED);
    assert_eq!(registry.get(path("cas")).await.body, second.to_string());
    let digest = sha256(first.to_string().as_bytes());
    push(&first, digest.as_str(), IF_NONE_MATCH, "*".to_owned()).await.is_error(412, "DENIED");
}

pub async fn a_deleted_tag_takes_nothing_with_it(registry: &TestRegistry) {
    let digest = registry.push_image("gone").await;
    let image = registry.get(path("gone")).await.body;
    registry.push_manifest("stays", OCI_MANIFEST, image).await.is(StatusCode::CREATED);
    registry.delete(path("gone")).await.is(StatusCode::ACCEPTED);
    registry.get(path("gone")).await.is_error(404, "MANIFEST_UNKNOWN");
    registry.delete(path("gone")).await.is_error(404, "MANIFEST_UNKNOWN");
    for reference in ["stays", digest.as_str()] {
        registry.get(path(reference)).await.is(StatusCode::OK);
    }
}

pub async fn a_deleted_manifest_takes_its_tags_with_it(registry: &TestRegistry) {
    let digest = registry.push_image("one").await;
    let other = registry.push_image("other").await;
    let image = registry.get(path("one")).await.body;
    registry.push_manifest("two", OCI_MANIFEST, image).await.is(StatusCode::CREATED);
    registry.delete(path(&digest)).await.is(StatusCode::ACCEPTED);
    for reference in ["one", "two", digest.as_str()] {
        registry.get(path(reference)).await.is_error(404, "MANIFEST_UNKNOWN");
    }
    registry.delete(path(&digest)).await.is_error(404, "MANIFEST_UNKNOWN");
    registry.get(path(&other)).await.is(StatusCode::OK);
    assert_eq!(registry.get(format!("/v2/{REPOSITORY}/tags/list")).await.json()["tags"], json!(["other"]));
}
