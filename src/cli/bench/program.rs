//! The program under test: `callout serve` in a process of its own, on a throw-away folder.
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};

use super::connection::Connection;
use super::machine::{self, Usage};
use crate::app::Signals;
use crate::base::clock::Clock;
use crate::base::ids::WebhookId;
use crate::base::postgres::PrivatePostgres;
use crate::cli::Failure;
use crate::models::deliveries::{self, Census};
use crate::rules::signing::Secret;

/// A first start with a new cluster, or one after a kill, recovery included.
const START_MAX: Duration = Duration::from_secs(120);
/// How long to wait for what was accepted to end in the history.
const SETTLE_MAX: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Of Postgres's log, 16 MiB each: what about 200,000 events take.
const LOG_PIECES: usize = 32;

/// The exit code of who is interrupted.
const INTERRUPTED: i32 = 130;
/// The folder may resist for so long.
const DELETE_MAX: Duration = Duration::from_secs(10);

/// A running program. Dropped, it is killed and its folder deleted.
pub(super) struct Program {
    clock: Clock,
    folder: PathBuf,
    /// Whom it may call.
    receivers: Vec<SocketAddr>,
    child: Child,
    /// Of the child, for who ends it when the run is interrupted.
    pid: Arc<AtomicU32>,
    address: SocketAddr,
}

/// A connection to the program's own database.
pub(super) struct Inside {
    pub(super) conn: PgConnection,
    /// After the connection, since fields go in this order.
    _postgres: PrivatePostgres,
}

