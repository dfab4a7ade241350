//! A year of the program's life, a week at a time: days are made ahead and dropped behind, what must stay is carried on.
use std::cell::Cell;

use serde_json::{Value, json};
use time::{Date, Duration, OffsetDateTime};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::receiver::{self, Behaviour};

const WEEKS: i64 = 53;
const KEPT: i64 = 30;
const FAILURES_KEPT: i64 = 90;
const BODIES_KEPT: i64 = 14;
/// So many days ahead there is always a place.
const AHEAD: i64 = 7;

fn day_of(table: &str) -> String {
    table.chars().filter(char::is_ascii_digit).collect()
}

fn name(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day())
}

fn days(app: &App, table: &str) -> Vec<String> {
    let found = app.db.texts(&format!(
        "select inhrelid::regclass::text from pg_inherits where inhparent = '{table}'::regclass \
         and inhrelid::regclass::text <> '{table}_older' order by 1"
    ));
    found.iter().map(|table| day_of(table)).collect()
}

/// Waits for what upkeep does. One that met somebody with a lock is tried again after half a minute.
fn wait_for_upkeep(app: &App, what: &str, holds: impl Fn(&App) -> bool) {
    let looks = Cell::new(0_u32);
    app.wait_until(what, |app| {
        looks.set(looks.get() + 1);
        if looks.get().is_multiple_of(100) {
            app.clock.advance(Duration::seconds(31));
        }
        holds(app)
    });
}

/// Moves on by a week and waits until upkeep has been through it.
fn next_week(app: &App) -> OffsetDateTime {
    app.advance(Duration::weeks(1));
    let now = app.clock.now();
    let first = name((now - Duration::days(KEPT + 1)).date());
    let last = name((now + Duration::days(AHEAD)).date());
    wait_for_upkeep(app, "the days ahead are there and the old ones gone", |app| {
        ["events", "deliveries", "attempts"].iter().all(|table| {
            let days = days(app, table);
            days.last() == Some(&last) && days.first().is_some_and(|day| *day >= first)
        })
    });
    let too_old =
        format!("deliveries where status = 4 and ended_at <= '{}'", now - Duration::days(FAILURES_KEPT));
    wait_for_upkeep(app, "failures have had their time", |app| app.db.count(&too_old) == 0);
    now
}

fn change(project: &Project, path: &str, to: &Value) {
    let json = [("content-type", "application/json")];
    project.api().send("PATCH", path, &json, to.to_string().as_bytes()).expect(200);
}

/// Bytes of all days together.
fn size(app: &App) -> i64 {
    app.db.text("select sum(pg_total_relation_size(inhrelid)) from pg_inherits").parse().expect("bytes")
}

fn some_events(project: &Project, week: i64) {
    project.event("customer.rewarded", json!({ "week": week, "text": "x".repeat(500) }));
    project.event("customer.order.created", json!({ "week": week, "text": "x".repeat(500) }));
}

#[test]
fn a_year_passes() {
    let app = App::start_with(|config, _| {
        config.retention_days = KEPT as u32;
        config.failure_retention_days = FAILURES_KEPT as u32;
        config.body_retention_days = Some(BODIES_KEPT as u32);
    });
    let (good, bad) = (receiver::start(), receiver::start_with(Behaviour::status(500)));
    let project = factory::project(&app, "Shop");
    project.webhook(&good.url("/"), json!({ "name": "good" }));
    let failing = json!({ "name": "failing", "events": ["customer.order.created"], "retries": "none" });
    project.webhook(&bad.url("/"), failing);
    let paused =
        project.webhook(&good.url("/paused"), json!({ "name": "paused", "events": ["customer.order.paid"] }));
    let paused = format!("/v1/webhooks/{}", paused["id"].as_str().expect("an id"));
    change(&project, "/v1/project", &json!({ "webhooks_enabled": false }));
    let open = project.event("customer.order.paid", json!({ "order": "first", "text": "y".repeat(500) }));
    change(&project, &paused, &json!({ "active": false }));
    change(&project, "/v1/project", &json!({ "webhooks_enabled": true }));
    app.wait_for("held", 1);

    let mut settled = 0;
    for week in 1..=WEEKS {
        let now = next_week(&app);
        for table in ["events", "deliveries", "attempts"] {
            let days = days(&app, table);
            assert!(days.len() as i64 <= KEPT + AHEAD + 2, "{now}: {table} has {} days", days.len());
        }
        some_events(&project, week);
        app.dispatch_until_idle();
        if week == WEEKS / 2 {
            settled = size(&app);
        }
    }

    let now = app.clock.now();
    let ages = |what: &str| app.db.count(&format!("deliveries where {what}"));
    assert_eq!(ages("status = 2"), KEPT / 7 + 1, "a month of delivered ones");
    assert_eq!(ages("status = 4"), FAILURES_KEPT / 7 + 1, "three months of failed ones");
    assert_eq!(ages("status = 5"), 1, "what is held is kept for ever");
    let with_body = format!(
        "events where created_at < '{}' and octet_length(data) > 0",
        now - Duration::days(BODIES_KEPT + 2)
    );
    wait_for_upkeep(&app, "of old events only the open one has its data", |app| {
        app.db.count(&with_body) == 1
    });
    let at_last = size(&app);
    assert!(at_last < settled * 5 / 4, "{settled} bytes after half a year, {at_last} after a year");

    change(&project, &paused, &json!({ "active": true }));
    app.wait_for("held", 0);
    app.dispatch_until_idle();
    let all = project.deliveries();
    let first = all.iter().find(|delivery| delivery["event_id"] == open["id"]).expect("it is in the history");
    assert_eq!(first["status"], json!("delivered"), "{first}");
    let told = project.delivery(first["id"].as_str().expect("an id"));
    assert!(told["body"].as_str().is_some_and(|body| body.contains(r#""order":"first""#)), "{told}");
}
