//! The private Postgres: a cluster under the data directory, made, run and stopped by this program, so that nothing
//! has to be set up before a first start.
//!
//! It listens on a socket only, durable as any (fsync, checksums), and goes down with the program, however that
//! ends. One program at a time owns it; commands given meanwhile join it as guests (see [`lock`]).

mod binaries;
mod cluster;
mod identity;
mod lock;
mod supervisor;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::{Connection as _, PgConnection, RunQueryDsl as _};

use crate::base::clock::Clock;
use binaries::Binaries;
use cluster::Cluster;
use lock::{Claim, GuestLock, Kind, OwnerLock};
use supervisor::Supervisor;

/// The database within the cluster.
const DATABASE: &str = "callout";
/// How often to look whether something that has to happen elsewhere has happened.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Longest start, recovery after a crash included.
const START_MAX: Duration = Duration::from_secs(120);
/// How long a command waits for a cluster that another program is starting or stopping.
const JOIN_MAX: Duration = Duration::from_secs(60);
/// How long `serve` waits for a command that happens to run the cluster.
const OWN_MAX: Duration = Duration::from_secs(30);

/// A running private Postgres. Its owner stops it on [`PrivatePostgres::stop`] or when dropped; a guest just leaves.
#[derive(Debug)]
pub struct PrivatePostgres {
    cluster: Cluster,
    session: Session,
}

#[derive(Debug)]
enum Session {
    /// We run it. The lock is given back after the cluster has stopped.
    Started { supervisor: Supervisor, lock: OwnerLock },
    /// Another callout runs it and waits for us before it stops it.
    Joined { _lock: GuestLock },
}

/// Why there is no private Postgres. Each sentence says what to do.
#[derive(Debug)]
pub enum PostgresError {
    /// No Postgres of this major version (or, without one, of 14 or newer) on this machine.
    NotInstalled { major: Option<u32> },
    /// `serve` found another program that serves this data directory.
    AlreadyRunning { data_dir: PathBuf, pid: Option<u32> },
    /// A command found the cluster neither free nor usable for a minute.
    Busy { data_dir: PathBuf },
    /// The cluster belongs to another user.
    Foreign { directory: PathBuf, uid: u32 },
    /// As root: Postgres must run as someone else, and nobody else can enter the directory.
    NoOneToRunAs { directory: PathBuf },
    /// Processes of an earlier run do not end.
    LeftOver { pids: Vec<u32> },
    /// A file or directory could not be used.
    File { path: PathBuf, error: io::Error },
    /// A program could not be run, or failed, with what it said last.
    Failed { what: &'static str, said: String },
}

impl fmt::Display for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled { major: Some(major) } => write!(
                f,
                "the data directory was made by Postgres {major}, which is not installed here: install \
                 postgresql-{major}, or set CALLOUT_DATABASE_URL to a database elsewhere"
            ),
            Self::NotInstalled { major: None } => write!(
                f,
                "no Postgres {} or newer is installed here: install the package postgresql, or set \
                 CALLOUT_DATABASE_URL to a database elsewhere",
                binaries::MAJOR_MIN
            ),
            Self::AlreadyRunning { data_dir, pid } => {
                write!(f, "another callout already runs on this data directory ({})", data_dir.display())?;
                pid.map_or(Ok(()), |pid| write!(f, ", process {pid}"))?;
                f.write_str(": stop it first, or choose another CALLOUT_DATA_DIR")
            }
            Self::Busy { data_dir } => write!(
                f,
                "another callout keeps the database in {} to itself, but it does not answer: see whether it is \
                 starting or hangs, then try again",
                data_dir.display()
            ),
            Self::Foreign { directory, uid } => write!(
                f,
                "{} belongs to user {uid}: run callout as that user, or choose another CALLOUT_DATA_DIR",
                directory.display()
            ),
            Self::NoOneToRunAs { directory } => write!(
                f,
                "Postgres refuses to run as root, other users can't enter {} and user namespaces are switched \
                 off: run callout as another user, or let others enter the directory (chmod o+x)",
                directory.display()
            ),
            Self::LeftOver { pids } => write!(
                f,
                "processes of an earlier Postgres in this data directory do not end: {pids:?}. Wait for them, \
                 or end them, and start again"
            ),
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Failed { what, said } => write!(f, "{what} failed: {said}"),
        }
    }
}

