//! A webhook that is paused drops what comes or holds it, and is sent what it missed once it is on again, if somebody
//! chooses so.
use callout::base::ids::WebhookId;
use callout::models::deliveries;
use callout::models::projects::Role;
use serde_json::{Value, json};
use time::Duration;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::people;
use crate::support::problems::problem;
use crate::support::receiver::{self, Behaviour, Receiver};

const TYPE: &str = "customer.rewarded";

fn started() -> (App, Project, Receiver) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    (app, project, receiver::start())
}

fn path_of(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"))
}

fn change(project: &Project, webhook: &Value, change: Value) -> Value {
    project.api().patch(&path_of(webhook), &change).expect(200).json()
}

fn resume(project: &Project, webhook: &Value, how: Value) -> Value {
    project.api().post(&format!("{}/resume", path_of(webhook)), &how).expect(200).json()
}

fn missed(project: &Project, webhook: &Value) -> Value {
    project.api().get(&format!("{}/missed", path_of(webhook))).expect(200).json()
}

/// An event, a moment after the one before; its number is in its data.
fn post(app: &App, project: &Project, n: usize) -> Value {
    app.clock.advance(Duration::SECOND);
    project.event(TYPE, json!({ "n": n }))
}

fn received(receiver: &Receiver) -> Vec<u64> {
    let number = |body: &[u8]| {
        let body: Value = serde_json::from_slice(body).expect("JSON");
        body["data"]["n"].as_u64().expect("a number")
    };
    receiver.received().iter().map(|request| number(&request.body)).collect()
}

fn skipped(project: &Project, event: &Value) -> Value {
    let path = format!("/v1/events/{}", event["id"].as_str().expect("an id"));
    project.api().get(&path).expect(200).json()["not_delivered_to"].clone()
}

/// Lets what was missed be looked through.
fn wait_until_sent(app: &App) {
    app.advance(Duration::seconds(3));
    app.wait_until("nothing is left to look through", |app| app.db.count("missed_events") == 0);
}

#[test]
fn one_that_holds_keeps_what_comes_and_is_sent_it_in_order_when_it_is_resumed() {
    let (app, project, receiver) = started();
    let webhook = project.webhook(&receiver.url("/"), json!({ "rate_per_s": 1 }));
    let paused = change(&project, &webhook, json!({ "active": false, "when_paused": "hold" }));
    assert_eq!(paused["off_since"], "2026-11-21T12:00:00.000Z");
    let events: Vec<Value> = (0..5).map(|n| post(&app, &project, n)).collect();
    assert!(events.iter().all(|event| event["deliveries"] == 1));
    app.wait_for("held", 5);
    assert_eq!(skipped(&project, &events[0]), json!([]));
    assert_eq!(
        (&missed(&project, &webhook)["held"], &missed(&project, &webhook)["missed"]),
        (&json!(5), &json!(0))
    );
    let resumed = change(&project, &webhook, json!({ "active": true }));
    assert_eq!(resumed["off_since"], Value::Null);
    for sent in 1..=5 {
        app.wait_for("delivered", sent);
        app.advance(Duration::seconds(1));
    }
    assert_eq!(received(&receiver), [0, 1, 2, 3, 4]);
}

#[test]
fn a_slowed_one_that_holds_is_slowed_no_more_when_it_is_resumed() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let receiver = receiver::start_with(Behaviour::status(500));
    let webhook = project.webhook(&receiver.url("/"), json!({ "retries": [3_600] }));
    for n in 0..12 {
        post(&app, &project, n);
    }
    app.wait_until("it is slowed", |app| app.db.count("webhook_pace") == 1);
    // One under way would be held only when its retry is due.
    app.wait_until("nothing is under way", |app| {
        !app.parts.dispatcher.has_without_row()
            && app.parts.dispatcher.in_memory() == 0
            && app.db.count("deliveries where status = 1") == 0
    });
    change(&project, &webhook, json!({ "active": false, "when_paused": "hold" }));
    app.wait_until("all are held", |app| app.db.count("deliveries where status <> 5") == 0);
    assert_eq!(app.db.count("webhook_pace"), 0);
    post(&app, &project, 12);
    app.wait_for("held", 13);
    receiver.set(Behaviour::default());
    change(&project, &webhook, json!({ "active": true }));
    app.wait_for("delivered", 13);
}

#[test]
fn one_that_drops_makes_no_delivery_and_leaves_a_trace() {
    let (app, project, receiver) = started();
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    change(&project, &webhook, json!({ "active": false }));
    let event = post(&app, &project, 0);
    assert_eq!(
        (&event["deliveries"], &skipped(&project, &event)[0]["reason"]),
        (&json!(0), &json!("paused"))
    );
    change(&project, &webhook, json!({ "active": true }));
    app.advance(Duration::minutes(1));
    app.dispatch_until_idle();
    assert_eq!((receiver.count(), app.db.count("deliveries")), (0, 0));
}

