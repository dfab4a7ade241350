//! The parts of the running program, put together in the order in which they need each other.
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::web::{Data, ServiceConfig};
use diesel::Connection;
use uuid::Uuid;

use super::node::Node;
use super::{StartError, metrics};
use crate::base::clock::{Clock, Wakeup};
use crate::base::config::Config;
use crate::base::db::Db;
use crate::base::migrate;
use crate::base::postgres::PrivatePostgres;
use crate::base::seal::SealKey;
use crate::dispatcher::http::{Egress, Proxy, Resolve, SystemResolver, Tls};
use crate::dispatcher::probe::TestSender;
use crate::dispatcher::{self, Dispatcher, DispatcherHandle};
use crate::export::Exports;
use crate::ingest::{Ingest, WriterThread};
use crate::models::deliveries::{Retention, bring_near, make_ahead, take_back};
use crate::models::search::Kept;
use crate::models::{accounts, webhooks};
use crate::pages::history::live::Streams;
use crate::pages::storage::Sizes;
use crate::rules::target::{Policy, parse_allow_list};
use crate::web::WebSettings;
use crate::web::api_keys::KeyCache;
use crate::web::health::{MetricsText, Works};

/// Connections that pages, the API and upkeep share. The writers have their own.
const POOL_CONNECTIONS_MAX: u32 = 16;
/// How often the table is looked at although nobody said that something is due. What was changed on another node is known
/// by then: within a second, with the look itself.
const POLL: Duration = Duration::from_millis(750);
/// A stop waits so long for attempts under way.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// What a test sets otherwise than the world does.
#[derive(Clone, Default)]
pub struct Overrides {
    /// A clock that stands still.
    pub clock: Option<Clock>,
    /// Names that lead where the test wants.
    pub resolver: Option<Arc<dyn Resolve>>,
    /// How long a stop waits for attempts under way.
    pub stop_grace: Option<Duration>,
}

/// Everything that requests are answered with.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct Parts {
    pub config: Config,
    pub clock: Clock,
    pub wakeup: Wakeup,
    pub db: Db,
    pub key: SealKey,
    pub policy: Policy,
    pub egress: Egress,
    pub ingest: Ingest,
    pub dispatcher: DispatcherHandle,
    pub tests: TestSender,
    pub keys: Arc<KeyCache>,
    pub web: WebSettings,
    pub sizes: Sizes,
    pub exports: Exports,
    pub streams: Streams,
    stopping: Arc<Mutex<Option<Stopping>>>,
}

/// What a stop ends.
struct Stopping {
    dispatcher: Dispatcher,
    writer: WriterThread,
    postgres: Option<PrivatePostgres>,
    /// Given up last: until then nobody else is this node.
    _node: Node,
}

impl Parts {
    pub(super) async fn build(config: Config, overrides: Overrides) -> Result<Self, StartError> {
        let clock = overrides.clock.unwrap_or_default();
        let egress = egress(&config, &clock, overrides.resolver)?;
        let policy = Policy::clone(&egress.policy);
        let dir = config.data_dir.clone();
        let key = seal_key(&config)?;
        let node = Node::of(&dir).map_err(|error| StartError::DataDir { path: dir.clone(), error })?;
        let (url, postgres) = database(&config).await?;
        let db = Db::new(&url, POOL_CONNECTIONS_MAX);
        prepare(&db, &clock, &key, node.id).await?;
        let wakeup = Wakeup::default();
        let settings = dispatcher::Settings {
            node: node.id,
            max_in_flight: config.max_in_flight,
            max_in_flight_per_webhook: config.max_in_flight_per_webhook,
            threads: (config.workers / 2).max(1),
            retention: Retention {
                delivered: days(config.retention_days),
                failed: days(config.failure_retention_days),
                bodies: config.body_retention_days.map(days),
            },
            search: Kept {
                bytes: u64::from(config.search_disk_mib) << 20,
                // What is emptied is not found by what it held; of what is over nothing is left to find.
                time: days(config.body_retention_days.unwrap_or(u32::MAX).min(config.retention_days)),
            },
            poll: POLL,
            stop_grace: overrides.stop_grace.unwrap_or(STOP_GRACE),
        };
        let dispatcher =
            Dispatcher::start(&settings, &db, &key, &egress, &wakeup).map_err(StartError::Threads)?;
        let handle = dispatcher.handle();
        let (ingest, writer) =
            Ingest::start(db.clone(), clock.clone(), key.clone(), Arc::new(handle.clone()))
                .map_err(StartError::Threads)?;
        let tests = TestSender::new(&db, &key, &egress, node.id);
        let keys = Arc::new(KeyCache::new(clock.clone()));
        let web = WebSettings::new(&config.public_url, key.as_bytes());
        let sizes = Sizes::new(&config, &db, &clock);
        let stopping = Arc::new(Mutex::new(Some(Stopping { dispatcher, writer, postgres, _node: node })));
        Ok(Self {
            config,
            clock,
            wakeup,
            db,
            key,
            policy,
            egress,
            ingest,
            dispatcher: handle,
            tests,
            keys,
            web,
            sizes,
            exports: Exports::default(),
            streams: Streams::default(),
            stopping,
        })
    }

