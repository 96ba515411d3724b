//! Tests of object stores: all requirements against a store in memory and against the servers that
//! `PORTOLAN_TEST_STORAGES` names, and what happens when a store fails.

use std::collections::BTreeMap;
use std::sync::Mutex;

use opendal::services;
use serde::Deserialize;

use super::*;
use crate::testing::storages::{append, load, pattern};

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
    let cloud = Cloud::open(&format!("{url}/{}", Uuid::now_v7()), options).unwrap();
    Some((cloud, ()))
}

mod memory {
    use super::*;

    crate::storage_requirements!(async { Some((Cloud::new(in_memory()), ())) });
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

mod oss {
    use super::*;

    crate::storage_requirements!(async { server("oss") });
}

#[tokio::test]
async fn a_long_upload_becomes_several_objects_and_its_memory_is_bounded() {
    let storage = Cloud::new(in_memory());
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
        Cloud::open(url, &options).err().map(|error| error.to_string())
    };
    for url in ["", "s3", "s3://", "ftp://bucket", "bucket"] {
        assert!(open(url, &[]).unwrap().contains("s3, azblob, gcs, oss"), "{url}");
    }
    assert!(open("s3://bucket", &[("disable_config_load", "maybe")]).is_some());
    assert!(open("azblob://container", &[]).is_some(), "the endpoint is missing");
    assert_eq!(open("s3://bucket/prefix", &[("endpoint", "http://127.0.0.1:1")]), None);
}

/// A store that answers each request with what a function says, and counts the requests.
async fn answering(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> (Cloud, Arc<Mutex<Vec<String>>>) {
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
                let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
                let response = answer(&line);
                seen.lock().unwrap().push(line);
                let _ = stream.write_all(response.as_bytes()).await;
            });
        }
    });
    let options = [
        ("endpoint", format!("http://{address}")),
        ("access_key_id", "id".to_owned()),
        ("secret_access_key", "secret".to_owned()),
    ];
    let options = options.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    (Cloud::open("s3://bucket", &options).unwrap(), requests)
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
