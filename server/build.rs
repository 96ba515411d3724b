//! Makes the folder that the server embeds when nothing was bundled yet, so that a build without islands works.

use std::path::Path;

fn main() {
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/site");
    println!("cargo::rerun-if-changed=build.rs");
    // A release build holds the files themselves, also those that were not there last time; a debug one reads them as it runs.
    if std::env::var_os("PROFILE").is_some_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed={}", site.display());
    }
    if let Err(error) = std::fs::create_dir_all(&site) {
        println!("cargo::warning=cannot make {}: {error}", site.display());
    }
}
