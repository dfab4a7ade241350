//! Figures: what is counted while it happens is what the history says, over nodes and restarts.
use callout::models::figures::{self, Range};
use serde_json::json;
use time::Duration;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::nodes;
use crate::support::raw;
use crate::support::receiver::{self, Behaviour, Receiver};

const TYPE: &str = "customer.rewarded";
const FIGURES: &str = "select concat_ws(' ', grain, at, webhook_id, delivered_first, delivered_later, failed, \
     attempts_taken, attempts_failed, times) from delivery_figures order by grain, at, webhook_id";
const FAILURES: &str = "select concat_ws(' ', c.grain, c.at, g.webhook_id, g.failure_kind, g.response_status, g.host, \
     c.attempts, c.failed, g.first_seen_at, g.last_seen_at) from failure_counts c \
     join failure_groups g on g.id = c.group_id order by c.grain, c.at, g.id";

fn told(app: &App) -> Vec<String> {
    [app.db.texts(FIGURES), app.db.texts(FAILURES)].concat()
}

/// Returns when so many deliveries are counted.
fn until_counted(app: &App, ended: i64, attempts: i64) {
    let sums = "select coalesce(sum(delivered_first + delivered_later + failed), 0) || ' ' || \
         coalesce(sum(attempts_taken + attempts_failed), 0) from delivery_figures where grain = 86400";
    let wanted = [format!("{ended} {attempts}")];
    app.wait_until("they are counted", |app| app.db.texts(sums) == wanted);
}

fn recounted(app: &App, project: &Project) -> Vec<String> {
    app.db.execute("delete from failure_groups");
    figures::recount(&mut app.db.conn(), project.id, app.clock.now()).expect("a count");
    told(app)
}

/// Three webhooks: one whose receiver takes all, one that refuses at first, one that nobody answers.
fn mixed(app: &App) -> (Project, Receiver, Receiver) {
    let (good, shaky) = (receiver::start(), receiver::start_with(Behaviour::status(503)));
    let project = factory::project(app, "Shop");
    project.webhook(&good.url("/"), json!({ "name": "Good" }));
    project.webhook(&shaky.url("/"), json!({ "name": "Shaky", "retries": "three" }));
    let closed = format!("http://{}/", raw::closed_port());
    project.webhook(&closed, json!({ "name": "Closed", "retries": "none" }));
    (project, good, shaky)
}

#[test]
fn what_is_counted_is_what_the_history_says() {
    let app = App::start();
    let (project, _good, shaky) = mixed(&app);
    for n in 0..5 {
        project.event(TYPE, json!({ "n": n }));
    }
    app.wait_for("retrying", 5);
    app.wait_for("failed", 5);
    shaky.set(Behaviour::default());
    app.advance(Duration::hours(2));
    app.wait_for("delivered", 10);
    // A test counts for nothing.
    let webhook = project.api().get("/v1/webhooks").expect(200).json()["data"][0]["id"].clone();
    let test = format!("/v1/webhooks/{}/test", webhook.as_str().expect("an id"));
    project.api().post(&test, &json!({})).expect(200);
    until_counted(&app, 15, 20);
    let counted = told(&app);
    assert!(counted.iter().any(|row| row.contains("86400")), "{counted:#?}");
    assert_eq!(recounted(&app, &project), counted);
    let figures =
        figures::load(&mut app.db.conn(), project.id, Range::Day, app.clock.now()).expect("figures");
    let sums = figures.sums;
    assert_eq!((sums.delivered_first, sums.delivered_later, sums.failed), (5, 5, 5));
    assert_eq!((sums.attempts_taken, sums.attempts_failed, figures.times.count()), (10, 10, 15));
    assert_eq!(sums.success(), Some(6_666));
    assert_eq!(figures.points.iter().map(|point| point.ended()).sum::<i64>(), 15);
    assert_eq!(figures.webhooks.len(), 3);
}

