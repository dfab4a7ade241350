//! The examples in deploy/ fit the program: its limits, its stop, its variables, and what its build needs.
use std::path::Path;
use std::process::Command;

use callout::base::config::SETTINGS;

use super::words::{constant, variables};
use super::{in_tree, text_of};
use crate::support::serve::Serve;

/// The value of `Name=value` in a unit; the last one counts.
fn of_unit(name: &str) -> Option<String> {
    let unit = text_of("deploy/callout.service");
    let mut found = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    found.next_back().map(str::to_owned)
}

#[test]
fn the_unit_waits_for_the_longest_orderly_stop() {
    let longest = constant("src/app.rs", "REQUESTS_GRACE_S")
        + constant("src/app/parts.rs", "STOP_GRACE")
        + constant("src/base/postgres/lock.rs", "SERVE_WAITS_MAX")
        + constant("src/base/postgres/supervisor.rs", "FAST_STOP_MAX")
        + constant("src/base/postgres/supervisor.rs", "IMMEDIATE_STOP_MAX");
    let given: u64 = of_unit("TimeoutStopSec").and_then(|text| text.parse().ok()).expect("seconds");
    // What was accepted and what came back must be written in between.
    assert!(given >= longest + 20, "TimeoutStopSec={given}, and a stop takes up to {longest} s and more");
    assert_eq!(
        of_unit("KillMode").as_deref(),
        Some("mixed"),
        "else Postgres is told to stop before its users"
    );
    let compose = text_of("deploy/compose.yaml");
    assert!(compose.contains(&format!("stop_grace_period: {given}s")), "as long as the unit waits");
}

#[test]
fn the_unit_is_sandboxed_and_keeps_its_data() {
    for line in [
        "User=callout",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "ProtectKernelTunables=yes",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        "RestrictNamespaces=yes",
        "SystemCallFilter=@system-service",
        "Restart=on-failure",
    ] {
        let unit = text_of("deploy/callout.service");
        assert!(unit.lines().any(|found| found == line), "deploy/callout.service: no `{line}`");
    }
    let folder = format!("CALLOUT_DATA_DIR=/var/lib/{}", of_unit("StateDirectory").expect("a folder"));
    assert_eq!(of_unit("Environment").as_deref(), Some(folder.as_str()));
}

#[test]
fn the_proxies_say_where_visitors_come_from_and_let_the_largest_request_through() {
    let largest = constant("src/api/events_in.rs", "BATCH_BYTES_MAX") / 1024 / 1024;
    let nginx = text_of("deploy/nginx.conf");
    assert!(nginx.contains("proxy_set_header X-Forwarded-For $remote_addr;"));
    assert!(nginx.contains("proxy_set_header Host $http_host;"), "forms are compared with it");
    assert!(nginx.contains("proxy_buffering off;"));
    let size = format!("client_max_body_size {largest}m;");
    assert!(nginx.contains(&size), "{size}");
    let caddy = text_of("deploy/Caddyfile");
    assert!(caddy.contains("header_up X-Forwarded-For {remote_host}"));
    assert!(caddy.contains(&format!("{largest} MiB")));
    // Else a request may meet the closing of the connection that it goes over.
    let kept = constant("src/app.rs", "KEEP_ALIVE");
    for (text, setting) in [(&nginx, "keepalive_timeout "), (&caddy, "keepalive ")] {
        let at = text.find(setting).expect("a time") + setting.len();
        let given: u64 = text[at..].split('s').next().and_then(|n| n.parse().ok()).expect("seconds");
        assert!(given < kept, "{setting}{given}s");
        assert!(text.contains(&format!("{kept} seconds")), "the comment says what the program does");
    }
}

#[test]
fn examples_set_only_variables_that_exist() {
    for name in
        ["callout.service", "callout.env.example", "compose.yaml", "Dockerfile", "nginx.conf", "Caddyfile"]
    {
        for word in variables(&text_of(&format!("deploy/{name}"))) {
            assert!(SETTINGS.iter().any(|setting| setting.variable == word), "deploy/{name}: {word}");
        }
    }
}

#[test]
fn no_secret_has_a_default() {
    let compose = text_of("deploy/compose.yaml");
    for variable in ["POSTGRES_PASSWORD", "CALLOUT_SECRET_KEY"] {
        let used = compose.matches(&format!("${{{variable}")).count();
        let asked = compose.matches(&format!("${{{variable}:?")).count();
        assert!(used > 0 && used == asked, "{variable} must be given");
    }
    assert!(text_of(".gitignore").lines().any(|line| line == "/deploy/.env"), "secrets are not committed");
}

#[test]
fn the_image_is_built_by_the_rust_that_is_needed_and_runs_as_nobody_special() {
    let image = text_of("deploy/Dockerfile");
    let cargo = text_of("Cargo.toml");
    let rust = cargo.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("a version");
    assert!(image.contains(&format!("FROM rust:{}-bookworm", rust.trim_matches('"'))));
    let (before, after) = image.split_once("\nUSER callout\n").expect("a user");
    assert!(
        before.contains("useradd --system") && after.contains("ENTRYPOINT") && !after.contains("USER root")
    );
    assert!(after.contains("STOPSIGNAL SIGTERM") && after.contains("CALLOUT_LISTEN=0.0.0.0:8080"));
}

#[test]
fn everything_that_is_built_in_comes_into_the_image() {
    let kept: Vec<String> = text_of(".dockerignore")
        .lines()
        .filter_map(|line| Some(line.strip_prefix('!')?.to_owned()))
        .collect();
    for name in
        ["Cargo.toml", "Cargo.lock", "build.rs", "askama.toml", "src", "migrations", "templates", "static"]
    {
        assert!(kept.iter().any(|kept| kept == name), ".dockerignore keeps out {name}");
    }
    // Texts that a source builds in from elsewhere in the tree.
    for (path, source) in sources(&in_tree("src")) {
        for text in
            source.split('"').filter(|text| text.contains("../") && !text.contains(char::is_whitespace))
        {
            let Ok(found) = path.parent().expect("a folder").join(text).canonicalize() else { continue };
            let Ok(inside) = found.strip_prefix(in_tree("").canonicalize().expect("the tree")) else {
                continue;
            };
            assert!(
                kept.iter().any(|kept| inside.starts_with(kept)),
                "{} builds in {}, which .dockerignore keeps out",
                path.display(),
                inside.display()
            );
        }
    }
}

fn sources(folder: &Path) -> Vec<(std::path::PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source");
            found.push((path, text));
        }
    }
    found
}

#[test]
fn the_images_health_check_tells_a_program_that_is_ready_from_one_that_is_not() {
    let image = text_of("deploy/Dockerfile");
    let (_, check) = image.split_once("HEALTHCHECK").expect("a check");
    let command = check.split_once("CMD ").expect("a command").1.lines().next().expect("a line");
    let words: Vec<String> = serde_json::from_str(command).expect("an array");
    let healthy = |port: u16| {
        let script = words[2].replace("8080", &port.to_string());
        Command::new(&words[0]).args([&words[1], &script]).output().expect("run the check").status.success()
    };
    let folder = tempfile::tempdir().expect("a folder");
    let serve = Serve::start(folder.path(), &[]);
    let port = serve.address.port();
    assert!(healthy(port));
    assert!(serve.stop().success());
    assert!(!healthy(port));
}
