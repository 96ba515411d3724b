//! Settings: flags override `PORTOLAN_*` variables, which override the TOML file and the defaults. Each value records
//! its source.

mod address;
pub(crate) mod age;
mod layers;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use ipnet::IpNet;
use model::account::Registration;
use registry::sweep::{SweepOptions, UnknownObjects};
use thiserror::Error;

use self::address::{database, networks, site_root, storage, without_password};
use self::age::age;
use self::layers::{Layer, Raw, checked, ours};

pub use self::layers::environment;

/// Why settings are invalid, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// A value is invalid.
    #[error("{key} = {value:?} ({origin}) is not valid: {allowed}")]
    Value {
        /// The setting.
        key: &'static str,
        /// Its value; `***` for a secret.
        value: String,
        /// Where it comes from.
        origin: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// There is no setting with this name.
    #[error("{key} ({origin}) is not a setting; the settings are: {}", names())]
    Unknown {
        /// Its name. Its value is not shown, because it may be a secret.
        key: String,
        /// Where it comes from.
        origin: String,
    },
    /// A `PORTOLAN_*` variable is not valid UTF-8.
    #[error("{key} (environment) is not valid: its value is not text in UTF-8")]
    NotText {
        /// Its name.
        key: String,
    },
    /// The file is not valid TOML.
    #[error("the settings file {file} cannot be read: {reason}")]
    File {
        /// Its path.
        file: String,
        /// The reason, in one line.
        reason: String,
    },
}

/// A setting: its name, default and allowed values.
struct Setting {
    key: &'static str,
    default: &'static str,
    allowed: &'static str,
    secret: bool,
}

const fn setting(key: &'static str, default: &'static str, allowed: &'static str) -> Setting {
    Setting { key, default, allowed, secret: false }
}

/// What a limit of a caller allows.
const LIMIT: &str = "a whole number from 0, for no limit, to 1000000";

/// All settings. An empty default means that the value is derived from other settings, or that there is none.
const SETTINGS: [Setting; 24] = [
    setting("data", "./data", "the path of a folder"),
    setting("listen", "127.0.0.1:5000", "an address and port, such as 127.0.0.1:5000 or [::]:5000"),
    setting("public_url", "", "an http or https address without a path, such as https://hub.example"),
    Setting { secret: true, ..setting("database", "", "sqlite://<path> or postgres://<user>@<host>/<database>") },
    Setting {
        secret: true,
        ..setting(
            "storage",
            "",
            "file://<path>, s3://<bucket>, azblob://<container>, gcs://<bucket>, swift://<container> or oss://<bucket>",
        )
    },
    setting("storage_redirect", "false", "true or false"),
    setting("registration", "open", "open, invitation or closed"),
    setting("pictures", "proxy", "proxy or text"),
    setting("log", "info", "a filter, such as info or warn,portolan=debug"),
    setting("log_format", "text", "text or json"),
    setting("metrics_listen", "", "an address and port, such as 127.0.0.1:9090"),
    setting("trusted_proxies", "", "addresses or networks of proxies with commas between, such as 10.0.0.0/8,::1"),
    setting("session_days", "30", "a whole number of days from 1 to 400"),
    setting("drain_seconds", "30", "a whole number of seconds from 0 to 3600"),
    setting("upload_gib", "64", "a whole number of GiB from 1 to 65536"),
    setting("upload_days", "7", "a whole number of days from 1 to 400"),
    setting("requests_per_minute", "0", LIMIT),
    setting("sign_ups_per_hour", "100", LIMIT),
    setting("comments_per_hour", "120", LIMIT),
    setting("repositories_per_hour", "1000", LIMIT),
    setting("sweep.every", "10m", "an age from 1s, such as 10m, or never"),
    setting("sweep.grace", "24h", age::FORM),
    setting("sweep.untagged", "30d", "an age, such as 30d, or never"),
    setting("sweep.rate", "0", LIMIT),
];

/// The table of an object store's own options, which have the names that OpenDAL gives them.
const STORAGE_OPTIONS: &str = "storage_options";

