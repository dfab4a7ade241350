//! The owner's page about disk space, and the same figures for machines.
use std::time::Instant;

use callout::models::projects::Role;
use serde_json::json;
use time::Duration;

use crate::support::app::App;
use crate::support::html::Page;
use crate::support::people;
use crate::support::{factory, receiver};

const PATH: &str = "/admin/storage";

/// Bytes from words such as `1.5 MiB`.
fn bytes(words: &str) -> f64 {
    let (number, unit) = words.split_once(' ').expect("a number and a unit");
    let power =
        ["byte", "KiB", "MiB", "GiB", "TiB"].iter().position(|u| unit.starts_with(u)).expect("a unit");
    number.parse::<f64>().expect("a number") * 1_024_f64.powi(i32::try_from(power).expect("small"))
}

fn cell(page: &Page, row: usize, column: usize) -> String {
    page.text(&format!("#tables tbody tr:nth-of-type({row}) td:nth-of-type({column})"))
}

#[test]
fn an_owner_sees_what_the_tables_take_and_how_fast_they_grow() {
    let app = App::start();
    let owner = people::owner(&app);
    let page = owner.get("/").expect(200).page();
    assert!(page.has(&format!("nav a[href='{PATH}']")), "an owner finds it in the menu");
    let fresh = owner.get(PATH).expect(200).page();
    assert_eq!(fresh.text("#growth"), "Not known yet");
    assert_eq!(fresh.text("#free"), "Not known", "the disk of a database elsewhere");
    assert!(fresh.text("main").contains("CALLOUT_DATABASE_URL"));

    owner.post_form("/sample", &[]).expect(303);
    app.db.execute("analyze events, deliveries, attempts");
    assert_eq!(
        owner.get(PATH).expect(200).page().text("#growth"),
        "Not known yet",
        "it is kept for a minute"
    );
    app.advance(Duration::seconds(61));
    let began = Instant::now();
    let measured = owner.get(PATH).expect(200).page();
    eprintln!("measured and drawn in {:?} (debug build)", began.elapsed());
    let began = Instant::now();
    let page = owner.get(PATH).expect(200).page();
    eprintln!("drawn in {:?}", began.elapsed());
    assert_eq!(measured.text("#tables"), page.text("#tables"));

    let real =
        |what: &str| app.db.text(&format!("select ({what})::bigint")).parse::<f64>().expect("a number");
    let sizes = "select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = ";
    for (row, table) in [(1, "events"), (2, "deliveries"), (3, "attempts")] {
        let told = bytes(&cell(&page, row, 4));
        let is = real(&format!("{sizes}'{table}'::regclass"));
        assert!((told - is).abs() <= is * 0.06 + 1_024.0, "{table}: {told} told, {is} taken");
        let rows: f64 =
            cell(&page, row, 1).replace(|c: char| !c.is_ascii_digit(), "").parse().expect("a number");
        let count = app.db.count(table) as f64;
        assert!((rows - count).abs() <= count * 0.1 + 5.0, "{table}: {rows} told, {count} there");
    }
    let database = bytes(&page.text("#database"));
    assert!((database - real("select pg_database_size(current_database())")).abs() <= database * 0.06);

    assert_eq!((page.count("svg .storage-bar"), page.count("#days tbody tr")), (7, 7));
    assert_eq!(page.text("#days tbody tr:last-of-type td"), "2026-11-20", "the last full day");
    let yesterday = real(
        "select pg_total_relation_size('events_20261120') + pg_total_relation_size('deliveries_20261120') \
         + pg_total_relation_size('attempts_20261120')",
    );
    let told = bytes(&page.text("#days tbody tr:last-of-type td:last-of-type"));
    assert!((told - yesterday).abs() <= yesterday * 0.06 + 1_024.0, "{told} told, {yesterday} taken");
    let kept = page.text(".storage-kept");
    for setting in
        ["30 days CALLOUT_RETENTION_DAYS", "90 days CALLOUT_FAILURE", "CALLOUT_BODY_RETENTION_DAYS"]
    {
        assert!(kept.contains(setting), "{kept}");
    }
    assert!(bytes(page.text("#freed").trim_end_matches(" will be freed")) > 1_000.0, "a week of the sample");
}

#[test]
fn nobody_but_an_owner_finds_it() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let admin = people::member(&app, project.id, Role::Admin);
    assert!(!admin.get("/account").expect(200).body.contains(PATH));
    admin.get(PATH).expect(403);
    assert_eq!(
        app.client().get(PATH).expect(303).header("location"),
        Some("/sign-in?next=%2Fadmin%2Fstorage")
    );
}

#[test]
fn the_metrics_have_the_same_figures_without_measuring_anew() {
    let app = App::start();
    let (receiver, project) = (receiver::start(), factory::project(&app, "Shop"));
    project.webhook(&receiver.url("/"), json!({}));
    project.event("customer.rewarded", json!({ "customer": { "id": "cust_1" } }));
    app.wait_for("delivered", 1);
    let gauge = |name: &str| -> Option<i64> {
        let text = project.api().get("/metrics").expect(200).body;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("callout_{name} ")).map(str::to_owned))?;
        Some(line.parse().expect("a number"))
    };
    app.wait_until("the tables were measured", |_| gauge("database_size_bytes").is_some());
    let before =
        ["database", "events", "deliveries", "attempts"].map(|what| gauge(&format!("{what}_size_bytes")));
    assert!(before.iter().all(|bytes| bytes.is_some_and(|bytes| bytes > 8_192)), "{before:?}");
    app.db.execute("create table ballast as select repeat('x', 1000) from generate_series(1, 5000)");
    assert_eq!(gauge("database_size_bytes"), before[0], "a scrape measures nothing");
    people::owner(&app).get(PATH).expect(200);
    assert_eq!(gauge("disk_free_bytes"), None, "the disk of a database elsewhere is not known");
}
