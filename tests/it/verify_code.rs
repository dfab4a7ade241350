//! The code of `docs/verify`, each file run as a receiver would run it. Whatever a page tells people to copy is here.
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use callout::rules::signing::{Secret, sign};
use time::OffsetDateTime;

#[path = "../../docs/verify/verify.rs"]
mod verify;

const ID: &str = "whs_0197b7a2d34c70018a2b5c7d9e0f1a2b";
/// Not ASCII, with a line break at its end, which careless reading loses.
const BODY: &[u8] = "{\"name\":\"Zoë\",\"n\":1}\n".as_bytes();

/// A request as a test makes it, and what is to be said of it.
struct Case {
    what: &'static str,
    body: Vec<u8>,
    timestamp: String,
    signature: String,
    secrets: Vec<String>,
    is_valid: bool,
}

fn cases() -> Vec<Case> {
    let (ours, old, stranger) = (Secret::generate(), Secret::generate(), Secret::generate());
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let signed = |secrets: &[&Secret], timestamp: i64| sign(secrets.iter().copied(), ID, timestamp, &[BODY]);
    let good = || Case {
        what: "a request as it was sent",
        body: BODY.to_vec(),
        timestamp: now.to_string(),
        signature: signed(&[&ours], now),
        secrets: vec![ours.as_text().to_owned()],
        is_valid: true,
    };
    let bad = |what| Case { what, is_valid: false, ..good() };
    let at = |what, timestamp: i64, is_valid| Case {
        what,
        timestamp: timestamp.to_string(),
        signature: signed(&[&ours], timestamp),
        is_valid,
        ..good()
    };
    let both = signed(&[&ours, &old], now);
    let text = |secret: &Secret| secret.as_text().to_owned();
    vec![
        good(),
        Case { body: b"{\"name\":\"Zo\xc3\xab\",\"n\":2}\n".to_vec(), ..bad("a changed body") },
        Case { body: BODY.trim_ascii_end().to_vec(), ..bad("a body without its last byte") },
        Case { secrets: vec![text(&stranger)], ..bad("another webhook's secret") },
        at("four minutes old", now - 240, true),
        at("six minutes old", now - 360, false),
        at("from in six minutes", now + 360, false),
        Case { timestamp: (now + 1).to_string(), ..bad("another timestamp than was signed") },
        Case { timestamp: "now".to_owned(), ..bad("a timestamp that is no number") },
        Case { timestamp: format!("+{now}"), ..bad("a timestamp with a sign") },
        Case { timestamp: String::new(), ..bad("no timestamp") },
        Case { signature: String::new(), ..bad("no signature") },
        Case { signature: good().signature.replace("v1,", "v2,"), ..bad("a version that nobody knows") },
        Case { signature: good().signature.replace("v1,", ""), ..bad("a signature without its version") },
        Case { what: "two signatures, by the first secret", signature: both.clone(), ..good() },
        Case {
            what: "two signatures, by the second secret",
            signature: both.clone(),
            secrets: vec![text(&old)],
            ..good()
        },
        Case { signature: both, secrets: vec![text(&stranger)], ..bad("two signatures, both by others") },
        Case { what: "two secrets", secrets: vec![text(&stranger), text(&ours)], ..good() },
        Case { secrets: vec![String::new()], ..bad("an empty secret") },
        Case { secrets: vec!["whsec_".to_owned()], ..bad("a secret without a key") },
        Case { secrets: Vec::new(), ..bad("no secret") },
    ]
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify").join(name)
}

/// Runs a program on every case; `tests/run` installs the packages that have them.
fn says_right(command: impl Fn() -> Command) {
    for case in cases() {
        let mut child = command()
            .args([ID, &case.timestamp, &case.signature])
            .args(&case.secrets)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start it");
        // Who refuses the headers may not read the body.
        let _ = child.stdin.take().expect("a pipe").write_all(&case.body);
        let output = child.wait_with_output().expect("wait for it");
        assert_eq!(output.status.success(), case.is_valid, "{}: {output:?}", case.what);
        assert_eq!(output.stdout.trim_ascii() == b"valid", case.is_valid, "{}: {output:?}", case.what);
    }
}

/// The program of this name. Code that is not run is not shown to be right, so a machine without it fails.
fn runtime(name: &str, package: &str) -> String {
    let found = Command::new(name).arg(if name == "go" { "version" } else { "--version" }).output();
    let works = found.is_ok_and(|output| output.status.success());
    assert!(
        works,
        "{name} is missing, so its code was NOT RUN. apt-get install {package}, or call tests/run."
    );
    name.to_owned()
}

#[test]
fn the_node_code_accepts_what_we_signed_and_nothing_else() {
    let node = runtime("node", "nodejs");
    says_right(|| with_file(&node, "verify.mjs"));
}

#[test]
fn the_python_code_accepts_what_we_signed_and_nothing_else() {
    let python = runtime("python3", "python3");
    says_right(|| with_file(&python, "verify.py"));
}

#[test]
fn the_php_code_accepts_what_we_signed_and_nothing_else() {
    let php = runtime("php", "php-cli");
    says_right(|| with_file(&php, "verify.php"));
}

#[test]
fn the_go_code_accepts_what_we_signed_and_nothing_else() {
    let go = runtime("go", "golang-go");
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("verify");
    let built = Command::new(go)
        .args(["build", "-o"])
        .arg(&program)
        .arg(file("verify.go"))
        .envs([("GO111MODULE", "off"), ("GOTOOLCHAIN", "local"), ("CGO_ENABLED", "0")])
        .env("GOCACHE", folder.path().join("cache"))
        .env("GOPATH", folder.path().join("path"))
        .output()
        .expect("run go");
    assert!(built.status.success(), "{built:?}");
    says_right(|| Command::new(&program));
}

fn with_file(program: &str, name: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(file(name));
    command
}

#[test]
fn the_rust_code_accepts_what_we_signed_and_nothing_else() {
    for case in cases() {
        let secrets: Vec<&str> = case.secrets.iter().map(String::as_str).collect();
        let received = verify::Received {
            webhook_id: ID,
            webhook_timestamp: &case.timestamp,
            webhook_signature: &case.signature,
        };
        assert_eq!(verify::verify(&case.body, &received, &secrets), case.is_valid, "{}", case.what);
    }
}

#[test]
fn the_command_line_of_the_reference_finds_its_example_valid() {
    let app = crate::support::app::App::start();
    let page = app.client().get("/reference/verify").expect(200);
    let html = scraper::Html::parse_document(&page.body);
    let check = scraper::Selector::parse("#check").expect("a selector");
    let line: String = html.select(&check).next().expect("the command").text().collect();
    let binary = Path::new(env!("CARGO_BIN_EXE_callout"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().expect("its folder").display());
    let output = Command::new("sh").args(["-c", &line]).env("PATH", path).output().expect("run it");
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert_eq!(said, serde_json::json!({ "valid": true }), "{output:?}");
}
