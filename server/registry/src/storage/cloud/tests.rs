//! Tests of object stores: all requirements against a store in memory and against the servers that
//! `PORTOLAN_TEST_STORAGES` names, and what happens when a store fails.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, LOCATION};
use opendal::services;
use serde::Deserialize;

use super::*;
use crate::Limits;
use crate::testing::memory::MemoryLedger;
use crate::testing::storages::{append, load, pattern};
use crate::testing::{REPOSITORY, TestRegistry};

fn in_memory() -> Operator {
    Operator::new(services::Memory::default()).unwrap()
}

/// A server for tests.
#[derive(Deserialize)]
struct Server {
    url: String,
    options: BTreeMap<String, String>,
}

/// Returns an empty storage in the server of this service, unless there is none.
fn server(service: &str) -> Option<(Cloud, ())> {
    let servers = std::env::var("PORTOLAN_TEST_STORAGES").ok()?;
    let servers: BTreeMap<String, Server> = serde_json::from_str(&servers).unwrap();
    let Server { url, options } = servers.get(service)?;
    let cloud = Cloud::open(&format!("{url}/{}/", Uuid::now_v7()), options, service != "gcs").unwrap();
    Some((cloud, ()))
}

mod memory {
    use super::*;

    crate::storage_requirements!(async { Some((Cloud::new(Source::Fixed(in_memory()), Redirects::Never), ())) });
}

mod s3 {
    use super::*;

    crate::storage_requirements!(async { server("s3") });
}

mod azblob {
    use super::*;

    crate::storage_requirements!(async { server("azblob") });
}

mod gcs {
    use super::*;

    crate::storage_requirements!(async { server("gcs") });
}

mod swift {
    use super::*;

    crate::storage_requirements!(async { server("swift") });
}

mod oss {
    use super::*;

    crate::storage_requirements!(async { server("oss") });
}

/// Sends a request to a URL of a store.
async fn send(method: reqwest::Method, url: &str, range: &str, body: &'static str) -> (u16, Bytes) {
    let request = reqwest::Client::new().request(method, url).header("range", range).body(body);
    let response = request.header("x-ms-blob-type", "BlockBlob").send().await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap())
}

#[tokio::test]
async fn a_url_of_a_store_reads_an_object_in_ranges_and_does_nothing_else() {
    for service in ["s3", "azblob", "swift", "oss"] {
        let Some((cloud, ())) = server(service) else { continue };
        let segment = append(&cloud, Uuid::now_v7(), &[], &pattern(1000), 1000).await.remove(0);
        let now = timestamp_now();
        let url = cloud.read_url(&segment.key, now).await.unwrap();
        assert_eq!(send(reqwest::Method::GET, &url, "bytes=10-19", "").await, (206, pattern(1000).slice(10..20)));
        if service != "oss" {
            for method in [reqwest::Method::PUT, reqwest::Method::DELETE] {
                let (status, _) = send(method.clone(), &url, "", "other").await;
                assert!(matches!(status, 401 | 403), "{service} {method}: {status}");
            }
            let other = url.replacen(&segment.key, &segment.key.replace(char::is_numeric, "0"), 1);
            let (status, _) = send(reqwest::Method::GET, &other, "bytes=0-1", "").await;
            assert!(matches!(status, 401 | 403), "{service}: {status}");
        }
        assert_eq!(load(&cloud, &[segment], 0..1000).await.unwrap(), pattern(1000));
        assert_eq!(cloud.read_url("../outside", now).await, None);
    }
}

