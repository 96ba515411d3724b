//! The settings: flags over `PORTOLAN_*` over the TOML file over defaults, each value with where it came from.
//! It refuses to open, bind or connect to anything that a setting names.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use model::account::Registration;
use thiserror::Error;
use url::Url;

/// Why the settings cannot be used; one line that a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// A value is not one of those allowed.
    #[error("{key} = {value:?} ({origin}) is not usable: {allowed}")]
    Value {
        /// The setting.
        key: &'static str,
        /// Its value; `***` for a secret.
        value: String,
        /// Where it came from.
        origin: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// No setting has this name.
    #[error("{key} = {value:?} ({origin}) is no setting; settings are: {}", names())]
    Unknown {
        /// What was given.
        key: String,
        /// Its value.
        value: String,
        /// Where it came from.
        origin: String,
    },
    /// A variable of ours is not text.
    #[error("{key} (environment) is not usable: its value is not text in UTF-8")]
    NotText {
        /// Its name.
        key: String,
    },
    /// The file cannot be read as TOML.
    #[error("the settings file {file} cannot be read: {reason}")]
    File {
        /// Which file.
        file: String,
        /// Why, on one line.
        reason: String,
    },
}

/// One setting: its name everywhere, its default and what it may be.
struct Setting {
    key: &'static str,
    default: &'static str,
    allowed: &'static str,
    secret: bool,
}

const fn setting(key: &'static str, default: &'static str, allowed: &'static str) -> Setting {
    Setting { key, default, allowed, secret: false }
}

/// Every setting. An empty default stands for one that is made from others, or for none.
const SETTINGS: [Setting; 13] = [
    setting("data", "./data", "the path of a folder"),
    setting("listen", "127.0.0.1:5000", "an address and port, such as 127.0.0.1:5000 or [::]:5000"),
    setting("public_url", "", "an http or https address without a path, such as https://hub.example"),
    Setting { secret: true, ..setting("database", "", "sqlite://<path> or postgres://<user>@<host>/<database>") },
    Setting { secret: true, ..setting("storage", "", "file://<path>") },
    setting("registration", "open", "open, invitation or closed"),
    setting("log", "info", "a filter, such as info or warn,portolan=debug"),
    setting("log_format", "text", "text or json"),
    setting("metrics_listen", "", "an address and port, such as 127.0.0.1:9090"),
    setting("trusted_proxies", "", "addresses or networks of proxies with commas between, such as 10.0.0.0/8,::1"),
    setting("session_days", "30", "a whole number of days from 1 to 400"),
    setting("drain_seconds", "30", "a whole number of seconds from 0 to 3600"),
    setting("upload_gib", "64", "a whole number of GiB from 1 to 65536"),
];

/// Variables that begin with our prefix and are no settings: the file of settings, and those of the repository's own tasks.
const OTHERS: [&str; 3] = ["config", "conformance", "bless"];
const OTHERS_PREFIXES: [&str; 3] = ["bench_", "wasm_", "test_"];

const PREFIX: &str = "PORTOLAN_";

fn names() -> String {
    SETTINGS.map(|setting| setting.key).join(", ")
}

/// The settings, each parsed.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder for whatever is not told to be elsewhere.
    pub data: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The public address without a trailing slash; made from `listen` when it is not set.
    pub public_url: String,
    /// Whether `public_url` was set, rather than made from `listen`.
    pub public_url_set: bool,
    /// The database's address.
    pub database: String,
    /// The blob storage's address.
    pub storage: String,
    /// Who may sign up.
    pub registration: Registration,
    /// What is logged.
    pub log: String,
    /// Whether the log is JSON, one object a line.
    pub log_json: bool,
    /// Where metrics are served, if apart from everything else.
    pub metrics_listen: Option<SocketAddr>,
    /// Proxies whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// How long a session lives without being used.
    pub session: Duration,
    /// How long a shutdown waits for requests that are under way.
    pub drain: Duration,
    /// The largest blob, in bytes.
    pub upload_limit: u64,
    shown: Vec<Shown>,
}

/// One setting as `config print` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its name.
    pub key: &'static str,
    /// Its value, secrets hidden.
    pub value: String,
    /// Where it came from.
    pub origin: String,
}

impl Config {
    /// Puts the layers together: flags, then the environment, then the file, then defaults.
    pub fn resolve(
        flags: BTreeMap<&'static str, String>,
        environment: impl IntoIterator<Item = (String, String)>,
        file: Option<&Path>,
    ) -> Result<Self, Error> {
        let defaults = SETTINGS.iter().map(|setting| (setting.key.to_owned(), setting.default.to_owned())).collect();
        let mut figment = Figment::from(Layer { name: "default", values: defaults });
        if let Some(path) = file {
            figment = figment.merge(checked(path)?);
        }
        figment = figment.merge(Layer { name: "environment", values: ours(environment)? }).merge(Layer {
            name: "flag",
            values: flags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        });
        Self::parse(&Raw { figment })
    }

