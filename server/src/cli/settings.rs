//! Settings as command-line flags, and setting up the log.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tracing_subscriber::EnvFilter;

use crate::cli::Error;
use crate::config::age::{self, age as parse_age};
use crate::config::{self, Config};

/// Settings that can be given as flags; in the file they have the same names in lower case, in the environment with the
/// prefix `PORTOLAN_`.
#[derive(Args, Debug, Default)]
pub(super) struct Settings {
    /// Read settings from this TOML file
    #[arg(long, value_name = "FILE", env = "PORTOLAN_CONFIG")]
    pub config: Option<PathBuf>,
    /// The data folder: database, blobs and search index, unless set elsewhere (default ./data)
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// Listen on this address (default 127.0.0.1:5000)
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Public URL of the hub, such as `https://hub.example`
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Database: `sqlite://PATH` or `postgres://…` (default `sqlite://<data>/portolan.db`)
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Blob storage: `file://DIR` or an object store such as `s3://BUCKET` (default `file://<data>/blobs`)
    #[arg(long, value_name = "URL")]
    pub storage: Option<String>,
    /// Who may sign up: open, invitation or closed (default open)
    #[arg(long, value_name = "WHO")]
    pub registration: Option<String>,
    /// Pictures in READMEs and comments: proxy, to show those that the hub can fetch, or text (default proxy)
    #[arg(long, value_name = "HOW")]
    pub pictures: Option<String>,
    /// Log filter, such as info or warn,server=debug (default info)
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// Log format: text or json (default text)
    #[arg(long, value_name = "FORM")]
    pub log_format: Option<String>,
    /// Serve /metrics on this address, to everyone; otherwise the main address serves it to this machine only
    #[arg(long, value_name = "ADDR")]
    pub metrics_listen: Option<String>,
    /// Trust the X-Forwarded headers of proxies in these networks
    #[arg(long, value_name = "NETWORKS")]
    pub trusted_proxies: Option<String>,
    /// Days until a session expires (default 30)
    #[arg(long, value_name = "DAYS")]
    pub session_days: Option<String>,
    /// Seconds to wait for open requests at shutdown (default 30)
    #[arg(long, value_name = "SECONDS")]
    pub drain_seconds: Option<String>,
    /// Largest blob that can be pushed, in GiB (default 64)
    #[arg(long, value_name = "GIB")]
    pub upload_gib: Option<String>,
    /// Days that an upload may wait for its next chunk (default 7)
    #[arg(long, value_name = "DAYS")]
    pub upload_days: Option<String>,
    /// Requests from an address in a minute; 0 for no limit (default 0)
    #[arg(long, value_name = "COUNT")]
    pub requests_per_minute: Option<String>,
    /// Sign-ups from an address in an hour; 0 for no limit (default 100)
    #[arg(long, value_name = "COUNT")]
    pub sign_ups_per_hour: Option<String>,
    /// Comments of an account in an hour; 0 for no limit (default 120)
    #[arg(long, value_name = "COUNT")]
    pub comments_per_hour: Option<String>,
    /// New repositories of an account in an hour; 0 for no limit (default 1000)
    #[arg(long, value_name = "COUNT")]
    pub repositories_per_hour: Option<String>,
}

impl Settings {
    /// Merges all sources of settings.
    pub(super) fn resolve(&self) -> Result<Config, Error> {
        let flags: BTreeMap<&'static str, String> = [
            ("data", &self.data),
            ("listen", &self.listen),
            ("public_url", &self.public_url),
            ("database", &self.database),
            ("storage", &self.storage),
            ("registration", &self.registration),
            ("pictures", &self.pictures),
            ("log", &self.log),
            ("log_format", &self.log_format),
            ("metrics_listen", &self.metrics_listen),
            ("trusted_proxies", &self.trusted_proxies),
            ("session_days", &self.session_days),
            ("drain_seconds", &self.drain_seconds),
            ("upload_gib", &self.upload_gib),
            ("upload_days", &self.upload_days),
            ("requests_per_minute", &self.requests_per_minute),
            ("sign_ups_per_hour", &self.sign_ups_per_hour),
            ("comments_per_hour", &self.comments_per_hour),
            ("repositories_per_hour", &self.repositories_per_hour),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.clone()?)))
        .collect();
        let environment = config::environment(std::env::vars_os()).map_err(Error::Config)?;
        Config::resolve(flags, environment, self.config.as_deref()).map_err(Error::Config)
    }
}

/// Starts logging to standard error.
pub(super) fn log(config: &Config) {
    start_log(config, &config.log);
}

/// Starts logging warnings to standard error, for commands that report by themselves.
pub(super) fn log_trouble(config: &Config) {
    start_log(config, "warn");
}

fn start_log(config: &Config, filter: &str) {
    // The setting comes last, so it can override these defaults. The store itself reports what matters about migrations
    // and the database, and oddities in texts written by users are not problems of the server.
    let quiet = "sea_orm_migration=warn,sqlx=warn,html5ever=error";
    let filter = EnvFilter::try_new(format!("{quiet},{filter}")).unwrap_or_default();
    let (writer, colours) = (std::io::stderr, std::io::stderr().is_terminal());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(colours)
        // Otherwise, a closed standard error causes a panic: reporting the failed write would use the same closed pipe.
        .log_internal_errors(false);
    // A second call, as in tests, keeps the first subscriber.
    let _ = if config.log_json { subscriber.json().try_init() } else { subscriber.with_target(false).try_init() };
}

/// Parses the age in a flag.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    parse_age(text).ok_or_else(|| format!("an age is {}", age::FORM))
}
