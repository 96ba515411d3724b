//! Tests of the request parser: every known path, and many unknown ones.

use http::header::CONTENT_RANGE;
use http::{HeaderMap, HeaderValue, Method};
use model::oci::{Algorithm, Digest, Reference, RepositoryName, Tag};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use uuid::Uuid;

use super::{ContentRange, Operation, Page, Request};
use crate::error::Error;

fn parse(method: &Method, target: &str) -> Result<Request, Error> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    Request::parse(method, path, query, &HeaderMap::new())
}

/// Returns the request that a client would send; the reverse of parsing.
fn written(request: &Request) -> (Method, String, HeaderMap) {
    let mut headers = HeaderMap::new();
    let mut ranged = |range: &Option<ContentRange>| {
        if let Some(ContentRange { first, last }) = range {
            headers.insert(CONTENT_RANGE, HeaderValue::from_str(&format!("{first}-{last}")).unwrap());
        }
    };
    let read = |head: bool| if head { Method::HEAD } else { Method::GET };
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let page = |page: &Page| {
        let limit = page.limit.map(|limit| format!("&n={limit}")).unwrap_or_default();
        format!("{limit}{}", page.last.as_deref().map(|last| format!("&last={}", encode(last))).unwrap_or_default())
    };
    let (name, operation) = match request {
        Request::Base => return (Method::GET, "/v2/".to_owned(), headers),
        Request::Catalog(wanted) => return (Method::GET, format!("/v2/_catalog?{}", page(wanted)), headers),
        Request::Discover => return (Method::GET, "/v2/_oci/ext/discover".to_owned(), headers),
        Request::Repository { name, operation } => (name, operation),
    };
    let (method, rest) = match operation {
        Operation::Discover => (Method::GET, "_oci/ext/discover".to_owned()),
        Operation::GetBlob { digest, head } => (read(*head), format!("blobs/{digest}")),
        Operation::DeleteBlob(digest) => (Method::DELETE, format!("blobs/{digest}")),
        Operation::GetManifest { reference, head } => (read(*head), format!("manifests/{reference}")),
        Operation::PutManifest { reference, tags } => {
            let tags: Vec<_> = tags.iter().map(|tag| format!("tag={tag}")).collect();
            (Method::PUT, format!("manifests/{reference}?{}", tags.join("&")))
        }
        Operation::DeleteManifest(reference) => (Method::DELETE, format!("manifests/{reference}")),
        Operation::StartUpload { digest: Some(digest), .. } => {
            (Method::POST, format!("blobs/uploads/?digest={}", encode(digest.as_str())))
        }
        Operation::StartUpload { digest: None, algorithm } => {
            (Method::POST, format!("blobs/uploads/?digest-algorithm={}", algorithm.as_str()))
        }
        Operation::MountBlob { digest, from, algorithm } => {
            let from = from.as_ref().map(|from| format!("&from={}", encode(from.as_str()))).unwrap_or_default();
            let algorithm = algorithm.as_str();
            (Method::POST, format!("blobs/uploads/?mount={digest}{from}&digest-algorithm={algorithm}"))
        }
        Operation::UploadStatus(id) => (Method::GET, format!("blobs/uploads/{id}")),
        Operation::AppendUpload { upload, range } => {
            ranged(range);
            (Method::PATCH, format!("blobs/uploads/{upload}?_state=opaque"))
        }
        Operation::CloseUpload { upload, digest, range } => {
            ranged(range);
            (Method::PUT, format!("blobs/uploads/{upload}?_state=a%20b&digest={digest}"))
        }
        Operation::CancelUpload(id) => (Method::DELETE, format!("blobs/uploads/{id}")),
        Operation::ListTags(wanted) => (Method::GET, format!("tags/list?{}", page(wanted))),
        Operation::ListReferrers { subject, artifact_type, page: wanted } => {
            let kind = artifact_type.as_deref().map(|kind| format!("artifactType={}", encode(kind)));
            (Method::GET, format!("referrers/{subject}?{}{}", kind.unwrap_or_default(), page(wanted)))
        }
    };
    (method, format!("/v2/{name}/{rest}"), headers)
}