    fn parse(raw: &Raw) -> Result<Self, Error> {
        let data: PathBuf = raw.get("data", |text| (!text.is_empty()).then(|| PathBuf::from(text)))?;
        let listen: SocketAddr = raw.parsed("listen")?;
        let set_url = raw.optional("public_url", site_root)?;
        let database = raw.optional("database", database)?;
        let storage = raw.optional("storage", |text| {
            text.strip_prefix("file://").is_some_and(|path| !path.is_empty()).then(|| text.to_owned())
        })?;
        let days: u64 = raw.within("session_days", 1, 400)?;
        let mut config = Self {
            public_url_set: set_url.is_some(),
            public_url: set_url.unwrap_or_else(|| format!("http://{listen}")),
            database: database.unwrap_or_else(|| format!("sqlite://{}", data.join("portolan.db").display())),
            storage: storage.unwrap_or_else(|| format!("file://{}", data.join("blobs").display())),
            registration: raw.get("registration", |text| text.parse().ok())?,
            log: raw
                .get("log", |text| tracing_subscriber::EnvFilter::try_new(text).is_ok().then(|| text.to_owned()))?,
            log_json: raw.get("log_format", |text| match text {
                "json" => Some(true),
                "text" => Some(false),
                _ => None,
            })?,
            metrics_listen: raw.optional("metrics_listen", |text| text.parse().ok())?,
            trusted_proxies: raw.get("trusted_proxies", networks)?,
            session: Duration::from_secs(days * 24 * 60 * 60),
            drain: Duration::from_secs(raw.within("drain_seconds", 0, 3600)?),
            upload_limit: raw.within("upload_gib", 1, 65536)? << 30,
            shown: Vec::new(),
            data,
            listen,
        };
        config.shown = raw.shown(&config);
        Ok(config)
    }

    /// Whether browsers reach the site over TLS.
    pub fn https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// The host and port of the public address, as it stands before a repository's path in a pull command.
    pub fn host(&self) -> &str {
        self.public_url.split_once("://").map_or(self.public_url.as_str(), |(_, host)| host)
    }

    /// The folder that `storage` names.
    pub fn storage_folder(&self) -> PathBuf {
        PathBuf::from(self.storage.strip_prefix("file://").unwrap_or(&self.storage))
    }

    /// The database's address without its password.
    pub fn database_shown(&self) -> String {
        without_password(&self.database)
    }

    /// Every setting with its value and where that came from, secrets hidden.
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// Whether the headers that a proxy at `address` added are believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(address))
    }
}

/// A network as `address/bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    fn contains(self, other: IpAddr) -> bool {
        let (mine, theirs) = match (self.address, other.to_canonical()) {
            (IpAddr::V4(mine), IpAddr::V4(theirs)) => {
                (u128::from(mine.to_bits()) << 96, u128::from(theirs.to_bits()) << 96)
            }
            (IpAddr::V6(mine), IpAddr::V6(theirs)) => (mine.to_bits(), theirs.to_bits()),
            _ => return false,
        };
        let differing = mine ^ theirs;
        differing.leading_zeros() >= u32::from(self.bits)
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), str::parse).map_err(|_| ())?;
        if bits > width { Err(()) } else { Ok(Self { address, bits }) }
    }
}

fn networks(text: &str) -> Option<Vec<Network>> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| part.parse().ok()).collect()
}

/// An address that names a database: an empty path would be SQLite's way to ask for one that is thrown away.
fn database(text: &str) -> Option<String> {
    let named = match text.strip_prefix("sqlite:") {
        Some(path) => !path.trim_start_matches('/').is_empty(),
        None => Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "postgres" | "postgresql")),
    };
    named.then(|| text.to_owned())
}

/// The address of a site's root without its trailing slash.
fn site_root(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let web = matches!(url.scheme(), "http" | "https") && url.has_host();
    (plain && web).then(|| url.as_str().trim_end_matches('/').to_owned())
}

/// Text values under one name, as a provider.
struct Layer {
    name: &'static str,
    values: BTreeMap<String, String>,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let dict = self.values.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
        Ok(Profile::Default.collect(dict))
    }
}

