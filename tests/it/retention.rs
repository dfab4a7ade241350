//! History goes by age; what is open or must be kept longer stays.
use diesel::PgConnection;
use serde_json::json;
use time::Duration;

use callout::base::db::DbError;
use callout::models::deliveries::{Retention, drop_behind, make_ahead};

use crate::support::app::{App, NOW};
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
