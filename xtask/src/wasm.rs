//! Finds a toolchain that builds for wasm32, or makes one from Debian's packages.

use std::env;
use std::fmt;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fault::{self, Fault};
use crate::files;
use crate::machine::Machine;
use crate::process;

/// The target for browsers.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
/// A separate target folder, because another compiler may build for this target.
pub(crate) const TARGET_FOLDER: &str = "target/wasm";

/// The profile of both the bundle and its checks, so that macros are built once.
pub(crate) const PROFILE: &str = "wasm-release";

const OVERRIDE: &str = "PORTOLAN_WASM_TOOLCHAIN";
const DEBIAN: &str = "/usr";
const DEBIAN_PACKAGES: [&str; 5] = ["cargo-web", "lld-22", "rust-web-clippy", "rust-web-src", "rustc-web"];

/// A cargo and rustc with the standard library for wasm32.
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// The toolchain that runs this task.
    Active,
    /// A toolchain installed under a prefix, as `<prefix>/bin/{cargo,rustc}`.
    Prefix(PathBuf),
}

/// The error when there is no such toolchain.
#[derive(Debug)]
pub(crate) struct Missing {
    reason: String,
}

impl Missing {
    /// Returns the reason and how to get a toolchain, in one line.
    pub(crate) fn how(&self) -> String {
        format!(
            "{}; get it with `rustup target add {TARGET}`, or on Debian as root by running this \
             again, or name a toolchain's folder in {OVERRIDE}",
            self.reason
        )
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

impl Toolchain {
    /// Returns a cargo subcommand of this toolchain for wasm32, with the wasm target folder.
    pub(crate) fn cargo(&self, machine: &Machine, subcommand: &str) -> Command {
        let mut command = match self {
            Toolchain::Active => process::cargo(machine),
            Toolchain::Prefix(prefix) => foreign(machine, prefix, subcommand),
        };
        command.arg(subcommand);
        command.args(["--target", TARGET, "--target-dir", TARGET_FOLDER]);
        command
    }
}

/// Returns a cargo outside rustup, without the variables of the running toolchain.
fn foreign(machine: &Machine, prefix: &Path, subcommand: &str) -> Command {
    let binaries = prefix.join("bin");
    // `cargo clippy` would look for its subcommand among rustup's proxies first.
    let program = if subcommand == "clippy" { "cargo-clippy" } else { "cargo" };
    let mut command = process::command(machine, binaries.join(program));
    for (name, _) in env::vars_os() {
        let inherited = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_")
                || name.starts_with("CARGO_MANIFEST_")
                || name.starts_with("RUSTC")
                || name.starts_with("RUSTDOC")
                || matches!(name, "RUSTUP_TOOLCHAIN" | "LD_LIBRARY_PATH" | "RUSTFLAGS" | "CARGO_ENCODED_RUSTFLAGS")
        });
        if inherited {
            command.env_remove(name);
        }
    }
    command.env("CARGO", binaries.join("cargo")).env("RUSTC", binaries.join("rustc"));
    command
}

/// Returns the toolchain named in the environment, the active one, Debian's, or one made from Debian's packages, in
/// this order.
pub(crate) fn toolchain(machine: &Machine) -> Result<Toolchain, Missing> {
    if let Some(prefix) = env::var_os(OVERRIDE).map(PathBuf::from) {
        return if has_target(&prefix.join("bin/rustc")) {
            Ok(Toolchain::Prefix(prefix))
        } else {
            Err(Missing { reason: format!("{OVERRIDE}={} has no {TARGET}", prefix.display()) })
        };
    }
    if machine.find("rustc").is_some_and(|rustc| has_target(&rustc)) {
        return Ok(Toolchain::Active);
    }
    let debian = PathBuf::from(DEBIAN);
    if has_target(&debian.join("bin/rustc")) {
        return Ok(Toolchain::Prefix(debian));
    }
    if !machine.installs_debian_packages() {
        return Err(Missing { reason: format!("no Rust toolchain here has the target {TARGET}") });
    }
    match make(machine, &debian) {
        Ok(()) => Ok(Toolchain::Prefix(debian)),
        Err(fault) => Err(Missing {
            reason: format!("building {TARGET} from Debian's packages failed: {}", fault::chain(&fault)),
        }),
    }
}

/// Whether the compiler's library folder for the target contains `core`.
fn has_target(rustc: &Path) -> bool {
    let arguments = ["--print", "target-libdir", "--target", TARGET];
    let Some(libraries) = process::rustc_print(rustc, &arguments) else {
        return false;
    };
    files::below(&libraries).is_ok_and(|found| found.iter().any(|file| file.to_string_lossy().starts_with("libcore-")))
}

/// Installs Debian's compiler and builds the target's standard library for it.
fn make(machine: &Machine, prefix: &Path) -> Result<(), Fault> {
    eprintln!("building {TARGET} from Debian's packages, once (about two minutes)");
    process::run(process::command(machine, "apt-get").args(["update", "--quiet"]))?;
    process::run(
        process::command(machine, "apt-get")
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(DEBIAN_PACKAGES)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;

    let folder = machine.path("target/wasm-std");
    files::write_if_changed(
        &folder.join("Cargo.toml"),
        b"[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n",
    )?;
    files::write_if_changed(&folder.join("src/lib.rs"), b"")?;
    process::run(
        foreign(machine, prefix, "build")
            .current_dir(&folder)
            .args(["build", "--release", "--target", TARGET])
            .args(["--target-dir", "target"])
            .args(["-Z", "build-std=std,panic_abort,proc_macro"])
            .env("RUSTC_BOOTSTRAP", "1")
            // Fat link-time optimisation needs the libraries' bitcode.
            .env("RUSTFLAGS", "-Cembed-bitcode=yes"),
    )?;

    let made = folder.join(format!("target/{TARGET}/release/deps"));
    let libraries = prefix.join(format!("lib/rustlib/{TARGET}/lib"));
    fs::create_dir_all(&libraries).map_err(Fault::file("make", &libraries))?;
    for file in files::below(&made)? {
        let name = file.to_string_lossy();
        let library = file.extension().is_some_and(|extension| extension == "rlib");
        if library && !name.starts_with("libempty-") {
            let from = made.join(&file);
            fs::copy(&from, libraries.join(&file)).map_err(Fault::file("copy", &from))?;
        }
    }

    let host = format!("lib/rustlib/{}-unknown-linux-gnu/bin", env::consts::ARCH);
    let binaries = prefix.join(host);
    fs::create_dir_all(&binaries).map_err(Fault::file("make", &binaries))?;
    let linker = binaries.join("rust-lld");
    if !linker.exists() {
        symlink(prefix.join("bin/lld-22"), &linker).map_err(Fault::file("link", &linker))?;
    }
    // Crates built with an earlier copy of these libraries cannot be linked with the new one.
    let stale = machine.path(TARGET_FOLDER);
    if stale.is_dir() {
        fs::remove_dir_all(&stale).map_err(Fault::file("delete", &stale))?;
    }
    fs::remove_dir_all(&folder).map_err(Fault::file("delete", &folder))
}
