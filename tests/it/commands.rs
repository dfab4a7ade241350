//! The commands, run as people run them: JSON on stdout, words on stderr, exit codes.
use std::process::{Command, Output};

use crate::support::db::TestDb;

fn callout(db: &TestDb, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_callout"))
        .args(arguments)
        .env("CALLOUT_DATABASE_URL", db.url())
        .env_remove("DATABASE_URL")
        .output()
        .expect("run callout")
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
    let refused = callout(&db, &["serve", "--listen", "nowhere"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = stderr(&refused);
    assert!(
        said.contains("CALLOUT_LISTEN") && said.contains("`nowhere`") && said.contains("host:port"),
        "{said}"
    );
}

#[test]
fn every_command_has_help() {
    let db = TestDb::bare();
    for arguments in [&["--help"][..], &["serve", "--help"], &["migrate", "--help"], &["receiver", "--help"]]
    {
        let output = callout(&db, arguments);
        assert!(output.status.success() && !output.stdout.is_empty(), "{arguments:?}");
    }
}
