//! A database for each test, cloned from a template that was migrated once.
//!
//! The server is the one in `CALLOUT_TEST_DATABASE_URL` (a superuser's URL; `tests/run` starts one and sets it), else
//! a private one under `target`, which goes down with the process. That one is for `cargo test`, which runs all tests in
//! one process.
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use callout::base::migrate;
use callout::base::postgres::PrivatePostgres;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use sha2::{Digest, Sha256};

/// Whoever makes the template holds this; any number that the program itself does not use.
const TEMPLATE_LOCK: i64 = 7_031_970;

/// A migrated database of the test's own; dropped with this value, whoever is still connected.
pub struct TestDb {
    name: String,
}

impl TestDb {
    /// Migrated and empty.
    pub fn new() -> Self {
        let template = template();
        let name = unused_name();
        admin()
            .batch_execute(&format!("create database {name} template {template}"))
            .expect("clone template");
        Self { name }
    }

    /// Not even migrated.
    pub fn bare() -> Self {
        let name = unused_name();
        admin()
            .batch_execute(&format!("create database {name} template template0"))
            .expect("create database");
        Self { name }
    }

    /// For `CALLOUT_DATABASE_URL`.
    pub fn url(&self) -> String {
        url_of(&self.name)
    }

    /// A connection of the test's own.
    pub fn conn(&self) -> PgConnection {
        PgConnection::establish(&self.url()).expect("connect to the test's database")
    }

    /// The first column of the first row as text, for assertions on rows: `select status::text …`.
    pub fn text(&self, query: &str) -> String {
        self.texts(query).into_iter().next().unwrap_or_else(|| panic!("no row: {query}"))
    }

    /// The first column, which must be text and not null, of every row.
    pub fn texts(&self, query: &str) -> Vec<String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let named = format!("select q.t::text as text from ({query}) q(t)");
        let rows: Vec<Row> =
            sql_query(named).load(&mut self.conn()).unwrap_or_else(|e| panic!("{query}: {e}"));
        rows.into_iter().map(|row| row.text).collect()
    }

    /// The number of rows that a query gives.
    pub fn count(&self, table_and_condition: &str) -> i64 {
        self.text(&format!("select count(*) from {table_and_condition}")).parse().expect("a number")
    }

    /// Runs statements as they are.
    pub fn execute(&self, statements: &str) {
        self.conn().batch_execute(statements).unwrap_or_else(|e| panic!("{statements}: {e}"));
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        // A test that failed must not fail again here.
        if let Ok(mut conn) = PgConnection::establish(&server_url()) {
            let _ = conn.batch_execute(&format!("drop database if exists {} with (force)", self.name));
        }
    }
}

fn unused_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("callout_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn server_url() -> String {
    static PRIVATE: OnceLock<PrivatePostgres> = OnceLock::new();
    std::env::var("CALLOUT_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty()).unwrap_or_else(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres");
        PRIVATE.get_or_init(|| PrivatePostgres::open(&folder).expect("start a private Postgres")).url()
    })
}

fn url_of(database: &str) -> String {
    let server = server_url();
    let (address, query) = server.split_once('?').map_or((server.as_str(), ""), |(a, q)| (a, q));
    let host_end = address.rfind('/').expect("a URL with a database");
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    format!("{}/{database}{query}", &address[..host_end])
}

fn admin() -> PgConnection {
    PgConnection::establish(&server_url()).expect("connect to the server in CALLOUT_TEST_DATABASE_URL")
}

/// The name of the migrated template, made by whichever test comes first. It follows from the migrations' text, so
/// that a server that outlives a run never clones a stale one.
fn template() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let name = format!("callout_template_{}", migrations_digest());
        let mut admin = admin();
        admin.batch_execute(&format!("select pg_advisory_lock({TEMPLATE_LOCK})")).expect("lock");
        let found = sql_query("select 1 from pg_database where datname = $1")
            .bind::<Text, _>(&name)
            .execute(&mut admin)
            .expect("look for the template");
        if found == 0 {
            let unfinished = format!("{name}_unfinished");
            admin.batch_execute(&format!("drop database if exists {unfinished} with (force)")).expect("drop");
            admin.batch_execute(&format!("create database {unfinished} template template0")).expect("create");
            let mut conn = PgConnection::establish(&url_of(&unfinished)).expect("connect to the template");
            migrate::run_pending(&mut conn).expect("migrate the template");
            drop(conn);
            // The server may take a moment to see that we left, and renames nothing that is in use.
            admin
                .batch_execute(&format!(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{unfinished}'"
                ))
                .expect("leave the template");
            admin.batch_execute(&format!("alter database {unfinished} rename to {name}")).expect("rename");
        }
        name
    })
}

fn migrations_digest() -> String {
    let mut files = Vec::new();
    for folder in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).expect("migrations") {
        files.push(folder.expect("an entry").path().join("up.sql"));
    }
    files.sort();
    let mut digest = Sha256::new();
    for file in files {
        digest.update(file.to_string_lossy().as_bytes());
        digest.update(std::fs::read(&file).unwrap_or_default());
    }
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
