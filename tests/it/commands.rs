//! The commands, run as people run them: JSON on stdout, words on stderr, exit codes.
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::db::TestDb;

fn callout(db: &TestDb, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_callout"))
        .args(arguments)
        .env("CALLOUT_DATABASE_URL", db.url())
        .env_remove("DATABASE_URL")
        .output()
        .expect("run callout")
}

/// What a command that succeeds tells on stdout.
fn told(db: &TestDb, arguments: &[&str]) -> Value {
    let output = callout(db, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).expect("JSON on stdout")
}

/// What a command says on stderr that must fail with exit code 1.
fn refused(db: &TestDb, arguments: &[&str]) -> String {
    let output = callout(db, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    stderr(&output)
}

fn user_create(db: &TestDb, arguments: &[&str], password: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_callout"))
        .args(["user", "create", "--password-stdin"])
        .args(arguments)
        .env("CALLOUT_DATABASE_URL", db.url())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("run callout");
    // Who is refused for the arguments may not read it.
    let _ = child.stdin.take().expect("piped").write_all(password.as_bytes());
    child.wait_with_output().expect("an end")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn migrate_tells_what_it_ran_and_then_nothing() {
    let db = TestDb::bare();
    let first = callout(&db, &["migrate"]);
    assert!(first.status.success(), "{}", stderr(&first));
    let ran: serde_json::Value = serde_json::from_slice(&first.stdout).expect("JSON on stdout");
    assert_eq!(ran["ran"].as_array().map(Vec::len), Some(callout::base::migrate::known().len()));
    assert_eq!(String::from_utf8_lossy(&callout(&db, &["migrate"]).stdout), "{\"ran\":[]}\n");
}

#[test]
fn wrong_usage_is_2_and_a_failure_is_1_with_what_to_do() {
    let db = TestDb::bare();
    assert_eq!(callout(&db, &["migrate", "--bogus"]).status.code(), Some(2));
    assert_eq!(callout(&db, &["bogus"]).status.code(), Some(2));
    let failed = callout(&db, &["migrate", "--database-url", "postgres://me:hunter2@127.0.0.1:1/x"]);
    assert_eq!(failed.status.code(), Some(1));
    let said = stderr(&failed);
    assert!(said.contains("CALLOUT_DATABASE_URL") && !said.contains("hunter2"), "{said}");
    assert!(failed.stdout.is_empty());
}

#[test]
fn a_wrong_setting_stops_the_start_and_names_itself() {
    let db = TestDb::bare();
    let said = refused(&db, &["serve", "--listen", "nowhere"]);
    assert!(
        said.contains("CALLOUT_LISTEN") && said.contains("`nowhere`") && said.contains("host:port"),
        "{said}"
    );
}

#[test]
fn a_number_below_what_is_accepted_gets_the_settings_own_answer() {
    let said = refused(&TestDb::bare(), &["serve", "--retention-days", "-1"]);
    assert!(
        said.contains("CALLOUT_RETENTION_DAYS") && said.contains("`-1`") && said.contains("3650"),
        "{said}"
    );
}

#[test]
fn a_project_a_key_and_people_can_be_made_before_anybody_signs_in() {
    let db = TestDb::bare();
    let project = told(&db, &["project", "create", "--name", "Shop"]);
    let id = project["id"].as_str().expect("an id").to_owned();
    assert!(id.starts_with("proj_") && project["public_key"].as_str().expect("a key").starts_with("pk_"));

    let key = told(&db, &["key", "create", "--project", &id, "--name", "shop backend"]);
    assert!(key["token"].as_str().expect("a token").starts_with("ck_") && key["app_id"].is_string());
    assert_eq!(key["scopes"], serde_json::json!(["events", "webhooks", "deliveries", "contacts"]));
    let narrow =
        told(&db, &["key", "create", "--project", "shop", "--name", "n", "--scope", "webhooks,events"]);
    assert_eq!(narrow["scopes"], serde_json::json!(["events", "webhooks"]), "the project by its name");

    let output = user_create(
        &db,
        &["--email", "ada@example.com", "--name", "Ada", "--owner"],
        "correct horse battery\n",
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let user: Value = serde_json::from_slice(&output.stdout).expect("JSON on stdout");
    assert_eq!((&user["email"], &user["owner"]), (&Value::from("ada@example.com"), &Value::from(true)));

    let member =
        told(&db, &["member", "set", "--project", "Shop", "--email", "ADA@example.com", "--role", "support"]);
    assert_eq!((&member["role"], &member["project_id"]), (&Value::from("support"), &Value::from(id)));
    assert_eq!(db.text("select role from members"), "support");
}

#[test]
fn the_password_is_only_hashed_and_only_read_from_stdin() {
    let db = TestDb::new();
    let password = "correct horse battery";
    let output = user_create(&db, &["--email", "ada@example.com", "--name", "Ada"], password);
    assert!(output.status.success());
    assert!(db.text("select password_hash from users").starts_with("$argon2id$"));
    let both = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8_lossy(&both).contains(password));
    let without = callout(&db, &["user", "create", "--email", "b@example.com", "--name", "B"]);
    assert_eq!(without.status.code(), Some(2), "--password-stdin is required");
}

#[test]
fn what_is_refused_is_said_with_what_to_do() {
    let db = TestDb::new();
    told(&db, &["project", "create", "--name", "Shop"]);
    assert!(refused(&db, &["project", "create", "--name", "SHOP"]).contains("--name"));
    assert!(refused(&db, &["project", "create", "--name", " "]).contains("80 characters"));
    let nowhere = refused(&db, &["key", "create", "--project", "nowhere", "--name", "n"]);
    assert!(nowhere.contains("nowhere") && nowhere.contains("callout project create"), "{nowhere}");
    let nobody =
        refused(&db, &["member", "set", "--project", "shop", "--email", "x@example.com", "--role", "viewer"]);
    assert!(nobody.contains("callout user create"), "{nobody}");
    let weak = user_create(&db, &["--email", "ada@example.com", "--name", "Ada"], "short");
    assert!(weak.status.code() == Some(1) && stderr(&weak).contains("10 characters"), "{}", stderr(&weak));
    for wrong in [
        &["key", "create", "--project", "shop", "--name", "n", "--scope", "everything"][..],
        &["member", "set", "--project", "shop", "--email", "x@example.com", "--role", "owner"],
    ] {
        assert_eq!(callout(&db, wrong).status.code(), Some(2), "{wrong:?}");
    }
    assert_eq!(db.count("api_keys") + db.count("users"), 0);
}

#[test]
fn commands_work_on_a_data_directory_where_nothing_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let on_folder = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_callout"))
            .args(arguments)
            .env_remove("CALLOUT_DATABASE_URL")
            .env_remove("DATABASE_URL")
            .env("CALLOUT_DATA_DIR", folder.path().join("data"))
            .output()
            .expect("run callout");
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON on stdout")
    };
    let project = on_folder(&["project", "create", "--name", "Shop"]);
    let key = on_folder(&["key", "create", "--project", "Shop", "--name", "n"]);
    assert!(project["id"].is_string() && key["token"].is_string(), "the second finds what the first made");
}

