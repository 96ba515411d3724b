//! A minimal HTTP/1.1 client with one persistent connection, for generating load.

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The size of the read buffer, in bytes.
const BUFFER: usize = 256 << 10;
/// The timeout of reads and writes, which is enough even for the response to a push of 1 GiB.
const PATIENCE: Duration = Duration::from_mins(1);
/// The maximum number of headers in a response.
const MOST_LINES: usize = 200;

/// A request without its body.
#[derive(Clone)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    head: bool,
}

impl fmt::Debug for Request {
    /// Formats only the request line, because headers may contain a token.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
        out.write_str(String::from_utf8_lossy(line).trim_end_matches(" HTTP/1.1"))
    }
}

impl Request {
    /// Creates a request; each line in `headers` ends with `\r\n`.
    pub(crate) fn new(method: &str, path: &str, headers: &str) -> Request {
        let bytes = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n{headers}\r\n");
        Request { bytes: bytes.into_bytes(), head: method == "HEAD" }
    }
}

/// A response, whose body was read to the end.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The length of the body in bytes, without chunk framing.
    pub(crate) length: u64,
    /// The `Location` without scheme and host.
    pub(crate) location: Option<String>,
    /// The first cookie in `Set-Cookie`, as `name=value`.
    pub(crate) cookie: Option<String>,
    /// The body, if it was to be kept.
    pub(crate) body: Vec<u8>,
}

/// How the end of a body is known.
enum Framing {
    Length(u64),
    Chunks,
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
    line: Vec<u8>,
}

impl Connection {
    /// Opens a connection.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Connection { reader: BufReader::with_capacity(BUFFER, stream), line: Vec::new() })
    }

    /// Sends a request and discards the response's body.
    pub(crate) fn ask(&mut self, request: &Request) -> io::Result<Answer> {
        self.exchange(request, |_| Ok(()), false)
    }

    /// Sends a request with a body and keeps the response's body.
    pub(crate) fn read(&mut self, request: &Request, body: &[u8]) -> io::Result<Answer> {
        self.exchange(request, |stream| stream.write_all(body), true)
    }

    /// Sends a request with the body that `send` writes. The response's body is only stored if `keep` is set.
    pub(crate) fn exchange(
        &mut self,
        request: &Request,
        send: impl FnOnce(&mut TcpStream) -> io::Result<()>,
        keep: bool,
    ) -> io::Result<Answer> {
        let stream = self.reader.get_mut();
        stream.write_all(&request.bytes)?;
        send(stream)?;
        let mut answer = Answer::default();
        let framing = self.head(&mut answer)?;
        if request.head || matches!(answer.status, 204 | 304) {
            return Ok(answer);
        }
        match framing {
            Framing::Length(length) => self.body(length, keep, &mut answer)?,
            Framing::Chunks => self.chunks(keep, &mut answer)?,
        }
        Ok(answer)
    }

    fn head(&mut self, answer: &mut Answer) -> io::Result<Framing> {
        answer.status = status(self.next_line()?).ok_or_else(|| broken("no status"))?;
        let mut framing = Framing::Length(0);
        for _ in 0..MOST_LINES {
            let line = self.next_line()?;
            if line.is_empty() {
                return Ok(framing);
            }
            let Some((name, value)) = header(line) else { continue };
            if name.eq_ignore_ascii_case(b"content-length") {
                let length = str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                framing = Framing::Length(length.ok_or_else(|| broken("an unreadable length"))?);
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                framing = Framing::Chunks;
            } else if name.eq_ignore_ascii_case(b"location") {
                answer.location = Some(path(&String::from_utf8_lossy(value)));
            } else if name.eq_ignore_ascii_case(b"set-cookie") && answer.cookie.is_none() {
                let pair = value.split(|byte| *byte == b';').next().unwrap_or_default();
                answer.cookie = Some(String::from_utf8_lossy(pair).into_owned());
            }
        }
        Err(broken("headers without end"))
    }

    fn chunks(&mut self, keep: bool, answer: &mut Answer) -> io::Result<()> {
        loop {
            let line = self.next_line()?;
            let size = str::from_utf8(line).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
            let size = size.ok_or_else(|| broken("an unreadable chunk"))?;
            self.body(size, keep, answer)?;
            if !self.next_line()?.is_empty() {
                return Err(broken("a chunk without end"));
            }
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn body(&mut self, length: u64, keep: bool, answer: &mut Answer) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            let present = self.reader.fill_buf()?;
            let most = usize::try_from(left).unwrap_or(usize::MAX);
            let piece = present.get(..most).unwrap_or(present);
            if piece.is_empty() {
                return Err(broken("a body that ends early"));
            }
            if keep {
                answer.body.extend_from_slice(piece);
            }
            let taken = piece.len();
            self.reader.consume(taken);
            left = left.saturating_sub(u64::try_from(taken).unwrap_or(u64::MAX));
        }
        answer.length += length;
        Ok(())
    }

    /// Reads a line and returns it without its end.
    fn next_line(&mut self) -> io::Result<&[u8]> {
        self.line.clear();
        self.reader.read_until(b'\n', &mut self.line)?;
        self.line.strip_suffix(b"\r\n").ok_or_else(|| broken("a line that ends early"))
    }
}

