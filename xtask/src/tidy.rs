//! Style rules that the compiler does not check: short files, a `//!` comment at the start of each module, and nothing
//! left unfinished.

use std::fs;
use std::path::Path;

use crate::fault::Fault;
use crate::files;
use crate::machine::Machine;
use crate::map;

const ROOMS: [&str; 8] = [".ci", "app", "end2end", "migrations", "public", "server", "style", "xtask"];
const LONGEST: usize = 600;
/// The extensions of files written by hand.
const WRITTEN: [&str; 6] = ["css", "js", "mjs", "rs", "sh", "toml"];
/// Split, so that this file does not contain them.
const LEFTOVERS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];

/// Checks all files written by hand, and the map.
pub(crate) fn check(machine: &Machine) -> Result<(), Fault> {
    let mut findings = map::check(machine)?;
    for room in ROOMS {
        for file in files::below(&machine.path(room))? {
            let path = Path::new(room).join(file);
            if is_written(&path) {
                let whole = machine.root().join(&path);
                let text = fs::read_to_string(&whole).map_err(Fault::file("read", &whole))?;
                findings.extend(untidy(&path, &text));
            }
        }
    }
    if findings.is_empty() { Ok(()) } else { Err(Fault::Findings { findings }) }
}

fn is_written(path: &Path) -> bool {
    let made = ["node_modules", "results", "snapshots", "target"];
    let elsewhere = path.components().any(|part| made.iter().any(|folder| part.as_os_str() == *folder));
    let known = path.extension().is_some_and(|kind| WRITTEN.iter().any(|written| kind == *written));
    known && !elsewhere
}

fn untidy(path: &Path, text: &str) -> Vec<String> {
    let shown = path.display();
    let mut findings = Vec::new();
    let length = text.lines().count();
    if length > LONGEST {
        findings.push(format!("{shown} has {length} lines, over {LONGEST}"));
    }
    let module = path.extension().is_some_and(|kind| kind == "rs");
    if module && !text.starts_with("//!") {
        findings.push(format!("{shown} does not open with what it is (`//!`)"));
    }
    for (number, line) in text.lines().enumerate() {
        if let Some(word) = LEFTOVERS.iter().find(|word| line.contains(**word)) {
            findings.push(format!("{shown}:{}: {word} is left over", number + 1));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_a_silent_and_an_unfinished_file_are_named() {
        let path = Path::new("app/src/lib.rs");
        assert!(untidy(path, "//! Pages.\n").is_empty());
        assert_eq!(untidy(path, "use std::fs;\n").len(), 1);
        assert_eq!(untidy(path, &"//! x\n".repeat(LONGEST + 1)).len(), 1);
        let unfinished = format!("//! Pages.\n// {}: more\n", concat!("TO", "DO"));
        assert_eq!(untidy(path, &unfinished).len(), 1);
    }

    #[test]
    fn what_tools_made_is_not_read() {
        assert!(!is_written(Path::new("end2end/node_modules/a/b.js")));
        assert!(is_written(Path::new("end2end/tests/home.js")));
    }
}
