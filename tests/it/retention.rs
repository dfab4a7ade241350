//! History goes by age; what is open or must be kept longer stays.
use diesel::PgConnection;
use serde_json::json;
use time::Duration;

use callout::base::db::DbError;
use callout::models::deliveries::{Retention, drop_behind, make_ahead};

use crate::support::app::{App, NOW};
use crate::support::db::TestDb;
use crate::support::factory;
use crate::support::receiver::{self, Behaviour};

const KEPT: Retention = Retention { delivered: Duration::days(30), failed: Duration::days(90), bodies: None };

#[test]
fn a_day_is_dropped_when_its_time_is_over_but_not_its_failures_and_open_deliveries() {
    let (mut app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let failing = receiver::start_with(Behaviour::status(500));
    let good = project.webhook(&receiver.url("/"), json!({ "name": "good" }));
    project.webhook(&failing.url("/"), json!({ "name": "failing", "retries": "none" }));
    project.webhook(&failing.url("/open"), json!({ "name": "open", "retries": "doubling-24h" }));
    project.event("customer.rewarded", json!({ "customer": { "id": "cust_1" } }));
    app.wait_for("delivered", 1);
    app.wait_for("failed", 1);
    app.wait_for("retrying", 1);
    app.stop();

    let mut conn = app.db.conn();
    let step = |conn: &mut PgConnection, days: i64| -> Result<usize, DbError> {
        let now = NOW + Duration::days(days);
        make_ahead(conn, now)?;
        drop_behind(conn, KEPT, now).map(|days| days.len())
    };
    assert_eq!(step(&mut conn, 30).expect("upkeep"), 1, "only the day before, which is empty");
    assert_eq!(app.db.count("deliveries"), 3);

    assert!(step(&mut conn, 31).expect("upkeep") >= 1);
    assert_eq!(app.db.texts("select status::text from deliveries order by status"), ["3", "4"]);
    assert_eq!(app.db.count("attempts"), 2);
    assert_eq!(app.db.count("events"), 1, "what is still sent or shown needs its event");
    let of_good =
        format!("deliveries where webhook_id::text = '{}'", good["id"].as_str().unwrap_or_default());
    assert_eq!(app.db.count(&of_good), 0);

    step(&mut conn, 91).expect("upkeep");
    assert_eq!(app.db.texts("select status::text from deliveries"), ["3"], "open ones are kept for ever");
    assert_eq!(app.db.count("events"), 1);
    app.db.execute("update deliveries set status = 2, due_at = null, ended_at = now()");
    step(&mut conn, 3_650).expect("upkeep");
    assert_eq!(app.db.count("deliveries") + app.db.count("events") + app.db.count("attempts"), 0);
}

#[test]
fn a_day_gets_all_its_tables_or_none_and_one_that_lacks_some_is_dropped_like_the_others() {
    let db = TestDb::new();
    let mut conn = db.conn();
    make_ahead(&mut conn, NOW).expect("partitions");
    // An event nobody takes comes while its day has no tables: it lies in the default partition.
    db.execute("drop table events_20261128, deliveries_20261128, attempts_20261128");
    db.execute(
        "insert into projects (id, name, public_key, created_at) values (gen_random_uuid(), 'a', 'b', now())",
    );
    let of_day = "select count(*)::text from pg_class where relkind = 'r' and relname ~ '_20261128$'";
    let ms = (NOW + Duration::days(7)).unix_timestamp() * 1_000;
    db.execute(&format!(
        "insert into events (project_id, id, event_type, created_at, source, data, deliveries) \
         select id, (lpad(to_hex({ms}::bigint), 12, '0') || '70008000000000000000')::uuid, 'a.b', now(), '{{}}', '{{}}', 0 \
         from projects"
    ));
    make_ahead(&mut conn, NOW).expect("partitions");
    assert_eq!(db.text(of_day), "0");
    db.execute("drop table events_20261121");
    let dropped = drop_behind(&mut conn, KEPT, NOW + Duration::days(60)).expect("upkeep");
    assert_eq!(dropped.len(), 8, "{dropped:?}");
    assert_eq!(
        db.text("select count(*)::text from pg_class where relname ~ '^(events|deliveries|attempts)_2026'"),
        "0"
    );
}