impl Program {
    /// Makes a folder below `dir` and starts there; returns once it is ready.
    pub(super) fn start(dir: Option<&Path>, receivers: Vec<SocketAddr>) -> Result<Self, Failure> {
        let clock = Clock::system();
        let name = format!("callout-bench-{}-{}", std::process::id(), clock.now().unix_timestamp());
        let folder = dir.map_or_else(std::env::temp_dir, Path::to_owned).join(name);
        std::fs::create_dir_all(&folder).map_err(|error| {
            Failure::new(format!("{}: {error}", folder.display()), "name another folder with --dir")
        })?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let pid = Arc::new(AtomicU32::new(0));
        clean_up_when_interrupted(&folder, &pid);
        let (child, address) = spawn(&folder, &receivers, nowhere)?;
        pid.store(child.id(), Relaxed);
        let mut program = Self { clock, folder, receivers, child, pid, address };
        program.wait_until_ready()?;
        Ok(program)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A project with a key; tells its token.
    pub(super) fn prepare(&self) -> Result<String, Failure> {
        self.command(&["project", "create", "--name", "Bench"])?;
        let key = self.command(&["key", "create", "--project", "Bench", "--name", "bench"])?;
        Ok(key["token"].as_str().unwrap_or_default().to_owned())
    }

    /// Has a webhook call another address from now on.
    pub(super) fn aim_webhook(&self, token: &str, id: WebhookId, target_url: &str) -> Result<(), Failure> {
        let change = json!({ "target_url": target_url });
        match self.call(token, &format!("PATCH /v1/webhooks/{id}"), &change)? {
            (200, _) => Ok(()),
            (status, answer) => Err(refused(status, &answer)),
        }
    }

    /// A webhook for every event of the bench, with these waits between retries if not the usual ones.
    pub(super) fn add_webhook(
        &self,
        token: &str,
        name: &str,
        target_url: &str,
        retries_s: Option<&[u16]>,
    ) -> Result<(WebhookId, Secret), Failure> {
        let mut webhook = json!({ "name": name, "target_url": target_url, "events": [super::EVENT_TYPE] });
        if let Some(waits) = retries_s {
            webhook["retries"] = json!(waits);
        }
        let (status, answer) = self.call(token, "POST /v1/webhooks", &webhook)?;
        let made: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let id = made["id"].as_str().and_then(|text| text.parse().ok());
        let secret = made["secret"].as_str().and_then(|text| Secret::parse(text).ok());
        id.zip(secret).filter(|_| status == 201).ok_or_else(|| refused(status, &answer))
    }

    /// A request to the API: method and path, and the JSON that is sent.
    fn call(&self, token: &str, what: &str, body: &Value) -> Result<(u16, Vec<u8>), Failure> {
        let body = body.to_string();
        self.ask(&format!(
            "{what} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        ))
    }

    /// Runs another command of this program on the same folder.
    fn command(&self, arguments: &[&str]) -> Result<Value, Failure> {
        let output = on_folder(&self.folder, arguments).output();
        let output = output.map_err(|error| Failure::new(format!("callout cannot be run: {error}"), ""))?;
        if !output.status.success() {
            return Err(Failure::new(String::from_utf8_lossy(&output.stderr).trim().to_owned(), ""));
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap_or_default())
    }

    fn ask(&self, request: &str) -> Result<(u16, Vec<u8>), Failure> {
        let mut body = Vec::new();
        let asked = tokio::runtime::Builder::new_current_thread().enable_all().build().and_then(|runtime| {
            runtime.block_on(async {
                let mut connection = Connection::new(self.address);
                let call = connection.call(request.as_bytes(), Some(&mut body));
                tokio::time::timeout(Duration::from_secs(20), call).await?
            })
        });
        match asked {
            Ok(status) => Ok((status, body)),
            Err(error) => Err(Failure::new(format!("the program does not answer: {error}"), "try again")),
        }
    }

    fn is_ready(&self) -> bool {
        let request = format!("GET /readyz HTTP/1.1\r\nhost: {}\r\n\r\n", self.address);
        self.ask(&request).is_ok_and(|(status, _)| status == 200)
    }

    /// Waits until it works.
    pub(super) fn wait_until_ready(&mut self) -> Result<(), Failure> {
        let watch = self.clock.stopwatch();
        while !self.is_ready() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Failure::new(format!("the program ended: {status}"), "see its messages above"));
            }
            if watch.elapsed() > START_MAX {
                return Err(Failure::new("the program did not become ready", "see its messages above"));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    /// kill -9, and a new start on the same address.
    pub(super) fn kill_and_restart(&mut self) -> Result<(), Failure> {
        let _ = self.child.kill();
        self.pid.store(0, Relaxed);
        let _ = self.child.wait();
        (self.child, self.address) = spawn(&self.folder, &self.receivers, self.address)?;
        self.pid.store(self.child.id(), Relaxed);
        self.wait_until_ready()
    }

    /// kill -9 for the head of its Postgres; false when there is none at the moment.
    pub(super) fn kill_postgres(&self) -> bool {
        let Some(pid) = self.postgres_pid() else { return false };
        // SAFETY: sends a signal; the process is the Postgres of our own throw-away folder.
        unsafe { libc::kill(pid as libc::pid_t, libc::SIGKILL) == 0 }
    }

    fn postgres_pid(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.folder.join("pg/postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok().filter(|pid| *pid > 1)
    }

    pub(super) fn usage(&self) -> Usage {
        machine::usage(self.child.id(), self.postgres_pid().unwrap_or_default())
    }

    /// Lets the largest memory count anew from now on.
    pub(super) fn forget_peak(&self) {
        machine::forget_peak(self.child.id());
    }

    /// Waits until the program has noticed that no receiver takes anything.
    pub(super) fn wait_until_slowed(&self, token: &str) -> Result<(), Failure> {
        let request = format!(
            "GET /v1/webhooks?limit=100 HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\r\n",
            self.address
        );
        let watch = self.clock.stopwatch();
        loop {
            let (_, answer) = self.ask(&request)?;
            let told: Value = serde_json::from_slice(&answer).unwrap_or_default();
            let webhooks = told["data"].as_array();
            if webhooks.is_some_and(|all| all.iter().all(|webhook| webhook["slowed"].is_object())) {
                return Ok(());
            }
            if watch.elapsed() > START_MAX {
                return Err(Failure::new("the program did not slow webhooks that fail", ""));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Joins the program's database.
    pub(super) fn inside(&self) -> Result<Inside, Failure> {
        let postgres = PrivatePostgres::open(&self.folder)
            .map_err(|error| Failure::new(error.to_string(), "try again"))?;
        let conn = PgConnection::establish(&postgres.url())
            .map_err(|error| Failure::new(format!("the database cannot be reached: {error}"), "try again"))?;
        Ok(Inside { conn, _postgres: postgres })
    }

    /// Brings Postgres's log to where it is on a server that has run for a while: it writes over old pieces of it, which
    /// takes less time than to make new ones.
    pub(super) fn run_in(&self) -> Result<(), Failure> {
        let mut inside = self.inside()?;
        for _ in 0..LOG_PIECES {
            // A piece that nothing was written to is not left for the next.
            inside
                .conn
                .batch_execute("select pg_logical_emit_message(false, '', ''); select pg_switch_wal()")?;
        }
        Ok(inside.conn.batch_execute("checkpoint")?)
    }

    /// Waits until no delivery is open, and tells what the history says then; those to `but_for` do not count.
    pub(super) fn settled(&self, but_for: &[WebhookId]) -> Result<Census, Failure> {
        let mut inside = self.inside()?;
        let watch = self.clock.stopwatch();
        while deliveries::any_open(&mut inside.conn, but_for)? && watch.elapsed() < SETTLE_MAX {
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(deliveries::census(&mut inside.conn, but_for)?)
    }

    /// Stops it in order.
    pub(super) fn stop(mut self) -> Result<(), Failure> {
        // SAFETY: sends a signal to a child of ours that has not been waited for.
        unsafe { libc::kill(self.child.id() as libc::pid_t, libc::SIGTERM) };
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            other => Err(Failure::new(format!("the program did not stop in order: {other:?}"), "")),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        delete(&self.folder);
    }
}

/// Ends program and Postgres and deletes the folder at Ctrl-C or SIGTERM: who is ended by a signal drops nothing.
fn clean_up_when_interrupted(folder: &Path, pid: &Arc<AtomicU32>) {
    let (folder, pid) = (folder.to_owned(), pid.clone());
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let told = runtime.block_on(async { Some(Signals::catch().ok()?.next().await) });
        if told.is_none() {
            return;
        }
        if let Some(pid) = libc::pid_t::try_from(pid.load(Relaxed)).ok().filter(|pid| *pid > 0) {
            // SAFETY: sends a signal to a child of ours; should it be over already, nobody else has its id by now.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        delete(&folder);
        std::process::exit(INTERRUPTED);
    });
}

/// Its Postgres goes down with the program, but not at once.
fn delete(folder: &Path) {
    let watch = Clock::system().stopwatch();
    while std::fs::remove_dir_all(folder).is_err() && folder.exists() && watch.elapsed() < DELETE_MAX {
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// This program again, with no settings but the folder's.
fn on_folder(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| "callout".into()));
    command.args(arguments);
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("CALLOUT_") || name == "DATABASE_URL")
    {
        command.env_remove(name);
    }
    command.env("CALLOUT_DATA_DIR", folder).stdin(Stdio::null());
    command
}

/// Starts `serve`; returns when it has told its address.
fn spawn(
    folder: &Path,
    receivers: &[SocketAddr],
    listen: SocketAddr,
) -> Result<(Child, SocketAddr), Failure> {
    let receivers: Vec<String> = receivers.iter().map(SocketAddr::to_string).collect();
    let mut child = on_folder(folder, &["serve"])
        .env("CALLOUT_LISTEN", listen.to_string())
        .env("CALLOUT_ALLOW_TARGETS", receivers.join(","))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::new(format!("callout cannot be run: {error}"), ""))?;
    let (told, address) = mpsc::channel();
    let lines = child.stderr.take().map(BufReader::new);
    std::thread::spawn(move || {
        for line in lines.into_iter().flat_map(|lines| lines.lines().map_while(Result::ok)) {
            if let Some(address) = address_in(&line) {
                let _ = told.send(address);
            } else if line.contains("ERROR") {
                eprintln!("{line}");
            }
        }
    });
    match address.recv_timeout(START_MAX) {
        Ok(address) => Ok((child, address)),
        Err(_) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(Failure::new("the program did not start", "see its messages above, or run callout serve"))
        }
    }
}

/// The address in the line with which it says that it runs.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("address=")?;
    rest.split_whitespace().next()?.parse().ok()
}

fn refused(status: u16, answer: &[u8]) -> Failure {
    let said = String::from_utf8_lossy(answer);
    Failure::new(format!("a webhook was answered {status}: {said}"), "see the program's messages above")
}
