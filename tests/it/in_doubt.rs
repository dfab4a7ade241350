//! What happens when nobody knows whether a commit was done, and when a switch is turned at the wrong moment.
use serde_json::json;

use crate::support::app::App;
use crate::support::factory;
use crate::support::pg_proxy::PgProxy;
use crate::support::receiver;

const TYPE: &str = "customer.rewarded";

#[test]
fn a_commit_that_nobody_heard_of_is_not_repeated_and_not_lost() {
    let receiver = receiver::start();
    let mut proxy = None;
    let app = App::start_with(|config, _| {
        let started = PgProxy::start(config.database_url.as_deref().expect("a database"));
        config.database_url = Some(started.url());
        proxy = Some(started);
    });
    let proxy = proxy.expect("a proxy");
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({ "n": 1 }));
    app.wait_for("delivered", 1);

    proxy.cut_after_next_commit_of_events();
    let own = json!({ "type": TYPE, "id": "own", "data": { "n": 2 } });
    let answer = project.post_event(&own);
    assert!(proxy.has_cut());
    assert_eq!(answer.status, 503, "nobody knows: {answer:?}");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(app.db.count("events"), 2, "it was done, once");
    // Who tries again, as told, hears of the one that was written.
    project.post_event(&own).expect(200);
    // The deliveries had been meant for this node's memory; their lease ends, and they go out.
    app.advance(time::Duration::seconds(26));
    app.wait_for("delivered", 2);
    assert_eq!(app.db.count("events"), 2);
    assert_eq!(receiver.count(), 2);
}

#[test]
fn what_is_held_although_nothing_holds_it_goes_out() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    let paused = project.webhook(&receiver.url("/"), json!({ "name": "paused" }));
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 2);
    let path = format!("/v1/webhooks/{}", paused["id"].as_str().expect("an id"));
    project.api().patch(&path, &json!({ "active": false })).expect(200);
    // As if it had been on its way into the table while its webhook was resumed.
    app.db.execute("update deliveries set status = 5, due_at = null, ended_at = null");
    app.advance(time::Duration::seconds(31));
    app.wait_for("delivered", 1);
    app.wait_for("held", 1);
    assert_eq!(receiver.count(), 3);
    assert_eq!(app.db.text("select webhook_id from deliveries where status = 2"), {
        let id: callout::base::ids::WebhookId =
            webhook["id"].as_str().expect("an id").parse().expect("an id");
        id.0.to_string()
    });
    // And what a deleted webhook left behind is cancelled.
    project.api().delete(&path).expect(204);
    app.db.execute("update deliveries set status = 5, due_at = null, ended_at = null where status = 6");
    app.advance(time::Duration::seconds(31));
    app.wait_for("cancelled", 1);
}
