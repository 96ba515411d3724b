//! `cargo xtask test`: runs the checks in order, times each, and reports which passed, failed, or could not run.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::checks::{self, Check};
use crate::fault::{self, Fault};
use crate::machine::Machine;
use crate::report::Counts;

/// The result of a check.
enum Outcome {
    Passed,
    Failed(String),
    NotRun(String),
}

/// Prints the names of all checks.
pub(crate) fn list() {
    for check in checks::ALL {
        println!("{:<16} {}", check.name, check.about);
    }
}

/// Runs the named checks; all if no name is given.
pub(crate) fn run(machine: &Machine, names: &[String]) -> Result<ExitCode, Fault> {
    let chosen = choose(names)?;
    let mut lines = Vec::new();
    let mut total = Counts::default();
    for check in chosen {
        println!("\n── {}: {}", check.name, check.about);
        let start = Instant::now();
        let mut counts = Counts::default();
        let outcome = match (check.lacks)(machine) {
            Some(how) => Outcome::NotRun(how),
            None => match (check.run)(machine, &mut counts) {
                Ok(()) if counts.failed == 0 => Outcome::Passed,
                Ok(()) => Outcome::Failed(String::from("tests failed")),
                Err(fault) => Outcome::Failed(fault::chain(&fault)),
            },
        };
        if let Outcome::Failed(reason) = &outcome {
            eprintln!("{}: {reason}", check.name);
        }
        let counted = settle(machine, check, &outcome, counts);
        lines.push(line(check, &outcome, counted, start.elapsed()));
        total = total.and(counted);
    }

    println!();
    for line in lines {
        println!("{line}");
    }
    println!("\n{} passed, {} failed", total.passed, total.failed);
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn choose(names: &[String]) -> Result<Vec<&'static Check>, Fault> {
    if names.is_empty() {
        return Ok(checks::ALL.iter().collect());
    }
    let find = |name: &String| {
        let known = checks::ALL.iter().find(|check| check.name == name);
        known.ok_or_else(|| Fault::UnknownStep {
            name: name.clone(),
            known: checks::ALL.map(|check| check.name).join(" "),
        })
    };
    names.iter().map(find).collect()
}

/// Returns the counts for the total. A check without tests counts as one, and a check that could not run counts as
/// failed on a CI machine unless it is excused.
fn settle(machine: &Machine, check: &Check, outcome: &Outcome, counts: Counts) -> Counts {
    match outcome {
        Outcome::Passed => Counts { passed: counts.passed.max(1), ..counts },
        Outcome::Failed(_) => Counts { failed: counts.failed.max(1), ..counts },
        Outcome::NotRun(_) => Counts { passed: 0, failed: u32::from(machine.ci && !check.excused) },
    }
}

fn line(check: &Check, outcome: &Outcome, counts: Counts, took: Duration) -> String {
    let name = check.name;
    let seconds = took.as_secs();
    match outcome {
        Outcome::Passed => format!("passed   {name:<16} {seconds:>4} s  {} passed", counts.passed),
        Outcome::Failed(reason) => {
            let first = reason.lines().next().unwrap_or_default();
            format!("failed   {name:<16} {seconds:>4} s  {} failed: {first}", counts.failed)
        }
        Outcome::NotRun(how) => format!("not run  {name:<16}         {how}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_step_is_answered_with_the_known_ones() {
        let fault = choose(&[String::from("fnt")]).unwrap_err().to_string();
        assert!(fault.contains("fnt") && fault.contains("fmt"), "{fault}");
    }

    #[test]
    fn the_official_suite_and_the_advisories_alone_may_be_missing_in_ci() {
        let excused: Vec<&str> = checks::ALL.iter().filter(|check| check.excused).map(|check| check.name).collect();
        assert_eq!(excused, ["advisories", "conformance"]);
    }
}
