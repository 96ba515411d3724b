//! The sources of settings: defaults, a TOML file, the environment and flags, with values as text.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::age::age;
use super::{Error, SETTINGS, STORAGE_OPTIONS, is_setting};

/// Variables with our prefix that are not settings: the path of the file, and those of development tasks.
const OTHERS: [&str; 3] = ["config", "conformance", "bless"];
const OTHERS_PREFIXES: [&str; 3] = ["bench_", "wasm_", "test_"];

const PREFIX: &str = "PORTOLAN_";

/// Values from one source.
pub(super) struct Layer {
    pub(super) name: &'static str,
    pub(super) values: BTreeMap<String, String>,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut dict = Dict::new();
        for (key, value) in &self.values {
            insert(&mut dict, key, value);
        }
        Ok(Profile::Default.collect(dict))
    }
}

/// Inserts a value under a key such as `sweep.grace`.
fn insert(dict: &mut Dict, key: &str, value: &str) {
    let Some((table, key)) = key.split_once('.') else {
        dict.insert(key.to_owned(), Value::from(value));
        return;
    };
    if let Value::Dict(_, table) = dict.entry(table.to_owned()).or_insert_with(|| Value::from(Dict::new())) {
        insert(table, key, value);
    }
}

/// The process's variables with our prefix; others need not be valid UTF-8.
pub fn environment(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Vec<(String, String)>, Error> {
    let ours = variables.into_iter().filter_map(|(name, value)| {
        let key = name.into_string().ok().filter(|key| key.starts_with(PREFIX))?;
        Some(value.into_string().map(|value| (key.clone(), value)).map_err(|_| Error::NotText { key }))
    });
    ours.collect()
}

/// Whether a variable, given in lower case and without our prefix, is not meant as a setting: those of development
/// tasks, and those that Kubernetes sets for a service with our name, such as `PORT_5000_TCP_ADDR` and
/// `SERVICE_PORT_HTTP`.
fn is_foreign(key: &str) -> bool {
    let of_a_port = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit()) && rest.contains("_tcp");
    OTHERS.contains(&key)
        || OTHERS_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
        || matches!(key, "port" | "service_host" | "service_port")
        || key.starts_with("service_port_")
        || key.strip_prefix("port_").is_some_and(of_a_port)
}

/// The variables that are settings.
pub(super) fn ours(environment: impl IntoIterator<Item = (String, String)>) -> Result<BTreeMap<String, String>, Error> {
    let mut values = BTreeMap::new();
    for (name, value) in environment {
        let Some(key) = name.strip_prefix(PREFIX) else { continue };
        let key = key.to_lowercase().replace("__", ".");
        if is_setting(&key) {
            values.insert(key, value);
        } else if !is_foreign(&key) {
            return Err(Error::Unknown { key: name, origin: "environment".to_owned() });
        }
    }
    Ok(values)
}

/// Reads the file, which must be valid TOML and contain only settings.
pub(super) fn checked(path: &Path) -> Result<figment::providers::Data<Toml>, Error> {
    let file = || path.display().to_string();
    if !path.is_file() {
        let reason = if path.is_dir() { "it is a folder" } else { "there is no such file" };
        return Err(Error::File { file: file(), reason: reason.to_owned() });
    }
    let provider = Toml::file_exact(path);
    let data = provider.data().map_err(|error| Error::File {
        file: file(),
        reason: error.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
    })?;
    for dict in data.into_values() {
        if let Some(key) = unknown("", &dict) {
            return Err(Error::Unknown { key, origin: file() });
        }
    }
    Ok(provider)
}

/// Returns the key of the first value that is not a setting.
fn unknown(table: &str, dict: &Dict) -> Option<String> {
    dict.iter().find_map(|(key, value)| {
        let key = format!("{table}{key}");
        match value {
            Value::Dict(_, dict) if is_table(&key) => unknown(&format!("{key}."), dict),
            Value::Dict(..) => Some(key),
            _ => (!is_setting(&key)).then_some(key),
        }
    })
}

/// Whether there are settings in a table of this name.
fn is_table(key: &str) -> bool {
    key == STORAGE_OPTIONS
        || SETTINGS.iter().any(|setting| setting.key.split_once('.').is_some_and(|(table, _)| table == key))
}

/// A TOML value as the text of a flag.
fn text(value: &Value) -> String {
    match value {
        Value::String(_, text) => text.clone(),
        Value::Bool(_, truth) => truth.to_string(),
        Value::Num(_, number) => number.to_i128().map_or_else(|| format!("{number:?}"), |number| number.to_string()),
        Value::Array(_, items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        Value::Dict(..) => "a table".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The merged sources, with values as text.
pub(super) struct Raw {
    pub(super) figment: Figment,
}

impl Raw {
    pub(super) fn text(&self, key: &'static str) -> String {
        self.figment.find_value(key).map(|value| text(&value)).unwrap_or_default()
    }

    /// The values in a table, as text.
    pub(super) fn table(&self, name: &str) -> BTreeMap<String, String> {
        let Ok(Value::Dict(_, table)) = self.figment.find_value(name) else { return BTreeMap::new() };
        table.iter().map(|(key, value)| (key.clone(), text(value))).collect()
    }

    pub(super) fn origin(&self, key: &str) -> String {
        let Some(metadata) = self.figment.find_metadata(key) else { return "default".to_owned() };
        let file = metadata.source.as_ref().and_then(figment::Source::file_path);
        match (file, metadata.name.as_ref()) {
            (Some(path), _) => path.display().to_string(),
            (None, "environment") => format!("{PREFIX}{}", key.to_uppercase().replace('.', "__")),
            (None, "flag") => format!("--{}", key.replace(['_', '.'], "-")),
            (None, name) => name.to_owned(),
        }
    }

    pub(super) fn get<T>(&self, key: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Error> {
        let given = self.text(key);
        parse(given.trim()).ok_or_else(|| {
            let setting = SETTINGS.iter().find(|setting| setting.key == key);
            Error::Value {
                key,
                value: if setting.is_some_and(|setting| setting.secret) { "***".to_owned() } else { given },
                origin: self.origin(key),
                allowed: setting.map_or("", |setting| setting.allowed),
            }
        })
    }

    pub(super) fn optional<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        self.get(key, |text| if text.is_empty() { Some(None) } else { parse(text).map(Some) })
    }

    pub(super) fn parsed<T: FromStr>(&self, key: &'static str) -> Result<T, Error> {
        self.get(key, |text| text.parse().ok())
    }

    /// An age of at least `least`, or `None` for `never`.
    pub(super) fn age_or_never(&self, key: &'static str, least: Duration) -> Result<Option<Duration>, Error> {
        self.get(key, |text| match text {
            "never" => Some(None),
            text => age(text).filter(|age| *age >= least).map(Some),
        })
    }

    pub(super) fn within(&self, key: &'static str, least: u64, most: u64) -> Result<u64, Error> {
        self.get(key, |text| text.parse().ok().filter(|number| (least..=most).contains(number)))
    }
}
