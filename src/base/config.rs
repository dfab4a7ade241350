//! What a person may set: environment variables, each also a flag of `serve`, read once at the start.
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

mod values;

use values::{Wrong, masked};

/// One thing that can be set. [`SETTINGS`] is the whole list; flags, `--help` and the table in docs/configuration.md
/// come from it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The environment variable.
    pub variable: &'static str,
    /// The flag of `serve`, without its dashes.
    pub flag: &'static str,
    /// What an unset variable means, in words for that table.
    pub default: &'static str,
    /// What it decides, one line.
    pub meaning: &'static str,
}

macro_rules! settings {
    ($($variable:literal $flag:literal $default:literal $meaning:literal;)*) => {
        /// Every setting, in the order of that table.
        pub const SETTINGS: &[Setting] =
            &[$(Setting { variable: $variable, flag: $flag, default: $default, meaning: $meaning }),*];
    };
}

settings! {
    "CALLOUT_DATABASE_URL" "database-url" "none: a private Postgres under the data directory is created and run"
        "Postgres 14 or newer; `DATABASE_URL` is read too";
    "CALLOUT_DATA_DIR" "data-dir" "`data`" "private Postgres, generated key, mail files";
    "CALLOUT_LISTEN" "listen" "`127.0.0.1:8080`" "address of the web program, `host:port`";
    "CALLOUT_PUBLIC_URL" "public-url" "`http://<listen>`"
        "used in snippets, mails and cookies; `https` turns Secure cookies and HSTS on";
    "CALLOUT_SECRET_KEY" "secret-key" "generated once into the data directory, mode 0600"
        "32 bytes, base64: seals secrets and tokens at rest and signs cookies";
    "CALLOUT_SMTP_URL" "smtp-url" "none: mails are written to `<data>/mail/*.eml` and shown in the log"
        "mail server, `smtp://` or `smtps://user:password@host:port`";
    "CALLOUT_MAIL_FROM" "mail-from" "none" "sender of mails, needed with `CALLOUT_SMTP_URL`";
    "CALLOUT_ALLOW_TARGETS" "allow-targets" "empty"
        "comma-separated networks (CIDR, `host:port`) that may be called although private; also the only ones that may be plain `http` unless `CALLOUT_ALLOW_HTTP=true`";
    "CALLOUT_ALLOW_HTTP" "allow-http" "`false`"
        "`true` lets webhooks use plain `http` to any permitted address";
    "CALLOUT_METRICS_LISTEN" "metrics-listen" "none: `/metrics` on the main address, owner or API key only"
        "a second address, `host:port`, that serves only `/metrics`, to anyone who reaches it";
    "CALLOUT_EGRESS_PROXY" "egress-proxy" "none"
        "outbound CONNECT proxy, `http://host:port`; we resolve and judge, it connects to the address";
    "CALLOUT_EXTRA_CA" "extra-ca" "none" "PEM file with certificates to trust besides the public ones";
    "CALLOUT_RETENTION_DAYS" "retention-days" "`30`" "history kept, counted from the end of a delivery";
    "CALLOUT_FAILURE_RETENTION_DAYS" "failure-retention-days" "`90`" "the same for deliveries that failed";
    "CALLOUT_BODY_RETENTION_DAYS" "body-retention-days" "none: as long as the delivery"
        "the same for the bodies of ended deliveries: the data of events, requests and responses";
    "CALLOUT_SEARCH_DISK_MIB" "search-disk-mib" "`10240`"
        "disk for finding events by their values; what is over it goes, oldest days first; `0` is no index";
    "CALLOUT_WORKERS" "workers" "number of cores" "threads that answer requests";
    "CALLOUT_MAX_IN_FLIGHT" "max-in-flight" "`512`" "deliveries sent at the same time";
    "CALLOUT_MAX_IN_FLIGHT_PER_WEBHOOK" "max-in-flight-per-webhook" "`64`" "the same for one webhook";
    "CALLOUT_LOG" "log" "`info`" "`tracing` filter, e.g. `info,callout=debug`";
    "CALLOUT_LOG_FORMAT" "log-format" "`text`" "`text`, or `json` for machines";
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The 32 bytes that seal secrets at rest and sign cookies. Never printed; wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// Wraps key bytes that were generated or read elsewhere.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key itself.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(****)")
    }
}

