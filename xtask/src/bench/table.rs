//! The tables at the end of a run: what each server needed, and how ours compares with the targets.

use crate::bench::load::Sample;
use crate::bench::number::{self, MIB, median, real};
use crate::bench::workload::{self, Goal, Measure, Workload};

/// A workload's samples, with a list for each server in their order; empty if the server did not run it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) workload: Workload,
    /// The number of repositories in the hub, if it was filled.
    pub(crate) repositories: Option<u64>,
    pub(crate) samples: Vec<Vec<Sample>>,
    /// The largest share of the CPU that other processes used before one of the samples, from 0 to 1; `None` if the
    /// machine was quiet.
    pub(crate) noise: Option<f64>,
}

impl Row {
    /// The name of the workload, with the number of repositories.
    fn name(&self) -> String {
        match self.repositories {
            None => self.workload.name().to_owned(),
            Some(repositories) => format!("{} of {repositories}", self.workload.name()),
        }
    }

    /// Returns the median over a server's rounds; `None` if the server did not run the workload.
    fn figure(&self, side: usize, figure: impl Fn(&Sample) -> f64) -> Option<f64> {
        let samples = self.samples.get(side).filter(|samples| !samples.is_empty())?;
        Some(median(samples.iter().map(figure).collect()))
    }
}

/// The minimum widths of the columns, so that tables of one row line up.
const NARROWEST: [usize; 7] = [18, 18, 11, 10, 9, 9, 9];

/// Returns the table of what each server needed for each workload.
pub(crate) fn figures(sides: &[String], rows: &[Row]) -> String {
    let mut lines =
        vec![["workload", "server", "CPU a unit", "rate", "p50", "p99", "memory", ""].map(String::from).to_vec()];
    for row in rows {
        for (side, name) in sides.iter().enumerate() {
            lines.extend(line(row, side, name));
        }
    }
    laid_out(&lines, &NARROWEST)
}

fn line(row: &Row, side: usize, name: &str) -> Option<Vec<String>> {
    let workload = row.workload;
    let latency = |percent| move |sample: &Sample| sample.load.latencies.percentile(percent).as_secs_f64();
    let idle = workload == Workload::Idle;
    let cpu = row.figure(side, |sample| workload::cpu_per_unit(workload, sample))?;
    let rate = if workload.counts_bytes() {
        format!("{:.0} MiB/s", row.figure(side, workload::throughput)?)
    } else {
        let per_second = |sample: &Sample| workload::units(workload, sample) / sample.load.took.as_secs_f64();
        format!("{:.0}/s", row.figure(side, per_second)?)
    };
    let unit = if workload.counts_bytes() { format!("{cpu:.3} s/GiB") } else { number::seconds(cpu) };
    Some(vec![
        row.name(),
        name.to_owned(),
        if idle { String::new() } else { unit },
        if idle { String::new() } else { rate },
        number::seconds(row.figure(side, latency(50))?),
        number::seconds(row.figure(side, latency(99))?),
        memory(row.figure(side, |sample| real(sample.resident))?),
        row.noise.map(|share| format!("others used {:.0} %", share * 100.0)).unwrap_or_default(),
    ])
}

/// Returns the table that compares ours, the first server, with each of the others, and says whether the target against
/// the server at `peer` is met.
pub(crate) fn ratios(sides: &[String], peer: Option<usize>, rows: &[Row]) -> String {
    let mut head = vec![String::from("workload"), String::from("measure")];
    head.extend(sides.iter().skip(1).map(|name| format!("to {name}")));
    head.extend(["ours", "target", ""].map(String::from));
    let mut lines = vec![head];
    for row in rows {
        for goal in row.workload.goals() {
            lines.extend(compared(row, sides.len(), peer, *goal));
        }
    }
    laid_out(&lines, &[])
}

fn compared(row: &Row, sides: usize, peer: Option<usize>, (measure, bound): Goal) -> Option<Vec<String>> {
    let figure = |side| row.figure(side, |sample| measure.of(row.workload, sample));
    let ours = figure(0)?;
    let ratios: Vec<Option<f64>> = (1..sides).map(|side| figure(side).map(|theirs| rounded(ours / theirs))).collect();
    let mut cells = vec![row.name(), measure.name().to_owned()];
    cells.extend(ratios.iter().map(|ratio| ratio.map(|ratio| format!("{ratio:.2}×")).unwrap_or_default()));
    cells.push(shown(measure, ours));
    let value =
        if measure.is_ratio() { peer.and_then(figure).map(|theirs| rounded(ours / theirs)) } else { Some(ours) };
    let sign = if measure == Measure::Requests { '≥' } else { '≤' };
    let target = bound.map(|bound| {
        let bound = if measure.is_ratio() { format!("{bound}×") } else { shown(measure, bound) };
        format!("{sign} {bound}")
    });
    cells.push(target.unwrap_or_default());
    cells.push(String::from(match (value, bound) {
        (_, None) => "",
        (None, Some(_)) => "no peer",
        (Some(value), Some(bound)) if measure.keeps(value, bound) => "met",
        (Some(_), Some(_)) => "missed",
    }));
    Some(cells)
}

