//! What ingest and the dispatcher need to know of a project's webhooks, in memory and exact as of a version.
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use time::OffsetDateTime;

use super::credentials::{self, Credentials};
use super::rows::{Webhook, list};
use super::secrets;
use super::settings::Settings;
use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::seal::SealKey;
use crate::models::{event_types, projects};
use crate::prepared;
use crate::rules::catalogue::own;
use crate::rules::signing::Secret;
use crate::rules::target::AllowedHosts;

/// A webhook with what is needed to send to it.
#[derive(Clone, Debug)]
pub struct Target {
    /// The webhook as of the snapshot's version.
    pub webhook: Webhook,
    /// Its live secrets, newest first.
    pub secrets: Vec<LiveSecret>,
    /// What its requests carry beside a signature.
    pub credentials: Credentials,
    /// Its host is not among those that the project sends to.
    pub is_elsewhere: bool,
    /// The settings' version this was read at: a client made for an older one is not used again.
    pub version: i64,
}

/// A secret that signs.
#[derive(Clone, Debug)]
pub struct LiveSecret {
    /// Signs.
    pub secret: Secret,
    /// It signs until then; none for good.
    pub until: Option<OffsetDateTime>,
}

/// What a webhook makes of an event type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It takes a delivery.
    Takes,
    /// It would, but a person has switched it off.
    Paused,
    /// It would, but it was disabled because of its receiver.
    Disabled,
    /// It takes a delivery that is held: it is off and keeps what comes.
    Holds,
    /// It would, but its host is not among those that the project sends to.
    Elsewhere,
}

/// All webhooks of a project at one version of its settings.
#[derive(Debug)]
pub struct ProjectSnapshot {
    /// The version in the project's row.
    pub version: i64,
    /// The master switch.
    pub webhooks_enabled: bool,
    /// The names of the project's own event types.
    own_types: HashSet<String>,
    /// By id.
    pub targets: HashMap<WebhookId, Arc<Target>>,
    /// Those that subscribe to everything, and those by type; active or not.
    all: Vec<Arc<Target>>,
    by_type: HashMap<String, Vec<Arc<Target>>>,
}

impl ProjectSnapshot {
    /// Reads a project's webhooks and opens their secrets. None if the project is gone.
    pub fn load(
        conn: &mut PgConnection,
        project: ProjectId,
        key: &SealKey,
        now: OffsetDateTime,
    ) -> Result<Option<Self>, DbError> {
        // The version first: a change after it makes this snapshot look old, never new.
        let Some(row) = projects::find(conn, project)? else { return Ok(None) };
        let mut secrets = secrets::live(conn, project, key, now)?;
        let mut credentials = credentials::open(conn, project, key)?;
        let hosts = row.hosts();
        let targets = list(conn, project)?.into_iter().map(|webhook| Target {
            secrets: secrets.remove(&webhook.id).unwrap_or_default(),
            credentials: credentials.remove(&webhook.id).unwrap_or_default(),
            is_elsewhere: leads_elsewhere(&hosts, &webhook.settings.target_url),
            version: row.settings_version,
            webhook,
        });
        let own_types = event_types::names(conn, project)?.0.into_iter().map(|(name, _)| name).collect();
        Ok(Some(Self { own_types, ..Self::of(row.settings_version, row.webhooks_enabled, targets) }))
    }

    /// Webhooks with what is needed to send to them, as of a version of the settings, of a project without types of
    /// its own.
    pub fn of(version: i64, webhooks_enabled: bool, targets: impl IntoIterator<Item = Target>) -> Self {
        let mut snapshot = Self {
            version,
            webhooks_enabled,
            own_types: HashSet::new(),
            targets: HashMap::new(),
            all: Vec::new(),
            by_type: HashMap::new(),
        };
        for target in targets {
            let target = Arc::new(target);
            if target.webhook.settings.all_events {
                snapshot.all.push(target.clone());
            } else {
                for name in &target.webhook.settings.events {
                    snapshot.by_type.entry(name.clone()).or_default().push(target.clone());
                }
            }
            snapshot.targets.insert(target.webhook.id, target);
        }
        snapshot
    }

    /// Whether the project takes events of that type, where the catalogue has no say: of its own types only those
    /// that it has.
    pub fn takes(&self, event_type: &str) -> bool {
        !own::is_own(event_type) || self.own_types.contains(event_type)
    }

    /// The webhooks that subscribe to a type, with what each makes of it.
    pub fn subscribers(&self, event_type: &str) -> impl Iterator<Item = (&Arc<Target>, Verdict)> {
        let chosen = self.by_type.get(event_type).into_iter().flatten();
        self.all.iter().chain(chosen).map(|target| (target, target.verdict()))
    }
}

impl Target {
    /// A webhook that carries nothing but its signature.
    pub fn plain(webhook: Webhook, secrets: Vec<LiveSecret>, version: i64) -> Self {
        Self { webhook, secrets, credentials: Credentials::default(), is_elsewhere: false, version }
    }

    /// The same with other settings; values that those keep are the ones it has.
    pub fn with(mut self, settings: &Settings) -> Self {
        self.credentials = self.credentials.with(settings);
        self.webhook.settings = settings.clone();
        self
    }

    /// What it makes of an event type that it subscribes to.
    pub fn verdict(&self) -> Verdict {
        let settings = &self.webhook.settings;
        match &self.webhook.disabled {
            _ if self.is_elsewhere => Verdict::Elsewhere,
            _ if settings.active => Verdict::Takes,
            Some(_) => Verdict::Disabled,
            None if self.webhook.holds_what_comes() => Verdict::Holds,
            None => Verdict::Paused,
        }
    }

    /// Whether its filter, if it has one, takes an event with these data.
    pub fn takes(&self, data: &[u8]) -> bool {
        self.webhook.settings.filter.as_ref().is_none_or(|filter| filter.matches(data))
    }

    /// The secrets that sign at `now`, newest first.
    pub fn signs_at(&self, now: OffsetDateTime) -> impl Iterator<Item = &Secret> + Clone {
        self.secrets.iter().filter(move |live| live.until.is_none_or(|until| now < until)).map(|l| &l.secret)
    }
}

/// Whether an address leads to one of the hosts; one that cannot be read is judged when it is called.
pub fn leads_elsewhere(hosts: &AllowedHosts, target_url: &str) -> bool {
    let url = url::Url::parse(target_url).ok();
    url.as_ref().and_then(url::Url::host_str).is_some_and(|host| !hosts.allow(host))
}

prepared! {
    /// The present version of each project's settings.
    pub struct Versions -> (SqlUuid, BigInt) { projects: Array<SqlUuid> = Vec<ProjectId> }
    sql "select id, settings_version from projects where id = any({})"
}

/// The present version of each project's settings; gone projects are missing.
pub fn versions(
    conn: &mut PgConnection,
    projects: Vec<ProjectId>,
) -> Result<HashMap<ProjectId, i64>, DbError> {
    let rows: Vec<(ProjectId, i64)> = Versions { projects }.load(conn)?;
    Ok(rows.into_iter().collect())
}