#[test]
fn one_that_was_disabled_never_holds() {
    let (app, project, receiver) = started();
    let webhook = project.webhook(&receiver.url("/?status=410"), json!({ "when_paused": "hold" }));
    post(&app, &project, 0);
    app.wait_for("failed", 1);
    let event = post(&app, &project, 1);
    assert_eq!(
        (&event["deliveries"], &skipped(&project, &event)[0]["reason"]),
        (&json!(0), &json!("disabled"))
    );
    let told = project.api().get(&path_of(&webhook)).expect(200).json();
    assert_eq!(told["disabled"]["response_status"], 410);
    assert_eq!(told["disabled"]["delivery_id"], project.deliveries()[0]["id"]);
}

#[test]
fn what_was_missed_is_counted_and_sent_once_and_in_order_when_somebody_chooses_so() {
    let (app, project, receiver) = started();
    let other = receiver::start();
    let webhook = project.webhook(&receiver.url("/"), json!({ "name": "a" }));
    project.webhook(&other.url("/"), json!({ "name": "b" }));
    // Missed in an earlier pause, and left so.
    change(&project, &webhook, json!({ "active": false }));
    post(&app, &project, 0);
    change(&project, &webhook, json!({ "active": true }));
    app.clock.advance(Duration::SECOND);
    change(&project, &webhook, json!({ "active": false }));
    let events: Vec<Value> = (1..=3).map(|n| post(&app, &project, n)).collect();
    // It subscribes to other things by now: it was subscribed then.
    change(&project, &webhook, json!({ "events": ["voucher.created"], "all_events": false }));
    post(&app, &project, 4);
    project.api().post(&format!("{}/test", path_of(&webhook)), &json!({ "data": { "n": 5 } })).expect(200);
    let told = missed(&project, &webhook);
    assert_eq!((&told["missed"], &told["missed_more"]), (&json!(3), &json!(false)), "{told}");
    assert_eq!(
        (&told["missed_first_at"], &told["missed_last_at"]),
        (&events[0]["created_at"], &events[2]["created_at"])
    );
    let resumed = resume(&project, &webhook, json!({ "missed": "send" }));
    assert_eq!((&resumed["active"], &resumed["off_since"]), (&json!(true), &Value::Null));
    // The same once more, before it has begun.
    resume(&project, &webhook, json!({ "missed": "send", "since": told["off_since"] }));
    wait_until_sent(&app);
    app.dispatch_until_idle();
    assert_eq!(received(&receiver)[0], 5);
    let mut sent = received(&receiver)[1..].to_vec();
    sent.sort_unstable();
    assert_eq!(sent, [1, 2, 3]);
    assert!(events.iter().all(|event| skipped(&project, event) == json!([])));
    assert_eq!(other.count(), 5);
    // And after it: nothing is sent twice.
    resume(&project, &webhook, json!({ "missed": "send", "since": told["off_since"] }));
    wait_until_sent(&app);
    app.dispatch_until_idle();
    assert_eq!(receiver.count(), 4);
    // What an earlier pause dropped, too.
    resume(&project, &webhook, json!({ "missed": "send", "since": "2026-11-21T00:00:00+01:00" }));
    wait_until_sent(&app);
    app.wait_for("delivered", 10);
    assert_eq!(received(&receiver).last(), Some(&0));
}

#[test]
fn what_a_disabled_one_missed_can_be_sent_but_not_what_is_no_longer_kept() {
    let (app, project, receiver) = started();
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    receiver.set(Behaviour::status(410));
    post(&app, &project, 0);
    app.wait_for("failed", 1);
    post(&app, &project, 1);
    post(&app, &project, 2);
    let emptied = project.api().get("/v1/events?limit=1").expect(200).json()["data"][0]["id"].clone();
    app.db.execute("update events set data = '' where id = (select id from events order by id desc limit 1)");
    assert_eq!(missed(&project, &webhook)["missed"], 1, "{emptied}");
    receiver.set(Behaviour::default());
    resume(&project, &webhook, json!({ "held": "cancel", "missed": "send" }));
    wait_until_sent(&app);
    app.wait_for("delivered", 1);
    assert_eq!(received(&receiver), [0, 1]);
}

