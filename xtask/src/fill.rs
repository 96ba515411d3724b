//! `cargo xtask fill`: fills a data folder with many repositories, to try search and lists at scale. The repositories
//! come from a list of packages; the bench uses generated ones. They are inserted directly into SQLite, and a hub
//! started with the folder builds its search index from them.

use std::collections::HashSet;
use std::fs;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use crate::fault::Fault;
use crate::machine::Machine;
use crate::process;
use crate::serve;

/// The maximum lengths of a namespace, a name and a description.
const LONGEST: (usize, usize, usize) = (39, 100, 200);
/// The minimum length of a namespace.
const SHORTEST: usize = 2;
/// The number of namespaces for entries without one.
const NAMESPACES: u64 = 2_000;
/// The number of repositories per transaction.
const BATCH: u64 = 50_000;
/// When the newest repository was changed: 2026-01-01, in microseconds since 1970.
const NEWEST: u64 = 1_767_225_600_000_000;
/// The time between two repositories, in microseconds.
const APART: u64 = 60_000_000;

/// A repository to insert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) pulls: u64,
    pub(crate) private: bool,
}

/// Inserts the most popular entries of a list, each once. Builds the server unless a program is given, and creates the
/// database if there is none.
pub(crate) fn run(
    machine: &Machine,
    program: Option<PathBuf>,
    data: &Path,
    from: &Path,
    rows: Option<u64>,
) -> Result<ExitCode, Fault> {
    // Child processes run in the checkout's root.
    let data = &std::path::absolute(data).map_err(Fault::file("find", data))?;
    let entries = read(from)?;
    let rows = rows.unwrap_or(u64::MAX);
    let program = program.map_or_else(|| serve::build(machine), Ok)?;
    process::output(process::command(machine, &program).args(["user", "list", "--data"]).arg(data))?;
    let mut filler = Filler::open(machine, data)?;
    for entry in entries.iter().take(usize::try_from(rows).unwrap_or(usize::MAX)) {
        filler.insert(entry)?;
    }
    let inserted = filler.finish()?;
    println!("{inserted} entries written; `portolan serve --data {}` builds the search index", data.display());
    Ok(ExitCode::SUCCESS)
}

/// Reads a list: its entries, each path once, the most popular first.
pub(crate) fn read(from: &Path) -> Result<Vec<Entry>, Fault> {
    let list = fs::File::open(from).map_err(Fault::file("read", from))?;
    let mut entries: Vec<Entry> = Vec::new();
    for (number, line) in (0..).zip(BufReader::new(list).lines()) {
        entries.extend(entry(&line.map_err(Fault::file("read", from))?, number));
    }
    if entries.is_empty() {
        let reason = "no line is a name, a version, a number of downloads and a summary, separated by tabs";
        return Err(Fault::Fill { reason: format!("{}: {reason}", from.display()) });
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.pulls));
    let mut known = HashSet::new();
    entries.retain(|entry| known.insert((entry.namespace.clone(), entry.name.clone())));
    Ok(entries)
}

