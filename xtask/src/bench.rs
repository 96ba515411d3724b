//! `cargo xtask bench`: runs the same workloads on this server and others, in turns on one machine, and prints tables
//! of what each needed. A missed target does not fail the run.

pub(crate) mod client;
mod content;
pub(crate) mod filled;
pub(crate) mod histogram;
mod load;
mod number;
mod proc;
mod push;
mod scene;
pub(crate) mod side;
mod table;
mod workload;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use self::client::Request;
use self::content::Noise;
use self::filled::Filled;
use self::load::{Load, Sample};
use self::proc::Patience;
use self::push::Pusher;
use self::scene::{Scene, Tags};
use self::side::{Running, Side};
use self::table::Row;
use self::workload::Workload;
use crate::fault::Fault;
use crate::machine::Machine;
use crate::serve;

/// The folder for the servers' data: memory, so that no disk is measured.
const MEMORY: &str = "/dev/shm";

/// The extent of a run.
struct Extent {
    rounds: usize,
    /// The duration of a measurement.
    cell: Duration,
    /// The duration of the warm-up before each measurement.
    warm_up: Duration,
    /// The number of blobs in a measurement of pushes.
    blobs: u64,
    tags: Tags,
    /// The numbers of repositories in filled hubs.
    repositories: &'static [u64],
    patience: Duration,
}

const WHOLE: Extent = Extent {
    rounds: 3,
    cell: Duration::from_secs(3),
    warm_up: Duration::from_millis(500),
    blobs: 4,
    tags: Tags { each: 1000, many: 100_000 },
    repositories: &[100_000, 1_000_000],
    patience: Duration::from_mins(1),
};

const QUICK: Extent = Extent {
    rounds: 1,
    cell: Duration::from_secs(1),
    warm_up: Duration::from_millis(300),
    blobs: 2,
    tags: Tags { each: 200, many: 10_000 },
    repositories: &[2_000],
    patience: Duration::from_secs(10),
};

/// How long a server is left alone before its idle memory is measured.
const REST: Duration = Duration::from_secs(1);
/// How long a measurement continues after a push, to include what the server does afterwards.
const AFTERMATH: Duration = Duration::from_millis(200);

/// The state of a run.
struct Bench<'a> {
    machine: &'a Machine,
    sides: Vec<Side>,
    extent: Extent,
    noise: Noise,
    patience: Patience,
    work_folder: WorkFolder,
}

/// The folder of a run. Dropping it deletes the folder.
pub(crate) struct WorkFolder {
    folder: PathBuf,
    handed_out: u32,
}

