//! A hub with many repositories, and the requests for its pages and lists.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::client::{Connection, Request};
use crate::bench::side::{NAMESPACE, PASSWORD, Running};
use crate::bench::workload::Workload;
use crate::fault::Fault;
use crate::fill::{self, Entry, Filler};
use crate::machine::Machine;

/// The numbers of repositories that the signed-in account owns, may read as a collaborator, and has starred.
const OWN: u64 = 200;
const SHARED: u64 = 200;
const STARRED: u64 = 100;
/// The maximum time for building the search index.
const INDEXED: Duration = Duration::from_mins(40);

/// Inserts this many repositories into the database of a hub that is not running.
pub(crate) fn fill(machine: &Machine, folder: &Path, repositories: u64) -> Result<(), Fault> {
    let mut filler = Filler::open(machine, folder)?;
    for entry in fill::invented(repositories) {
        filler.insert(&entry)?;
    }
    for entry in fill::invented(OWN) {
        filler.insert(&Entry { namespace: NAMESPACE.to_owned(), ..entry })?;
    }
    let account = format!("(SELECT id FROM account WHERE name = '{NAMESPACE}')");
    let others = format!("FROM repository WHERE namespace_id <> {account} AND visibility =");
    filler.execute(&format!(
        "INSERT INTO collaborator (repository_id, account_id, role, since) \
         SELECT id, {account}, 'reader', 0 {others} 'private' ORDER BY id LIMIT {SHARED}; \
         INSERT INTO star (repository_id, account_id, at) \
         SELECT id, {account}, id {others} 'public' ORDER BY id LIMIT {STARRED};"
    ))?;
    filler.finish().map(drop)
}

/// The session for requests to a filled hub.
pub(crate) struct Filled {
    cookie: String,
}

impl Filled {
    /// Waits until the search index has all public repositories, and signs in.
    pub(crate) fn open(running: &Running, repositories: u64) -> Result<Filled, Fault> {
        let public = u64::try_from(fill::invented(repositories).filter(|entry| !entry.private).count()).unwrap_or(0);
        wait_for_index(running, public)?;
        Ok(Filled { cookie: sign_in(running)? })
    }

    /// Returns the request of a workload.
    pub(crate) fn request(&self, workload: Workload, running: &Running) -> Result<Request, Fault> {
        let page = "Accept: text/html\r\n";
        let signed_in = format!("{page}Cookie: {}\r\n", self.cookie);
        Ok(match workload {
            Workload::HomeSignedIn => Request::new("GET", "/", &signed_in),
            Workload::Search => Request::new("GET", "/search?q=gateway", page),
            Workload::SearchSignedIn => Request::new("GET", "/search?q=gateway", &signed_in),
            Workload::MyRepositories => Request::new("GET", &format!("/u/{NAMESPACE}"), &signed_in),
            Workload::Namespace => Request::new("GET", "/u/team-7", page),
            Workload::Catalog => {
                let headers = running.authorisation_for("registry:catalog:*")?;
                Request::new("GET", "/v2/_catalog?n=100&last=team-2", &headers)
            }
            _ => Request::new("GET", "/", page),
        })
    }
}

/// Waits until the search index has this number of public repositories.
pub(crate) fn wait_for_index(running: &Running, public: u64) -> Result<(), Fault> {
    let start = Instant::now();
    while found(running)? < public {
        if start.elapsed() > INDEXED {
            return Err(fault(format!("the search index was not built within {INDEXED:?}")));
        }
        thread::sleep(Duration::from_millis(500));
    }
    println!("  the search index was complete {:.0} s after the start", start.elapsed().as_secs_f64());
    Ok(())
}

/// Returns the number of repositories that an anonymous search finds.
fn found(running: &Running) -> Result<u64, Fault> {
    let request = Request::new("GET", "/api/v1/search?q=&limit=1", "");
    let answer = Connection::open(running.address)
        .and_then(|mut connection| connection.read(&request, b""))
        .map_err(|error| fault(format!("no search: {error}")))?;
    let body = String::from_utf8_lossy(&answer.body);
    let total = body.split_once("\"total\":").map_or("", |(_, rest)| rest);
    let digits: String = total.chars().take_while(char::is_ascii_digit).collect();
    Ok(digits.parse().unwrap_or(0))
}

/// Signs in like a browser and returns the cookie.
fn sign_in(running: &Running) -> Result<String, Fault> {
    let body = format!("name={NAMESPACE}&password={}&next=/", PASSWORD.replace(' ', "+"));
    let headers = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", body.len());
    let answer = Connection::open(running.address)
        .and_then(|mut connection| {
            connection.read(&Request::new("POST", "/_actions/session/signin", &headers), body.as_bytes())
        })
        .map_err(|error| fault(format!("cannot sign in: {error}")))?;
    answer.cookie.ok_or_else(|| fault(format!("cannot sign in: {} without a cookie", answer.status)))
}

fn fault(reason: String) -> Fault {
    Fault::Bench { reason }
}