/// The settings, read and checked. `Debug` shows no secret.
#[derive(Clone)]
pub struct Config {
    /// Someone else's Postgres; none means our own under `data_dir`.
    pub database_url: Option<String>,
    /// Where the private Postgres, the generated key and mail files live.
    pub data_dir: PathBuf,
    /// Address of the web program; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How people and receivers reach us, without a slash at the end.
    pub public_url: String,
    /// None: the one in the data directory.
    pub secret_key: Option<SecretKey>,
    /// None: mails become files.
    pub smtp_url: Option<String>,
    /// Sender of mails; always there when `smtp_url` is.
    pub mail_from: Option<String>,
    /// As typed; `rules::target` reads it at the start.
    pub allow_targets: String,
    /// Whether plain `http` may be called at any permitted address.
    pub allow_http: bool,
    /// A second listener for `/metrics` alone.
    pub metrics_listen: Option<SocketAddr>,
    /// `http://[user:password@]host:port`.
    pub egress_proxy: Option<String>,
    /// A PEM file that exists and holds a certificate.
    pub extra_ca: Option<PathBuf>,
    /// Days that finished history is kept, 1 to 3650.
    pub retention_days: u32,
    /// Days that failed deliveries are kept, 1 to 3650.
    pub failure_retention_days: u32,
    /// Days that bodies of ended deliveries are kept, 1 to 3650; none: as long as the delivery.
    pub body_retention_days: Option<u32>,
    /// MiB that the index of values may take, at most 10 TiB; 0 is no index.
    pub search_disk_mib: u32,
    /// Threads that answer requests, 1 to 256.
    pub workers: usize,
    /// Deliveries sent at the same time, 1 to 65,536.
    pub max_in_flight: usize,
    /// The same for one webhook, 1 to 65,536.
    pub max_in_flight_per_webhook: usize,
    /// A `tracing` filter that was understood.
    pub log: String,
    /// How log lines are written.
    pub log_format: LogFormat,
}

/// A setting whose value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongSetting {
    /// The environment variable (its flag has the same name in small letters).
    pub variable: &'static str,
    /// What it was set to; secrets and passwords masked.
    pub value: String,
    /// What would be accepted.
    pub accepted: String,
}

impl fmt::Display for WrongSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flag = SETTINGS.iter().find(|s| s.variable == self.variable).map_or("", |s| s.flag);
        write!(f, "{} (--{flag}) is `{}`; accepted is {}", self.variable, self.value, self.accepted)
    }
}

/// All settings that cannot be used, at once; `Display` gives each a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongSettings(pub Vec<WrongSetting>);

