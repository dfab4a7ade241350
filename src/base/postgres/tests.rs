use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::{Child, Command, Stdio};

use diesel::QueryableByName;
use diesel::sql_types::BigInt;

use super::*;

fn run(url: &str, sql: &str) -> Result<usize, String> {
    let mut connection = PgConnection::establish(url).map_err(|error| error.to_string())?;
    diesel::sql_query(sql).execute(&mut connection).map_err(|error| error.to_string())
}

fn rows(url: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let mut connection = PgConnection::establish(url).unwrap();
    let found: Count = diesel::sql_query("select count(*) from kept").get_result(&mut connection).unwrap();
    found.count
}

/// Waits for another process, which gives no signal when it gets there.
fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let waited = Clock::system().stopwatch();
    while !is_true() {
        assert!(waited.elapsed() < Duration::from_secs(30), "never came true: {what}");
        std::thread::park_timeout(LOOK_AGAIN);
    }
}

fn kill(pid: u32) {
    // SAFETY: no memory is involved; the process was started by the test.
    assert_eq!(unsafe { libc::kill(pid as libc::pid_t, libc::SIGKILL) }, 0);
}

/// Servers at work in a data directory.
fn servers(data_dir: &Path) -> usize {
    let directory = fs::canonicalize(data_dir).unwrap().join("pg");
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == directory))
        .count()
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_start_makes_the_database_and_the_next_one_keeps_its_rows() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("not/there/yet");
    let postgres = PrivatePostgres::own(&data_dir).unwrap();
    assert!(postgres.is_owner());
    run(&postgres.url(), "create table kept as select 1 as n").unwrap();
    let settings = "select 1 from pg_settings where (name, setting) in (('fsync', 'on'), ('data_checksums', 'on'), \
                    ('listen_addresses', ''), ('server_encoding', 'UTF8'))";
    assert_eq!(run(&postgres.url(), settings), Ok(4));
    postgres.stop();
    assert_eq!(servers(&data_dir), 0, "stopped means gone");

    let postgres = PrivatePostgres::open(&data_dir).unwrap();
    assert!(postgres.is_owner());
    assert_eq!(rows(&postgres.url()), 1);
    drop(postgres);
    assert_eq!(servers(&data_dir), 0, "dropped means gone too");
}

#[test]
fn a_killed_server_is_started_again_with_its_rows() {
    let directory = tempfile::tempdir().unwrap();
    let postgres = PrivatePostgres::own(directory.path()).unwrap();
    run(&postgres.url(), "create table kept as select 1 as n").unwrap();
    let killed = postgres.pid().unwrap();
    kill(killed);
    eventually("another server answers", || {
        postgres.pid().is_some_and(|pid| pid != killed) && run(&postgres.url(), "select 1").is_ok()
    });
    assert_eq!(rows(&postgres.url()), 1);
    postgres.stop();
    assert_eq!(servers(directory.path()), 0);
}

#[test]
fn a_command_joins_and_a_second_owner_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let serve = PrivatePostgres::own(directory.path()).unwrap();
    let command = PrivatePostgres::open(directory.path()).unwrap();
    assert!(!command.is_owner());
    assert_eq!((command.url(), command.pid()), (serve.url(), serve.pid()));
    run(&command.url(), "create table kept as select 1 as n").unwrap();
    command.stop();
    assert_eq!(rows(&serve.url()), 1, "a guest that leaves stops nothing");

    let refused = PrivatePostgres::own(directory.path()).unwrap_err();
    let us = std::process::id();
    assert!(
        matches!(&refused, PostgresError::AlreadyRunning { pid: Some(pid), .. } if *pid == us),
        "{refused}"
    );
    assert!(refused.to_string().contains("another callout already runs on this data directory"));
}

#[test]
fn commands_given_at_once_share_one_server_and_the_first_waits_for_the_last() {
    let directory = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let postgres = PrivatePostgres::open(directory.path()).unwrap();
                let mut connection = PgConnection::establish(&postgres.url()).unwrap();
                // The owner is told to stop while others are in the middle of this.
                diesel::sql_query("select pg_sleep(0.2)").execute(&mut connection).unwrap();
                drop(connection);
                postgres.stop();
            });
        }
    });
    assert_eq!(servers(directory.path()), 0);
}

#[test]
fn after_its_owner_is_killed_the_server_goes_and_the_rows_stay() {
    let directory = tempfile::tempdir().unwrap();
    let (mut owner, url) = own_in_another_process(directory.path());
    run(&url, "create table kept as select 1 as n").unwrap();
    owner.kill().unwrap();
    owner.wait().unwrap();

    // At once, while the server of the killed one is still on its way out.
    let postgres = PrivatePostgres::own(directory.path()).unwrap();
    assert_eq!(rows(&postgres.url()), 1);

    // And when owner and server are killed together.
    drop(postgres);
    let (mut owner, url) = own_in_another_process(directory.path());
    run(&url, "insert into kept values (2)").unwrap();
    let cluster = Cluster::at(directory.path()).unwrap();
    kill(cluster.postmaster_pid().unwrap());
    owner.kill().unwrap();
    owner.wait().unwrap();
    let postgres = PrivatePostgres::open(directory.path()).unwrap();
    assert_eq!(rows(&postgres.url()), 2);
}