/// Whether there is a setting with this name.
fn is_setting(key: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.key == key)
        || key.split_once('.').is_some_and(|(table, option)| table == STORAGE_OPTIONS && !option.contains('.'))
}

fn names() -> String {
    format!("{}, {STORAGE_OPTIONS}", SETTINGS.map(|setting| setting.key).join(", "))
}

/// The parsed settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// The base folder for everything without a setting of its own.
    pub data: PathBuf,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The public URL without a trailing slash; derived from `listen` if not set.
    pub public_url: String,
    /// Whether `public_url` was set.
    pub public_url_set: bool,
    /// The database's URL.
    pub database: String,
    /// Where blobs are stored.
    pub storage: StorageConfig,
    /// Who may sign up.
    pub registration: Registration,
    /// Whether pictures in READMEs and comments are shown, fetched by the hub, or only their text.
    pub show_pictures: bool,
    /// The log filter.
    pub log: String,
    /// Whether to log JSON, one object for each line.
    pub log_json: bool,
    /// A separate address for metrics, if any.
    pub metrics_listen: Option<SocketAddr>,
    /// Networks of proxies whose `X-Forwarded-*` headers are trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The lifetime of an unused session.
    pub session: Duration,
    /// How long a shutdown waits for open requests.
    pub drain: Duration,
    /// The largest blob, in bytes.
    pub upload_limit: u64,
    /// How long an upload may wait for its next chunk before it is deleted.
    pub upload_age: Duration,
    /// How many requests an address may send in a minute; 0 for no limit.
    pub requests_per_minute: u32,
    /// How many accounts may be created from an address in an hour; 0 for no limit.
    pub sign_ups_per_hour: u32,
    /// How many comments an account may post in an hour; 0 for no limit.
    pub comments_per_hour: u32,
    /// How many repositories an account may create in an hour; 0 for no limit.
    pub repositories_per_hour: u32,
    /// Garbage collection.
    pub sweep: SweepConfig,
    shown: Vec<EffectiveSetting>,
}

/// The settings of the blob storage.
#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// Its URL.
    pub url: String,
    /// The options of an object store.
    pub options: BTreeMap<String, String>,
    /// Whether clients read blobs with URLs of the object store.
    pub redirect: bool,
}

/// The settings of garbage collection.
#[derive(Clone, Debug)]
pub struct SweepConfig {
    /// The time between two runs in the background; `None` for no runs.
    pub every: Option<Duration>,
    /// How long a blob must have been unused to be freed.
    pub grace: Duration,
    /// How long a manifest must have had no tag, index or subject to be freed; `None` keeps all.
    pub untagged: Option<Duration>,
    /// How many rows and objects may be examined in a second; 0 for no limit.
    pub rate: u32,
}

/// A setting as shown by `config print`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveSetting {
    /// Its name.
    pub key: String,
    /// Its value, with secrets hidden.
    pub value: String,
    /// Where it comes from.
    pub origin: String,
}

