//! What manifests must do: be kept to the byte, be checked before they are, be tagged together and deleted.
//! It refuses to know what images hold.

use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, HERE, THERE, World, descriptor, sha256, sha512};
use crate::document::{DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use crate::response::CONTENT_DIGEST;

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const TAG: HeaderName = HeaderName::from_static("oci-tag");

fn path(reference: impl std::fmt::Display) -> String {
    format!("/v2/{HERE}/manifests/{reference}")
}

async fn put(world: &World, reference: &str, media_type: &'static str, manifest: &Value) -> Answer {
    world.push_manifest(reference, media_type, manifest.to_string()).await
}

fn with(mut manifest: Value, key: &str, value: Value) -> Value {
    manifest[key] = value;
    manifest
}

pub async fn a_manifest_comes_back_byte_for_byte(world: &World) {
    let payload = format!("{:#}\n", world.image("spaced").await);
    let digest = sha256(payload.as_bytes());
    let pushed = world.ask(Method::PUT, path("spaced")).with(CONTENT_TYPE, format!("{OCI_MANIFEST}; charset=utf-8"));
    let pushed = pushed.body(payload.clone()).send().await;
    pushed.is(StatusCode::CREATED);
    assert_eq!(pushed.header(&CONTENT_DIGEST), digest.as_str());
    assert_eq!(world.get(pushed.header(&LOCATION)).await.body, payload);
    for (reference, age) in [("spaced", "no-cache"), (digest.as_str(), "max-age=31536000, immutable")] {
        let (whole, head) = (world.get(path(reference)).await, world.head(path(reference)).await);
        for answer in [&whole, &head] {
            answer.is(StatusCode::OK);
            assert_eq!(answer.header(&CONTENT_TYPE), OCI_MANIFEST);
            assert_eq!(answer.header(&CONTENT_LENGTH), payload.len().to_string());
            assert_eq!(answer.header(&CONTENT_DIGEST), digest.as_str());
            assert_eq!(answer.header(&ETAG), format!("\"{digest}\""));
            assert_eq!(answer.header(&CACHE_CONTROL), age);
        }
        assert_eq!(whole.body, payload);
        assert!(head.body.is_empty());
    }
}

pub async fn a_manifest_that_the_client_has_is_not_sent_again(world: &World) {
    let digest = world.push_image("known").await;
    for reference in ["known", digest.as_str()] {
        let ask = world.ask(Method::GET, path(reference)).with(IF_NONE_MATCH, format!("\"{digest}\""));
        let answer = ask.send().await;
        answer.is(StatusCode::NOT_MODIFIED);
        assert_eq!(answer.header(&CONTENT_DIGEST), digest.as_str());
    }
}

pub async fn a_manifest_is_served_as_it_is_whatever_the_client_says_that_it_accepts(world: &World) {
    world.push_image("plain").await;
    for accepted in [DOCKER_MANIFEST, OCI_MANIFEST, "*/*", "text/html, application/json;q=0"] {
        let answer = world.ask(Method::GET, path("plain")).with(ACCEPT, accepted).send().await;
        answer.is(StatusCode::OK);
        assert_eq!(answer.header(&CONTENT_TYPE), OCI_MANIFEST, "{accepted}");
    }
}

pub async fn a_manifest_that_is_not_there_is_unknown(world: &World) {
    for reference in ["nowhere", ".INVALID_MANIFEST_NAME", sha256(b"nowhere").as_str()] {
        world.get(path(reference)).await.is_error(404, "MANIFEST_UNKNOWN");
        let head = world.head(path(reference)).await;
        head.is(StatusCode::NOT_FOUND);
        assert!(head.body.is_empty());
    }
    world.get(path("sha256:short")).await.is_error(400, "DIGEST_INVALID");
    world.get("/v2/no/such/manifests/latest").await.is_error(404, "NAME_UNKNOWN");
    world.get("/v2/No/manifests/latest").await.is_error(400, "NAME_INVALID");
}

pub async fn a_manifest_is_of_its_repository_alone(world: &World) {
    let digest = world.push_image("mine").await;
    for reference in ["mine", digest.as_str()] {
        world.get(format!("/v2/{THERE}/manifests/{reference}")).await.is_error(404, "MANIFEST_UNKNOWN");
    }
}

pub async fn a_manifest_is_pushed_by_its_digest_of_either_algorithm(world: &World) {
    let image = world.image("by digest").await;
    for digest in [sha256(image.to_string().as_bytes()), sha512(image.to_string().as_bytes())] {
        let answer = put(world, digest.as_str(), OCI_MANIFEST, &image).await;
        answer.is(StatusCode::CREATED);
        assert_eq!(answer.header(&CONTENT_DIGEST), digest.as_str());
        world.get(path(&digest)).await.is(StatusCode::OK);
    }
    put(world, sha256(b"other").as_str(), OCI_MANIFEST, &image).await.is_error(400, "DIGEST_INVALID");
}

pub async fn several_tags_are_set_with_one_push(world: &World) {
    let image = world.image("many").await;
    let digest = sha512(image.to_string().as_bytes());
    let tags: Vec<String> = (0..12).map(|number| format!("v{number}")).collect();
    let query = format!("tag=v0&tag={}", tags.join("&tag="));
    let answer = put(world, &format!("{digest}?{query}"), OCI_MANIFEST, &image).await;
    answer.is(StatusCode::CREATED);
    let said: Vec<_> = answer.headers.get_all(TAG).iter().map(|tag| tag.to_str().unwrap()).collect();
    assert_eq!(said, tags);
    for tag in &tags {
        assert_eq!(world.head(path(tag)).await.header(&CONTENT_DIGEST), digest.as_str());
    }
}

pub async fn tags_beside_a_tag_and_too_many_of_them_are_refused(world: &World) {
    let image = world.image("refused").await;
    put(world, "one?tag=two", OCI_MANIFEST, &image).await.is_error(400, "UNSUPPORTED");
    put(world, ".one", OCI_MANIFEST, &image).await.is_error(400, "MANIFEST_INVALID");
    let digest = sha256(image.to_string().as_bytes());
    put(world, &format!("{digest}?tag=.one"), OCI_MANIFEST, &image).await.is_error(400, "MANIFEST_INVALID");
    let query = (0..101).map(|number| format!("tag=v{number}")).collect::<Vec<_>>().join("&");
    put(world, &format!("{digest}?{query}"), OCI_MANIFEST, &image).await.is_error(414, "UNSUPPORTED");
    world.get(path("v0")).await.is_error(404, "MANIFEST_UNKNOWN");
}

pub async fn a_tag_moves_and_what_it_pointed_at_stays(world: &World) {
    let first = world.push_image("moving").await;
    world.get(path("moving")).await.is(StatusCode::OK);
    let image = world.image("second").await;
    put(world, "moving", OCI_MANIFEST, &image).await.is(StatusCode::CREATED);
    let second = sha256(image.to_string().as_bytes());
    assert_eq!(world.head(path("moving")).await.header(&CONTENT_DIGEST), second.as_str());
    world.get(path(first)).await.is(StatusCode::OK);
}

pub async fn the_same_manifest_pushed_again_is_well(world: &World) {
    let image = world.image("again").await;
    for _ in 0..2 {
        put(world, "again", OCI_MANIFEST, &image).await.is(StatusCode::CREATED);
    }
}

pub async fn a_document_that_is_no_manifest_is_refused(world: &World) {
    let image = world.image("wrong").await;
    let nested = format!("{{\"schemaVersion\":2,\"x\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    for payload in ["", "{", "[]", "null", "\"text\"", "{}", &nested] {
        world.push_manifest("wrong", OCI_MANIFEST, payload.to_owned()).await.is_error(400, "MANIFEST_INVALID");
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
        put(world, "wrong", OCI_MANIFEST, &manifest).await.is_error(400, "MANIFEST_INVALID");
    }
    let both = with(json!({ "schemaVersion": 2, "manifests": [] }), "layers", json!([]));
    put(world, "wrong", OCI_INDEX, &both).await.is_error(400, "MANIFEST_INVALID");
    put(world, "wrong", "application/json", &image).await.is_error(400, "MANIFEST_INVALID");
    let old = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    put(world, "wrong", old, &image).await.is_error(400, "UNSUPPORTED");
    world.get(path("wrong")).await.is_error(404, "MANIFEST_UNKNOWN");
}

pub async fn a_manifest_without_a_content_type_is_what_it_says(world: &World) {
    let image = world.image("untyped").await;
    let mut shaped = image.clone();
    shaped.as_object_mut().unwrap().remove("mediaType");
    let docker = with(image.clone(), "mediaType", json!(DOCKER_MANIFEST));
    let index = json!({ "schemaVersion": 2, "manifests": [] });
    for (manifest, media_type) in
        [(image, OCI_MANIFEST), (shaped, OCI_MANIFEST), (docker, DOCKER_MANIFEST), (index, OCI_INDEX)]
    {
        world.ask(Method::PUT, path("untyped")).body(manifest.to_string()).send().await.is(StatusCode::CREATED);
        assert_eq!(world.get(path("untyped")).await.header(&CONTENT_TYPE), media_type);
    }
}

pub async fn a_manifest_of_four_mebibytes_is_taken_and_one_byte_more_is_not(world: &World) {
    let image = world.image("large").await;
    let empty = with(image.clone(), "annotations", json!({ "filler": "" })).to_string();
    let filled =
        |length: usize| with(image.clone(), "annotations", json!({ "filler": "x".repeat(length) })).to_string();
    let room = (4 << 20) - empty.len();
    let payload = filled(room);
    world.push_manifest("large", OCI_MANIFEST, payload.clone()).await.is(StatusCode::CREATED);
    assert_eq!(world.get(path("large")).await.body, payload);
    let larger = filled(room + 1);
    world.push_manifest("larger", OCI_MANIFEST, larger.clone()).await.is_error(413, "MANIFEST_INVALID");
    let streamed = world.ask(Method::PUT, path("larger")).with(CONTENT_TYPE, OCI_MANIFEST);
    streamed.streamed([Some(larger.into())]).send().await.is_error(413, "MANIFEST_INVALID");
}

pub async fn every_missing_blob_is_named(world: &World) {
    let (config, layer) = (sha256(b"no config"), sha256(b"no layer"));
    let manifest = json!({
        "schemaVersion": 2,
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config, 9),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer, 8)],
    });
    let answer = put(world, "hollow", OCI_MANIFEST, &manifest).await;
    answer.is_error(400, "MANIFEST_BLOB_UNKNOWN");
    let mut named: Vec<String> = Vec::new();
    for error in answer.json()["errors"].as_array().unwrap() {
        named.push(error["detail"]["digest"].as_str().unwrap().to_owned());
    }
    named.sort();
    let mut missing = [config.to_string(), layer.to_string()];
    missing.sort();
    assert_eq!(named, missing);
    world.push_blob(THERE, "no config").await;
    world.push_blob(THERE, "no layer").await;
    put(world, "hollow", OCI_MANIFEST, &manifest).await.is_error(400, "MANIFEST_BLOB_UNKNOWN");
    world.get(path("hollow")).await.is_error(404, "MANIFEST_UNKNOWN");
}