/// Those of the process's variables that begin with our prefix; others need not even be text.
pub fn environment(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Vec<(String, String)>, Error> {
    let ours = variables.into_iter().filter_map(|(name, value)| {
        let key = name.into_string().ok().filter(|key| key.starts_with(PREFIX))?;
        Some(value.into_string().map(|value| (key.clone(), value)).map_err(|_| Error::NotText { key }))
    });
    ours.collect()
}

/// Whether a variable without our prefix is somebody else's: the repository's own tasks', or what Kubernetes sets for a service
/// that is called as we are, such as `PORT_5000_TCP_ADDR` and `SERVICE_PORT_HTTP`.
fn is_foreign(key: &str) -> bool {
    let of_a_port = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit()) && rest.contains("_tcp");
    OTHERS.contains(&key)
        || OTHERS_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
        || matches!(key, "port" | "service_host" | "service_port")
        || key.starts_with("service_port_")
        || key.strip_prefix("port_").is_some_and(of_a_port)
}

/// The variables that are ours, by setting.
fn ours(environment: impl IntoIterator<Item = (String, String)>) -> Result<BTreeMap<String, String>, Error> {
    let mut values = BTreeMap::new();
    for (name, value) in environment {
        let Some(key) = name.strip_prefix(PREFIX).map(str::to_lowercase) else { continue };
        if SETTINGS.iter().any(|setting| setting.key == key) {
            values.insert(key, value);
        } else if !is_foreign(&key) {
            return Err(Error::Unknown { key: name, value, origin: "environment".to_owned() });
        }
    }
    Ok(values)
}

/// The file as a provider, once it reads as TOML and holds nothing but settings.
fn checked(path: &Path) -> Result<figment::providers::Data<Toml>, Error> {
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
    for (key, value) in data.into_values().flatten() {
        if !SETTINGS.iter().any(|setting| setting.key == key) {
            return Err(Error::Unknown { key, value: text(&value), origin: file() });
        }
    }
    Ok(provider)
}

/// A value as the text that a flag would hold.
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

/// The merged layers, still as text.
struct Raw {
    figment: Figment,
}

impl Raw {
    fn text(&self, key: &'static str) -> String {
        self.figment.find_value(key).map(|value| text(&value)).unwrap_or_default()
    }

    fn origin(&self, key: &'static str) -> String {
        let Some(metadata) = self.figment.find_metadata(key) else { return "default".to_owned() };
        let file = metadata.source.as_ref().and_then(figment::Source::file_path);
        match (file, metadata.name.as_ref()) {
            (Some(path), _) => path.display().to_string(),
            (None, "environment") => format!("{PREFIX}{}", key.to_uppercase()),
            (None, "flag") => format!("--{}", key.replace('_', "-")),
            (None, name) => name.to_owned(),
        }
    }

    fn get<T>(&self, key: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Error> {
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

    fn optional<T>(&self, key: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Error> {
        self.get(key, |text| if text.is_empty() { Some(None) } else { parse(text).map(Some) })
    }

    fn parsed<T: FromStr>(&self, key: &'static str) -> Result<T, Error> {
        self.get(key, |text| text.parse().ok())
    }

    fn within(&self, key: &'static str, least: u64, most: u64) -> Result<u64, Error> {
        self.get(key, |text| text.parse().ok().filter(|number| (least..=most).contains(number)))
    }

    fn shown(&self, config: &Config) -> Vec<Shown> {
        SETTINGS
            .iter()
            .map(|setting| {
                let value = match setting.key {
                    "public_url" => config.public_url.clone(),
                    "database" => without_password(&config.database),
                    "storage" => without_password(&config.storage),
                    key => self.text(key),
                };
                Shown { key: setting.key, value, origin: self.origin(setting.key) }
            })
            .collect()
    }
}

/// An address with its password, if it holds one, hidden.
fn without_password(address: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) if url.password().is_some() => {
            // An address that holds a password takes another one.
            let _ = url.set_password(Some("***"));
            url.to_string()
        }
        _ => address.to_owned(),
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {:?}  # {}", self.key, self.value, self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(flags: &[(&'static str, &str)], environment: &[(&str, &str)]) -> Result<Config, Error> {
        Config::resolve(
            flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
            environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
            None,
        )
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_a_file_and_that_over_a_default() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "registration = \"closed\"\nlog = \"debug\"\nsession_days = 7\n").unwrap();
        let config = Config::resolve(
            BTreeMap::from([("log", "error".to_owned())]),
            [
                ("PORTOLAN_REGISTRATION".to_owned(), "invitation".to_owned()),
                ("PORTOLAN_LOG".to_owned(), "warn".to_owned()),
            ],
            Some(file.path()),
        )
        .unwrap();
        assert_eq!(config.log, "error");
        assert_eq!(config.registration, Registration::Invitation);
        assert_eq!(config.session, Duration::from_hours(7 * 24));
        let origin = |key| config.shown().iter().find(|shown| shown.key == key).unwrap().origin.clone();
        assert_eq!(origin("log"), "--log");
        assert_eq!(origin("registration"), "PORTOLAN_REGISTRATION");
        assert!(origin("session_days").ends_with(file.path().file_name().unwrap().to_str().unwrap()));
        assert_eq!(origin("listen"), "default");
    }