#[test]
fn a_signature_can_be_checked_from_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let body = folder.path().join("body.json");
    std::fs::write(&body, b"{\"a\":1}").expect("write");
    let check = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callout"));
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        command.args(["verify-signature", "--secret", secret, "--body"]).arg(&body).args(more);
        command.output().expect("run callout")
    };
    let secret = standardwebhooks::Webhook::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
    let signature = secret.sign("whs_1", 1_614_265_330, b"{\"a\":1}").expect("a signature");
    let headers = ["--id", "whs_1", "--timestamp", "1614265330", "--signature", &signature];
    let valid = check(&[&headers[..], &["--tolerance-s", "0"]].concat());
    assert_eq!(String::from_utf8_lossy(&valid.stdout), "{\"valid\":true}\n", "{}", stderr(&valid));
    assert!(stderr(&check(&headers)).contains("too old"));
    std::fs::write(&body, b"{\"a\": 1}").expect("write");
    let changed = check(&[&headers[..], &["--tolerance-s", "0"]].concat());
    assert!(
        changed.status.code() == Some(1) && stderr(&changed).contains("byte for byte"),
        "{}",
        stderr(&changed)
    );
    assert_eq!(check(&["--id", "whs_1"]).status.code(), Some(2));
}

#[test]
fn every_command_has_help() {
    let db = TestDb::bare();
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["demo", "--help"],
        &["migrate", "--help"],
        &["user", "--help"],
        &["user", "create", "--help"],
        &["member", "set", "--help"],
        &["project", "create", "--help"],
        &["key", "create", "--help"],
        &["receiver", "--help"],
        &["reseal", "--help"],
        &["settings", "export", "--help"],
        &["settings", "plan", "--help"],
        &["settings", "apply", "--help"],
        &["verify-signature", "--help"],
    ] {
        let output = callout(&db, arguments);
        assert!(output.status.success() && !output.stdout.is_empty(), "{arguments:?}");
    }
}
