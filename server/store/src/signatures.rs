//! That nobody reads or writes a row without saying who looks, held against the text of this package itself.
//! It refuses to know what a function does with a viewer; the policy's own tests do.

use std::fs;
use std::path::{Path, PathBuf};

/// What proves who calls.
const PROOFS: [&str; 4] = ["Viewer", "Permit<", "Scope", "&System"];

/// Functions that need nobody: the database as such, public keys, and secrets that are credentials themselves. May only shrink.
const NOBODY: [&str; 6] = ["open", "ping", "jwks", "invitation", "setup_secret", "setup_open"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && stem != "tests" {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") && !["tests", "testing"].contains(&&*stem) {
            found.push(path);
        }
    }
}

#[test]
fn every_function_asks_who_looks_or_makes_a_viewer_out_of_credentials() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let (mut asking, mut exempt) = (0, Vec::new());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for function in text.split("\n    pub async fn ").skip(1) {
            let signature = function.split(" {\n").next().unwrap();
            let name = signature.split(['(', '<']).next().unwrap();
            if PROOFS.iter().any(|proof| signature.contains(proof)) {
                asking += 1;
            } else {
                assert!(NOBODY.contains(&name), "{name} in {} takes no viewer, permit or scope", file.display());
                exempt.push(name.to_owned());
            }
        }
    }
    assert!(asking > 50, "{asking}");
    assert!(NOBODY.iter().all(|name| exempt.iter().any(|exempt| exempt == name)), "{exempt:?}");
}