/// Parses the status of a line such as `HTTP/1.1 200 OK`.
fn status(line: &[u8]) -> Option<u16> {
    let code = line.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    str::from_utf8(code).ok()?.parse().ok()
}

fn header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, rest) = line.split_at(colon);
    Some((name, rest.get(1..)?.trim_ascii()))
}

/// Returns the path and query of an absolute or relative location.
fn path(location: &str) -> String {
    match location.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/").to_owned(),
        None => location.to_owned(),
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server sent {what}"))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    /// Starts a server that sends `text` to the first connection, and returns everything that it received when joined.
    fn answering(text: &'static str) -> (SocketAddr, thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(text.as_bytes()).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut sent = Vec::new();
            let _ = stream.read_to_end(&mut sent);
            sent
        });
        (address, served)
    }

    #[test]
    fn one_connection_serves_bodies_with_a_length_in_chunks_and_none() {
        let (address, served) = answering(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello\
             HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n\
             HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n\
             HTTP/1.1 202 Accepted\r\nLocation: http://localhost:5000/v2/a?b=c\r\n\r\n",
        );
        let mut connection = Connection::open(address).unwrap();
        let get = Request::new("GET", "/x", "Accept: */*\r\n");
        assert_eq!(connection.read(&get, b"").unwrap().body, b"hello");
        let chunked = connection.read(&get, b"").unwrap();
        assert_eq!((chunked.body.as_slice(), chunked.length), (b"abc0123456789".as_slice(), 13));
        assert_eq!(connection.ask(&Request::new("HEAD", "/x", "")).unwrap().length, 0);
        let moved = connection.read(&Request::new("POST", "/x", "Content-Length: 2\r\n"), b"hi").unwrap();
        assert_eq!((moved.status, moved.location.as_deref()), (202, Some("/v2/a?b=c")));
        drop(connection);
        let sent = String::from_utf8(served.join().unwrap()).unwrap();
        assert!(sent.starts_with("GET /x HTTP/1.1\r\nHost: localhost\r\n"), "{sent}");
        assert!(sent.ends_with("Content-Length: 2\r\n\r\nhi"), "{sent}");
    }

    #[test]
    fn an_answer_that_breaks_off_is_an_error() {
        for text in ["", "HTTP/1.1 200 OK\r\nContent-Len", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"] {
            let (address, _) = answering(text);
            let mut connection = Connection::open(address).unwrap();
            assert!(connection.ask(&Request::new("GET", "/", "")).is_err(), "{text}");
        }
    }
}
