//! Settings: from `tsuru.conf` (the file tsurud reads) or the embedded defaults, overridden by flags.

mod docker;
pub mod file;
pub mod known;
mod kubernetes;
pub mod network;
pub mod routers;
pub mod sealing;
pub mod sign_on;
pub mod throttling;
pub mod volume_plans;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

pub use docker::Docker;
pub use file::File;
pub use kubernetes::Kubernetes;
pub use network::Network;
pub use routers::RouterSettings;
pub use sealing::Sealing;
pub use sign_on::Auth;
pub use throttling::Limit;
pub use volume_plans::VolumePlans;

use crate::{
    error::{Error, Result},
    outgoing::Reach,
};

/// All settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// `data-dir`: the folder with everything this server keeps on this machine.
    pub data_dir: PathBuf,
    /// `listen`: address of the API.
    pub listen: SocketAddr,
    /// `apps-listen`: address of the app router.
    pub apps_listen: SocketAddr,
    /// `metrics-listen`: address of `/metrics` alone; `None`: the API's.
    pub metrics_listen: Option<SocketAddr>,
    /// `request-id-header`: a request's id comes in it, goes back in it and on to brokers and routers.
    pub request_id_header: Option<String>,
    /// `log:format`: how log lines look.
    pub log_format: LogFormat,
    /// `log:level`: error, warn, info, debug, trace.
    pub log_level: String,
    /// `database:*`.
    pub database: Database,
    /// `database:shared` and `database:*key*`: whose database it is, and what opens it.
    pub sealing: Sealing,
    /// `auth:*`.
    pub auth: Auth,
    /// `quota:*`.
    pub quota: Quotas,
    /// `upload:max-size`: bytes of an upload at most.
    pub max_upload: u64,
    /// `docker:*`.
    pub docker: Docker,
    /// `kubernetes:*`.
    pub kubernetes: Kubernetes,
    /// `outgoing:allow-private`: where requests to addresses that callers name may go.
    pub outgoing: Reach,
    /// `host`: how apps and mails name this server.
    pub host: String,
    /// `volume-plans:PLAN:PROVISIONER:*`.
    pub volume_plans: VolumePlans,
    /// `provisioner`: of pools that name none.
    pub provisioner: String,
    /// `clusters:defaults:*`: what every cluster has where it says nothing else.
    pub cluster_defaults: BTreeMap<String, String>,
    /// `routers:NAME:*`: routers beside `local`.
    pub routers: Vec<RouterSettings>,
    /// `proxy:HOST`: calls of webhooks to a host go through this proxy.
    pub proxies: BTreeMap<String, String>,
    /// `outgoing:allow`: addresses that brokers may have although they are refused otherwise.
    pub outgoing_allow: Vec<Network>,
    /// `trusted-proxies`: whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// `event:throttling`: how many events may begin within a time.
    pub throttling: Vec<Limit>,
}

/// Where documents are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// In the data folder.
    Embedded,
    /// MongoDB at `database:url`, in the database `database:name`.
    Mongo {
        /// Connection string.
        url: String,
        /// Database.
        name: String,
    },
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Limits of new things; `None`: no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quotas {
    /// `quota:units-per-app`.
    pub units_per_app: Option<i64>,
    /// `quota:apps-per-user`.
    pub apps_per_user: Option<i64>,
    /// `quota:apps-per-team`.
    pub apps_per_team: Option<i64>,
}

/// What the command line says about settings; it wins over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--apps-listen`.
    pub apps_listen: Option<String>,
    /// `--metrics-listen`.
    pub metrics_listen: Option<String>,
    /// `--log`.
    pub log: Option<String>,
    /// `--log-format`.
    pub log_format: Option<String>,
}

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

impl Config {
    /// Where uploads wait for their deploy.
    pub fn uploads(&self) -> PathBuf {
        self.data_dir.join("uploads")
    }