impl fmt::Display for WrongSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, wrong) in self.0.iter().enumerate() {
            write!(f, "{}{wrong}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for WrongSettings {}

impl Config {
    /// Reads every setting by its variable's name. `given` tells flags and environment; an empty text is unset.
    ///
    /// Fails with all wrong settings at once.
    pub fn read(given: impl Fn(&str) -> Option<String>) -> Result<Self, WrongSettings> {
        let mut reader = Reader { given, wrong: Vec::new() };
        let listen_text = reader.text("CALLOUT_LISTEN").unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let database_url = match reader.text("CALLOUT_DATABASE_URL") {
            Some(_) => reader.optional("CALLOUT_DATABASE_URL", values::database_url),
            None => reader
                .text("DATABASE_URL")
                .and_then(|text| reader.judged("CALLOUT_DATABASE_URL", values::database_url(&text), &text)),
        };
        let smtp_url = reader.optional("CALLOUT_SMTP_URL", values::smtp_url);
        let mail_from = reader.optional("CALLOUT_MAIL_FROM", values::mail_from);
        if smtp_url.is_some() && reader.text("CALLOUT_MAIL_FROM").is_none() {
            reader.refuse(
                "CALLOUT_MAIL_FROM",
                "",
                "an address such as callout@example.com (CALLOUT_SMTP_URL is set)",
            );
        }
        let config = Self {
            database_url,
            data_dir: reader.text("CALLOUT_DATA_DIR").unwrap_or_else(|| "data".to_owned()).into(),
            listen: reader.or("CALLOUT_LISTEN", SocketAddr::from(([127, 0, 0, 1], 8080)), values::address),
            public_url: reader.or("CALLOUT_PUBLIC_URL", values::url_of(&listen_text), values::public_url),
            secret_key: reader.optional("CALLOUT_SECRET_KEY", values::secret_key),
            smtp_url,
            mail_from,
            allow_targets: reader.text("CALLOUT_ALLOW_TARGETS").unwrap_or_default(),
            allow_http: reader.or("CALLOUT_ALLOW_HTTP", false, values::boolean),
            metrics_listen: reader.optional("CALLOUT_METRICS_LISTEN", values::address),
            egress_proxy: reader.optional("CALLOUT_EGRESS_PROXY", values::proxy_url),
            extra_ca: reader.optional("CALLOUT_EXTRA_CA", values::pem_file),
            retention_days: reader.or("CALLOUT_RETENTION_DAYS", 30, values::number(1, 3650)),
            failure_retention_days: reader.or("CALLOUT_FAILURE_RETENTION_DAYS", 90, values::number(1, 3650)),
            body_retention_days: reader.optional("CALLOUT_BODY_RETENTION_DAYS", values::number(1, 3650)),
            search_disk_mib: reader.or("CALLOUT_SEARCH_DISK_MIB", 10_240, values::number(0, 10 << 20)),
            workers: reader.or("CALLOUT_WORKERS", cores, values::number(1, 256)),
            max_in_flight: reader.or("CALLOUT_MAX_IN_FLIGHT", 512, values::number(1, 65_536)),
            max_in_flight_per_webhook: reader.or(
                "CALLOUT_MAX_IN_FLIGHT_PER_WEBHOOK",
                64,
                values::number(1, 65_536),
            ),
            log: reader.or("CALLOUT_LOG", "info".to_owned(), values::log_filter),
            log_format: reader.or("CALLOUT_LOG_FORMAT", LogFormat::Text, values::log_format),
        };
        if reader.wrong.is_empty() { Ok(config) } else { Err(WrongSettings(reader.wrong)) }
    }

    /// The settings as they are once the listener has its address: a port 0 becomes the one that was taken, also in a
    /// public URL that nobody set.
    pub fn listening_on(mut self, address: SocketAddr) -> Self {
        let default_url = |at: SocketAddr| values::url_of(&at.to_string());
        if self.listen.port() == 0 && self.public_url.ends_with(":0") {
            self.public_url = default_url(address);
        }
        self.listen = address;
        self
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("database_url", &self.database_url.as_deref().map(masked))
            .field("data_dir", &self.data_dir)
            .field("listen", &self.listen)
            .field("public_url", &self.public_url)
            .field("secret_key", &self.secret_key)
            .field("smtp_url", &self.smtp_url.as_deref().map(masked))
            .field("mail_from", &self.mail_from)
            .field("allow_targets", &self.allow_targets)
            .field("allow_http", &self.allow_http)
            .field("metrics_listen", &self.metrics_listen)
            .field("egress_proxy", &self.egress_proxy.as_deref().map(masked))
            .field("extra_ca", &self.extra_ca)
            .field("retention_days", &self.retention_days)
            .field("failure_retention_days", &self.failure_retention_days)
            .field("body_retention_days", &self.body_retention_days)
            .field("search_disk_mib", &self.search_disk_mib)
            .field("workers", &self.workers)
            .field("max_in_flight", &self.max_in_flight)
            .field("max_in_flight_per_webhook", &self.max_in_flight_per_webhook)
            .field("log", &self.log)
            .field("log_format", &self.log_format)
            .finish()
    }
}

struct Reader<G> {
    given: G,
    wrong: Vec<WrongSetting>,
}

impl<G: Fn(&str) -> Option<String>> Reader<G> {
    fn text(&self, variable: &str) -> Option<String> {
        (self.given)(variable).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn optional<T>(
        &mut self,
        variable: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let text = self.text(variable)?;
        self.judged(variable, parse(&text), &text)
    }

    fn or<T>(
        &mut self,
        variable: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> T {
        self.optional(variable, parse).unwrap_or(default)
    }

    fn judged<T>(&mut self, variable: &'static str, result: Result<T, Wrong>, text: &str) -> Option<T> {
        let shown = if variable == "CALLOUT_SECRET_KEY" { "****".to_owned() } else { masked(text) };
        result.map_err(|wrong| self.refuse(variable, &shown, &wrong.accepted)).ok()
    }

    fn refuse(&mut self, variable: &'static str, shown: &str, accepted: &str) {
        self.wrong.push(WrongSetting { variable, value: shown.to_owned(), accepted: accepted.to_owned() });
    }
}

#[cfg(test)]
mod tests;
