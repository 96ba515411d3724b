//! Requirements on lists: tags, referrers and their pages.

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderName, LINK};
use serde_json::{Value, json};

use super::{REPOSITORY, TestRegistry, TestResponse, descriptor, sha256};
use crate::Limits;
use crate::document::{OCI_INDEX, OCI_MANIFEST};

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// Returns the target of the link to the next page.
fn next_of(response: &TestResponse) -> Option<String> {
    let link = response.headers.get(LINK)?.to_str().unwrap();
    let target = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
    Some(target.unwrap().to_owned())
}

/// Returns all items of a list, from all of its pages.
async fn collect(registry: &TestRegistry, first: String, key: &str) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), Some(first));
    while let Some(path) = next {
        let response = registry.get(path).await;
        response.is(StatusCode::OK);
        all.extend(response.json()[key].as_array().unwrap().iter().cloned());
        next = next_of(&response);
    }
    all
}

pub async fn tags_are_listed_in_byte_order(registry: &TestRegistry) {
    for tag in ["b", "a", "Z", "_", "a1", "0"] {
        registry.push_image(tag).await;
    }
    let response = registry.get(format!("/v2/{REPOSITORY}/tags/list")).await;
    response.is(StatusCode::OK);
    assert_eq!(response.json(), json!({ "name": REPOSITORY, "tags": ["0", "Z", "_", "a", "a1", "b"] }));
    assert_eq!(next_of(&response), None);
}

pub async fn a_repository_without_tags_has_an_empty_list(registry: &TestRegistry) {
    let response = registry.get(format!("/v2/{REPOSITORY}/tags/list")).await;
    response.is(StatusCode::OK);
    assert_eq!(response.json()["tags"], json!([]));
    registry.get("/v2/no/such/tags/list").await.is_error(404, "NAME_UNKNOWN");
}

pub async fn pages_of_tags_make_up_the_whole(registry: &TestRegistry) {
    let image = registry.image("paged").await.to_string();
    let digest = sha256(image.as_bytes());
    let tags: Vec<String> = (0..23).map(|number| format!("tag-{number:02}")).collect();
    let query = format!("tag={}", tags.join("&tag="));
    registry.push_manifest(&format!("{digest}?{query}"), OCI_MANIFEST, image).await.is(StatusCode::CREATED);
    for size in [1, 7, 22, 23, 24] {
        let listed = collect(registry, format!("/v2/{REPOSITORY}/tags/list?n={size}"), "tags").await;
        assert_eq!(listed, tags, "{size}");
    }
    let after = registry.get(format!("/v2/{REPOSITORY}/tags/list?n=2&last=tag-20-not-there")).await;
    assert_eq!(after.json()["tags"], json!(["tag-21", "tag-22"]));
    assert_eq!(next_of(&after), None);
}

pub async fn a_page_of_no_tags_is_empty_and_a_page_of_nonsense_refused(registry: &TestRegistry) {
    registry.push_image("only").await;
    let none = registry.get(format!("/v2/{REPOSITORY}/tags/list?n=0")).await;
    none.is(StatusCode::OK);
    assert_eq!(none.json()["tags"], json!([]));
    assert_eq!(next_of(&none), None);
    for size in ["x", "-1", "1.5", "+1", "99999999999999999999999"] {
        registry.get(format!("/v2/{REPOSITORY}/tags/list?n={size}")).await.is_error(400, "UNSUPPORTED");
    }
    let many = registry.get(format!("/v2/{REPOSITORY}/tags/list?n=1000000")).await;
    assert_eq!(many.json()["tags"], json!(["only"]));
}

pub async fn a_page_larger_than_is_given_is_cut_and_says_where_to_go_on(registry: &TestRegistry) {
    let image = registry.image("many").await.to_string();
    let tags: Vec<String> = (0..7).map(|number| format!("v{number}")).collect();
    let reference = format!("{}?tag={}", sha256(image.as_bytes()), tags.join("&tag="));
    registry.push_manifest(&reference, OCI_MANIFEST, image).await.is(StatusCode::CREATED);
    let small = registry.with_limits(Limits { page: 3, ..Limits::default() });
    for query in ["", "?n=1000"] {
        let first = small.get(format!("/v2/{REPOSITORY}/tags/list{query}")).await;
        assert_eq!(first.json()["tags"], json!(["v0", "v1", "v2"]));
        assert_eq!(next_of(&first).unwrap(), format!("/v2/{REPOSITORY}/tags/list?n=3&last=v2"));
        assert_eq!(collect(&small, format!("/v2/{REPOSITORY}/tags/list{query}"), "tags").await, tags);
    }
}

pub async fn an_engine_tells_which_extensions_it_has(registry: &TestRegistry) {
    let response = registry.get(format!("/v2/{REPOSITORY}/_oci/ext/discover")).await;
    response.is(StatusCode::OK);
    assert!(response.json()["extensions"].is_array());
}