    /// Gives handlers what they ask for by type.
    pub(super) fn provide(&self, app: &mut ServiceConfig) {
        let (dispatcher, parts) = (self.dispatcher.clone(), self.clone());
        app.app_data(Data::new(self.db.clone()))
            .app_data(Data::new(self.clock.clone()))
            .app_data(Data::new(self.wakeup.clone()))
            .app_data(Data::new(self.key.clone()))
            .app_data(Data::new(self.policy.clone()))
            .app_data(Data::new(self.egress.clone()))
            .app_data(Data::new(self.ingest.clone()))
            .app_data(Data::new(self.tests.clone()))
            .app_data(Data::from(self.keys.clone()))
            .app_data(Data::new(self.web.clone()))
            .app_data(Data::new(self.sizes.clone()))
            .app_data(Data::new(self.exports.clone()))
            .app_data(Data::new(self.streams.clone()))
            .app_data(Data::new(Works(Arc::new(move || dispatcher.works()))))
            .app_data(Data::new(MetricsText(
                self.config.metrics_listen.is_none().then(|| Arc::new(move || metrics::text(&parts)) as _),
            )));
    }

    /// Ends everything behind the web server, which must have stopped.
    pub(super) async fn stop(self) {
        let stopping = self.stopping.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Stopping { dispatcher, writer, postgres, _node }) = stopping else { return };
        self.ingest.close().await;
        let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        dispatcher.stop().await;
        drop(self.db);
        if let Some(postgres) = postgres {
            let _ = tokio::task::spawn_blocking(move || postgres.stop()).await;
        }
        tracing::info!("stopped");
    }

    /// Says where it runs, and how the first owner is made if there is none.
    pub(super) async fn greet(&self, address: SocketAddr) {
        let (clock, url) = (self.clock.clone(), self.config.public_url.clone());
        tracing::info!(%address, %url, "Callout runs");
        let issued = self.db.transaction(move |conn| accounts::setup::issue(conn, clock.now())).await;
        match issued {
            Ok(Some(token)) => {
                eprintln!("\nNobody can sign in yet. Open this link within 24 hours to create the owner:\n");
                eprintln!("  {url}/setup?token={token}\n");
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "no set-up link could be made"),
        }
    }
}

/// What every connection of an installation with these settings goes by; the system's names where no resolver is given.
pub fn egress(
    config: &Config,
    clock: &Clock,
    resolver: Option<Arc<dyn Resolve>>,
) -> Result<Egress, StartError> {
    Ok(Egress {
        policy: Arc::new(policy(config)?),
        resolver: resolver.unwrap_or_else(|| Arc::new(SystemResolver::default())),
        tls: Tls::new(config.extra_ca.as_deref()).map_err(StartError::Tls)?,
        proxy: proxy(config)?,
        clock: clock.clone(),
    })
}

/// The key that secrets are sealed with: the setting, else the data directory's file, which is made if there is none.
pub fn seal_key(config: &Config) -> Result<SealKey, StartError> {
    let dir = &config.data_dir;
    std::fs::create_dir_all(dir).map_err(|error| StartError::DataDir { path: dir.clone(), error })?;
    match &config.secret_key {
        Some(key) => Ok(SealKey::from_bytes(*key.bytes())),
        None => SealKey::load_or_create(&dir.join("secret.key")).map_err(StartError::Key),
    }
}

fn policy(config: &Config) -> Result<Policy, StartError> {
    let allow = parse_allow_list(&config.allow_targets).map_err(|accepted| StartError::Setting {
        variable: "CALLOUT_ALLOW_TARGETS",
        value: config.allow_targets.clone(),
        accepted,
    })?;
    Ok(Policy { allow, allow_http: config.allow_http })
}

fn proxy(config: &Config) -> Result<Option<Arc<Proxy>>, StartError> {
    let Some(text) = &config.egress_proxy else { return Ok(None) };
    match Proxy::parse(text) {
        Some(proxy) => Ok(Some(Arc::new(proxy))),
        None => Err(StartError::Setting {
            variable: "CALLOUT_EGRESS_PROXY",
            value: "***".to_owned(),
            accepted: "http://[user:password@]host:port".to_owned(),
        }),
    }
}

async fn database(config: &Config) -> Result<(String, Option<PrivatePostgres>), StartError> {
    if let Some(url) = &config.database_url {
        return Ok((url.clone(), None));
    }
    let dir = config.data_dir.clone();
    let opened = tokio::task::spawn_blocking(move || PrivatePostgres::own(&dir)).await;
    let postgres =
        opened.map_err(|error| StartError::Database(error.to_string()))?.map_err(StartError::Postgres)?;
    Ok((postgres.url(), Some(postgres)))
}

/// Brings the database to the newest form, makes room for today's rows, takes back what this node held when it was cut
/// off, and sees that the key fits.
async fn prepare(db: &Db, clock: &Clock, key: &SealKey, node: Uuid) -> Result<(), StartError> {
    let (own, now, key) = (db.clone(), clock.now(), key.clone());
    let prepared = tokio::task::spawn_blocking(move || -> Result<(), StartError> {
        let mut conn = own.unlimited_connection().map_err(|error| StartError::Database(error.to_string()))?;
        for name in migrate::run_pending(&mut conn).map_err(StartError::Migrate)? {
            tracing::info!(%name, "migrated");
        }
        if let Err(error) = make_ahead(&mut conn, now) {
            tracing::warn!(%error, "the days ahead have no partitions yet; it is tried again");
        }
        // Before anything is claimed anew: the node's old claims are told from new ones by nothing else.
        match conn.transaction(|conn| take_back(conn, node, now))? {
            0 => {}
            count => tracing::info!(count, "deliveries that were interrupted are due again"),
        }
        match bring_near(&mut conn, now)? {
            0 => {}
            count => tracing::warn!(count, "the clock was set back: deliveries that were due are due again"),
        }
        if webhooks::key_fits(&mut conn, &key)? { Ok(()) } else { Err(StartError::WrongKey) }
    });
    prepared.await.map_err(|error| StartError::Database(error.to_string()))?
}

fn days(count: u32) -> time::Duration {
    time::Duration::days(i64::from(count))
}