pub async fn a_size_that_is_not_the_blobs_is_refused(world: &World) {
    let mut image = world.image("sized").await;
    image["layers"][0]["size"] = json!(99_999);
    put(world, "sized", OCI_MANIFEST, &image).await.is_error(400, "MANIFEST_INVALID");
}

pub async fn an_index_needs_its_manifests(world: &World) {
    let image = world.image("child").await.to_string();
    let child = descriptor(OCI_MANIFEST, &sha256(image.as_bytes()), image.len());
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child] });
    put(world, "index", OCI_INDEX, &index).await.is_error(400, "MANIFEST_BLOB_UNKNOWN");
    world.push_manifest("child", OCI_MANIFEST, image).await.is(StatusCode::CREATED);
    put(world, "index", OCI_INDEX, &index).await.is(StatusCode::CREATED);
    let list = with(index, "mediaType", json!(DOCKER_LIST));
    put(world, "list", DOCKER_LIST, &list).await.is(StatusCode::CREATED);
    assert_eq!(world.get(path("list")).await.header(&CONTENT_TYPE), DOCKER_LIST);
}

pub async fn a_build_cache_may_list_its_layers_in_an_index(world: &World) {
    let (layer, config) = (world.push_blob(HERE, "cached layer").await, world.push_blob(HERE, "{}").await);
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &layer, 12),
        descriptor("application/vnd.buildkit.cacheconfig.v0", &config, 2),
    ] });
    put(world, "cache", OCI_INDEX, &index).await.is(StatusCode::CREATED);
    world.delete(format!("/v2/{HERE}/blobs/{layer}")).await.is_error(405, "UNSUPPORTED");
}