    /// Settings of this file, overridden. A wrong value is an error that names its key.
    pub fn load(file: &File, flags: Overrides) -> Result<Self> {
        let listen = flags.listen.map_or_else(|| file.text("listen", "127.0.0.1:8080"), Ok)?;
        let apps_listen = flags.apps_listen.map_or_else(|| file.text("apps-listen", "127.0.0.1:8888"), Ok)?;
        let log_level = flags.log.map_or_else(|| file.text("log:level", "warn"), Ok)?;
        if !LEVELS.contains(&log_level.as_str()) {
            return Err(Error::invalid(format!("log:level (--log): {log_level:?} is none of {}", LEVELS.join(", "))));
        }
        let metrics_listen = flags.metrics_listen.map_or_else(|| file.opt_text("metrics-listen"), |text| Ok(Some(text)))?;
        let database = database(file)?;
        let sealing = sealing::read(file)?;
        let docker = Docker::read(file)?;
        Ok(Self {
            data_dir: flags.data_dir.map_or_else(|| file.text("data-dir", "impaas-data").map(PathBuf::from), Ok)?,
            listen: address("listen", &listen)?,
            apps_listen: address("apps-listen", &apps_listen)?,
            metrics_listen: metrics_listen.map(|text| address("metrics-listen", &text)).transpose()?,
            request_id_header: request_id_header(file)?,
            log_format: log_format(&flags.log_format.map_or_else(|| file.text("log:format", "text"), Ok)?)?,
            log_level,
            auth: Auth::read(file)?,
            quota: quotas(file)?,
            max_upload: u64::try_from(file.int("upload:max-size", 2 << 30)?).unwrap_or_default(),
            kubernetes: Kubernetes::read(file, docker.port)?,
            docker,
            outgoing: if file.bool("outgoing:allow-private", false)? { Reach::Everything } else { Reach::Public },
            host: file.text("host", &format!("http://{listen}"))?,
            volume_plans: volume_plans::read(file, &database)?,
            provisioner: file.text("provisioner", "local")?,
            cluster_defaults: cluster_defaults(file),
            throttling: throttling::read(file)?,
            routers: routers::read(file)?,
            proxies: proxies(file)?,
            outgoing_allow: networks(file, "outgoing:allow")?,
            trusted_proxies: networks(file, "trusted-proxies")?,
            sealing,
            database,
        })
    }
}

/// `ADDR:PORT`; tsurud's short form `:PORT` or `0.0.0.0:PORT` too.
fn address(key: &str, text: &str) -> Result<SocketAddr> {
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.replace("localhost:", "127.0.0.1:") };
    full.parse()
        .map_err(|e| Error::invalid(format!("{key} (--{key}): {text:?} is not an address and port ({e}), for example 127.0.0.1:8080")))
}

fn log_format(text: &str) -> Result<LogFormat> {
    match text {
        "" | "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(Error::invalid(format!("log:format (--log-format): {other:?} is neither text nor json"))),
    }
}

fn request_id_header(file: &File) -> Result<Option<String>> {
    let Some(name) = file.opt_text("request-id-header")?.filter(|name| !name.is_empty()) else { return Ok(None) };
    let name = reqwest::header::HeaderName::from_bytes(name.as_bytes())
        .map_err(|e| Error::invalid(format!("request-id-header: {name:?} is not the name of a header ({e})")))?;
    Ok(Some(name.as_str().to_owned()))
}

fn database(file: &File) -> Result<Database> {
    match file.opt_text("database:url")? {
        None => Ok(Database::Embedded),
        Some(url) => Ok(Database::Mongo { url, name: file.text("database:name", "tsuru")? }),
    }
}

/// `outgoing:allow: 169.254.1.1 fd00::/64`
fn networks(file: &File, key: &str) -> Result<Vec<Network>> {
    let text = file.text(key, "")?;
    let words = text.split([' ', ',', '\n']).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|e| Error::invalid(format!("{key}: {e}")))).collect()
}

fn proxies(file: &File) -> Result<BTreeMap<String, String>> {
    let serde_json::Value::Object(proxies) = file.tree("proxy") else { return Ok(BTreeMap::new()) };
    let text = |(host, value): (String, serde_json::Value)| match value {
        serde_json::Value::String(proxy) => Ok((host, proxy)),
        _ => Err(Error::invalid(format!("proxy:{host}: wanted the address of a proxy"))),
    };
    proxies.into_iter().map(text).collect()
}

/// A time in seconds, also in parts of one; 0 and none are the default.
fn seconds(file: &File, key: &str, default: u64) -> Result<Duration> {
    let Some(text) = file.opt_text(key)?.filter(|text| !text.is_empty()) else { return Ok(Duration::from_secs(default)) };
    let wrong = |why: &dyn std::fmt::Display| Error::invalid(format!("{key}: {text:?} is not a number of seconds ({why})"));
    let named: f64 = text.parse().map_err(|e: std::num::ParseFloatError| wrong(&e))?;
    let time = Duration::try_from_secs_f64(named).map_err(|e| wrong(&e))?;
    Ok(if time.is_zero() { Duration::from_secs(default) } else { time })
}

fn quotas(file: &File) -> Result<Quotas> {
    Ok(Quotas {
        units_per_app: file.opt_int("quota:units-per-app")?,
        apps_per_user: file.opt_int("quota:apps-per-user")?,
        apps_per_team: file.opt_int("quota:apps-per-team")?,
    })
}
/// The texts under a key. tsurud reads nothing else there: an unquoted number or truth counts as not set.
fn texts(file: &File, key: &str) -> BTreeMap<String, String> {
    let tree = file.tree(key);
    let all = tree.as_object().into_iter().flatten();
    all.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// Without a file there is nothing that was so before: what is new is isolated.
fn cluster_defaults(file: &File) -> BTreeMap<String, String> {
    if file.is_empty() { [("tenant-isolation".into(), "true".into())].into() } else { texts(file, "clusters:defaults") }
}
