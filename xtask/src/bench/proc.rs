//! The CPU time and memory of a process, and the load of the machine, from Linux's `/proc`.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::number::real;
use crate::fault::Fault;

/// The unit of CPU times in `/proc`: a hundredth of a second (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);
/// A machine is quiet if less than this share of its CPU time is used.
const QUIET: f64 = 0.08;
const GLANCE: Duration = Duration::from_millis(300);

/// Returns the CPU time that a process has used, in all its threads.
pub(crate) fn cpu(process: u32) -> Result<Duration, Fault> {
    let ticks = read(&format!("/proc/{process}/stat"), ticks)?;
    Ok(TICK * u32::try_from(ticks).unwrap_or(u32::MAX))
}

/// Returns the resident memory of a process, in bytes.
pub(crate) fn resident(process: u32) -> Result<u64, Fault> {
    read(&format!("/proc/{process}/status"), resident_bytes)
}

fn read<T>(path: &str, understand: impl FnOnce(&str) -> Option<T>) -> Result<T, Fault> {
    let text = fs::read_to_string(path).map_err(Fault::file("read", path))?;
    understand(&text).ok_or_else(|| Fault::Bench { reason: format!("{path} does not say what it should") })
}

/// Parses the sum of user and system time, fields 14 and 15 of `/proc/<pid>/stat` (proc(5)). The second field may
/// contain spaces.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Parses the used and total time of all processors, in ticks, from the first line of `/proc/stat`.
fn machine(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = line.split_whitespace().map_while(|field| field.parse().ok()).collect();
    // Guest time, at the end, is already included in user time.
    let whole = fields.iter().take(8).sum::<u64>();
    let idle = fields.get(3)? + fields.get(4)?;
    Some((whole - idle, whole))
}

/// The time that a whole run may still wait for the machine to become quiet.
#[derive(Debug)]
pub(crate) struct Patience {
    left: Duration,
}

impl Patience {
    /// Creates a budget.
    pub(crate) fn of(left: Duration) -> Patience {
        Patience { left }
    }

    /// Waits until the machine is quiet. If the budget runs out first, returns the share of CPU time in use (0 to 1).
    pub(crate) fn wait(&mut self) -> Result<Option<f64>, Fault> {
        loop {
            let start = Instant::now();
            let (used, whole) = read("/proc/stat", machine)?;
            thread::sleep(GLANCE);
            let (used_now, whole_now) = read("/proc/stat", machine)?;
            let share = real(used_now.saturating_sub(used)) / real(whole_now.saturating_sub(whole).max(1));
            if share < QUIET {
                return Ok(None);
            }
            self.left = self.left.saturating_sub(start.elapsed());
            if self.left.is_zero() {
                return Ok(Some(share));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_named_with_spaces_and_brackets_is_still_timed() {
        let stat = "77 (a (b) c) S 1 77 77 0 -1 4194560 100 0 0 0 250 50 9 9 20 0 4 0 100 1 1";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("77 (short) S 1"), None);
    }

    #[test]
    fn resident_memory_is_bytes() {
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t    1024 kB\nVmSwap:\t 0 kB\n"), Some(1 << 20));
        assert_eq!(resident_bytes("Name:\tx\n"), None);
    }

    #[test]
    fn waiting_for_a_disk_is_not_using_a_processor() {
        let stat = "cpu  10 1 4 60 20 2 1 2 500 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(machine(stat), Some((20, 100)));
    }

    #[test]
    fn this_process_has_a_time_and_a_size() {
        assert!(cpu(std::process::id()).is_ok());
        assert!(resident(std::process::id()).unwrap() > 0);
        assert!(cpu(0).is_err());
    }
}
