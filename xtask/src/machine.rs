//! What this machine offers: the checkout's paths, the programs on the PATH, and whether it is a
//! CI machine. Nothing is installed.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::process;

/// Programs that `.ci/run` installs for the checkout alone.
const TOOLS: &str = "target/tools/bin";

/// The checkout and what can be run in it.
#[derive(Debug)]
pub(crate) struct Machine {
    root: PathBuf,
    search: Vec<PathBuf>,
    /// `CI=true`: what cannot run is then a failure.
    pub(crate) ci: bool,
}

impl Machine {
    /// Looks at the environment once.
    pub(crate) fn here() -> Machine {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().unwrap_or(manifest).to_path_buf();
        let mut search = vec![root.join(TOOLS)];
        if let Some(path) = env::var_os("PATH") {
            search.extend(env::split_paths(&path));
        }
        Machine { root, search, ci: env::var_os("CI").is_some_and(|value| value == "true" || value == "1") }
    }

    /// The checkout's root, or a path below it.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// The checkout's root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The PATH that every child gets: the checkout's own tools come first.
    pub(crate) fn search_path(&self) -> OsString {
        env::join_paths(&self.search).unwrap_or_else(|_| env::var_os("PATH").unwrap_or_default())
    }

    /// Where a program is, if it is installed.
    pub(crate) fn find(&self, program: &str) -> Option<PathBuf> {
        self.search.iter().map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
    }

    /// The programs of the list that are not installed.
    pub(crate) fn lacking<'a>(&self, programs: &[&'a str]) -> Vec<&'a str> {
        programs.iter().copied().filter(|program| self.find(program).is_none()).collect()
    }

    /// Whether this is Debian (or one of its children) with the rights to install packages.
    pub(crate) fn installs_debian_packages(&self) -> bool {
        self.find("apt-get").is_some() && process::user_id(self) == Some(0)
    }
}