#[tokio::test]
async fn a_blob_is_downloaded_from_the_store_itself() {
    // The clock of this registry is not that of the store, with which Azure compares the time in a URL.
    for service in ["s3", "swift", "oss"] {
        let Some((cloud, ())) = server(service) else { continue };
        let registry = TestRegistry::new(Arc::new(MemoryLedger::default())).await;
        let registry = registry.with_engine(Arc::new(cloud), Limits::default());
        let digest = registry.push_blob(REPOSITORY, pattern(1000)).await;
        let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
        let response = registry.get(&path).await;
        response.is(StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(response.header(&CACHE_CONTROL), "no-store");
        let url = response.header(&LOCATION);
        assert_eq!(send(reqwest::Method::GET, url, "bytes=0-999", "").await.1, pattern(1000), "{service}");
        registry.head(&path).await.is(StatusCode::OK);
        let empty = registry.push_blob(REPOSITORY, "").await;
        registry.get(format!("/v2/{REPOSITORY}/blobs/{empty}")).await.is(StatusCode::OK);
    }
}

#[tokio::test]
async fn large_objects_of_swift_are_deleted_with_their_segments() {
    let Some((cloud, ())) = server("swift") else { return };
    let Source::Swift(swift) = &*cloud.source else { panic!("not Swift") };
    let segments = append(&cloud, Uuid::now_v7(), &[], &pattern(3 * writer::PART), 1 << 20).await;
    let parts = async || {
        let all = swift.at_root().await.lister_with(".segments/").recursive(true).await.unwrap();
        let keys: Vec<String> = all.map_ok(|entry| entry.path().to_owned()).try_collect().await.unwrap();
        keys.into_iter().filter(|key| key.contains(&segments[0].key)).count()
    };
    assert_eq!(parts().await, 3);
    cloud.delete(&segments[0].key).await.unwrap();
    assert_eq!(parts().await, 0);
}

/// The stores compare the time in a URL with their clocks.
fn timestamp_now() -> Timestamp {
    model::clock::Clock::system().now()
}

#[tokio::test]
async fn a_long_upload_becomes_several_objects_and_its_memory_is_bounded() {
    let storage = Cloud::new(Source::Fixed(in_memory()), Redirects::Never);
    let piece = pattern(writer::PART);
    let segments = append(&storage, Uuid::now_v7(), &[], &piece.repeat(3), 1 << 20).await;
    assert_eq!(segments.len(), 1);
    let next = append(&storage, Uuid::now_v7(), &segments, b"more", 4).await;
    assert_eq!(next.len(), 2, "a large object is not written again");
    assert!(load(&storage, &next, 0..4 + 3 * (8 << 20)).await.unwrap()[3 * (8 << 20)..] == *b"more");
}

#[test]
fn an_address_or_an_option_that_is_wrong_is_refused() {
    let open = |url: &str, options: &[(&str, &str)]| {
        let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Cloud::open(url, &options, false).err().map(|error| error.to_string())
    };
    for url in ["", "s3", "s3://", "ftp://bucket", "bucket", "s3://bucket/a b", "s3://bucket/a//b", "s3://bucket/a?b"] {
        assert!(open(url, &[]).unwrap().contains("s3, azblob, gcs, swift, oss"), "{url}");
    }
    assert!(open("s3://bucket", &[("disable_config_load", "maybe")]).is_some());
    assert!(open("azblob://container", &[]).is_some(), "the endpoint is missing");
    assert_eq!(open("s3://bucket/prefix", &[("endpoint", "http://127.0.0.1:1")]), None);
}

/// Answers each request with what a function makes of its head. Returns the address, and the first lines of requests.
async fn serve(
    answer: impl Fn(&str) -> String + Send + Sync + 'static,
) -> (std::net::SocketAddr, Arc<Mutex<Vec<String>>>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (requests, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    let mut bytes = [0; 4096];
                    match stream.read(&mut bytes).await {
                        Ok(count) if count > 0 => head.extend_from_slice(&bytes[..count]),
                        _ => return,
                    }
                }
                let head = String::from_utf8_lossy(&head);
                seen.lock().unwrap().push(head.lines().next().unwrap_or_default().to_owned());
                let response = answer(&head);
                let _ = stream.write_all(response.as_bytes()).await;
            });
        }
    });
    (address, requests)
}

