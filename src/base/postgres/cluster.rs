//! The cluster's files: where they are, how they come to be, and what an earlier run may have left.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, lchown,
};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::binaries::Binaries;
use super::identity::{RunAs, User};
use super::{LOOK_AGAIN, PostgresError};
use crate::base::clock::Clock;
use crate::base::seal::sha256;

/// The port is only part of the socket's name.
const SOCKET: &str = ".s.PGSQL.5432";
/// What a socket's address has room for on Linux, without the closing zero.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// A log that has grown beyond this is begun anew at the next start.
const LOG_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How long processes of an earlier run may take to end: they may be writing their last checkpoint.
const LEFT_OVER_MAX: Duration = Duration::from_secs(60);

/// The settings that differ from Postgres's own.
const SETTINGS: [&str; 10] = [
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "max_connections=100",
    "fsync=on",
    "log_checkpoints=off",
    "timezone=UTC",
    // To fill a new piece of the log with zeros stops every commit for 50 ms; it is as safe without.
    "wal_init_zero=off",
    "wal_buffers=16MB",
    // Compiling a plan takes longer than our statements.
    "jit=off",
];

#[derive(Debug, Clone)]
pub(super) struct Cluster {
    /// Absolute, without links.
    pub data_dir: PathBuf,
    pub socket_dir: PathBuf,
    run_as: RunAs,
}

impl Cluster {
    /// The cluster of a data directory, which is made where it is missing.
    pub fn at(data_dir: &Path) -> Result<Self, PostgresError> {
        let file_error = |error| PostgresError::File { path: data_dir.to_owned(), error };
        // Root's has to be passed through by whoever Postgres runs as.
        let mode = if User::ourselves().uid == 0 { 0o711 } else { 0o700 };
        DirBuilder::new().recursive(true).mode(mode).create(data_dir).map_err(file_error)?;
        let data_dir = fs::canonicalize(data_dir).map_err(file_error)?;
        let socket_dir = socket_dir_for(&data_dir);
        Ok(Self { data_dir, socket_dir, run_as: RunAs::Ourselves })
    }

    /// What Postgres calls its data directory.
    pub fn directory(&self) -> PathBuf {
        self.data_dir.join("pg")
    }

    fn log(&self) -> PathBuf {
        self.data_dir.join("postgres.log")
    }