#[test]
fn very_many_missed_events_are_counted_in_part_and_sent_in_pieces_that_any_node_goes_on_with() {
    let (app, project, receiver) = started();
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    change(&project, &webhook, json!({ "active": false }));
    post(&app, &project, 0);
    app.db.execute(
        "insert into events (project_id, id, event_type, created_at, source, data, skipped, deliveries) \
         select project_id, (left(id::text, 14) || '7' || substr(md5(n::text), 1, 3) || '-8' || substr(md5(n::text), 4, 15))::uuid, \
         event_type, created_at, source, data, skipped, 0 from events, generate_series(1, 10500) n",
    );
    let told = missed(&project, &webhook);
    assert_eq!((&told["missed"], &told["missed_more"]), (&json!(10_000), &json!(true)));
    let mut conn = app.db.conn();
    let id: WebhookId = webhook["id"].as_str().expect("an id").parse().expect("an id");
    let mut app = app;
    app.stop();
    let since = app.clock.now() - Duration::HOUR;
    let now = app.clock.now();
    let resumed = deliveries::resume_and_send_missed(
        &mut conn,
        project.id,
        id,
        deliveries::HeldChoice::Send,
        Some(since),
        now,
    );
    resumed.expect("resume");
    assert_eq!(
        deliveries::send_some_missed(&mut conn, now).expect("a look"),
        None,
        "not before others are through"
    );
    let later = now + Duration::seconds(2);
    let mut pieces = Vec::new();
    while let Some(made) = deliveries::send_some_missed(&mut conn, later).expect("a piece") {
        pieces.push(made);
    }
    assert_eq!(pieces, [[1_000; 10].to_vec(), vec![501]].concat());
    assert_eq!(app.db.count("deliveries where status = 0"), 10_501);
}

#[test]
fn what_is_sent_of_what_was_missed_is_held_if_it_is_off_again() {
    let (app, project, receiver) = started();
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    change(&project, &webhook, json!({ "active": false }));
    post(&app, &project, 0);
    resume(&project, &webhook, json!({ "missed": "send" }));
    change(&project, &webhook, json!({ "active": false }));
    wait_until_sent(&app);
    app.wait_for("held", 1);
    assert_eq!(receiver.count(), 0);
    resume(&project, &webhook, json!({}));
    app.wait_for("delivered", 1);
}

#[test]
fn a_resumption_says_what_is_wrong_with_it() {
    let (app, project, receiver) = started();
    let webhook = project.webhook(&receiver.url("/"), json!({ "active": false }));
    let path = format!("{}/resume", path_of(&webhook));
    for (wrong, pointer) in [
        (json!({ "held": "drop" }), "/held"),
        (json!({ "missed": true }), "/missed"),
        (json!({ "since": "yesterday" }), "/since"),
        (json!({ "more": 1 }), "/more"),
    ] {
        let told = problem(&project.api().post(&path, &wrong), 422);
        assert_eq!(told["errors"][0]["pointer"], pointer, "{told}");
    }
    let other = factory::project(&app, "Other");
    problem(&other.api().post(&path, &json!({})), 404);
    problem(&other.api().get(&format!("{}/missed", path_of(&webhook))), 404);
}

#[test]
fn the_pages_ask_what_becomes_of_what_comes_and_of_what_was_missed() {
    let (app, project, receiver) = started();
    let admin = people::member(&app, project.id, Role::Admin);
    let webhook = project.webhook(&receiver.url("/"), json!({ "name": "Till" }));
    let list = format!("/p/{}/settings/webhooks", project.id);
    let page = format!("{list}/{}", webhook["id"].as_str().expect("an id"));
    let asked = admin.get(&format!("{page}/pause")).expect(200).page().form("main form");
    assert_eq!(asked.value("when_paused"), Some("drop"));
    admin.submit(&page, &asked.with("when_paused", "hold")).expect(303);
    let own = admin.get(&page).expect(200).page();
    assert!(own.text("aside").contains("What comes meanwhile is held for it."), "{}", own.text("aside"));
    assert!(!admin.get(&format!("{page}/resume")).expect(200).page().has("input[name=missed]"));
    admin.post_form(&format!("{page}/resume"), &[]).expect(303);
    let pause = admin.get(&page).expect(200).page().form("aside form[action$='/pause']");
    assert_eq!(pause.value("when_paused"), Some("hold"), "as it was chosen last");
    admin.submit(&page, &pause.with("when_paused", "drop")).expect(303);
    post(&app, &project, 1);
    post(&app, &project, 2);
    let asked = admin.get(&format!("{page}/resume")).expect(200).page();
    let legend = asked.text(".held-choice legend");
    assert!(
        legend.contains("2 events from 2026-11-21 12:00:01 UTC to 2026-11-21 12:00:02 UTC were not sent"),
        "{legend}"
    );
    let form = asked.form("main form");
    assert_eq!(form.value("missed"), Some("skip"));
    let sent = admin.submit(&page, &form.with("missed", "send")).expect(303);
    let said = admin.follow(&sent).expect(200).page().text(".notice[role=status]");
    assert_eq!(said, "Till gets events again. What it missed follows.");
    wait_until_sent(&app);
    app.wait_for("delivered", 2);
}

#[test]
fn what_its_filter_leaves_out_was_not_missed() {
    let (app, project, receiver) = started();
    let filter = json!([{ "path": "data.n", "is": 2 }]);
    let webhook = project.webhook(&receiver.url("/"), json!({ "active": false, "filter": filter }));
    (1..=3).for_each(|n| drop(post(&app, &project, n)));
    assert_eq!(missed(&project, &webhook)["missed"], 1);
}