pub async fn a_foreign_layer_need_not_be_here(world: &World) {
    let mut image = world.image("foreign").await;
    for media_type in [
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ] {
        let mut layer = descriptor(media_type, &sha256(b"elsewhere"), 9);
        layer["urls"] = json!(["https://example.com/layer"]);
        image["layers"][0] = layer;
        put(world, "foreign", OCI_MANIFEST, &image).await.is(StatusCode::CREATED);
        image["layers"][0]["urls"] = json!(["file:///etc/passwd"]);
        put(world, "foreign", OCI_MANIFEST, &image).await.is_error(400, "MANIFEST_INVALID");
    }
}

pub async fn a_subject_need_not_be_here_and_is_echoed(world: &World) {
    let subject = sha256(b"not pushed yet");
    let subject_json = descriptor(OCI_MANIFEST, &subject, 14);
    let image = with(world.image("signature").await, "subject", subject_json.clone());
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "subject": subject_json });
    for (manifest, media_type) in [(image, OCI_MANIFEST), (index, OCI_INDEX)] {
        let answer = put(world, "about", media_type, &manifest).await;
        answer.is(StatusCode::CREATED);
        assert_eq!(answer.header(&SUBJECT), subject.as_str());
    }
}

pub async fn a_conditional_push_waits_for_nothing_and_overwrites_nothing(world: &World) {
    let (first, second) = (world.image("first").await, world.image("second").await);
    let push = |manifest: &Value, reference: &str, name, value: String| {
        let ask = world.ask(Method::PUT, path(reference)).with(CONTENT_TYPE, OCI_MANIFEST);
        ask.with(name, value).body(manifest.to_string()).send()
    };
    let etag = |manifest: &Value| format!("\"{}\"", sha256(manifest.to_string().as_bytes()));
    push(&first, "cas", IF_MATCH, etag(&first)).await.is_error(412, "DENIED");
    push(&first, "cas", IF_NONE_MATCH, "*".to_owned()).await.is(StatusCode::CREATED);
    push(&second, "cas", IF_NONE_MATCH, "*".to_owned()).await.is_error(412, "DENIED");
    push(&second, "cas", IF_MATCH, etag(&second)).await.is_error(412, "DENIED");
    assert_eq!(world.get(path("cas")).await.body, first.to_string());
    push(&second, "cas", IF_MATCH, etag(&first)).await.is(StatusCode::CREATED);
    assert_eq!(world.get(path("cas")).await.body, second.to_string());
    let digest = sha256(first.to_string().as_bytes());
    push(&first, digest.as_str(), IF_NONE_MATCH, "*".to_owned()).await.is_error(412, "DENIED");
}

