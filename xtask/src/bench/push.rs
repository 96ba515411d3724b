//! Pushes over one connection, like clients do: blobs as a whole or as a stream, and manifests with tags.

use std::io::{self, BufWriter, Write};
use std::time::{Duration, Instant};

use crate::bench::client::{Answer, Connection, Request};
use crate::bench::content::{self, Blob};
use crate::bench::side::Running;
use crate::fault::Fault;

/// The media type of image manifests.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The size of the chunks in which docker streams a layer, in bytes.
const PIECE: usize = 32 << 10;

/// A connection for pushing to a repository.
pub(crate) struct Pusher {
    connection: Connection,
    authorisation: String,
    repository: String,
}

/// The digest and size of a part of an image.
pub(crate) type Part = (String, u64);

impl Pusher {
    /// Opens a connection, with a new token if the server uses tokens.
    pub(crate) fn open(running: &Running, repository: &str) -> Result<Pusher, Fault> {
        let connection = Connection::open(running.address)
            .map_err(|error| Fault::Bench { reason: format!("no connection: {error}") })?;
        let authorisation = running.authorisation(repository)?;
        Ok(Pusher { connection, authorisation, repository: repository.to_owned() })
    }

    /// Pushes a blob with POST and a single PUT, like containerd, and returns the time it took.
    pub(crate) fn blob(&mut self, blob: &Blob<'_>) -> Result<Duration, Fault> {
        let start = Instant::now();
        let place = self.begin()?;
        let headers = format!("Content-Type: application/octet-stream\r\nContent-Length: {}\r\n", blob.length());
        self.send("PUT", &with(&place, "digest", &blob.digest), &headers, 201, |stream| blob.write(stream))?;
        Ok(start.elapsed())
    }

    /// Pushes a blob with POST, a PATCH with a stream of unknown length, and a PUT of the digest, like docker, and
    /// returns the time it took.
    pub(crate) fn stream(&mut self, blob: &Blob<'_>) -> Result<Duration, Fault> {
        let start = Instant::now();
        let place = self.begin()?;
        let headers = "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n";
        let answer = self.send("PATCH", &place, headers, 202, |stream| {
            let mut chunks = Chunks { to: BufWriter::with_capacity(4 * PIECE, stream) };
            blob.write(&mut chunks)?;
            chunks.to.write_all(b"0\r\n\r\n")?;
            chunks.to.flush()
        })?;
        let place = answer.location.unwrap_or(place);
        self.send("PUT", &with(&place, "digest", &blob.digest), "Content-Length: 0\r\n", 201, |_| Ok(()))?;
        Ok(start.elapsed())
    }

    /// Pushes some bytes as a blob.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<Part, Fault> {
        let digest = content::digest_of(bytes);
        let place = self.begin()?;
        let headers = format!("Content-Length: {}\r\n", bytes.len());
        self.send("PUT", &with(&place, "digest", &digest), &headers, 201, |stream| stream.write_all(bytes))?;
        Ok((digest, u64::try_from(bytes.len()).unwrap_or(u64::MAX)))
    }

    /// Pushes a manifest. `reference` is a tag or a digest and may include a query.
    pub(crate) fn manifest(&mut self, reference: &str, manifest: &str) -> Result<(), Fault> {
        let path = format!("/v2/{}/manifests/{reference}", self.repository);
        let headers = format!("Content-Type: {MANIFEST}\r\nContent-Length: {}\r\n", manifest.len());
        self.send("PUT", &path, &headers, 201, |stream| stream.write_all(manifest.as_bytes())).map(drop)
    }

    /// Opens an upload session and returns its location.
    fn begin(&mut self) -> Result<String, Fault> {
        let path = format!("/v2/{}/blobs/uploads/", self.repository);
        let answer = self.send("POST", &path, "Content-Length: 0\r\n", 202, |_| Ok(()))?;
        answer.location.ok_or_else(|| Fault::Bench { reason: format!("POST {path} was answered without a Location") })
    }

    fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        expected: u16,
        body: impl FnOnce(&mut std::net::TcpStream) -> io::Result<()>,
    ) -> Result<Answer, Fault> {
        let request = Request::new(method, path, &format!("{}{headers}", self.authorisation));
        let answer = self
            .connection
            .exchange(&request, body, true)
            .map_err(|error| Fault::Bench { reason: format!("{method} {path}: {error}") })?;
        if answer.status == expected {
            return Ok(answer);
        }
        let said = String::from_utf8_lossy(&answer.body);
        Err(Fault::Bench { reason: format!("{method} {path} was answered {} {}", answer.status, said.trim()) })
    }
}

/// Returns the manifest of an image.
pub(crate) fn manifest(config: &Part, layers: &[Part]) -> String {
    let descriptor =
        |kind: &str, (digest, size): &Part| format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":{size}}}"#);
    let layers: Vec<String> = layers.iter().map(|layer| descriptor(LAYER, layer)).collect();
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{},"layers":[{}]}}"#,
        descriptor(CONFIG, config),
        layers.join(",")
    )
}

/// Adds a parameter to the query of a location.
fn with(place: &str, key: &str, value: &str) -> String {
    let mark = if place.contains('?') { '&' } else { '?' };
    format!("{place}{mark}{key}={value}")
}

/// Writes with chunked transfer coding (RFC 9112, section 7.1).
struct Chunks<W: Write> {
    to: BufWriter<W>,
}

impl<W: Write> Write for Chunks<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.chunks(PIECE) {
            write!(self.to, "{:x}\r\n", piece.len())?;
            self.to.write_all(piece)?;
            self.to.write_all(b"\r\n")?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_cut_into_chunks() {
        let mut sent = Vec::new();
        let mut chunks = Chunks { to: BufWriter::new(&mut sent) };
        chunks.write_all(&vec![b'x'; PIECE + 1]).unwrap();
        chunks.flush().unwrap();
        drop(chunks);
        assert!(sent.starts_with(b"8000\r\nxx"));
        assert!(sent.ends_with(b"x\r\n1\r\nx\r\n"));
    }

    #[test]
    fn a_place_keeps_the_state_in_its_query() {
        assert_eq!(with("/v2/a", "digest", "d"), "/v2/a?digest=d");
        assert_eq!(with("/v2/a?_state=s", "digest", "d"), "/v2/a?_state=s&digest=d");
    }
}
