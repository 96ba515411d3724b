//! The properties of this machine: the checkout's paths, the programs in the PATH, and whether it is a CI machine.
//! Nothing is installed.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::process;

/// The folder of programs that `.ci/run` installs for this checkout.
const TOOLS: &str = "target/tools/bin";

/// The checkout and the programs that it can run.
#[derive(Debug)]
pub(crate) struct Machine {
    root: PathBuf,
    search: Vec<PathBuf>,
    /// Whether this is a CI machine (`CI=true` or `CI=1`), where a check that cannot run has failed.
    pub(crate) ci: bool,
}

impl Machine {
    /// Reads the environment.
    pub(crate) fn here() -> Machine {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().unwrap_or(manifest).to_path_buf();
        let mut search = vec![root.join(TOOLS)];
        if let Some(path) = env::var_os("PATH") {
            search.extend(env::split_paths(&path));
        }
        Machine { root, search, ci: env::var_os("CI").is_some_and(|value| value == "true" || value == "1") }
    }

    /// Returns a path below the checkout's root.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// The checkout's root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The PATH of all child processes: the checkout's own tools come first.
    pub(crate) fn search_path(&self) -> OsString {
        env::join_paths(&self.search).unwrap_or_else(|_| env::var_os("PATH").unwrap_or_default())
    }

    /// Returns the path of a program, if it is installed.
    pub(crate) fn find(&self, program: &str) -> Option<PathBuf> {
        self.search.iter().map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
    }

    /// Returns the programs that are not installed.
    pub(crate) fn lacking<'a>(&self, programs: &[&'a str]) -> Vec<&'a str> {
        programs.iter().copied().filter(|program| self.find(program).is_none()).collect()
    }

    /// Whether this is Debian or a derivative, with the rights to install packages.
    pub(crate) fn installs_debian_packages(&self) -> bool {
        self.find("apt-get").is_some() && process::user_id(self) == Some(0)
    }
}