impl Config {
    /// Merges flags, environment, file and defaults, in this order of precedence.
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
        let storage = raw.optional("storage", storage)?;
        let days: u64 = raw.within("session_days", 1, 400)?;
        let limit = |key| raw.within(key, 0, 1_000_000).map(|limit| u32::try_from(limit).unwrap_or(u32::MAX));
        let mut config = Self {
            public_url_set: set_url.is_some(),
            public_url: set_url.unwrap_or_else(|| format!("http://{listen}")),
            database: database.unwrap_or_else(|| format!("sqlite://{}", data.join("portolan.db").display())),
            storage: StorageConfig {
                url: storage.unwrap_or_else(|| format!("file://{}", data.join("blobs").display())),
                options: raw.table(STORAGE_OPTIONS),
                redirect: raw.parsed("storage_redirect")?,
            },
            registration: raw.get("registration", |text| text.parse().ok())?,
            show_pictures: raw.get("pictures", |text| match text {
                "proxy" => Some(true),
                "text" => Some(false),
                _ => None,
            })?,
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
            upload_age: Duration::from_secs(raw.within("upload_days", 1, 400)? * 24 * 60 * 60),
            requests_per_minute: limit("requests_per_minute")?,
            sign_ups_per_hour: limit("sign_ups_per_hour")?,
            comments_per_hour: limit("comments_per_hour")?,
            repositories_per_hour: limit("repositories_per_hour")?,
            sweep: SweepConfig {
                every: raw.age_or_never("sweep.every", Duration::from_secs(1))?,
                grace: raw.get("sweep.grace", age)?,
                untagged: raw.age_or_never("sweep.untagged", Duration::ZERO)?,
                rate: limit("sweep.rate")?,
            },
            shown: Vec::new(),
            data,
            listen,
        };
        config.shown = shown(raw, &config);
        Ok(config)
    }

    /// What garbage collection in the background frees.
    pub fn sweep_options(&self) -> SweepOptions {
        SweepOptions {
            grace: self.sweep.grace,
            untagged: self.sweep.untagged,
            uploads: self.upload_age,
            rate: self.sweep.rate,
            unknown_objects: UnknownObjects::Daily,
        }
    }

    /// Whether browsers reach the site through TLS.
    pub fn https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// The host and port of the public URL, as in pull commands.
    pub fn host(&self) -> &str {
        self.public_url.split_once("://").map_or(self.public_url.as_str(), |(_, host)| host)
    }

    /// The folder of a `file://` storage.
    pub fn storage_folder(&self) -> Option<PathBuf> {
        self.storage.url.strip_prefix("file://").map(PathBuf::from)
    }

    /// The database's URL without its password.
    pub fn database_shown(&self) -> String {
        without_password(&self.database)
    }

    /// The storage's URL without a password.
    pub fn storage_shown(&self) -> String {
        without_password(&self.storage.url)
    }

    /// All settings with values and sources, with secrets hidden.
    pub fn shown(&self) -> &[EffectiveSetting] {
        &self.shown
    }

    /// Whether to trust headers added by a proxy at `address`.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }
}

/// The effective settings, with secrets hidden.
fn shown(raw: &Raw, config: &Config) -> Vec<EffectiveSetting> {
    let settings = SETTINGS.iter().map(|setting| {
        let value = match setting.key {
            "public_url" => config.public_url.clone(),
            "database" => config.database_shown(),
            "storage" => config.storage_shown(),
            key => raw.text(key),
        };
        (setting.key.to_owned(), value)
    });
    // Which of them are secret depends on the service.
    let options = config.storage.options.keys().map(|option| (format!("{STORAGE_OPTIONS}.{option}"), "***".to_owned()));
    let shown = settings.chain(options);
    shown.map(|(key, value)| EffectiveSetting { origin: raw.origin(&key), key, value }).collect()
}

