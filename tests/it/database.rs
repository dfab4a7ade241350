//! The database's own promises: migrations run once, whoever comes at the same time, and can be taken back.
use callout::base::migrate;
use diesel::connection::SimpleConnection;

use crate::support::db::TestDb;

#[test]
fn migrations_run_once_however_many_start_together() {
    let db = TestDb::bare();
    let runs: Vec<Vec<String>> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| migrate::run_pending(&mut db.conn()).expect("migrate"))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(runs.iter().filter(|ran| !ran.is_empty()).count(), 1, "{runs:?}");
    assert_eq!(runs.concat(), migrate::known());
}

#[test]
fn every_migration_can_be_taken_back_and_run_again() {
    let db = TestDb::new();
    let mut conn = db.conn();
    let mut names = migrate::known();
    names.reverse();
    for name in names {
        let down = format!("{}/migrations/{name}/down.sql", env!("CARGO_MANIFEST_DIR"));
        conn.batch_execute(&std::fs::read_to_string(down).expect("read down.sql")).expect("take back");
    }
    let left = "select table_name from information_schema.tables where table_schema = 'public'";
    assert_eq!(db.texts(left), ["__diesel_schema_migrations"]);
    db.execute("delete from __diesel_schema_migrations");
    assert_eq!(migrate::run_pending(&mut conn).expect("migrate again"), migrate::known());
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let db = TestDb::new();
    db.execute("insert into __diesel_schema_migrations (version) values ('29991231235959')");
    let error = migrate::run_pending(&mut db.conn()).expect_err("must refuse");
    assert!(error.to_string().contains("29991231235959"), "{error}");
}
