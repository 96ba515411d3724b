//! Runs other programs: with their output shown, returned, or read line by line.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::fault::Fault;
use crate::machine::Machine;

/// Returns a command that runs in the checkout's root with the checkout's own tools in its PATH.
pub(crate) fn command(machine: &Machine, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(machine.root()).env("PATH", machine.search_path());
    command
}

/// Returns a command for the cargo that runs this task.
pub(crate) fn cargo(machine: &Machine) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = command(machine, cargo);
    // Cargo set these for this process; the child's build scripts must not use them.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "OUT_DIR"] {
        command.env_remove(name);
    }
    command
}

/// Runs a command; an exit status other than success is an error.
pub(crate) fn run(command: &mut Command) -> Result<(), Fault> {
    let program = name(command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Fault::Ended { program, status }),
        Err(source) => Err(Fault::Start { program, source }),
    }
}

/// Runs a command and returns its standard output; its standard error is shown.
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

/// Runs a command and shows its output; `seen` gets each line without colours.
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
    // Stop reading on errors: the child's exit status says whether it succeeded.
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let _ = to.write_all(&line);
        let _ = to.flush();
        let text = without_colours(&String::from_utf8_lossy(&line));
        (seen.lock().unwrap_or_else(PoisonError::into_inner))(text.trim());
        line.clear();
    }
}

/// Removes terminal escapes (`ESC [ … letter`).
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

/// Returns the effective user's id, as printed by `id -u`.
pub(crate) fn user_id(machine: &Machine) -> Option<u32> {
    let output = command(machine, "id").arg("-u").output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

/// Runs `rustc --print …` and returns its output as a path.
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
