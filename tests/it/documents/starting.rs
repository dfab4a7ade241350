//! `./start` on machines of all kinds. What it calls is put in the place of the real thing and writes down its calls.
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The programs that `start` uses as they are.
const REAL: [&str; 13] =
    ["bash", "cat", "cut", "dirname", "env", "head", "mkdir", "readlink", "sed", "sh", "sort", "tail", "tr"];
const RUST_NEW: &str = "echo 'cargo 9.1.0 (0123abcde 2026-04-01)'";

/// A machine whose PATH is one folder, and a copy of the tree that has been built already.
struct Machine {
    folder: TempDir,
}

impl Machine {
    /// Debian with everything that is needed; nobody is root.
    fn complete() -> Self {
        let machine = Self { folder: tempfile::tempdir().expect("a folder") };
        for folder in ["bin", "pg", "home", "tree/deploy", "tree/target/release"] {
            std::fs::create_dir_all(machine.path(folder)).expect("a folder");
        }
        for name in ["start", "deploy/needs.sh", "Cargo.toml"] {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
            std::fs::copy(from, machine.path("tree").join(name)).expect("copy");
        }
        for name in REAL {
            let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(name));
            let program = found.iter().find(|path| path.exists()).unwrap_or_else(|| panic!("no {name}"));
            symlink(program, machine.path("bin").join(name)).expect("link");
        }
        machine.script("tree/target/release/callout", "note callout \"$@\"");
        machine.script(
            "bin/cargo",
            &format!("if [ \"$1\" = --version ]; then {RUST_NEW}; else note cargo \"$@\"; fi"),
        );
        machine.script("bin/apt-get", "note apt-get \"$@\"");
        // Its arguments but for the script among them, which is for root alone to run.
        machine.script("bin/sudo", "shift 6; note sudo \"$@\"; . \"$MACHINE/when-installed\"");
        machine.script("when-installed", "");
        machine.script("bin/id", "echo 1000");
        machine.script("bin/uname", "echo Linux");
        // Where the real machine keeps its Postgres is nobody's business here.
        machine.script("bin/ls", "exit 2");
        machine.script("bin/cc", "");
        machine.script("bin/pkg-config", "");
        machine.postgres(16);
        std::fs::write(machine.path("os-release"), "ID=debian\n").expect("write");
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn script(&self, name: &str, text: &str) {
        let text = format!("#!/bin/sh\nnote() {{ echo \"$*\" >>\"$MACHINE/calls\"; }}\n{text}\n");
        std::fs::write(self.path(name), text).expect("write");
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o755)).expect("chmod");
    }

    fn postgres(&self, major: u32) {
        self.script("pg/postgres", &format!("echo 'postgres (PostgreSQL) {major}.3 (Debian)'"));
        self.script("pg/initdb", "");
        let _ = symlink(self.path("pg/initdb"), self.path("bin/initdb"));
    }

    fn without(self, programs: &[&str]) -> Self {
        for name in programs {
            std::fs::remove_file(self.path("bin").join(name)).expect("remove");
        }
        self
    }

    /// Runs `start` from somewhere else.
    fn start(&self, arguments: &[&str]) -> Output {
        Command::new(self.path("tree/start"))
            .args(arguments)
            .current_dir(self.path("home"))
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("HOME", self.path("home"))
            .env("MACHINE", self.folder.path())
            .env("OS_RELEASE", self.path("os-release"))
            .output()
            .expect("run start")
    }

    fn starts(&self, arguments: &[&str]) {
        let output = self.start(arguments);
        assert!(output.status.success(), "{}", said(&output));
    }

    /// What it says when it gives up.
    fn refused(&self) -> String {
        let output = self.start(&[]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(!self.calls().iter().any(|call| call.starts_with("callout")), "{:?}", self.calls());
        said(&output)
    }

    fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn with_everything_there_start_builds_and_runs_the_demo_and_asks_for_nothing() {
    let machine = Machine::complete();
    machine.starts(&["--listen", "127.0.0.1:8081"]);
    assert_eq!(machine.calls(), ["cargo build --release --locked", "callout demo --listen 127.0.0.1:8081"]);
    machine.starts(&[]);
    assert_eq!(machine.calls().len(), 4, "a second time is like the first");
}

#[test]
fn start_works_by_a_link_from_anywhere() {
    let machine = Machine::complete();
    symlink(machine.path("tree/start"), machine.path("bin/callout-start")).expect("link");
    let mut command = Command::new(machine.path("bin/callout-start"));
    command.env("PATH", machine.path("bin")).env("MACHINE", machine.folder.path()).current_dir("/");
    let output = command.output().expect("run start");
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(machine.calls().last().map(String::as_str), Some("callout demo"));
}

#[test]
fn a_missing_postgres_is_asked_for_and_nothing_else() {
    let machine = Machine::complete().without(&["initdb"]);
    machine.script("when-installed", "ln -s \"$MACHINE/pg/initdb\" \"$MACHINE/bin/initdb\"");
    symlink("/bin/ln", machine.path("bin/ln")).expect("link");
    machine.starts(&[]);
    assert_eq!(machine.calls(), ["sudo postgresql", "cargo build --release --locked", "callout demo"]);
}

#[test]
fn a_bare_machine_gets_everything_in_one_go() {
    let machine = Machine::complete().without(&["initdb", "cc", "pkg-config"]);
    let said = machine.refused();
    assert_eq!(machine.calls(), ["sudo gcc libc6-dev pkg-config libssl-dev postgresql"]);
    assert!(said.contains("Still missing after the installation: gcc libc6-dev pkg-config"), "{said}");
}

#[test]
fn a_postgres_that_is_too_old_does_not_count() {
    let machine = Machine::complete();
    machine.postgres(13);
    let said = machine.refused();
    assert_eq!(machine.calls(), ["sudo postgresql"]);
    assert!(said.contains("version 14 or newer"), "{said}");
}

#[test]
fn without_sudo_it_says_what_root_should_run() {
    let machine = Machine::complete().without(&["initdb", "sudo"]);
    let said = machine.refused();
    assert!(said.contains("apt-get install --no-install-recommends postgresql\n"), "{said}");
    assert!(machine.calls().is_empty());
}

#[test]
fn without_apt_it_says_what_to_install_by_the_systems_own_names() {
    for (release, wanted) in [
        ("ID=fedora\n", "sudo dnf install postgresql-server gcc openssl-devel"),
        ("NAME=\"Rocky Linux\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "sudo dnf install"),
        ("ID=arch\n", "sudo pacman -S --needed postgresql gcc openssl"),
        ("ID=plan9\n", "the server of PostgreSQL 14 or newer, a C compiler, pkg-config"),
    ] {
        let machine = Machine::complete().without(&["initdb", "apt-get"]);
        std::fs::write(machine.path("os-release"), release).expect("write");
        let said = machine.refused();
        assert!(
            said.contains(wanted) && said.contains("Missing (by their names in Debian): postgresql."),
            "{said}"
        );
        assert!(machine.calls().is_empty());
    }
    let machine = Machine::complete().without(&["initdb", "apt-get"]);
    machine.script("bin/uname", "echo Darwin");
    assert!(machine.refused().contains("brew install postgresql@17 openssl@3"));
}

#[test]
fn without_rust_it_says_where_to_get_it() {
    let machine = Machine::complete().without(&["cargo", "initdb"]);
    let said = machine.refused();
    assert!(said.contains("Install Rust 1.") && said.contains("https://sh.rustup.rs"), "{said}");
    assert!(machine.calls().is_empty(), "nothing is installed for a build that cannot be");

    let machine = Machine::complete();
    machine.script("bin/cargo", "echo 'cargo 1.63.0'");
    let said = machine.refused();
    assert!(said.contains("Rust 1.63.0") && said.contains("rustup update stable"), "{said}");
}

#[test]
fn a_failed_build_starts_nothing() {
    let machine = Machine::complete();
    machine.script("bin/cargo", &format!("if [ \"$1\" = --version ]; then {RUST_NEW}; else exit 101; fi"));
    assert_eq!(machine.start(&[]).status.code(), Some(101));
    assert!(machine.calls().is_empty());
}

#[test]
fn start_has_help() {
    let machine = Machine::complete();
    let output = machine.start(&["--help"]);
    assert!(output.status.success() && said(&output).contains("callout demo"), "{}", said(&output));
    assert!(!said(&output).contains("set -e"), "the text ends where the script begins: {}", said(&output));
    assert!(machine.calls().is_empty());
}
