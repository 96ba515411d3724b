//! `cargo xtask relevance`: fills a hub with a list of packages, asks for what is known to be there, and prints how often
//! it is found. A missed goal does not fail the run.

mod questions;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use self::questions::{Questions, Row};
use crate::bench::WorkFolder;
use crate::bench::client::{Connection, Request};
use crate::bench::filled;
use crate::bench::histogram::Histogram;
use crate::bench::side::{Running, Side};
use crate::fault::Fault;
use crate::fill::{self, Filler};
use crate::machine::Machine;
use crate::serve;

/// The number of repositories, unless one is given.
const ROWS: usize = 50_000;
/// The number of results on a page.
const PAGE: usize = 10;
/// Words and filters that many repositories match; only their times are measured.
const COMMON: [&str; 13] = [
    "the",
    "a",
    "js",
    "react",
    "react component",
    "library for",
    "node",
    "s",
    "api client",
    "typescript types",
    "is:public",
    "ns:types",
    "\"state management\"",
];
/// How often each of these is asked.
const ROUNDS: usize = 10;

/// What was found for the questions of a row.
#[derive(Debug, Default)]
struct Tally {
    asked: u32,
    first: u32,
    in_ten: u32,
    times: Histogram,
    /// The first questions without the right first result, and what that was.
    missed: Vec<(String, String)>,
}

/// Measures a program with the most popular entries of a list. Builds the server unless a program is given.
pub(crate) fn run(
    machine: &Machine,
    program: Option<PathBuf>,
    from: &Path,
    rows: Option<u64>,
    missed: usize,
) -> Result<ExitCode, Fault> {
    let mut entries = fill::read(from)?;
    entries.truncate(rows.map_or(ROWS, |rows| usize::try_from(rows).unwrap_or(usize::MAX)));
    let program = program.map_or_else(|| serve::build(machine), Ok)?;
    let mut work_folder = WorkFolder::new()?;
    let running = Side::portolan(program).start_on(machine, work_folder.folder(), |folder| {
        let mut filler = Filler::open(machine, folder)?;
        for entry in &entries {
            filler.insert(entry)?;
        }
        filler.finish().map(drop)
    })?;
    filled::wait_for_index(&running, u64::try_from(entries.len()).unwrap_or(u64::MAX))?;

    let mut client = Client { connection: open(&running)? };
    println!("{} repositories\n\n{}", entries.len(), heading());
    for row in Questions::of(&entries).rows() {
        println!("{}", client.tally(&row, missed)?.line(&row));
    }
    let mut times = Histogram::default();
    for question in [COMMON; ROUNDS].concat() {
        client.ask(question, &mut times)?;
    }
    println!("{:<42}{:>36}{}", "words that many have", "", quantiles(&times));
    Ok(ExitCode::SUCCESS)
}

struct Client {
    connection: Connection,
}

impl Client {
    fn tally(&mut self, row: &Row<'_>, missed: usize) -> Result<Tally, Fault> {
        let mut tally = Tally::default();
        for question in &row.questions {
            let found = self.ask(&question.text, &mut tally.times)?;
            let place = found.iter().position(|path| question.is_answer(path));
            tally.asked += 1;
            tally.first += u32::from(place == Some(0));
            tally.in_ten += u32::from(place.is_some());
            if place != Some(0) && tally.missed.len() < missed {
                tally.missed.push((question.text.clone(), found.into_iter().next().unwrap_or_default()));
            }
        }
        Ok(tally)
    }

    /// Returns the paths of the first results.
    fn ask(&mut self, question: &str, times: &mut Histogram) -> Result<Vec<String>, Fault> {
        let request = Request::new("GET", &format!("/api/v1/search?limit={PAGE}&q={}", encoded(question)), "");
        let start = Instant::now();
        let answer = self
            .connection
            .read(&request, b"")
            .map_err(|error| Fault::Bench { reason: format!("no results for {question}: {error}") })?;
        times.record(start.elapsed());
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status != 200 {
            return Err(Fault::Bench { reason: format!("no results for {question}: {} {body}", answer.status) });
        }
        Ok(paths(&body))
    }
}

impl Tally {
    fn line(&self, row: &Row<'_>) -> String {
        let share = |count: u32| f64::from(count) / f64::from(self.asked.max(1));
        let goal = row.goal_in_ten.map_or(String::new(), |goal| format!(" / {goal:.3}"));
        let is_missed = share(self.first) < row.goal || row.goal_in_ten.is_some_and(|goal| share(self.in_ten) < goal);
        let mut line = format!(
            "{:<42}{:>6}{:>8.3}{:>8.3}  {:<14}{}{}",
            row.name,
            self.asked,
            share(self.first),
            share(self.in_ten),
            format!("{:.3}{goal}", row.goal),
            quantiles(&self.times),
            if is_missed { "  missed" } else { "" }
        );
        for (question, found) in &self.missed {
            line.extend(["\n    ", question, " → ", found]);
        }
        line
    }
}

fn heading() -> String {
    format!("{:<42}{:>6}{:>8}{:>8}  {:<14}{:>9}{:>9}", "asked", "of", "first", "in ten", "goal", "p50 ms", "p99 ms")
}

fn quantiles(times: &Histogram) -> String {
    let millis = |percent| times.percentile(percent).as_secs_f64() * 1000.0;
    format!("{:>9.1}{:>9.1}", millis(50), millis(99))
}

fn open(running: &Running) -> Result<Connection, Fault> {
    Connection::open(running.address).map_err(|error| Fault::Bench { reason: format!("no connection: {error}") })
}

/// Returns the paths of the results in the body of an answer.
fn paths(body: &str) -> Vec<String> {
    body.split("\"path\":\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_of_an_answer_are_read_in_order() {
        let body = r#"{"items":[{"path":"a/b","description":"no \"path\":\"x\""},{"path":"c/d"}],"total":2}"#;
        assert_eq!(paths(body), ["a/b", "c/d"]);
        assert!(paths("{}").is_empty());
    }

    #[test]
    fn a_question_is_encoded() {
        assert_eq!(encoded("a b/é"), "a%20b%2F%C3%A9");
    }

    #[test]
    fn a_missed_goal_is_marked() {
        let row = Row { name: "names", goal: 0.9, goal_in_ten: Some(1.0), questions: Vec::new() };
        let tally = |first, in_ten| Tally { asked: 10, first, in_ten, ..Tally::default() };
        assert!(!tally(9, 10).line(&row).ends_with("missed"));
        assert!(tally(8, 10).line(&row).ends_with("missed"));
        assert!(tally(9, 9).line(&row).ends_with("missed"));
    }
}
