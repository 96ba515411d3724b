//! Compares the map in ARCHITECTURE.md with the folders of the checkout, and checks that the paths in its text exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::fault::Fault;
use crate::machine::Machine;

const DOCUMENT: &str = "ARCHITECTURE.md";
/// Folders made by tools; hidden folders are skipped as well.
const MADE: [&str; 3] = ["data", "node_modules", "target"];

/// Returns what does not match.
pub(crate) fn check(machine: &Machine) -> Result<Vec<String>, Fault> {
    let path = machine.path(DOCUMENT);
    let text = fs::read_to_string(&path).map_err(Fault::file("read", &path))?;
    let drawn = drawn(&text);
    let mut findings: Vec<String> = drawn
        .iter()
        .chain(&named(&text))
        .filter(|place| !machine.path(place).exists())
        .map(|place| format!("{DOCUMENT} names {place}, which is not there"))
        .collect();
    for room in rooms(machine.root())? {
        if !drawn.contains(&room) {
            findings.push(format!("{DOCUMENT} does not show {room} on its map"));
        }
    }
    Ok(findings)
}

/// Returns the paths on the map. A line starts with a top-level folder or, indented, with a folder inside the previous
/// one. A second top-level folder may follow after a gap.
fn drawn(text: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut room = "";
    for line in text.split("```").nth(1).unwrap_or_default().lines() {
        let indented = line.starts_with(' ');
        for (position, column) in line.split("  ").map(str::trim).enumerate() {
            let word = column.split(' ').next().unwrap_or_default();
            if word.ends_with('/') && word.len() == column.len() {
                let folder = word.trim_end_matches('/');
                if indented {
                    paths.insert(format!("{room}/{folder}"));
                } else {
                    paths.insert(folder.to_owned());
                    if position == 0 {
                        room = folder;
                    }
                }
            }
        }
    }
    paths
}

/// Returns the paths in the text: words in backticks that start with a top-level folder and contain no placeholder.
fn named(text: &str) -> BTreeSet<String> {
    let rooms = drawn(text);
    text.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|word| word.contains('/') && !word.contains([' ', '<', '*', '{', '→']))
        .filter(|word| word.split('/').next().is_some_and(|first| rooms.contains(first)))
        .map(str::to_owned)
        .collect()
}

/// Returns the top-level folders and the packages inside them.
fn rooms(root: &Path) -> Result<BTreeSet<String>, Fault> {
    let mut rooms = BTreeSet::new();
    for top in folders(root)? {
        for inner in folders(&root.join(&top))? {
            let place = format!("{top}/{inner}");
            if root.join(&place).join("Cargo.toml").is_file() {
                rooms.insert(place);
            }
        }
        rooms.insert(top);
    }
    Ok(rooms)
}

fn folders(parent: &Path) -> Result<Vec<String>, Fault> {
    let mut names = Vec::new();
    for entry in fs::read_dir(parent).map_err(Fault::file("list", parent))? {
        let entry = entry.map_err(Fault::file("list", parent))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') && !MADE.contains(&name.as_str()) {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
## Map
```
Cargo.toml       the workspace
app/             what people see: pages         package app
  model/         words                          package model
style/           CSS in layers            public/   files
```
See `app/model/src/comment.rs`, `docker push`, `server → app` and `a/b`.
";

    #[test]
    fn the_map_is_read_with_what_lies_in_a_room_and_what_stands_beside_it() {
        assert_eq!(drawn(TEXT), ["app", "app/model", "public", "style"].map(String::from).into());
    }

    #[test]
    fn the_text_names_paths_only_below_rooms() {
        assert_eq!(named(TEXT), ["app/model/src/comment.rs"].map(String::from).into());
    }
}
