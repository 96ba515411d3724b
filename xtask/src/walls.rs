//! Checks the dependencies between packages as resolved by cargo: which package may use which, and which must not even
//! be reached indirectly, so that SQL, the engine and the web stay separate.

use std::collections::BTreeSet;

use crate::fault::Fault;
use crate::machine::Machine;
use crate::process;
use crate::wasm;

/// Each package of the workspace, and the others that its manifest may name.
const ARROWS: [(&str, &[&str]); 8] = [
    ("app", &["model"]),
    ("browser", &["app"]),
    ("migrations", &[]),
    ("model", &[]),
    ("registry", &["model"]),
    ("server", &["app", "model", "registry", "store"]),
    ("store", &["migrations", "model", "registry"]),
    ("xtask", &[]),
];

/// A package, and the packages that it must not depend on, not even indirectly. A name ending in `*` is a prefix.
struct Wall {
    package: &'static str,
    /// Arguments for `cargo tree` that choose the features and target to resolve.
    with: &'static [&'static str],
    never: &'static [&'static str],
}

const SQL: &str = "sea-orm*";
const SQL_DRIVER: &str = "sqlx*";

const WALLS: [Wall; 5] = [
    // mio implements tokio's network I/O.
    Wall {
        package: "browser",
        with: &["--target", wasm::TARGET],
        never: &[SQL, SQL_DRIVER, "axum*", "hyper*", "migrations", "mio", "registry", "server", "store", "tantivy*"],
    },
    Wall {
        package: "app",
        with: &["--features", "ssr"],
        never: &[SQL, SQL_DRIVER, "axum*", "hyper*", "migrations", "mio", "registry", "server", "store", "tantivy*"],
    },
    Wall { package: "model", with: &[], never: &[SQL, SQL_DRIVER, "axum*", "leptos*", "tantivy*", "tokio*"] },
    Wall {
        package: "registry",
        with: &[],
        never: &[
            SQL,
            SQL_DRIVER,
            "app",
            "axum*",
            "leptos*",
            "migrations",
            "server",
            "store",
            "tantivy*",
            "tower-sessions*",
        ],
    },
    Wall { package: "store", with: &[], never: &["app", "axum", "leptos*", "server", "tantivy*"] },
];

/// Packages that `server` must not depend on directly, although `store` does.
const SERVER_NEVER: [&str; 3] = [SQL, SQL_DRIVER, "migrations"];

/// Checks cargo's dependency trees against the tables above.
pub(crate) fn check(machine: &Machine) -> Result<(), Fault> {
    let mut findings = Vec::new();
    for (package, allowed) in ARROWS {
        let direct = tree(machine, package, &["--depth", "1", "--target", "all"])?;
        for (room, _) in ARROWS {
            if direct.contains(room) && !allowed.contains(&room) {
                findings.push(format!("{package} depends on {room}"));
            }
        }
        if package == "server" {
            findings.extend(breaches(package, &direct, &SERVER_NEVER));
        }
    }
    for wall in WALLS {
        let below = tree(machine, wall.package, wall.with)?;
        findings.extend(breaches(wall.package, &below, wall.never));
    }
    if findings.is_empty() { Ok(()) } else { Err(Fault::Findings { findings }) }
}

/// Returns the names of a package's dependencies, without its own.
fn tree(machine: &Machine, package: &str, with: &[&str]) -> Result<BTreeSet<String>, Fault> {
    let listing = process::output(
        process::cargo(machine)
            .args(["tree", "--edges", "normal", "--prefix", "none"])
            .args(["--package", package])
            .args(with),
    )?;
    Ok(listing.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(String::from).collect())
}

fn breaches(package: &str, below: &BTreeSet<String>, never: &[&str]) -> Vec<String> {
    below
        .iter()
        .filter(|name| never.iter().any(|pattern| matches(pattern, name)))
        .map(|name| format!("{package} reaches {name}"))
        .collect()
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(family) => name.starts_with(family),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_family_is_found_by_its_first_letters() {
        let below = ["sea-orm-macros", "serde", "storekeeper"].map(String::from);
        assert_eq!(breaches("app", &BTreeSet::from(below), &[SQL, "store"]), ["app reaches sea-orm-macros"]);
    }
}
