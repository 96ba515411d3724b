//! Starting other programs: plainly, quietly, or watched line by line.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::fault::Fault;
use crate::machine::Machine;

/// A command in the checkout's root, with the checkout's own tools on its PATH.
pub(crate) fn command(machine: &Machine, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(machine.root()).env("PATH", machine.search_path());
    command
}

/// The cargo that runs this task.
pub(crate) fn cargo(machine: &Machine) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = command(machine, cargo);
    // Set by cargo for this process; a build script of the child would take them for its own.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "OUT_DIR"] {
        command.env_remove(name);
    }
    command
}

/// Runs to the end; anything but success is a fault.
pub(crate) fn run(command: &mut Command) -> Result<(), Fault> {
    let program = name(command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Fault::Ended { program, status }),
        Err(source) => Err(Fault::Start { program, source }),
    }
}

/// Runs to the end and gives its standard output; its errors go to ours.
pub(crate) fn output(command: &mut Command) -> Result<String, Fault> {
    let program = name(command);
    let output = match command.stderr(Stdio::inherit()).output() {
        Ok(output) => output,
        Err(source) => return Err(Fault::Start { program, source }),
    };
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Fault::Ended { program, status: output.status })
    }
}

/// Runs to the end, passing its output through while `seen` gets each line without colours.
pub(crate) fn watch(command: &mut Command, seen: impl FnMut(&str) + Send) -> Result<(), Fault> {
    let program = name(command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| Fault::Start { program: program.clone(), source })?;
    let seen = Mutex::new(seen);
    let standard = child.stdout.take();
    let errors = child.stderr.take();
    thread::scope(|scope| {
        if let Some(standard) = standard {
            scope.spawn(|| pass_on(standard, io::stdout(), &seen));
        }
        if let Some(errors) = errors {
            scope.spawn(|| pass_on(errors, io::stderr(), &seen));
        }
    });
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Fault::Ended { program, status }),
        Err(source) => Err(Fault::Start { program, source }),
    }
}

fn pass_on(from: impl Read, mut to: impl Write, seen: &Mutex<impl FnMut(&str) + Send>) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    // A pipe that breaks ends the copy; the child's exit status tells the rest.
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let _ = to.write_all(&line);
        let _ = to.flush();
        let text = without_colours(&String::from_utf8_lossy(&line));
        (seen.lock().unwrap_or_else(PoisonError::into_inner))(text.trim());
        line.clear();
    }
}

/// The text without its terminal escapes (`ESC [ … letter`).
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            plain.push(character);
            continue;
        }
        for escaped in characters.by_ref() {
            if escaped.is_ascii_alphabetic() {
                break;
            }
        }
    }
    plain
}

/// The effective user's number, as `id -u` says.
pub(crate) fn user_id(machine: &Machine) -> Option<u32> {
    let output = command(machine, "id").arg("-u").output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

/// What `rustc` says to `--print`, in one line.
pub(crate) fn rustc_print(rustc: &Path, arguments: &[&str]) -> Option<PathBuf> {
    let output = Command::new(rustc).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    if let Some(first) = command.get_args().next() {
        name.push(' ');
        name.push_str(&first.to_string_lossy());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::without_colours;

    #[test]
    fn colours_are_dropped_and_the_words_stay() {
        assert_eq!(without_colours("\u{1b}[32;1m Summary\u{1b}[0m [0.1s] 3 passed"), " Summary [0.1s] 3 passed");
    }
}