impl std::error::Error for PostgresError {}

impl PostgresError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |error| Self::File { path: path.to_owned(), error }
    }
}

impl PrivatePostgres {
    /// For commands: joins the cluster where another callout runs it on this data directory, else starts and owns
    /// it. The directory is made where it is missing.
    pub fn open(data_dir: &Path) -> Result<Self, PostgresError> {
        let mut cluster = Cluster::at(data_dir)?;
        let waited = Clock::system().stopwatch();
        loop {
            match Claim::take(&cluster.data_dir, Kind::Command)? {
                Claim::Owner(lock) => return Self::start(cluster, lock),
                Claim::Guest(lock) => {
                    cluster.socket_dir = lock.socket_dir.clone();
                    if PgConnection::establish(&cluster.url(DATABASE)).is_ok() {
                        return Ok(Self { cluster, session: Session::Joined { _lock: lock } });
                    }
                }
                Claim::Neither(_) => {}
            }
            if waited.elapsed() > JOIN_MAX {
                return Err(PostgresError::Busy { data_dir: cluster.data_dir });
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// For `serve`: starts the cluster and owns it; an error at once if another `serve` does. A command that happens
    /// to run it is waited for.
    pub fn own(data_dir: &Path) -> Result<Self, PostgresError> {
        let cluster = Cluster::at(data_dir)?;
        let waited = Clock::system().stopwatch();
        loop {
            let holder = match Claim::take(&cluster.data_dir, Kind::Serve)? {
                Claim::Owner(lock) => return Self::start(cluster, lock),
                Claim::Guest(lock) => lock.holder,
                Claim::Neither(holder) => holder,
            };
            if holder.is_serving() || waited.elapsed() > OWN_MAX {
                return Err(PostgresError::AlreadyRunning { data_dir: cluster.data_dir, pid: holder.pid });
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    fn start(mut cluster: Cluster, lock: OwnerLock) -> Result<Self, PostgresError> {
        let binaries = Binaries::find(cluster.major()?)?;
        cluster.prepare(&binaries)?;
        let mut supervisor = Supervisor::start(&cluster, &binaries);
        let waited = Clock::system().stopwatch();
        let mut connection = loop {
            let problem = match PgConnection::establish(&cluster.url("postgres")) {
                Ok(connection) => break connection,
                Err(error) => error.to_string(),
            };
            if supervisor.has_ended() || waited.elapsed() > START_MAX {
                supervisor.stop();
                let said = cluster.last_log_lines().unwrap_or(problem);
                return Err(PostgresError::Failed { what: "starting Postgres", said });
            }
            std::thread::sleep(LOOK_AGAIN);
        };
        supervisor.keep_running();
        let failed = |error: diesel::result::Error| PostgresError::Failed {
            what: "creating the database",
            said: error.to_string(),
        };
        let found = diesel::sql_query(format!("select 1 from pg_database where datname = '{DATABASE}'"));
        if found.execute(&mut connection).map_err(failed)? == 0 {
            let create = diesel::sql_query(format!("create database {DATABASE}"));
            create.execute(&mut connection).map_err(failed)?;
        }
        lock.admit_guests(&cluster.socket_dir)?;
        tracing::debug!(directory = %cluster.directory().display(), "the private Postgres runs");
        Ok(Self { cluster, session: Session::Started { supervisor, lock } })
    }

    /// Where to connect to.
    pub fn url(&self) -> String {
        self.cluster.url(DATABASE)
    }

    /// Whether we run it, rather than another callout.
    pub fn is_owner(&self) -> bool {
        matches!(self.session, Session::Started { .. })
    }

    /// Postgres's own process id; none while it is being restarted.
    pub fn pid(&self) -> Option<u32> {
        match &self.session {
            Session::Started { supervisor, .. } => supervisor.pid(),
            Session::Joined { .. } => self.cluster.postmaster_pid(),
        }
    }

    /// The owner stops Postgres, after its guests have left (a `serve` waits 5 seconds for them at most), and
    /// returns when all its processes are gone: at most about half a minute. A guest leaves.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if let Session::Started { supervisor, lock } = &mut self.session {
            lock.send_guests_away();
            supervisor.stop();
        }
    }
}

#[cfg(test)]
mod tests;