    #[test]
    fn a_bad_value_names_the_key_the_value_and_what_is_allowed() {
        let error = resolve(&[], &[("PORTOLAN_LISTEN", "5000")]).unwrap_err().to_string();
        assert_eq!(
            error,
            "listen = \"5000\" (PORTOLAN_LISTEN) is not usable: an address and port, such as 127.0.0.1:5000 or [::]:5000"
        );
        assert!(!error.contains('\n'));
    }

    #[test]
    fn an_unknown_key_is_refused_wherever_it_stands() {
        let error = resolve(&[], &[("PORTOLAN_REGISTRATON", "closed")]).unwrap_err().to_string();
        assert!(
            error.contains("PORTOLAN_REGISTRATON") && error.contains("closed") && error.contains("registration"),
            "{error}"
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "lisen = \"127.0.0.1:1\"\n").unwrap();
        let error = Config::resolve(BTreeMap::new(), [], Some(file.path())).unwrap_err().to_string();
        assert!(error.contains("lisen = \"127.0.0.1:1\""), "{error}");
    }

    #[test]
    fn an_address_that_names_nothing_is_refused_and_its_password_not_shown() {
        for (key, value) in [
            ("database", "sqlite:"),
            ("database", "sqlite://"),
            ("database", "postgres://hub:hunter2@[::/hub"),
            ("storage", "file://"),
        ] {
            let error = resolve(&[(key, value)], &[]).unwrap_err().to_string();
            assert!(error.starts_with(key) && !error.contains("hunter2"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_text_stops_nothing_unless_it_is_ours() {
        use std::os::unix::ffi::OsStringExt as _;
        let variables = |name: &str| [(OsString::from(name), OsString::from_vec(vec![0xff]))];
        assert_eq!(environment(variables("OTHER")), Ok(Vec::new()));
        let error = environment(variables("PORTOLAN_DATA")).unwrap_err().to_string();
        assert!(error.contains("PORTOLAN_DATA") && error.contains("UTF-8"), "{error}");
    }

    #[test]
    fn variables_of_others_with_our_prefix_are_left_alone() {
        for name in [
            "PORT",
            "PORT_5000_TCP",
            "PORT_5000_TCP_ADDR",
            "SERVICE_HOST",
            "SERVICE_PORT",
            "SERVICE_PORT_HTTP",
            "TEST_POSTGRES",
        ] {
            resolve(&[], &[(&format!("PORTOLAN_{name}"), "tcp://10.0.0.1:5000")]).unwrap();
        }
        for name in ["PORTS", "PORT_X", "PORT_5000", "SERVICE", "SERVICE_HOSTS", "CONFIGS"] {
            let error = resolve(&[], &[(&format!("PORTOLAN_{name}"), "5000")]).unwrap_err();
            assert!(matches!(error, Error::Unknown { .. }), "{name}: {error}");
        }
    }

    #[test]
    fn a_password_in_the_databases_address_is_never_shown() {
        let config = resolve(&[("database", "postgres://hub:hunter2@db/hub")], &[]).unwrap();
        assert!(config.shown().iter().all(|shown| !shown.to_string().contains("hunter2")));
        let error = resolve(&[("database", "mysql://hub:hunter2@db/hub")], &[]).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn what_is_not_set_follows_from_what_is() {
        let config = resolve(&[("data", "/srv/hub"), ("listen", "127.0.0.1:81")], &[]).unwrap();
        assert_eq!(config.database, "sqlite:///srv/hub/portolan.db");
        assert_eq!(config.storage_folder(), Path::new("/srv/hub/blobs"));
        assert_eq!((config.public_url.as_str(), config.public_url_set), ("http://127.0.0.1:81", false));
    }

    #[test]
    fn a_proxy_is_trusted_by_its_network() {
        let config = resolve(&[("trusted_proxies", "10.0.0.0/8, ::1")], &[]).unwrap();
        for (address, trusted) in
            [("10.9.9.9", true), ("11.0.0.1", false), ("::1", true), ("::2", false), ("::ffff:10.0.0.1", true)]
        {
            assert_eq!(config.trusts(address.parse().unwrap()), trusted, "{address}");
        }
    }

    #[test]
    fn a_public_address_with_a_path_is_refused() {
        assert!(resolve(&[("public_url", "https://hub.example/base")], &[]).is_err());
        assert_eq!(resolve(&[("public_url", "https://hub.example/")], &[]).unwrap().public_url, "https://hub.example");
    }
}
