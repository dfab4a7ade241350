//! Who owns a data directory's cluster, and who visits.
//!
//! Two files with locks that the system gives back however a program ends. The owner holds `postgres.lock` alone,
//! from before the start to after the stop. Guests share `postgres.guests`. An owner that wants to stop withdraws the
//! invitation (`postgres.run`), so that no new guest comes, and waits until it has `postgres.guests` alone: a command
//! that joined is not cut off by the end of the command that it joined.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{LOOK_AGAIN, PostgresError};
use crate::base::clock::Clock;

const LOCK: &str = "postgres.lock";
const GUESTS: &str = "postgres.guests";
const RUN: &str = "postgres.run";

/// How long a command that owns the cluster waits for those that joined it.
const COMMAND_WAITS_MAX: Duration = Duration::from_secs(600);
/// How long `serve` does: it has been told to stop, and commands are short.
const SERVE_WAITS_MAX: Duration = Duration::from_secs(5);

/// What kind of program owns the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Serve,
    Command,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Command => "command",
        }
    }
}

/// What the owner wrote of itself into its lock.
#[derive(Debug, Default)]
pub(super) struct Holder {
    kind: String,
    pub pid: Option<u32>,
}

impl Holder {
    pub fn is_serving(&self) -> bool {
        self.kind == Kind::Serve.as_str()
    }
}

/// What could be had at one moment.
pub(super) enum Claim {
    Owner(OwnerLock),
    Guest(GuestLock),
    /// Owned, and not open for guests: it is being started or stopped.
    Neither(Holder),
}

/// While it lives, the cluster is ours alone to start and stop.
#[derive(Debug)]
pub(super) struct OwnerLock {
    data_dir: PathBuf,
    kind: Kind,
    /// Closing it gives the lock back.
    lock: File,
}

/// While it lives, the owner does not stop the cluster (see the limits above).
#[derive(Debug)]
pub(super) struct GuestLock {
    pub socket_dir: PathBuf,
    pub holder: Holder,
    _lock: File,
}

impl Claim {
    /// The owner's lock where it is free, else a guest's where guests are invited. Never waits.
    pub fn take(data_dir: &Path, kind: Kind) -> Result<Self, PostgresError> {
        let path = data_dir.join(LOCK);
        let file_error = |error| PostgresError::File { path: path.clone(), error };
        let mut lock = open(&path).map_err(file_error)?;
        if is_taken(lock.try_lock()).map_err(file_error)? {
            let mut text = String::new();
            lock.read_to_string(&mut text).map_err(file_error)?;
            let (kind, pid) = text.trim().split_once(' ').unwrap_or_default();
            let holder = Holder { kind: kind.to_owned(), pid: pid.parse().ok() };
            return Self::visit(data_dir, holder);
        }
        let mut owner = OwnerLock { data_dir: data_dir.to_owned(), kind, lock };
        owner.sign().map_err(file_error)?;
        Ok(Self::Owner(owner))
    }

    fn visit(data_dir: &Path, holder: Holder) -> Result<Self, PostgresError> {
        let path = data_dir.join(GUESTS);
        let lock = open(&path).map_err(PostgresError::file(&path))?;
        if is_taken(lock.try_lock_shared()).map_err(PostgresError::file(&path))? {
            return Ok(Self::Neither(holder));
        }
        // Only now does it hold until we leave.
        match fs::read(data_dir.join(RUN)) {
            Ok(socket_dir) => {
                let socket_dir = std::ffi::OsString::from_vec(socket_dir).into();
                Ok(Self::Guest(GuestLock { socket_dir, holder, _lock: lock }))
            }
            Err(_) => Ok(Self::Neither(holder)),
        }
    }
}

impl OwnerLock {
    /// Says in the lock who we are, and takes back what an owner before us left.
    fn sign(&mut self) -> io::Result<()> {
        self.withdraw()?;
        self.lock.set_len(0)?;
        self.lock.rewind()?;
        writeln!(self.lock, "{} {}", self.kind.as_str(), std::process::id())
    }

    fn withdraw(&self) -> io::Result<()> {
        match fs::remove_file(self.data_dir.join(RUN)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Invites guests, now that the cluster answers at this socket.
    pub fn admit_guests(&self, socket_dir: &Path) -> Result<(), PostgresError> {
        let path = self.data_dir.join(RUN);
        let unfinished = self.data_dir.join("postgres.run.new");
        fs::write(&unfinished, socket_dir.as_os_str().as_bytes())
            .and_then(|()| fs::rename(&unfinished, &path))
            .map_err(PostgresError::file(&path))
    }

    /// Lets no new guest in and waits, within limits, until the last has left.
    pub fn send_guests_away(&self) {
        let wait_max = match self.kind {
            Kind::Serve => SERVE_WAITS_MAX,
            Kind::Command => COMMAND_WAITS_MAX,
        };
        let waited = Clock::system().stopwatch();
        let outcome = self.withdraw().and_then(|()| {
            let guests = open(&self.data_dir.join(GUESTS))?;
            while is_taken(guests.try_lock())? {
                if waited.elapsed() > wait_max {
                    tracing::warn!("stopping Postgres under another callout command that still uses it");
                    break;
                }
                std::thread::sleep(LOOK_AGAIN);
            }
            Ok(())
        });
        if let Err(error) = outcome {
            tracing::warn!(%error, "stopping Postgres without a look for other callout commands");
        }
    }
}

impl Drop for OwnerLock {
    fn drop(&mut self) {
        // What it says must not be taken for the next owner's word.
        let _ = self.lock.set_len(0);
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn is_taken(outcome: Result<(), TryLockError>) -> io::Result<bool> {
    match outcome {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
