//! Builds `target/site`, the files that the server embeds: the stylesheet, the public files and, if wasm32 can be
//! built, the islands.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use wasm_bindgen_cli_support::Bindgen;

use crate::fault::Fault;
use crate::files;
use crate::machine::Machine;
use crate::process;
use crate::wasm;

/// The first part of the stylesheet. It declares the order of the cascade layers, so the order of the other parts does
/// not matter.
const FIRST_STYLE: &str = "tokens.css";

const SITE: &str = "target/site";

/// Updates `target/site`; files that did not change are not touched.
pub(crate) fn build(machine: &Machine) -> Result<(), Fault> {
    let site = machine.path(SITE);
    let mut kept = files::copy_folder(&machine.path("public"), &site)?;
    let stylesheet = stylesheet(&machine.path("style"))?;
    files::write_if_changed(&site.join("portolan.css"), stylesheet.as_bytes())?;
    kept.insert(PathBuf::from("portolan.css"));

    match wasm::toolchain(machine) {
        Ok(toolchain) => {
            let module = compile(machine, &toolchain)?;
            for file in bind(machine, &module)? {
                kept.insert(Path::new("pkg").join(file));
            }
        }
        Err(missing) => eprintln!("warning: pages will have no islands: {}", missing.how()),
    }
    files::keep_only(&site, &kept)
}

/// Joins all parts of the stylesheet, the one that orders the layers first.
fn stylesheet(folder: &Path) -> Result<String, Fault> {
    let mut parts: Vec<PathBuf> = files::below(folder)?.into_iter().collect();
    parts.sort_by_key(|part| part != Path::new(FIRST_STYLE));
    let mut whole = String::new();
    for part in parts {
        let path = folder.join(part);
        whole.push_str(&fs::read_to_string(&path).map_err(Fault::file("read", &path))?);
        whole.push('\n');
    }
    Ok(whole)
}

/// Builds the `browser` package and returns the path of the module.
fn compile(machine: &Machine, toolchain: &wasm::Toolchain) -> Result<PathBuf, Fault> {
    process::run(toolchain.cargo(machine, "build").args(["--package", "browser", "--profile", wasm::PROFILE]))?;
    Ok(machine.path(&format!("{}/{}/{}/browser.wasm", wasm::TARGET_FOLDER, wasm::TARGET, wasm::PROFILE)))
}

/// Generates the loader and the module for browsers and returns their paths below `pkg`.
fn bind(machine: &Machine, module: &Path) -> Result<BTreeSet<PathBuf>, Fault> {
    let package = machine.path(SITE).join("pkg");
    let stamp = machine.path(wasm::TARGET_FOLDER).join("bound");
    if files::is_fresh(&stamp, module) && package.join("portolan_bg.wasm").is_file() {
        return files::below(&package);
    }
    let made = machine.path(wasm::TARGET_FOLDER).join("pkg");
    if made.is_dir() {
        fs::remove_dir_all(&made).map_err(Fault::file("delete", &made))?;
    }
    generate(module, &made).map_err(|reason| Fault::Bindgen { reason })?;
    let copied = files::copy_folder(&made, &package)?;
    fs::write(&stamp, "").map_err(Fault::file("write", &stamp))?;
    Ok(copied)
}

fn generate(module: &Path, folder: &Path) -> Result<(), String> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .out_name("portolan")
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .web(true)
        .and_then(|bindgen| bindgen.generate(folder))
        .map_err(|error| format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_layers_comes_before_every_other_style() {
        let folder = tempfile::tempdir().unwrap();
        for part in ["base.css", "pages.css", "tokens.css"] {
            fs::write(folder.path().join(part), part).unwrap();
        }
        assert_eq!(stylesheet(folder.path()).unwrap(), "tokens.css\nbase.css\npages.css\n");
    }
}