/// Parses a line of the list: name, version, downloads, summary. `None` if the name is not valid for a repository.
fn entry(line: &str, number: u64) -> Option<Entry> {
    let mut columns = line.split('\t');
    let (name, _, pulls, summary) = (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
    let (namespace, name) = match name.strip_prefix('@').and_then(|scoped| scoped.split_once('/')) {
        Some((scope, name)) => (scope.to_owned(), name),
        None => (namespace(number), name),
    };
    let entry = Entry {
        namespace,
        name: name.to_owned(),
        description: summary.chars().filter(|character| !character.is_control()).take(LONGEST.2).collect(),
        pulls: pulls.parse().ok()?,
        private: false,
    };
    let is_namespace = entry.namespace.len() >= SHORTEST && is_name(&entry.namespace, LONGEST.0);
    (is_namespace && is_name(&entry.name, LONGEST.1)).then_some(entry)
}

fn namespace(number: u64) -> String {
    format!("team-{}", number % NAMESPACES)
}

/// Whether the text is a valid part of a repository's path (OCI distribution specification, "Pulling manifests").
fn is_name(text: &str, longest: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = bytes.first().zip(bytes.last()).is_some_and(|(first, last)| plain(*first) && plain(*last));
    let pair = |pair: &[u8]| pair.iter().any(|byte| plain(*byte));
    ends && text.len() <= longest
        && bytes.iter().all(|byte| plain(*byte) || b"._-".contains(byte))
        && bytes.windows(2).all(pair)
}

/// Generates repositories with names and descriptions of common words; every tenth is private.
pub(crate) fn invented(count: u64) -> impl Iterator<Item = Entry> {
    const WHAT: [&str; 24] = [
        "gateway",
        "proxy",
        "cache",
        "queue",
        "worker",
        "scheduler",
        "dashboard",
        "exporter",
        "operator",
        "agent",
        "collector",
        "mailer",
        "billing",
        "catalog",
        "search",
        "indexer",
        "router",
        "storage",
        "backup",
        "monitor",
        "builder",
        "runner",
        "broker",
        "console",
    ];
    const WHICH: [&str; 20] = [
        "fast", "small", "shared", "legacy", "edge", "internal", "public", "mobile", "batch", "stream", "event",
        "secure", "cloud", "local", "remote", "daily", "static", "dynamic", "global", "regional",
    ];
    let word = |words: &[&'static str], at: u64| {
        let mut endless = words.iter().copied().cycle();
        usize::try_from(at).ok().and_then(|at| endless.nth(at % words.len())).unwrap_or_default()
    };
    (0..count).map(move |number| {
        // Multiplied by a prime, so that neighbours have different words.
        let mixed = number.wrapping_mul(2_654_435_761) >> 7;
        let (what, which) = (word(&WHAT, mixed), word(&WHICH, mixed / 24));
        Entry {
            namespace: namespace(number),
            name: format!("{which}-{what}-{number}"),
            description: format!(
                "A {which} {what} for the {} {}",
                word(&WHICH, mixed / 480),
                word(&WHAT, mixed / 9600)
            ),
            pulls: 1_000_000 / (number + 1) + mixed % 1000,
            private: number % 10 == 9,
        }
    })
}

/// Inserts repositories through the `sqlite3` shell, which executes statements as it reads them.
pub(crate) struct Filler {
    shell: std::process::Child,
    input: BufWriter<std::process::ChildStdin>,
    index: PathBuf,
    inserted: u64,
}

impl Filler {
    /// Opens the database of a data folder, which no server may be using.
    pub(crate) fn open(machine: &Machine, data: &Path) -> Result<Filler, Fault> {
        let database = data.join("portolan.db");
        if !database.is_file() {
            return Err(Fault::Fill { reason: format!("{} is missing", database.display()) });
        }
        let started = |source| Fault::Start { program: String::from("sqlite3"), source };
        let mut shell = process::command(machine, "sqlite3")
            .args(["-batch", "-bail"])
            .arg(&database)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(started)?;
        let input = shell.stdin.take().ok_or_else(|| started(io::ErrorKind::BrokenPipe.into()))?;
        let mut filler =
            Filler { shell, input: BufWriter::with_capacity(1 << 20, input), index: data.join("index"), inserted: 0 };
        filler.execute("PRAGMA synchronous = OFF; BEGIN;")?;
        Ok(filler)
    }

    /// Inserts a repository, and its namespace if it does not exist. An existing repository is not changed.
    pub(crate) fn insert(&mut self, entry: &Entry) -> Result<(), Fault> {
        let Entry { namespace, name, pulls, .. } = entry;
        let description = entry.description.replace('\'', "''");
        let visibility = if entry.private { "private" } else { "public" };
        let at = NEWEST.saturating_sub(self.inserted.saturating_mul(APART));
        let stars = pulls.isqrt();
        self.execute(&format!(
            "INSERT OR IGNORE INTO account (name, kind, created_at) VALUES ('{namespace}', 'organisation', {at}); \
             INSERT OR IGNORE INTO repository (namespace_id, path, description, visibility, star_count, pull_count, \
             created_at, updated_at, changed_at, pushed_at) SELECT id, '{namespace}/{name}', '{description}', \
             '{visibility}', {stars}, {pulls}, {at}, {at}, {at}, {at} FROM account WHERE name = '{namespace}';"
        ))?;
        self.inserted += 1;
        if self.inserted.is_multiple_of(BATCH) {
            self.execute("COMMIT; BEGIN;")?;
            println!("{} repositories written", self.inserted);
        }
        Ok(())
    }

    /// Sends statements to the shell.
    pub(crate) fn execute(&mut self, statements: &str) -> Result<(), Fault> {
        writeln!(self.input, "{statements}").map_err(|error| broken(&error))
    }

    /// Waits until everything is written, deletes the search index, which is now outdated, and returns the number of
    /// entries.
    pub(crate) fn finish(mut self) -> Result<u64, Fault> {
        self.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE);")?;
        self.input.flush().map_err(|error| broken(&error))?;
        drop(self.input);
        let status = self.shell.wait().map_err(|error| broken(&error))?;
        if !status.success() {
            return Err(Fault::Ended { program: String::from("sqlite3"), status });
        }
        if self.index.is_dir() {
            fs::remove_dir_all(&self.index).map_err(Fault::file("delete", &self.index))?;
        }
        Ok(self.inserted)
    }
}

fn broken(error: &io::Error) -> Fault {
    Fault::Fill { reason: format!("sqlite3: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_the_namespace_and_other_names_get_one() {
        let scoped = entry("@types/node\t1.0\t12\tTypes for 'node'", 0).unwrap();
        assert_eq!((scoped.namespace.as_str(), scoped.name.as_str(), scoped.pulls), ("types", "node", 12));
        let plain = entry("left-pad\t1.0\t5\tPads\u{7} left", 3).unwrap();
        assert_eq!((plain.namespace.as_str(), plain.description.as_str()), ("team-3", "Pads left"));
    }

    #[test]
    fn a_line_that_is_no_repository_is_left_out() {
        for line in [
            "",
            "name",
            "name\t1\tmany\tsummary",
            "Upper\t1\t2\t",
            "a'b\t1\t2\t",
            "-a\t1\t2\t",
            "a..b\t1\t2\t",
            "@a/b\t1\t2\t",
        ] {
            assert_eq!(entry(line, 0), None, "{line:?}");
        }
    }

    #[test]
    fn invented_repositories_have_valid_names_and_each_its_own() {
        let all: Vec<Entry> = invented(1000).collect();
        assert!(all.iter().all(|entry| is_name(&entry.namespace, LONGEST.0) && is_name(&entry.name, LONGEST.1)));
        let paths: std::collections::BTreeSet<_> = all.iter().map(|entry| (&entry.namespace, &entry.name)).collect();
        assert_eq!(paths.len(), 1000);
    }
}