impl fmt::Display for EffectiveSetting {
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
            "listen = \"5000\" (PORTOLAN_LISTEN) is not valid: an address and port, such as 127.0.0.1:5000 or [::]:5000"
        );
        assert!(!error.contains('\n'));
    }

    #[test]
    fn an_unknown_key_is_refused_wherever_it_stands() {
        let error = resolve(&[], &[("PORTOLAN_REGISTRATON", "closed")]).unwrap_err().to_string();
        assert!(
            error.contains("PORTOLAN_REGISTRATON") && error.contains("registration") && !error.contains("closed,"),
            "{error}"
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "lisen = \"127.0.0.1:1\"\n").unwrap();
        let error = Config::resolve(BTreeMap::new(), [], Some(file.path())).unwrap_err().to_string();
        assert!(error.starts_with("lisen (") && !error.contains("127.0.0.1:1"), "{error}");
    }

    #[test]
    fn an_address_that_names_nothing_is_refused_and_its_password_not_shown() {
        for (key, value) in [
            ("storage", "s3://"),
            ("storage", "ftp://bucket"),
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
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt as _;
        let variables = |name: &str| [(OsString::from(name), OsString::from_vec(vec![0xff]))];
        assert_eq!(environment(variables("OTHER")), Ok(Vec::new()));
        let error = environment(variables("PORTOLAN_DATA")).unwrap_err().to_string();
        assert!(error.contains("PORTOLAN_DATA") && error.contains("UTF-8"), "{error}");
    }

    #[test]
    fn settings_in_a_table_have_two_underscores_in_the_environment() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[sweep]\ngrace = \"1h\"\nuntagged = \"7d\"\n").unwrap();
        let environment = [("PORTOLAN_SWEEP__UNTAGGED".to_owned(), "never".to_owned())];
        let config = Config::resolve(BTreeMap::new(), environment, Some(file.path())).unwrap();
        assert_eq!((config.sweep.grace, config.sweep.untagged), (Duration::from_hours(1), None));
        assert_eq!(config.sweep.every, Some(Duration::from_mins(10)));
        let shown = |key| config.shown().iter().find(|shown| shown.key == key).unwrap().to_string();
        assert_eq!(shown("sweep.untagged"), "sweep.untagged = \"never\"  # PORTOLAN_SWEEP__UNTAGGED");
        assert!(shown("sweep.grace").starts_with("sweep.grace = \"1h\"  # /"), "{}", shown("sweep.grace"));
        assert_eq!(shown("sweep.rate"), "sweep.rate = \"0\"  # default");
        for wrong in ["[sweep]\ngrce = \"1h\"\n", "sweep = \"1h\"\n", "[sweep]\ngrace = \"soon\"\n"] {
            std::fs::write(file.path(), wrong).unwrap();
            let error = Config::resolve(BTreeMap::new(), [], Some(file.path())).unwrap_err().to_string();
            assert!(error.contains("sweep"), "{error}");
        }
        assert!(resolve(&[], &[("PORTOLAN_SWEEP_GRACE", "1h")]).is_err());
        assert!(resolve(&[], &[("PORTOLAN_SWEEP__EVERY", "0s")]).is_err());
    }

    #[test]
    fn the_options_of_an_object_store_are_taken_as_they_are_and_not_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "storage = \"s3://images/hub\"\n[storage_options]\nregion = \"eu-west-1\"\nenable_virtual_host_style = true\n";
        std::fs::write(file.path(), text).unwrap();
        let environment = [("PORTOLAN_STORAGE_OPTIONS__SECRET_ACCESS_KEY".to_owned(), "hunter2".to_owned())];
        let config = Config::resolve(BTreeMap::new(), environment, Some(file.path())).unwrap();
        assert_eq!((&*config.storage.url, config.storage_folder()), ("s3://images/hub", None));
        let options: Vec<_> = config.storage.options.iter().map(|(key, value)| (&**key, &**value)).collect();
        let expected =
            [("enable_virtual_host_style", "true"), ("region", "eu-west-1"), ("secret_access_key", "hunter2")];
        assert_eq!(options, expected);
        let shown: Vec<String> = config.shown().iter().map(ToString::to_string).collect();
        let secret = "storage_options.secret_access_key = \"***\"  # PORTOLAN_STORAGE_OPTIONS__SECRET_ACCESS_KEY";
        assert!(shown.iter().any(|line| line == secret), "{shown:?}");
        assert!(!shown.concat().contains("hunter2"));
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
        assert_eq!(config.storage_folder().unwrap(), Path::new("/srv/hub/blobs"));
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
    fn a_network_that_does_not_parse_is_refused() {
        for network in ["10.0.0.0/33", "::1/129", "10.0.0/8", "proxy.example", "10.0.0.0/8;::1"] {
            assert!(resolve(&[("trusted_proxies", network)], &[]).is_err(), "{network}");
        }
    }

    #[test]
    fn a_public_address_with_a_path_is_refused() {
        assert!(resolve(&[("public_url", "https://hub.example/base")], &[]).is_err());
        assert_eq!(resolve(&[("public_url", "https://hub.example/")], &[]).unwrap().public_url, "https://hub.example");
    }
}