/// Measures the named workloads, or all, and prints the tables. Builds the server unless a program is given.
pub(crate) fn run(
    machine: &Machine,
    mut programs: Vec<PathBuf>,
    quick: bool,
    names: &[String],
    repositories: &[u64],
) -> Result<ExitCode, Fault> {
    let workloads = choose(names)?;
    if programs.is_empty() {
        programs.push(serve::build(machine)?);
    }
    let portolan = programs.remove(0);
    let extent = if quick { QUICK } else { WHOLE };
    let patience = Patience::of(extent.patience);
    let sides = Side::all(machine, portolan, programs);
    let mut bench = Bench { machine, sides, extent, noise: Noise::new(), patience, work_folder: WorkFolder::new()? };
    let mut rows = bench.standing(&workloads)?;
    rows.extend(bench.fresh(&workloads)?);
    let repositories = if repositories.is_empty() { bench.extent.repositories } else { repositories };
    for repositories in repositories {
        rows.extend(bench.filled(&workloads, *repositories)?);
    }

    let names: Vec<String> = bench.sides.iter().map(|side| side.name.clone()).collect();
    let peer = bench.sides.iter().position(Side::is_distribution);
    println!("\n{}\n{}", table::figures(&names, &rows), table::ratios(&names, peer, &rows));
    if rows.iter().any(|row| row.noise.is_some()) {
        println!(
            "Other processes used the processor during the rows marked in the first table; do not rely on their times."
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn choose(names: &[String]) -> Result<Vec<Workload>, Fault> {
    if names.is_empty() {
        return Ok(workload::ALL.to_vec());
    }
    let find = |name: &String| {
        workload::ALL.into_iter().find(|workload| workload.name() == name).ok_or_else(|| Fault::UnknownStep {
            name: name.clone(),
            known: workload::ALL.map(Workload::name).join(" "),
        })
    };
    names.iter().map(find).collect()
}

impl Bench<'_> {
    /// Runs the workloads that read what was pushed before, all on the same run of each server.
    fn standing(&mut self, workloads: &[Workload]) -> Result<Vec<Row>, Fault> {
        let workloads: Vec<Workload> =
            workloads.iter().copied().filter(|workload| workload.wants_standing_server()).collect();
        if workloads.is_empty() {
            return Ok(Vec::new());
        }
        let mut tags = self.extent.tags;
        if !workloads.contains(&Workload::ManyTags) {
            tags.many = 0;
        }
        let mut servers = Vec::new();
        for side in &self.sides {
            println!("{}: pushing test images", side.name);
            let running = side.start(self.machine, self.work_folder.folder())?;
            let scene = Scene::push(&running, &self.noise, tags)?;
            servers.push((running, scene));
        }
        let mut rows = Vec::new();
        for workload in workloads {
            rows.push(self.repeat(workload, None, &servers, |scene, running| scene.request(workload, running))?);
        }
        Ok(rows)
    }

    /// Runs the workloads that request pages and lists of a hub with many repositories.
    fn filled(&mut self, workloads: &[Workload], repositories: u64) -> Result<Vec<Row>, Fault> {
        let workloads: Vec<Workload> =
            workloads.iter().copied().filter(|workload| workload.wants_filled_server()).collect();
        if workloads.is_empty() {
            return Ok(Vec::new());
        }
        let mut servers = Vec::new();
        for side in self.sides.iter().filter(|side| side.is_portolan()) {
            println!("{}: filling a hub with {repositories} repositories", side.name);
            let fill = |folder: &Path| filled::fill(self.machine, folder, repositories);
            let running = side.start_on(self.machine, self.work_folder.folder(), fill)?;
            let filled = Filled::open(&running, repositories)?;
            servers.push((running, filled));
        }
        let mut rows = Vec::new();
        for workload in workloads {
            let row = self
                .repeat(workload, Some(repositories), &servers, |filled, running| filled.request(workload, running))?;
            rows.push(row);
        }
        Ok(rows)
    }

    /// Measures a repeated request on each server in turns.
    fn repeat<T>(
        &mut self,
        workload: Workload,
        repositories: Option<u64>,
        servers: &[(Running, T)],
        request: impl Fn(&T, &Running) -> Result<Request, Fault>,
    ) -> Result<Row, Fault> {
        let mut row = Row { repositories, ..self.row(workload) };
        let asked =
            self.sides.iter().zip(&mut row.samples).filter(|(side, _)| !workload.ours_alone() || side.is_portolan());
        let mut asked: Vec<_> = asked.map(|(_, samples)| samples).collect();
        let servers: Vec<_> =
            servers.iter().filter(|(running, _)| !workload.ours_alone() || running.secret.is_some()).collect();
        for _ in 0..self.extent.rounds {
            for ((running, what), samples) in servers.iter().zip(&mut asked) {
                row.noise = louder(row.noise, self.patience.wait()?);
                let request = request(what, running)?;
                let hammer = |time| load::hammer(running.address, &request, workload.connections(), time);
                hammer(self.extent.warm_up)?;
                samples.push(load::measure(running.process(), || hammer(self.extent.cell))?);
            }
        }
        self.say(&row);
        Ok(row)
    }

    /// Runs the workloads that store much data or measure the start, with a new server for each round.
    fn fresh(&mut self, workloads: &[Workload]) -> Result<Vec<Row>, Fault> {
        let mut rows = Vec::new();
        for workload in workloads.iter().copied().filter(|workload| workload.wants_fresh_server()) {
            let mut row = self.row(workload);
            for _ in 0..self.extent.rounds {
                for (side, samples) in self.sides.iter().zip(&mut row.samples) {
                    let running = side.start(self.machine, self.work_folder.folder())?;
                    let noise = self.patience.wait()?;
                    row.noise = louder(row.noise, noise);
                    samples.push(match workload {
                        Workload::Idle => idle(&running)?,
                        _ => pushed(workload, &running, &self.noise, self.extent.blobs)?,
                    });
                }
            }
            self.say(&row);
            rows.push(row);
        }
        Ok(rows)
    }

    fn row(&self, workload: Workload) -> Row {
        Row { workload, repositories: None, samples: self.sides.iter().map(|_| Vec::new()).collect(), noise: None }
    }

    fn say(&self, row: &Row) {
        let names: Vec<String> = self.sides.iter().map(|side| side.name.clone()).collect();
        let text = table::figures(&names, std::slice::from_ref(row));
        for line in text.lines().skip(1) {
            println!("{line}");
        }
    }
}

/// Pushes blobs one after another over one connection, after a first one that is not measured.
fn pushed(workload: Workload, running: &Running, noise: &Noise, blobs: u64) -> Result<Sample, Fault> {
    let mut pusher = Pusher::open(running, &scene::repository())?;
    pusher.blob(&noise.size(scene::LARGE / 2).blob(0))?;
    let (size, blobs) = if workload == Workload::Push { (1024, 1) } else { (scene::LARGE, blobs) };
    let size = noise.size(size);
    let blobs: Vec<_> = (1..=blobs).map(|number| size.blob(number)).collect();
    load::measure(running.process(), || {
        let mut load = Load::default();
        let start = Instant::now();
        for blob in &blobs {
            let took = if workload == Workload::Push { pusher.stream(blob)? } else { pusher.blob(blob)? };
            load.latencies.record(took);
            load.bytes += blob.length();
        }
        load.took = start.elapsed();
        thread::sleep(AFTERMATH);
        Ok(load)
    })
}

/// Measures an idle server. The only latency is that of the first response.
fn idle(running: &Running) -> Result<Sample, Fault> {
    thread::sleep(REST);
    load::measure(running.process(), || {
        let mut load = Load { took: REST, ..Load::default() };
        load.latencies.record(running.started);
        Ok(load)
    })
}

fn louder(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}

impl WorkFolder {
    pub(crate) fn new() -> Result<WorkFolder, Fault> {
        let memory = Path::new(MEMORY);
        let below = if memory.is_dir() {
            memory.to_path_buf()
        } else {
            println!("{MEMORY} does not exist: using a disk, whose speed is part of the results");
            env::temp_dir()
        };
        let folder = below.join(format!("portolan-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(Fault::file("make", &folder))?;
        Ok(WorkFolder { folder, handed_out: 0 })
    }

    /// Returns the path of a new folder for a server.
    pub(crate) fn folder(&mut self) -> PathBuf {
        self.handed_out += 1;
        self.folder.join(self.handed_out.to_string())
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        if fs::remove_dir_all(&self.folder).is_err() {
            eprintln!("warning: cannot delete {}", self.folder.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_are_chosen_by_name_and_all_without_one() {
        assert_eq!(choose(&[]).unwrap().len(), workload::ALL.len());
        assert_eq!(choose(&[String::from("blob-head")]).unwrap(), [Workload::BlobHead]);
        let fault = choose(&[String::from("blob-heap")]).unwrap_err().to_string();
        assert!(fault.contains("blob-heap") && fault.contains("blob-head"), "{fault}");
    }

    #[test]
    fn the_loudest_noise_is_the_one_told() {
        assert_eq!(louder(Some(0.2), Some(0.5)), Some(0.5));
        assert_eq!(louder(None, Some(0.5)), Some(0.5));
        assert_eq!(louder(None, None), None);
    }
}