pub async fn a_deleted_tag_takes_nothing_with_it(world: &World) {
    let digest = world.push_image("gone").await;
    let image = world.get(path("gone")).await.body;
    world.push_manifest("stays", OCI_MANIFEST, image).await.is(StatusCode::CREATED);
    world.delete(path("gone")).await.is(StatusCode::ACCEPTED);
    world.get(path("gone")).await.is_error(404, "MANIFEST_UNKNOWN");
    world.delete(path("gone")).await.is_error(404, "MANIFEST_UNKNOWN");
    for reference in ["stays", digest.as_str()] {
        world.get(path(reference)).await.is(StatusCode::OK);
    }
}

pub async fn a_deleted_manifest_takes_its_tags_with_it(world: &World) {
    let digest = world.push_image("one").await;
    let other = world.push_image("other").await;
    let image = world.get(path("one")).await.body;
    world.push_manifest("two", OCI_MANIFEST, image).await.is(StatusCode::CREATED);
    world.delete(path(&digest)).await.is(StatusCode::ACCEPTED);
    for reference in ["one", "two", digest.as_str()] {
        world.get(path(reference)).await.is_error(404, "MANIFEST_UNKNOWN");
    }
    world.delete(path(&digest)).await.is_error(404, "MANIFEST_UNKNOWN");
    world.get(path(&other)).await.is(StatusCode::OK);
    assert_eq!(world.get(format!("/v2/{HERE}/tags/list")).await.json()["tags"], json!(["other"]));
}