/// Pushes a manifest whose subject is `subject`, and returns its descriptor.
async fn push_about(registry: &TestRegistry, subject: &Value, marker: &str, artifact_type: Option<&str>) -> Value {
    let mut manifest = registry.image(marker).await;
    manifest["subject"] = subject.clone();
    manifest["annotations"] = json!({ "marker": marker });
    if let Some(artifact_type) = artifact_type {
        manifest["artifactType"] = json!(artifact_type);
    }
    let payload = manifest.to_string();
    let digest = sha256(payload.as_bytes());
    let response = registry.push_manifest(digest.as_str(), OCI_MANIFEST, payload.clone()).await;
    response.is(StatusCode::CREATED);
    let shown = artifact_type.unwrap_or("application/vnd.oci.image.config.v1+json");
    let mut listed = descriptor(OCI_MANIFEST, &digest, payload.len());
    listed["artifactType"] = json!(shown);
    listed["annotations"] = json!({ "marker": marker });
    listed
}

pub async fn referrers_are_listed_with_their_types_and_annotations(registry: &TestRegistry) {
    let digest = registry.push_image("subject").await;
    let size = registry.get(format!("/v2/{REPOSITORY}/manifests/{digest}")).await.body.len();
    let subject = descriptor(OCI_MANIFEST, &digest, size);
    let mut expected = vec![
        push_about(registry, &subject, "sbom", Some("application/vnd.sbom+json")).await,
        push_about(registry, &subject, "plain", None).await,
    ];
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "subject": subject }).to_string();
    let index_digest = sha256(index.as_bytes());
    registry.push_manifest(index_digest.as_str(), OCI_INDEX, index.clone()).await.is(StatusCode::CREATED);
    expected.push(descriptor(OCI_INDEX, &index_digest, index.len()));
    expected.sort_by_key(|entry| entry["digest"].to_string());
    let path = format!("/v2/{REPOSITORY}/referrers/{digest}");
    let response = registry.get(&path).await;
    response.is(StatusCode::OK);
    assert_eq!(response.header(&CONTENT_TYPE), OCI_INDEX);
    assert_eq!(response.json(), json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": expected }));
    assert!(!response.headers.contains_key(FILTERS_APPLIED));
    assert_eq!(collect(registry, format!("{path}?n=1"), "manifests").await, expected);
    let filtered = registry.get(format!("{path}?artifactType=application/vnd.sbom%2Bjson")).await;
    assert_eq!(filtered.header(&FILTERS_APPLIED), "artifactType");
    let sbom = expected.iter().filter(|entry| entry["artifactType"] == "application/vnd.sbom+json");
    assert_eq!(filtered.json()["manifests"], json!(sbom.collect::<Vec<_>>()));
}

pub async fn pages_of_referrers_of_one_type_make_up_the_whole(registry: &TestRegistry) {
    let subject = descriptor(OCI_MANIFEST, &sha256(b"signed"), 6);
    let kind = "application/vnd.sbom+json";
    let mut expected = Vec::new();
    for number in 0..5 {
        expected.push(push_about(registry, &subject, &format!("sbom {number}"), Some(kind)).await);
        push_about(registry, &subject, &format!("other {number}"), Some("application/other")).await;
    }
    expected.sort_by_key(|entry| entry["digest"].to_string());
    let path = format!("/v2/{REPOSITORY}/referrers/{}?artifactType={}", sha256(b"signed"), kind.replace('+', "%2B"));
    for size in [1, 2, 5] {
        assert_eq!(collect(registry, format!("{path}&n={size}"), "manifests").await, expected, "{size}");
    }
}

pub async fn what_nothing_refers_to_has_an_empty_list(registry: &TestRegistry) {
    let digest = sha256(b"nothing");
    for repository in [REPOSITORY, "no/such"] {
        let response = registry.get(format!("/v2/{repository}/referrers/{digest}?artifactType=a/b")).await;
        response.is(StatusCode::OK);
        assert_eq!(response.header(&CONTENT_TYPE), OCI_INDEX);
        assert_eq!(response.header(&FILTERS_APPLIED), "artifactType");
        assert_eq!(response.json(), json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [] }));
    }
    registry.get(format!("/v2/{REPOSITORY}/referrers/sha256:short")).await.is_error(400, "DIGEST_INVALID");
}

pub async fn a_referrer_that_is_deleted_is_listed_no_more(registry: &TestRegistry) {
    let subject = descriptor(OCI_MANIFEST, &sha256(b"subject"), 7);
    let about = push_about(registry, &subject, "short-lived", None).await;
    let path = format!("/v2/{REPOSITORY}/referrers/{}", sha256(b"subject"));
    assert_eq!(registry.get(&path).await.json()["manifests"], json!([about]));
    let manifest = format!("/v2/{REPOSITORY}/manifests/{}", about["digest"].as_str().unwrap());
    registry.delete(manifest).await.is(StatusCode::ACCEPTED);
    assert_eq!(registry.get(&path).await.json()["manifests"], json!([]));
}