#[test]
fn a_stop_in_order_loses_no_count() {
    let mut app = App::start();
    let (project, _good, _shaky) = mixed(&app);
    for n in 0..5 {
        project.event(TYPE, json!({ "n": n }));
    }
    app.wait_for("failed", 5);
    app.wait_for("delivered", 5);
    app.wait_for("retrying", 5);
    app.restart();
    assert_eq!(recounted(&app, &project), {
        until_counted(&app, 10, 15);
        told(&app)
    });
}

#[test]
fn several_nodes_count_into_the_same_rows() {
    let app = App::start();
    let (project, _good, _shaky) = mixed(&app);
    let other = nodes::beside(&app);
    let key = other.client().with_key(&project.token);
    for n in 0..20 {
        let event = json!({ "type": TYPE, "data": { "n": n } });
        match n % 2 {
            0 => project.api().post("/v1/events", &event).expect(202),
            _ => key.post("/v1/events", &event).expect(202),
        };
    }
    app.wait_for("failed", 20);
    app.wait_for("delivered", 20);
    app.wait_for("retrying", 20);
    until_counted(&app, 40, 60);
    let counted = told(&app);
    assert_eq!(recounted(&app, &project), counted);
}

#[test]
fn a_range_shows_its_own_time_and_the_one_before_for_comparison() {
    let app = App::start();
    let receiver = receiver::start();
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    until_counted(&app, 1, 1);
    app.advance(Duration::minutes(90));
    project.event(TYPE, json!({}));
    project.event(TYPE, json!({}));
    until_counted(&app, 3, 3);
    let ended = |range| {
        let now = app.clock.now();
        let figures = figures::load(&mut app.db.conn(), project.id, range, now).expect("figures");
        assert_eq!((figures.points.len(), figures.begin), (range.points(), range.begin(now)));
        assert_eq!(figures.counted_since, None);
        (figures.sums.ended(), figures.before.ended())
    };
    assert_eq!(ended(Range::Hour), (2, 1));
    for range in [Range::SixHours, Range::Day, Range::Week, Range::Month, Range::Quarter] {
        assert_eq!(ended(range), (3, 0), "{range:?}");
    }
    let other = factory::project(&app, "Other");
    let none = figures::load(&mut app.db.conn(), other.id, Range::Day, app.clock.now()).expect("figures");
    assert!(none.sums.is_empty() && none.webhooks.is_empty());
}

#[test]
fn a_year_of_figures_is_read_in_as_few_rows_as_a_range_has_points() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    project.webhook("http://127.0.0.1:9/", json!({}));
    app.db.execute(&format!(
        "insert into delivery_figures select p.id, g.grain, t.at, w.id, 3, 1, 1, 4, 2, array_fill(1, array[51]) \
         from projects p join webhooks w on w.project_id = p.id \
         cross join (values (60, interval '3 hours'), (900, '50 hours'), (7200, '15 days'), (86400, '365 days')) \
         g (grain, kept) cross join lateral generate_series( \
         date_bin(make_interval(secs => g.grain), timestamptz '{0}', '2000-01-01Z') - g.kept, timestamptz '{0}', \
         make_interval(secs => g.grain)) t (at)",
        app.clock.now()
    ));
    for range in Range::ALL {
        let now = app.clock.now();
        let figures = figures::load(&mut app.db.conn(), project.id, range, now).expect("figures");
        let points = i64::try_from(range.points()).expect("few");
        assert_eq!((figures.sums.ended(), figures.before.ended()), (5 * points, 5 * points), "{range:?}");
        assert_eq!(figures.times.count(), 51 * points);
    }
    // What has had its time is forgotten, and nothing that is shown.
    while figures::forget_old(&mut app.db.conn(), app.clock.now()).expect("upkeep") {}
    assert_eq!(app.db.count("delivery_figures"), 181 + 201 + 181 + 200);
}
