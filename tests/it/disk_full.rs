//! No room on the database's disk: nothing is accepted then, nothing accepted is lost, and everything goes on by itself once
//! there is room.
use std::os::unix::fs::{MetadataExt as _, chown};

use callout::base::postgres::PrivatePostgres;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};

use crate::support::arrived::{TYPE, all_arrived, nothing_is_left, two_webhooks};
use crate::support::client::{Answer, Client};
use crate::support::load::Load;
use crate::support::receiver;
use crate::support::serve::{self, Serve};
use crate::support::small_disk::{SmallDisk, where_mounts_are_its_own};
use crate::support::wait::eventually;

const MIB: u64 = 1024 * 1024;

/// Somebody who may make projects, made through the link that the first start prints.
fn owner(serve: &Serve) -> Client {
    let link = eventually("a set-up link", || {
        let lines = serve.lines();
        let line = lines.iter().find(|line| line.contains("/setup?token="))?;
        Some(line[line.find("/setup?token=")?..].trim().to_owned())
    });
    let browser = serve.client();
    let form = browser.get(&link).expect(200).page().form("main form");
    let form = form.with("name", "Olive").with("email", "olive@example.com");
    browser.submit(&link, &form.with("password", "a long enough one")).expect(303);
    browser
}

/// Every refusal is one that a program understands.
fn refused_politely(refused: &[Answer]) {
    for answer in refused {
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    }
}

/// In how many lines it has said so.
fn says(serve: &Serve, text: &str) -> usize {
    serve.lines().iter().filter(|line| line.contains(text)).count()
}

/// A form is sent until the table needs another page: it has room in its last one for some more.
fn a_page_says_why(owner: &Client) {
    let mut sent = 0;
    let page = eventually("a page that says why", || {
        sent += 1;
        let name = format!("{} {sent} {}", uuid::Uuid::now_v7().simple(), "n".repeat(40));
        let answer = owner.post_form("/projects", &[("name", &name)]);
        assert!([303, 503].contains(&answer.status), "{answer:?}");
        (answer.status == 503).then_some(answer)
    });
    assert!(page.header("retry-after").is_some());
    assert!(page.page().text("main").contains("disk is full"), "{}", page.body);
}

/// How often the disk is filled: once, or as often as the long form says.
fn rounds() -> u32 {
    std::env::var("CALLOUT_TEST_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

#[test]
fn when_tables_cannot_grow_events_are_refused_and_everything_goes_on_once_there_is_room() {
    where_mounts_are_its_own(
        "disk_full::when_tables_cannot_grow_events_are_refused_and_everything_goes_on_once_there_is_room",
        || {
            let (folder, receiver) = (tempfile::tempdir().expect("a folder"), receiver::start());
            let disk = SmallDisk::mount(&folder.path().join("disk"), 64 * MIB);
            // Only the tables are on the small disk: Postgres itself goes on.
            let postgres = PrivatePostgres::open(&folder.path().join("postgres")).expect("a Postgres");
            let space = disk.path.join("space");
            std::fs::create_dir(&space).expect("a folder");
            let its = std::fs::metadata(folder.path().join("postgres/pg")).expect("its files");
            chown(&space, Some(its.uid()), Some(its.gid())).expect("give it the folder");
            PgConnection::establish(&postgres.url())
                .and_then(|mut conn| {
                    let place = space.display();
                    conn.batch_execute(&format!("create tablespace small location '{place}'"))
                        .and_then(|()| conn.batch_execute("create database crowded tablespace small"))
                        .map_err(diesel::ConnectionError::CouldntSetupConfiguration)
                })
                .expect("a database on the small disk");
            let url = postgres.url().replace("/callout?", "/crowded?");
            let data_dir = folder.path().join("data");
            let serve = Serve::start(&data_dir, &[("CALLOUT_DATABASE_URL", &url)]);
            let token = serve::project_in(&data_dir, &url, "Shop");
            two_webhooks(&serve.client().with_key(&token), &receiver);
            let owner = owner(&serve);

            let load = Load::start(serve.address, &token, TYPE, 4);
            load.wait_for_more(100);
            for _ in 0..rounds() {
                let before = load.refused().len();
                disk.fill();
                eventually("refusals that say why", || {
                    load.refused()[before..]
                        .iter()
                        .any(|answer| answer.body.contains("disk is full"))
                        .then_some(())
                });
                // What it writes reaches us a moment later.
                eventually("a line in the log", || {
                    (says(&serve, "free space on it or enlarge it") > 0).then_some(())
                });
                a_page_says_why(&owner);
                disk.make_room();
                load.wait_for_more(100);
                refused_politely(&load.refused());
            }
            let accepted = load.stop();
            all_arrived(&receiver, &accepted);
            nothing_is_left(&serve.client().with_key(&token));
            eventually("readiness", || (serve.client().get("/readyz").status == 200).then_some(()));
            assert!(serve.stop().success());
        },
    );
}

#[test]
fn a_postgres_that_has_no_room_for_its_log_comes_back_by_itself_once_there_is_some() {
    where_mounts_are_its_own(
        "disk_full::a_postgres_that_has_no_room_for_its_log_comes_back_by_itself_once_there_is_some",
        || {
            let (folder, receiver) = (tempfile::tempdir().expect("a folder"), receiver::start());
            let disk = SmallDisk::mount(&folder.path().join("disk"), 400 * MIB);
            let data_dir = disk.path.join("data");
            let serve = Serve::start(&data_dir, &[]);
            let token = serve::project(&data_dir, "Shop");
            let url = PrivatePostgres::open(&data_dir).expect("the running one").url();
            two_webhooks(&serve.client().with_key(&token), &receiver);
            let load = Load::start(serve.address, &token, TYPE, 4);
            load.wait_for_more(100);
            for _ in 0..rounds() {
                let (refused, ended) = (load.refused().len(), says(&serve, "because its disk is full"));
                disk.fill();
                // So that it needs room for the next piece of its log at once, and not after some thousand more events.
                if let Ok(mut conn) = PgConnection::establish(&url) {
                    let _ = conn.batch_execute("select pg_switch_wal()");
                }
                eventually("the end of Postgres", || {
                    (says(&serve, "because its disk is full") > ended).then_some(())
                });
                eventually("refusals", || (load.refused().len() > refused).then_some(()));
                let ready = serve.client().get("/readyz");
                assert_eq!(ready.status, 503, "{ready:?}");
                assert!(ready.header("retry-after").is_some());
                assert_eq!(serve.client().get("/sign-in").status, 503, "a page says so too");
                disk.make_room();
                load.wait_for_more(100);
                refused_politely(&load.refused());
            }
            assert!(says(&serve, "free space on it or enlarge it") > 0, "{:#?}", serve.lines());
            let accepted = load.stop();
            all_arrived(&receiver, &accepted);
            nothing_is_left(&serve.client().with_key(&token));
            assert!(serve.stop().success());
        },
    );
}