/// An S3 store that answers so.
async fn answering(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> (Cloud, Arc<Mutex<Vec<String>>>) {
    let (address, requests) = serve(answer).await;
    let options = [
        ("endpoint", format!("http://{address}")),
        ("access_key_id", "id".to_owned()),
        ("secret_access_key", "secret".to_owned()),
    ];
    let options = options.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    (Cloud::open("s3://bucket", &options, false).unwrap(), requests)
}

fn response(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

async fn write(cloud: &Cloud) -> Result<Vec<Segment>, StorageError> {
    let mut writer = cloud.writer(Uuid::now_v7(), Vec::new(), Lease::new(())).await?;
    writer.write(pattern(10)).await?;
    writer.finish().await
}

#[tokio::test]
async fn a_write_that_the_store_confirms_but_does_not_keep_is_an_error() {
    // HEAD says that there are fewer bytes than were written.
    let (cloud, _) = answering(|line| match line.split(' ').next() {
        Some("HEAD") => "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\n".to_owned(),
        _ => response("200 OK", "etag: \"e\"\r\n", ""),
    })
    .await;
    let error = write(&cloud).await.unwrap_err();
    assert!(
        matches!(&error, StorageError::Failed(reason) if reason.to_string().contains("9 bytes after 10")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_token_of_swift_is_renewed_after_half_of_its_life_and_when_it_is_refused() {
    let given = Arc::new(Mutex::new(0));
    let refused = Arc::new(Mutex::new(String::new()));
    let (count, no) = (Arc::clone(&given), Arc::clone(&refused));
    let (address, _) = serve(move |head| {
        if head.starts_with("GET /auth") {
            *count.lock().unwrap() += 1;
            let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
            let token = format!("token-{}", count.lock().unwrap());
            let url = format!("http://{host}/v1/account");
            let headers = format!("x-auth-token: {token}\r\nx-storage-url: {url}\r\nx-auth-token-expires: 2\r\n");
            return response("200 OK", &headers, "");
        }
        let no = no.lock().unwrap();
        if !no.is_empty() && head.to_lowercase().contains(&format!("x-auth-token: {no}")) {
            return "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned();
        }
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 7\r\n\r\n".to_owned()
    })
    .await;
    let options =
        [("auth_url", format!("http://{address}/auth")), ("auth_user", "u".to_owned()), ("auth_key", "k".to_owned())];
    let options = options.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let cloud = Cloud::open("swift://images", &options, false).unwrap();
    let key = key_of(Uuid::now_v7(), 0, Uuid::nil());
    let given = || *given.lock().unwrap();
    for _ in 0..3 {
        assert_eq!(cloud.length(&key).await.unwrap(), Some(7));
    }
    assert_eq!(given(), 1);
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert_eq!(cloud.length(&key).await.unwrap(), Some(7));
    assert_eq!(given(), 2);
    "token-2".clone_into(&mut refused.lock().unwrap());
    assert!(cloud.length(&key).await.is_err());
    assert_eq!(cloud.length(&key).await.unwrap(), Some(7));
    assert_eq!(given(), 3);
}

#[tokio::test]
async fn a_store_without_space_says_so() {
    let body = "<Error><Code>QuotaExceeded</Code><Message>no</Message></Error>";
    let (cloud, _) = answering(move |_| response("403 Forbidden", "", body)).await;
    assert!(matches!(write(&cloud).await, Err(StorageError::Full(_))));
    let (cloud, _) =
        answering(move |_| response("403 Forbidden", "", "<Error><Code>AccessDenied</Code></Error>")).await;
    assert!(matches!(write(&cloud).await, Err(StorageError::Failed(_))));
}

#[tokio::test]
async fn a_call_that_fails_for_a_moment_is_repeated() {
    let failures = Arc::new(Mutex::new(3));
    let left = Arc::clone(&failures);
    let (cloud, requests) = answering(move |line| {
        let mut left = left.lock().unwrap();
        if *left > 0 {
            *left -= 1;
            return response("503 Slow Down", "", "<Error><Code>SlowDown</Code></Error>");
        }
        match line.split(' ').next() {
            Some("HEAD") => "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 10\r\n\r\n".to_owned(),
            _ => response("200 OK", "etag: \"e\"\r\n", ""),
        }
    })
    .await;
    assert_eq!(write(&cloud).await.unwrap()[0].length, 10);
    assert_eq!(requests.lock().unwrap().len(), 5, "three failures, the write and its check");
}
