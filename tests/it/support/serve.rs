//! The program as people run it: `callout serve` in a process of its own, which can be killed.
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::Client;

/// A fresh private Postgres included.
const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(60);

/// Runs a command of `callout` on this data directory; tells the JSON that it prints.
pub fn command(data_dir: &Path, arguments: &[&str]) -> Value {
    command_with(data_dir, &[], arguments)
}

fn command_with(data_dir: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_callout"))
        .args(arguments)
        .env_remove("CALLOUT_DATABASE_URL")
        .env_remove("DATABASE_URL")
        .env("CALLOUT_DATA_DIR", data_dir)
        .envs(variables.iter().copied())
        .output()
        .expect("run callout");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON on stdout")
}

/// A project with this name; tells the token of a key that opens all of its API.
pub fn project(data_dir: &Path, name: &str) -> String {
    project_with(data_dir, &[], name)
}

/// The same in the database of this address.
pub fn project_in(data_dir: &Path, database_url: &str, name: &str) -> String {
    project_with(data_dir, &[("CALLOUT_DATABASE_URL", database_url)], name)
}

fn project_with(data_dir: &Path, variables: &[(&str, &str)], name: &str) -> String {
    command_with(data_dir, variables, &["project", "create", "--name", name]);
    let key = command_with(data_dir, variables, &["key", "create", "--project", name, "--name", "all"]);
    key["token"].as_str().expect("a token").to_owned()
}

/// A running `callout serve`; killed when dropped.
pub struct Serve {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Serve {
    /// On this data directory, with these variables besides; returns once it is ready.
    pub fn start(data_dir: &Path, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_callout"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_remove("CALLOUT_DATABASE_URL")
            .env_remove("DATABASE_URL")
            .env("CALLOUT_DATA_DIR", data_dir)
            .env("CALLOUT_ALLOW_TARGETS", "127.0.0.0/8")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("run callout serve");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let kept = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let mut serve = Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), child, lines };
        serve.wait_until_ready();
        serve
    }

    fn wait_until_ready(&mut self) {
        let began = Instant::now();
        loop {
            let ended = self.child.try_wait().expect("a child");
            assert!(ended.is_none() && began.elapsed() < START_MAX, "{ended:?} {:#?}", self.lines());
            if let Some(address) = self.lines().iter().find_map(|line| address_in(line)) {
                self.address = address;
                if self.client().get("/readyz").status == 200 {
                    return;
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A browser nobody has signed in with.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// What it has said on stderr.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no chance to tidy up.
    pub fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("an end");
    }

    /// SIGTERM, and how it ended.
    pub fn stop(mut self) -> ExitStatus {
        // SAFETY: sends a signal to a child of ours that has not been waited for.
        unsafe { libc::kill(self.child.id() as libc::pid_t, libc::SIGTERM) };
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(began.elapsed() < STOP_MAX, "it did not stop: {:#?}", self.lines());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the line with which it says that it runs.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("address=")?;
    rest.split_whitespace().next()?.parse().ok()
}
