//! Bodies go before their deliveries if the settings say so; what is not over keeps its own.
use callout::models::deliveries::{empty_behind, make_ahead};
use serde_json::{Value, json};
use time::Duration;

use crate::support::app::{App, NOW};
use crate::support::factory::{self, Project};
use crate::support::people;
use crate::support::receiver::{self, Behaviour};

const KEPT: Duration = Duration::days(7);

fn data(customer: &str) -> Value {
    json!({ "customer": { "id": customer, "notes": "n".repeat(3_000) } })
}

fn id(of: &Value) -> String {
    of["id"].as_str().expect("an id").to_owned()
}

/// The delivery of an event to a webhook.
fn delivery_of(project: &Project, event: &Value, webhook: &Value) -> Value {
    let all = project.deliveries();
    let found = all.iter().find(|d| d["event_id"] == event["id"] && d["webhook_id"] == webhook["id"]);
    project.delivery(&id(found.expect("a delivery")))
}

fn bodies(delivery: &Value) -> (bool, bool) {
    let attempt = &delivery["attempts"][0];
    (attempt["request"]["body"].is_string(), attempt["response"]["body"].is_string())
}

#[test]
fn a_bodys_time_ends_before_its_deliverys_but_not_while_one_is_open() {
    let app = App::start();
    let (good, bad) = (receiver::start(), receiver::start_with(Behaviour::status(500)));
    let project = factory::project(&app, "Shop");
    let to_good = project.webhook(&good.url("/"), json!({ "name": "good" }));
    let event = project.event("customer.rewarded", data("cust_over"));
    app.wait_for("delivered", 1);
    let to_open = project.webhook(&bad.url("/"), json!({ "name": "open", "retries": "doubling-24h" }));
    let open = project.event("customer.rewarded", data("cust_open"));
    app.wait_for("retrying", 1);
    app.wait_for("delivered", 2);
    let (over, kept) = (delivery_of(&project, &event, &to_good), delivery_of(&project, &open, &to_good));
    assert_eq!((bodies(&over), bodies(&kept)), ((true, true), (true, true)));

    let mut conn = app.db.conn();
    let mut empty = |days: i64| {
        let now = NOW + Duration::days(days);
        make_ahead(&mut conn, now).expect("partitions");
        empty_behind(&mut conn, KEPT, now).expect("emptying")
    };
    let size =
        || app.db.text("select pg_total_relation_size('events_20261121')").parse::<i64>().expect("bytes");
    assert_eq!(empty(7).len(), 1, "only the day before, which is empty");
    assert_eq!(bodies(&project.delivery(&id(&over))), (true, true), "its day's time is not over");
    assert_eq!(empty(8).len(), 1);
    assert!(empty(8).is_empty(), "once is enough");
    assert_eq!(app.db.texts("select is_left::text from emptied_days order by day"), ["false", "true"]);

    let after = project.delivery(&id(&over));
    assert_eq!(bodies(&after), (false, false));
    assert_eq!(after["body"], Value::Null);
    assert_eq!(after["attempts"][0]["request"]["headers"], over["attempts"][0]["request"]["headers"]);
    assert_eq!((&after["status"], &after["attempt_count"]), (&json!("delivered"), &json!(1)));
    let told = project.api().get(&format!("/v1/events/{}", id(&event))).expect(200).json();
    assert_eq!((&told["data"], told["deliveries"].as_array().map(Vec::len)), (&Value::Null, Some(1)));
    // An event that still goes to somebody keeps its data, for all of its deliveries.
    assert_eq!(bodies(&delivery_of(&project, &open, &to_good)), (true, true));
    assert_eq!(delivery_of(&project, &open, &to_open)["status"], json!("retrying"));

    let resent = project.api().post(&format!("/v1/deliveries/{}/resend", id(&over)), &json!({})).expect(409);
    assert!(
        resent.json()["detail"].as_str().is_some_and(|text| text.contains("no longer kept")),
        "{}",
        resent.body
    );
    project.api().post(&format!("/v1/deliveries/{}/resend", id(&kept)), &json!({})).expect(202);
    app.wait_until("it was sent again", |_| project.delivery(&id(&kept))["attempt_count"] == json!(2));

    app.db.execute(&format!(
        "update deliveries set status = 4, due_at = null, ended_at = '{NOW}' where status = 3"
    ));
    let before = size();
    empty(9);
    assert_eq!(bodies(&delivery_of(&project, &open, &to_good)), (false, false), "a day later it is over");
    assert_eq!(app.db.count("emptied_days where is_left"), 0);
    assert!(size() <= before + 8_192);
}

#[test]
fn a_page_says_that_a_body_is_no_longer_kept_and_offers_no_resend() {
    let app = App::start_with(|config, _| config.body_retention_days = Some(7));
    let (receiver, project) = (receiver::start(), factory::project(&app, "Shop"));
    let owner = people::owner(&app);
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    let event = project.event("customer.rewarded", data("cust_1"));
    app.wait_for("delivered", 1);
    let delivery = id(&delivery_of(&project, &event, &webhook));
    let path = format!("/p/{}/history/{delivery}", project.id);
    assert!(owner.get(&path).expect(200).body.contains("cust_1"));

    app.advance(Duration::days(8));
    app.wait_until("upkeep has emptied the day", |app| {
        app.db.count("events where octet_length(data) > 0")
            + app.db.count("attempts where response_body is not null")
            == 0
    });
    let page = owner.get(&path).expect(200).page();
    assert!(page.text("section[aria-labelledby='request-title'] .panel-note").contains("no longer kept"));
    assert!(page.text("#resend-hindrance").contains("no longer kept"));
    assert!(page.has("#resend[disabled]") && !page.source().contains("cust_1"));
    let refused = owner.post_form(&format!("{path}/resend"), &[]).expect(303);
    assert!(
        owner
            .follow(&refused)
            .expect(200)
            .page()
            .text(".notice-bad[role=alert]:not([hidden])")
            .contains("no longer kept")
    );
    let page = owner.get(&format!("/p/{}/events/{}", project.id, id(&event))).expect(200).page();
    assert!(page.text("main").contains("The body is no longer kept."));
    let kept = owner.get("/admin/storage").expect(200).page().text(".storage-kept");
    assert!(kept.contains("Bodies7 days"), "{kept}");
}