/// Rounds a ratio to the two decimals that are shown, so that the verdict matches the table.
fn rounded(ratio: f64) -> f64 {
    (ratio * 100.0).round() / 100.0
}

fn shown(measure: Measure, value: f64) -> String {
    match measure {
        Measure::Requests => format!("{value:.0}"),
        Measure::Gibibytes | Measure::Wall => format!("{value:.3}"),
        Measure::P99 | Measure::Start => number::seconds(value),
        Measure::Memory => memory(value),
    }
}

fn memory(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / real(MIB))
}

/// Aligns cells in columns with minimum widths: the first two columns and the last to the left, others to the right.
fn laid_out(lines: &[Vec<String>], narrowest: &[usize]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
            .max(narrowest.get(column).copied().unwrap_or_default())
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let mut whole = String::new();
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let last = column + 1 == columns;
            let cell = if column < 2 || last { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
            whole.push_str(&cell);
        }
        text.push_str(whole.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sample(requests: u32, cpu_ms: u64) -> Sample {
        let mut sample = Sample::default();
        for _ in 0..requests {
            sample.load.latencies.record(Duration::from_micros(500));
        }
        sample.load.took = Duration::from_secs(1);
        sample.cpu = Duration::from_millis(cpu_ms);
        sample.resident = 40 * MIB;
        sample
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn words(text: &str, line: usize) -> Vec<String> {
        text.lines().nth(line).unwrap().split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_ratio_is_the_median_of_ours_to_the_median_of_theirs() {
        let ours = vec![sample(1000, 20), sample(1000, 2000), sample(1000, 10)];
        let theirs = vec![sample(1000, 200), sample(1000, 100), sample(1000, 300)];
        let row =
            Row { workload: Workload::ManifestByDigest, samples: vec![ours, theirs], noise: None, repositories: None };
        let text = ratios(&names(&["ours", "peer"]), Some(1), &[row]);
        assert_eq!(
            words(&text, 1),
            ["manifest-by-digest", "requests", "per", "CPU", "second", "10.00×", "50000", "≥", "10×", "met"]
        );
    }

    #[test]
    fn a_target_that_is_not_reached_says_so() {
        let row = Row {
            workload: Workload::BlobHead,
            samples: vec![vec![sample(100, 50)], vec![sample(100, 60)]],
            noise: None,
            repositories: None,
        };
        assert_eq!(words(&ratios(&names(&["ours", "peer"]), Some(1), &[row]), 1).last().unwrap(), "missed");
    }

    #[test]
    fn without_a_peer_what_stands_alone_is_still_judged() {
        let rows = [
            Row { workload: Workload::BlobHead, samples: vec![vec![sample(100, 50)]], noise: None, repositories: None },
            Row { workload: Workload::Page, samples: vec![vec![sample(100, 50)]], noise: None, repositories: None },
        ];
        let text = ratios(&names(&["ours"]), None, &rows);
        assert!(text.lines().nth(1).unwrap().ends_with("no peer"), "{text}");
        assert!(text.lines().nth(3).unwrap().ends_with("met"), "{text}");
    }

    #[test]
    fn a_server_that_was_not_asked_has_no_line_and_noise_is_told() {
        let row = Row {
            workload: Workload::Page,
            samples: vec![vec![sample(100, 50)], Vec::new()],
            noise: Some(0.5),
            repositories: None,
        };
        let text = figures(&names(&["ours", "peer"]), &[row]);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.lines().nth(1).unwrap().ends_with("others used 50 %"), "{text}");
    }

    #[test]
    fn columns_stand_below_one_another() {
        let text = laid_out(&[names(&["a", "b", "µ", "x"]), names(&["long", "b", "123", "y"])], &[0, 2]);
        assert_eq!(text, "a     b     µ  x\nlong  b   123  y\n");
    }
}