/// Generates repository names that resemble the fixed parts of paths as closely as possible.
fn name() -> impl Strategy<Value = RepositoryName> {
    let word = prop_oneof![
        Just("blobs"),
        Just("uploads"),
        Just("manifests"),
        Just("tags"),
        Just("list"),
        Just("referrers"),
        Just("ext"),
        Just("discover"),
        Just("v2"),
        Just("a"),
        Just("b-c.d__e"),
    ];
    prop::collection::vec(word, 1..6).prop_map(|words| RepositoryName::parse(&words.join("/")).unwrap())
}

fn digest() -> impl Strategy<Value = Digest> {
    prop_oneof![
        "[0-9a-f]{64}".prop_map(|hex| format!("sha256:{hex}")),
        "[0-9a-f]{128}".prop_map(|hex| format!("sha512:{hex}"))
    ]
    .prop_map(|text| Digest::parse(&text).unwrap())
}

fn tag() -> impl Strategy<Value = Tag> {
    prop_oneof!["[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}", Just("list".to_owned()), Just("uploads".to_owned())]
        .prop_map(|text| Tag::parse(&text).unwrap())
}

fn page() -> impl Strategy<Value = Page> {
    (any::<Option<u64>>(), prop::option::of("[ -~é]{1,20}")).prop_map(|(limit, last)| Page { limit, last })
}

fn range() -> impl Strategy<Value = Option<ContentRange>> {
    prop::option::of((0..1_000_000_u64, 0..1_000_000_u64))
        .prop_map(|range| range.map(|(first, more)| ContentRange { first, last: first + more }))
}

fn operation() -> impl Strategy<Value = Operation> {
    let reference = || prop_oneof![tag().prop_map(Reference::Tag), digest().prop_map(Reference::Digest)];
    let algorithm = || prop_oneof![Just(Algorithm::Sha256), Just(Algorithm::Sha512)];
    let id = || any::<u128>().prop_map(Uuid::from_u128);
    prop_oneof![
        Just(Operation::Discover),
        (digest(), any::<bool>()).prop_map(|(digest, head)| Operation::GetBlob { digest, head }),
        digest().prop_map(Operation::DeleteBlob),
        (reference(), any::<bool>()).prop_map(|(reference, head)| Operation::GetManifest { reference, head }),
        tag().prop_map(|tag| Operation::PutManifest { reference: Reference::Tag(tag), tags: Vec::new() }),
        (digest(), prop::collection::btree_set(tag(), 0..12)).prop_map(|(digest, tags)| Operation::PutManifest {
            reference: Reference::Digest(digest),
            tags: tags.into_iter().collect(),
        }),
        reference().prop_map(Operation::DeleteManifest),
        digest().prop_map(|digest| Operation::StartUpload { algorithm: digest.algorithm(), digest: Some(digest) }),
        algorithm().prop_map(|algorithm| Operation::StartUpload { digest: None, algorithm }),
        (digest(), prop::option::of(name()), algorithm()).prop_map(|(digest, from, algorithm)| Operation::MountBlob {
            digest,
            from,
            algorithm
        }),
        id().prop_map(Operation::UploadStatus),
        (id(), range()).prop_map(|(upload, range)| Operation::AppendUpload { upload, range }),
        (id(), digest(), range()).prop_map(|(upload, digest, range)| Operation::CloseUpload { upload, digest, range }),
        id().prop_map(Operation::CancelUpload),
        page().prop_map(Operation::ListTags),
        (digest(), prop::option::of("[a-z+./]{1,20}"), page())
            .prop_map(|(subject, artifact_type, page)| Operation::ListReferrers { subject, artifact_type, page }),
    ]
}

