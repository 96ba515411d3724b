//! Generates Rust code from the locale files. Fails if a language lacks a text or has a superfluous one.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use leptos_i18n_parser::parse_locales::options::{Config, ParseOptions};
use leptos_i18n_parser::parse_locales::parse_locales;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=locales");
    let config = Config::new("en").and_then(|config| config.add_locale("zh-CN")).map_err(|error| error.to_string())?;
    let config = config.parse_options(ParseOptions::new().interpolate_display(true));
    let locales = parse_locales(None, config).map_err(|error| error.to_string())?;
    let errors: Vec<String> = locales.diag.errors().iter().map(ToString::to_string).collect();
    let warnings: Vec<String> = locales.diag.warnings().iter().map(ToString::to_string).collect();
    if !errors.is_empty() || !warnings.is_empty() {
        return Err([errors, warnings].concat().join("\n").into());
    }
    let code = leptos_i18n_codegen::gen_code(&locales, None, false, None, false).map_err(|error| error.to_string())?;
    let folder = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    fs::write(PathBuf::from(folder).join("i18n.rs"), code.to_string())?;
    Ok(())
}
