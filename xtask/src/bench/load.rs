//! Load: the same request over several connections for some time, or one pass of a workload, and what it cost the
//! server.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::client::{Connection, Request};
use crate::bench::histogram::Histogram;
use crate::bench::proc;
use crate::fault::Fault;

/// The measurements of the client.
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// The latency of each response.
    pub(crate) latencies: Histogram,
    /// The total size of all bodies, in bytes.
    pub(crate) bytes: u64,
    /// The time from the first request to the last response.
    pub(crate) took: Duration,
}

/// A load and what it cost the server.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    pub(crate) load: Load,
    /// The server's CPU time.
    pub(crate) cpu: Duration,
    /// The server's memory after the load, in bytes.
    pub(crate) resident: u64,
}

/// Runs a load and measures the server's CPU time and memory.
pub(crate) fn measure(process: u32, run: impl FnOnce() -> Result<Load, Fault>) -> Result<Sample, Fault> {
    let before = proc::cpu(process)?;
    let load = run()?;
    let cpu = proc::cpu(process)?.saturating_sub(before);
    Ok(Sample { load, cpu, resident: proc::resident(process)? })
}

/// Repeats a request over several connections for some time. Fails on any status but 200.
pub(crate) fn hammer(
    address: SocketAddr,
    request: &Request,
    connections: usize,
    time: Duration,
) -> Result<Load, Fault> {
    let open = |_| Connection::open(address).map_err(|error| fault(format!("no connection: {error}")));
    let opened: Vec<Connection> = (0..connections).map(open).collect::<Result<_, _>>()?;
    let start = Instant::now();
    let loads: Vec<Result<Load, Fault>> = thread::scope(|scope| {
        let threads: Vec<_> = opened
            .into_iter()
            .map(|connection| scope.spawn(move || repeat(connection, request, start, time)))
            .collect();
        let ended = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| Err(fault(String::from("a client panicked"))))
        };
        threads.into_iter().map(ended).collect()
    });
    let mut all = Load::default();
    for load in loads {
        let load = load?;
        all.latencies.merge(&load.latencies);
        all.bytes += load.bytes;
    }
    all.took = start.elapsed();
    Ok(all)
}

fn repeat(mut connection: Connection, request: &Request, start: Instant, time: Duration) -> Result<Load, Fault> {
    let mut load = Load::default();
    while start.elapsed() < time {
        let asked = Instant::now();
        let answer = connection.ask(request).map_err(|error| fault(format!("{request:?}: {error}")))?;
        load.latencies.record(asked.elapsed());
        load.bytes += answer.length;
        if answer.status != 200 {
            return Err(fault(format!("{request:?} was answered {}", answer.status)));
        }
    }
    Ok(load)
}

fn fault(reason: String) -> Fault {
    Fault::Bench { reason }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    /// Starts a server for one connection that sends the same response to every request.
    fn serving(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            for line in lines.map_while(Result::ok) {
                if line.is_empty() && stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        });
        address
    }

    #[test]
    fn every_answer_is_counted_with_its_bytes() {
        let address = serving("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
        let load = hammer(address, &Request::new("GET", "/", ""), 1, Duration::from_millis(20)).unwrap();
        assert!(load.latencies.total() > 0);
        assert_eq!(load.bytes, 3 * load.latencies.total());
        assert!(load.took >= Duration::from_millis(20));
    }

    #[test]
    fn a_refusal_is_not_speed() {
        let address = serving("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
        let fault = hammer(address, &Request::new("GET", "/", ""), 1, Duration::from_secs(1)).unwrap_err();
        assert!(fault.to_string().contains("401"), "{fault}");
    }
}