proptest! {
    #[test]
    fn what_a_client_writes_is_what_is_read(name in name(), operation in operation()) {
        let request = Request::Repository { name, operation };
        let (method, target, headers) = written(&request);
        let (path, query) = target.split_once('?').map_or((&*target, None), |(path, query)| (path, Some(query)));
        prop_assert_eq!(Request::parse(&method, path, query, &headers).unwrap(), request);
    }

    #[test]
    fn nothing_makes_the_parser_panic(
        rest in "[a-z0-9/_.:%?&=+ é-]{0,80}", query in "\\PC{0,60}", range in "[0-9-]{0,50}", method in 0..6_usize,
    ) {
        let method = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE][method].clone();
        let headers = HeaderMap::from_iter([(CONTENT_RANGE, HeaderValue::from_str(&range).unwrap())]);
        let _ = Request::parse(&method, &format!("/v2/{rest}"), Some(&query), &headers);
    }

    #[test]
    fn a_content_range_is_never_empty(text in "[0-9]{0,21}-[0-9]{0,21}") {
        if let Some(range) = ContentRange::parse(&text) {
            prop_assert!(range.length() > 0);
        }
    }
}

#[test]
fn lists_at_the_root_are_known() {
    for request in
        [Request::Base, Request::Discover, Request::Catalog(Page { limit: Some(5), last: Some("a/b".into()) })]
    {
        let (method, target, _) = written(&request);
        assert_eq!(parse(&method, &target).unwrap(), request);
        assert_eq!(parse(&Method::HEAD, &target).unwrap(), request);
    }
}

#[test]
fn a_repository_may_be_called_like_a_path() {
    for (target, expected) in [
        ("/v2/a/blobs/b/manifests/c", "a/blobs/b"),
        ("/v2/x/tags/tags/list", "x/tags"),
        ("/v2/manifests/manifests/manifests", "manifests"),
        ("/v2/a/blobs/uploads/tags/list", "a/blobs/uploads"),
        ("/v2/a/manifests/tags/list", "a/manifests"),
        ("/v2/a%2Fb/tags/list", "a/b"),
    ] {
        assert_eq!(parse(&Method::GET, target).unwrap().repository().unwrap().as_str(), expected, "{target}");
    }
}

#[test]
fn a_known_path_with_another_method_says_which_it_has() {
    let digest = format!("sha256:{}", "0".repeat(64));
    for (method, target, allowed) in [
        (Method::POST, "/v2/".to_owned(), "GET, HEAD"),
        (Method::DELETE, "/v2/_catalog".to_owned(), "GET, HEAD"),
        (Method::PUT, format!("/v2/a/blobs/{digest}"), "GET, HEAD, DELETE"),
        (Method::POST, "/v2/a/manifests/b".to_owned(), "GET, HEAD, PUT, DELETE"),
        (Method::GET, "/v2/a/blobs/uploads/".to_owned(), "POST"),
        (Method::POST, format!("/v2/a/blobs/uploads/{}", Uuid::nil()), "GET, HEAD, PATCH, PUT, DELETE"),
        (Method::POST, "/v2/a/tags/list".to_owned(), "GET, HEAD"),
        (Method::PUT, format!("/v2/a/referrers/{digest}"), "GET, HEAD"),
    ] {
        assert!(matches!(parse(&method, &target), Err(Error::MethodNotAllowed(said)) if said == allowed), "{target}");
    }
}

#[test]
fn what_is_no_path_of_ours_is_nothing() {
    for target in ["/v2", "/v1/x", "/v2/a", "/v2/a/b", "/v2/a/tags", "/v2/a/unknown/b", "/v2/%FF/tags/list"] {
        assert!(matches!(parse(&Method::GET, target), Err(Error::EndpointUnknown)), "{target}");
    }
    for target in ["/v2//tags/list", "/v2/A/tags/list", "/v2/a//b/tags/list", "/v2/../tags/list"] {
        assert!(matches!(parse(&Method::GET, target), Err(Error::NameInvalid)), "{target}");
    }
}

#[test]
fn a_mount_tells_where_it_would_read() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let request = parse(&Method::POST, &format!("/v2/a/b/blobs/uploads/?from=c/d&ns=x&mount={digest}")).unwrap();
    assert_eq!(request.mount_source().unwrap().as_str(), "c/d");
    assert_eq!(request.repository().unwrap().as_str(), "a/b");
}
