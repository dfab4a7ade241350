//! A change of key: everything is sealed anew, and goes on working under the new key alone.
use std::process::Command;

use callout::base::seal::SealKey;
use callout::models::webhooks::{self, ResealError, Resealed, reseal};
use diesel::Connection as _;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory;

#[test]
fn what_the_old_key_opened_the_new_one_opens_and_nothing_is_lost_on_the_way() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let settings = json!({
        "authentication": { "type": "bearer", "token": "a-token" },
        "headers": { "x-a": "value-of-a" },
    });
    project.webhook("https://93.184.216.34/", settings);
    let (old, new) = (app.parts.key.clone(), SealKey::generate());
    let conn = &mut app.db.conn();
    let stranger = SealKey::generate();
    assert!(matches!(conn.transaction(|conn| reseal(conn, &stranger, &new)), Err(ResealError::Closed(..))));
    let count = |key: &SealKey, conn: &mut diesel::PgConnection| {
        let snapshot = webhooks::ProjectSnapshot::load(conn, project.id, key, app.clock.now());
        let target = snapshot.expect("load").expect("a project").targets.into_values().next().expect("one");
        (target.secrets.len(), target.credentials.at(app.clock.now()).count(), target.credentials.is_damaged)
    };
    assert_eq!(count(&old, conn), (1, 2, false));
    let done = conn.transaction(|conn| reseal(conn, &old, &new)).expect("resealed");
    assert_eq!(done, Resealed { resealed: 3, unchanged: 0 });
    assert_eq!(count(&new, conn), (1, 2, false));
    assert_eq!(count(&old, conn), (0, 0, true), "the old key opens nothing any more");
    let again = conn.transaction(|conn| reseal(conn, &old, &new)).expect("resealed");
    assert_eq!(again, Resealed { resealed: 0, unchanged: 3 }, "a second run changes nothing");
}

#[test]
fn the_command_makes_a_new_key_keeps_the_old_one_and_the_program_starts_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let run = |arguments: &[&str], key: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callout"));
        command.args(arguments).env_remove("CALLOUT_DATABASE_URL").env_remove("DATABASE_URL");
        command.env("CALLOUT_DATA_DIR", &data).env_remove("CALLOUT_SECRET_KEY");
        if let Some(key) = key {
            command.env("CALLOUT_SECRET_KEY", key);
        }
        command.output().expect("run callout")
    };
    let missing = run(&["reseal"], None);
    assert!(!missing.status.success(), "there is no key yet");
    assert!(String::from_utf8_lossy(&missing.stderr).contains("--old-key-file"));
    std::fs::create_dir_all(&data).expect("a folder");
    SealKey::load_or_create(&data.join("secret.key")).expect("a key");
    let before = std::fs::read_to_string(data.join("secret.key")).expect("a key");
    let done = run(&["reseal"], None);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let told: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    assert_eq!(told, json!({ "resealed": 0, "unchanged": 0 }));
    let after = std::fs::read_to_string(data.join("secret.key")).expect("a key");
    assert_ne!(before, after);
    assert_eq!(std::fs::read_to_string(data.join("secret.key.old")).expect("the old key"), before);
    assert!(!data.join("secret.key.new").exists());
    assert!(run(&["reseal"], Some(before.trim())).status.success(), "to a key of one's own");
    assert_eq!(
        std::fs::read_to_string(data.join("secret.key")).expect("a key"),
        after,
        "which stays elsewhere"
    );
}

#[test]
fn while_a_program_runs_on_the_database_nothing_is_sealed_anew() {
    let app = App::start();
    let folder = tempfile::tempdir().expect("a folder");
    SealKey::load_or_create(&folder.path().join("secret.key")).expect("a key");
    let mut command = Command::new(env!("CARGO_BIN_EXE_callout"));
    command.arg("reseal").env("CALLOUT_DATABASE_URL", app.db.url()).env("CALLOUT_DATA_DIR", folder.path());
    let refused = command.env_remove("CALLOUT_SECRET_KEY").output().expect("run callout");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("stop every callout serve"));
    assert!(!folder.path().join("secret.key.new").exists());
}