/// Not a test: what [`own_in_another_process`] runs.
#[test]
fn an_owner_for_another_test() {
    let Some(data_dir) = std::env::var_os("CALLOUT_TEST_OWNS") else { return };
    let postgres = PrivatePostgres::own(Path::new(&data_dir)).unwrap();
    println!("\nowned {}", postgres.url());
    // Until the other test is done with it.
    let _ = std::io::stdin().read_line(&mut String::new());
}

fn own_in_another_process(data_dir: &Path) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "base::postgres::tests::an_owner_for_another_test"])
        .env("CALLOUT_TEST_OWNS", data_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url =
        lines.map_while(Result::ok).find_map(|line| line.strip_prefix("owned ").map(str::to_owned)).unwrap();
    (child, url)
}

#[test]
fn a_closed_directory_with_foreign_files_will_do() {
    let directory = tempfile::tempdir().unwrap();
    mode(directory.path(), 0o700);
    let foreign = directory.path().join("notes.txt");
    fs::write(&foreign, "mine").unwrap();
    mode(&foreign, 0o600);
    // What an initdb that was cut short leaves.
    fs::create_dir_all(directory.path().join("pg.new/base")).unwrap();
    let before = fs::metadata(directory.path()).unwrap();
    let postgres = PrivatePostgres::own(directory.path()).unwrap();
    run(&postgres.url(), "create table kept as select 1 as n").unwrap();
    postgres.stop();

    let after = fs::metadata(directory.path()).unwrap();
    assert_eq!((after.uid(), after.gid(), after.mode()), (before.uid(), before.gid(), before.mode()));
    assert_eq!(fs::read_to_string(&foreign).unwrap(), "mine");
    assert_eq!(fs::metadata(&foreign).unwrap().mode() & 0o777, 0o600);
    assert!(!directory.path().join("pg.new").exists());

    // For root, an open directory lets Postgres be a user of its own, and closing it again takes that back.
    for bits in [0o755, 0o700] {
        mode(directory.path(), bits);
        let postgres = PrivatePostgres::own(directory.path()).unwrap();
        assert_eq!(rows(&postgres.url()), 1);
    }
}

#[test]
fn an_open_directory_is_closed_later_and_still_works() {
    let directory = tempfile::tempdir().unwrap();
    mode(directory.path(), 0o755);
    let postgres = PrivatePostgres::own(directory.path()).unwrap();
    run(&postgres.url(), "create table kept as select 1 as n").unwrap();
    let ours = fs::metadata(directory.path()).unwrap().uid();
    if ours == 0 {
        assert_ne!(
            fs::metadata(directory.path().join("pg")).unwrap().uid(),
            0,
            "as root, Postgres is someone else"
        );
    }
    postgres.stop();

    mode(directory.path(), 0o700);
    let postgres = PrivatePostgres::own(directory.path()).unwrap();
    assert_eq!(rows(&postgres.url()), 1);
    assert_eq!(fs::metadata(directory.path().join("pg")).unwrap().uid(), ours);
}

#[test]
fn a_path_too_long_or_too_odd_for_a_socket_will_do() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join(format!("a b,c'%é/{}", "long".repeat(25)));
    let postgres = PrivatePostgres::own(&data_dir).unwrap();
    let socket_dir = postgres.cluster.socket_dir.clone();
    assert!(!socket_dir.starts_with(directory.path()));
    assert_eq!(fs::metadata(&socket_dir).unwrap().mode() & 0o777, 0o700);
    assert!(!PrivatePostgres::open(&data_dir).unwrap().is_owner());
    postgres.stop();
    fs::remove_dir(socket_dir).unwrap();
}

#[test]
fn a_cluster_of_a_version_that_is_not_installed_says_which() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("pg")).unwrap();
    fs::write(directory.path().join("pg/PG_VERSION"), "9\n").unwrap();
    let error = PrivatePostgres::own(directory.path()).unwrap_err();
    assert!(matches!(error, PostgresError::NotInstalled { major: Some(9) }));
    assert!(error.to_string().contains("install postgresql-9"), "{error}");
}

#[test]
fn a_server_that_does_not_start_is_an_error_with_its_words() {
    let directory = tempfile::tempdir().unwrap();
    PrivatePostgres::own(directory.path()).unwrap().stop();
    fs::write(directory.path().join("pg/postgresql.auto.conf"), "no_such_setting = 1\n").unwrap();
    let error = PrivatePostgres::own(directory.path()).unwrap_err().to_string();
    assert!(error.contains("starting Postgres failed") && error.contains("no_such_setting"), "{error}");
    // And the directory is free again.
    fs::write(directory.path().join("pg/postgresql.auto.conf"), "").unwrap();
    PrivatePostgres::open(directory.path()).unwrap();
}
