//! What stands around a delivery on its page: the same event to other webhooks, until when a receiver asked to wait, and
//! the way back to the list.
use callout::models::projects::members::Role;
use serde_json::json;

use crate::support::app::App;
use crate::support::factory;
use crate::support::people;
use crate::support::receiver::{self, Behaviour};

const TYPE: &str = "customer.rewarded";

#[test]
fn a_delivery_leads_to_the_same_events_other_deliveries_and_says_until_when_it_was_asked_to_wait() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let viewer = people::member(&app, project.id, Role::Viewer);
    let good = receiver::start();
    let busy = receiver::start_with(Behaviour {
        status: 503,
        headers: vec![("retry-after".into(), "7200".into())],
        ..Behaviour::default()
    });
    project.webhook(&good.url("/"), json!({ "name": "Till" }));
    project.webhook(&busy.url("/"), json!({ "name": "Desk" }));
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    app.wait_for("retrying", 1);
    let other = project.event("voucher.created", json!({}));
    assert_eq!(other["deliveries"], 0);

    let rows = project.deliveries();
    let of = |status: &str| {
        let row = rows.iter().find(|row| row["status"] == status).expect("one");
        format!("/p/{}/history/{}", project.id, row["id"].as_str().expect("an id"))
    };
    let waiting = viewer.get(&of("retrying")).expect(200).page();
    assert_eq!(waiting.texts("#others .row-link"), ["Till"]);
    assert_eq!(waiting.attribute("#others .row-link", "href"), Some(of("delivered")));
    assert!(waiting.text("#others .told-row").contains("Delivered"));
    assert!(waiting.text("#standing").contains("It asked to wait until"), "{}", waiting.text("#standing"));
    assert_eq!(waiting.attribute("#delivery", "data-list-of"), Some(format!("/p/{}/history", project.id)));

    let delivered = viewer.get(&of("delivered")).expect(200).page();
    assert_eq!(delivered.texts("#others .row-link"), ["Desk"]);
    assert!(!delivered.text("#standing").contains("asked to wait"));
}