    /// The major version that made the cluster; none if there is no cluster yet.
    pub fn major(&self) -> Result<Option<u32>, PostgresError> {
        let path = self.directory().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => match text.trim().parse() {
                Ok(major) => Ok(Some(major)),
                Err(_) => Err(PostgresError::File { path, error: ErrorKind::InvalidData.into() }),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PostgresError::File { path, error }),
        }
    }

    /// For libpq: the socket, the superuser of this cluster, no password (only the owner gets to the socket).
    pub fn url(&self, database: &str) -> String {
        let mut url = format!("postgresql://postgres@/{database}?port=5432&host=");
        for byte in self.socket_dir.as_os_str().as_bytes() {
            match byte {
                b'/' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                    url.push(char::from(*byte))
                }
                // Writing to a String cannot fail.
                _ => drop(write!(url, "%{byte:02X}")),
            }
        }
        url
    }

    /// Makes the cluster if there is none, gives it to who will run it, and clears away what an earlier run left.
    /// Only for the holder of the owner's lock.
    pub fn prepare(&mut self, binaries: &Binaries) -> Result<(), PostgresError> {
        let directory = self.directory();
        let owner = match User::owner_of(&directory) {
            Ok(owner) => Some(owner),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(PostgresError::File { path: directory, error }),
        };
        let ourselves = User::ourselves();
        if let Some(owner) = owner.filter(|owner| ourselves.uid != 0 && owner.uid != ourselves.uid) {
            return Err(PostgresError::Foreign { directory, uid: owner.uid });
        }
        let socket_parent = self.socket_dir.parent().unwrap_or(&self.data_dir);
        let chosen = RunAs::choose(&[&self.data_dir, &binaries.directory, socket_parent], owner);
        let works = [chosen, RunAs::Namespace].into_iter().find(|run_as| run_as.works(&binaries.postgres()));
        self.run_as =
            works.ok_or_else(|| PostgresError::NoOneToRunAs { directory: self.data_dir.clone() })?;
        self.make_socket_dir(owner).map_err(PostgresError::file(&self.socket_dir))?;
        match owner {
            None => self.init(binaries)?,
            Some(owner) if owner.uid != self.run_as.owner().uid => {
                give(&directory, self.run_as.owner()).map_err(PostgresError::file(&directory))?;
            }
            Some(_) => {}
        }
        self.clear_left_overs()
    }

    /// In a directory of another name, so that one that is half made is never taken for a cluster.
    fn init(&self, binaries: &Binaries) -> Result<(), PostgresError> {
        let unfinished = self.data_dir.join("pg.new");
        let file_error = |error| PostgresError::File { path: unfinished.clone(), error };
        match fs::remove_dir_all(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(file_error(error)),
            _ => {}
        }
        DirBuilder::new().mode(0o700).create(&unfinished).map_err(file_error)?;
        give(&unfinished, self.run_as.owner()).map_err(file_error)?;
        let mut command = self.command(&binaries.initdb(), &unfinished);
        command.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums"]);
        let output = command.arg("-D").arg(&unfinished).output().map_err(file_error)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(PostgresError::Failed { what: "initdb", said });
        }
        fs::rename(&unfinished, self.directory())
            .and_then(|()| File::open(&self.data_dir)?.sync_all())
            .map_err(file_error)
    }

    /// Postgres itself, its messages appended to the log. To be spawned by a thread that lives as long as it should.
    pub fn server(&self, binaries: &Binaries) -> io::Result<Command> {
        let is_long = fs::metadata(self.log()).is_ok_and(|found| found.len() > LOG_BYTES_MAX);
        let log = OpenOptions::new()
            .create(true)
            .write(true)
            .append(!is_long)
            .truncate(is_long)
            .mode(0o600)
            .open(self.log())?;
        let mut command = self.command(&binaries.postgres(), &self.directory());
        command.arg("-D").arg(self.directory()).arg("-k").arg(&self.socket_dir);
        command.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
        command.stdout(Stdio::null()).stderr(log);
        Ok(command)
    }

    fn command(&self, program: &Path, home: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.as_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        // Else libpq within the server looks into our home, which it may not enter.
        command.env("HOME", home).current_dir("/").stdin(Stdio::null());
        self.run_as.apply(&mut command);
        command
    }

    /// The end of the log, for an error message.
    pub fn last_log_lines(&self) -> Option<String> {
        let text = fs::read(self.log()).ok()?;
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.trim().lines().rev().take(5).collect();
        let said = lines.into_iter().rev().collect::<Vec<_>>().join("\n");
        (!said.is_empty()).then_some(said)
    }

    /// The server's process as it wrote it down itself.
    pub fn postmaster_pid(&self) -> Option<u32> {
        let text = fs::read_to_string(self.directory().join("postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok()
    }

    /// Waits until no process of an earlier run is left, and only then removes its lock files: deleting them under
    /// one that still writes would let two servers at the same files. The files alone prove nothing, their process
    /// number may be another program's by now.
    pub fn clear_left_overs(&self) -> Result<(), PostgresError> {
        let waited = Clock::system().stopwatch();
        let mut is_interrupted = false;
        loop {
            let pids = self.processes();
            if pids.is_empty() {
                break;
            }
            // It should have been told by the system when its owner ended; telling it again does no harm.
            if let Some(pid) = self.postmaster_pid().filter(|pid| !is_interrupted && pids.contains(pid)) {
                // SAFETY: no memory is involved; the process is a postgres in our directory.
                unsafe { libc::kill(pid as libc::pid_t, libc::SIGINT) };
                is_interrupted = true;
            }
            if waited.elapsed() > LEFT_OVER_MAX {
                return Err(PostgresError::LeftOver { pids });
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        let locks = [
            self.directory().join("postmaster.pid"),
            self.socket_dir.join(format!("{SOCKET}.lock")),
            self.socket_dir.join(SOCKET),
        ];
        for path in locks {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(PostgresError::File { path, error });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Every process named postgres that works in the cluster's directory, as all of a server's do.
    fn processes(&self) -> Vec<u32> {
        let directory = self.directory();
        let postmaster = self.postmaster_pid();
        let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| {
            let process = Path::new("/proc").join(pid.to_string());
            let is_postgres = fs::read(process.join("comm")).is_ok_and(|name| name == b"postgres\n");
            // One that has ended and was not collected by its parent does nothing any more.
            let is_zombie = fs::read_to_string(process.join("stat")).is_ok_and(|stat| stat.contains(") Z "));
            is_postgres
                && !is_zombie
                && match fs::read_link(process.join("cwd")) {
                    Ok(found) => found == directory,
                    // Another user's, where even root may not look, as in some containers: the number has to do.
                    Err(error) => error.kind() == ErrorKind::PermissionDenied && Some(*pid) == postmaster,
                }
        })
        .collect()
    }

    fn make_socket_dir(&self, owner: Option<User>) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(&self.socket_dir) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        // One under the system's directory for temporary files could be somebody's trap.
        let found = fs::symlink_metadata(&self.socket_dir)?;
        let trusted = [Some(User::ourselves()), Some(self.run_as.owner()), owner];
        if !found.is_dir() || !trusted.iter().flatten().any(|user| user.uid == found.uid()) {
            return Err(ErrorKind::PermissionDenied.into());
        }
        give(&self.socket_dir, self.run_as.owner())?;
        fs::set_permissions(&self.socket_dir, Permissions::from_mode(0o700))
    }
}

/// In the data directory, or, where its path is too long for a socket (or has signs that separate several), in the
/// system's directory for temporary files, under a name that is always the same for a data directory.
fn socket_dir_for(data_dir: &Path) -> PathBuf {
    let fits = |directory: &Path| {
        let bytes = directory.as_os_str().as_bytes();
        bytes.len() + 1 + SOCKET.len() <= SOCKET_PATH_BYTES_MAX
            && !bytes.iter().any(|byte| b",\"'".contains(byte))
    };
    let inside = data_dir.join("sock");
    if fits(&inside) {
        return inside;
    }
    let hash = sha256(data_dir.as_os_str().as_bytes());
    let mut name = String::from("callout-");
    for byte in &hash[..8] {
        // Writing to a String cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    let temporary = fs::canonicalize(std::env::temp_dir()).unwrap_or_else(|_| "/tmp".into()).join(&name);
    if fits(&temporary) { temporary } else { Path::new("/tmp").join(OsStr::new(&name)) }
}

/// Makes a directory and all in it belong to `user`, where it does not yet.
fn give(path: &Path, user: User) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if found.uid() != user.uid {
        lchown(path, Some(user.uid), Some(user.gid))?;
    }
    if found.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}
