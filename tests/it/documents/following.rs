//! Every block marked `sh`, run as it stands: only the ports are others, and `callout` is the program under test.
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{blocks, pages, text_of};
use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::receiver::{self, Receiver};

/// A folder in which a page's blocks are run.
pub(super) struct Scratch {
    folder: TempDir,
    ports: Vec<(u16, u16)>,
    variables: Vec<(String, String)>,
}

impl Scratch {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("target/release")).expect("a folder");
        for name in ["callout", "target/release/callout"] {
            symlink(env!("CARGO_BIN_EXE_callout"), folder.path().join(name)).expect("link");
        }
        Self { folder, ports: Vec::new(), variables: Vec::new() }
    }

    /// Wherever the page says one port, another is used.
    pub(super) fn port(mut self, written: u16, used: u16) -> Self {
        self.ports.push((written, used));
        self
    }

    pub(super) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the `sh` blocks of a page (under one heading, if any is given) as one script; `after` follows it.
    pub(super) fn run(&self, page: &str, heading: Option<&str>, after: &str) -> String {
        let text = text_of(page);
        let wanted = blocks(&text)
            .into_iter()
            .filter(|block| block.language == "sh" && heading.is_none_or(|heading| block.heading == heading));
        let script: String = wanted.map(|block| block.text).collect();
        assert!(!script.is_empty(), "{page}: nothing to run under {heading:?}");
        self.script(&format!("{script}\n{after}"))
    }

    /// Runs a script, and ends what it leaves running. Tells what it said.
    pub(super) fn script(&self, script: &str) -> String {
        let mut script = script.to_owned();
        for (written, used) in &self.ports {
            script = script.replace(&format!(":{written}"), &format!(":{used}"));
        }
        let script =
            format!("set -eu -o pipefail; trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n{script}");
        let path = std::env::var("PATH").expect("a PATH");
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(self.path())
            .env("PATH", format!("{}:{path}", self.path().display()))
            .env_remove("CALLOUT_DATABASE_URL")
            .env_remove("DATABASE_URL")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .expect("run bash");
        let told = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}\n{script}\n{told}", output.status);
        told.into_owned()
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// A program with a project and a receiver, reached at the addresses that the pages name.
fn with_program(test: impl FnOnce(Scratch, &App, &Project, &Receiver)) {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let scratch = Scratch::new()
        .port(8080, app.address.port())
        .port(9000, receiver.addr().port())
        .variable("token", &project.token);
    test(scratch, &app, &project, &receiver);
}

#[test]
fn the_tour_of_the_readme_ends_with_a_delivery() {
    let port = free_port();
    let scratch = Scratch::new().port(8081, port).port(9000, free_port());
    let until_delivered = format!(
        "for n in $(seq 200); do curl -s 'http://127.0.0.1:{port}/v1/deliveries?status=delivered' \
         -H \"Authorization: Bearer $token\" | grep '\"status\":\"delivered\"' && break; sleep 0.1; \
         test $n -lt 200 || exit 9; done"
    );
    let text = text_of("README.md");
    let mut steps: Vec<String> =
        blocks(&text).into_iter().filter(|b| b.heading == "Tour").map(|b| b.text).collect();
    let end = steps.pop().expect("a last step");
    let is_over = format!(
        "wait; test -z \"${{CALLOUT_DATA_DIR:-}}\"; ! curl -s http://127.0.0.1:{port}/readyz || exit 8"
    );
    let said = scratch.script(&format!("{}{until_delivered}\n{end}{is_over}", steps.concat()));
    assert!(said.contains("\nready\n") || said.starts_with("ready\n"), "{said}");
    assert!(!said.contains("\"status\":503") && !said.contains("curl:"), "nothing of the wait: {said}");
    assert!(!said.contains("}{"), "each answer ends its line: {said}");
    assert!(said.contains("POST /shop 200 whs_"), "the receiver prints a line: {said}");
    assert!(said.contains("\"secret\":\"whsec_"), "{said}");
    assert!(said.contains("/setup?token="), "serve says how to make an account: {said}");
}

#[test]
fn the_commands_of_the_installation_work_before_anybody_has_signed_in() {
    let said = Scratch::new().run("docs/installation.md", None, "");
    assert!(said.contains("\"owner\":true") && said.contains("\"token\":\"ck_"), "{said}");
}

#[test]
fn migrations_can_be_run_by_themselves() {
    let said = Scratch::new().run("docs/upgrade.md", None, "callout migrate");
    assert!(said.ends_with("{\"ran\":[]}\n"), "{said}");
}

#[test]
fn the_signature_in_the_page_for_receivers_is_valid() {
    let said = Scratch::new().port(9000, free_port()).run("docs/receiving.md", None, "");
    assert!(said.contains("{\"valid\":true}"), "{said}");
    assert!(said.contains("Receiving on"), "{said}");
}

#[test]
fn every_metric_that_is_to_be_watched_exists() {
    with_program(|scratch, _, _, _| {
        let said = scratch.run("docs/scaling.md", None, "");
        let page = text_of("docs/scaling.md");
        let names = page.split('`').filter(|text| text.starts_with("callout_"));
        let missing: Vec<&str> = names.filter(|name| !said.contains(&format!("\n{name} "))).collect();
        assert!(missing.is_empty(), "{missing:?} not in\n{said}");
    });
}

#[test]
fn the_steps_of_every_guide_for_newcomers_end_with_a_delivery() {
    let guides: Vec<String> = pages()
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path.starts_with("docs/migrating/"))
        .collect();
    assert_eq!(guides.len(), 5, "{guides:?}");
    for guide in guides {
        with_program(|scratch, app, project, receiver| {
            scratch.run(&guide, None, "");
            let received = receiver::received(receiver, 1);
            app.wait_for("delivered", 1);
            assert_eq!((received.len(), project.deliveries().len()), (1, 1), "{guide}");
        });
    }
}

#[test]
fn every_block_says_whether_it_is_run_and_every_page_that_has_one_is() {
    const RUN: [&str; 6] = [
        "README.md",
        "docs/backup-and-restore.md",
        "docs/installation.md",
        "docs/receiving.md",
        "docs/scaling.md",
        "docs/upgrade.md",
    ];
    for (path, text) in pages() {
        for block in blocks(&text) {
            let known = ["sh", "console", "json", "text", "toml", "nginx", "rust"]
                .contains(&block.language.as_str())
                || path.starts_with("docs/verify/");
            assert!(known, "{path}: a block marked `{}`", block.language);
            let is_run = RUN.contains(&path.as_str())
                || path.starts_with("docs/migrating/")
                || path.starts_with("docs/verify/");
            assert!(
                block.language != "sh" || is_run,
                "{path}: nobody runs its blocks: add a test, or mark it console"
            );
        }
    }
}
