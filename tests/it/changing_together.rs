//! Several who change one webhook at the same time: nobody's change undoes another's, nor what its receiver ended.
use std::thread;

use serde_json::{Value, json};

use crate::support::people;
use crate::support::problems::{pointers, problem};
use crate::support::receiver::{self, Behaviour};

const TYPE: &str = "customer.rewarded";
const FORM: &str = "main form[novalidate]";

fn path(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"))
}

#[test]
fn changes_of_different_settings_at_the_same_time_are_all_kept() {
    let (_app, project, _admin, _path) = people::at_webhooks();
    let bearer = json!({ "authentication": { "type": "bearer", "token": "old" } });
    let webhook = project.webhook("http://127.0.0.1:9/", bearer);
    for round in 0..8 {
        let basic = json!({ "type": "basic", "username": format!("u{round}"), "password": "p" });
        let changes = [
            json!({ "authentication": basic }),
            json!({ "description": format!("d{round}") }),
            json!({ "timeout_ms": 2_000 + round }),
        ];
        thread::scope(|scope| {
            for change in &changes {
                let (api, path) = (project.api().clone(), path(&webhook));
                scope.spawn(move || api.patch(&path, change).expect(200));
            }
        });
        let told = project.api().get(&path(&webhook)).expect(200).json();
        assert_eq!(told["authentication"]["username"], format!("u{round}"));
        assert_eq!(
            (&told["description"], &told["timeout_ms"]),
            (&json!(format!("d{round}")), &json!(2_000 + round))
        );
    }
}

#[test]
fn a_receiver_that_is_gone_stays_so_whoever_changes_the_webhook_meanwhile() {
    let (app, project, _admin, _path) = people::at_webhooks();
    let receiver = receiver::start_with(Behaviour::status(410));
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    app.wait_until("it is given up", |app| {
        let description = format!("asked {:?}", std::time::Instant::now());
        project.api().patch(&path(&webhook), &json!({ "description": description })).expect(200);
        app.db.count("deliveries where status = 4") == 1
    });
    let told = project.api().patch(&path(&webhook), &json!({ "description": "last" })).expect(200).json();
    assert_eq!((&told["active"], &told["disabled"]["kind"]), (&json!(false), &json!("gone")));
}

#[test]
fn a_form_that_was_open_while_somebody_else_saved_asks_before_it_undoes_that() {
    let (_app, project, admin, list) = people::at_webhooks();
    let webhook = project.webhook("http://127.0.0.1:9/", json!({ "name": "Till" }));
    let page = format!("{list}/{}", webhook["id"].as_str().expect("an id"));
    let form = admin.get(&page).expect(200).page().form(FORM).with("description", "mine");
    project.api().patch(&path(&webhook), &json!({ "target_url": "http://127.0.0.1:10/" })).expect(200);
    let refused = admin.submit(&page, &form).expect(422).page();
    assert!(refused.text("main").contains("Somebody changed this webhook"), "{}", refused.text("main"));
    let told = project.api().get(&path(&webhook)).expect(200).json();
    assert_eq!((&told["description"], &told["target_url"]), (&json!(""), &json!("http://127.0.0.1:10/")));
    let again = refused.form(FORM);
    assert_eq!(again.value("description"), Some("mine"));
    admin.submit(&page, &again).expect(303);
    let told = project.api().get(&path(&webhook)).expect(200).json();
    assert_eq!((&told["description"], &told["target_url"]), (&json!("mine"), &json!("http://127.0.0.1:9/")));
}

#[test]
fn what_is_not_named_is_not_judged_anew() {
    let (_app, project, _admin, _path) = people::at_webhooks();
    project.api().post("/v1/event-types", &json!({ "type": "custom.gone", "sample": {} })).expect(201);
    let webhook =
        project.webhook("http://127.0.0.1:9/", json!({ "all_events": false, "events": ["custom.gone"] }));
    project.api().delete("/v1/event-types/custom.gone").expect(204);
    project.api().patch("/v1/project", &json!({ "allowed_hosts": ["shop.example"] })).expect(200);
    project.api().patch(&path(&webhook), &json!({ "description": "d" })).expect(200);
    project.api().patch(&path(&webhook), &json!({ "active": false })).expect(200);
    let elsewhere = json!({ "target_url": "http://127.0.0.1:10/", "events": [] });
    let refused = project.api().patch(&path(&webhook), &elsewhere);
    assert_eq!(pointers(&problem(&refused, 422)), ["/target_url"]);
}

#[test]
fn the_mask_of_a_value_is_never_taken_for_the_value() {
    let (_app, project, _admin, _path) = people::at_webhooks();
    let webhook = project.webhook("http://127.0.0.1:9/", json!({ "headers": { "x-shop": "one" } }));
    let before = project.api().get(&path(&webhook)).expect(200).json();
    project.api().patch(&path(&webhook), &json!({ "headers": { "x-shop": "two" } })).expect(200);
    let echoed = project.api().patch(&path(&webhook), &json!({ "headers": before["headers"] }));
    assert_eq!(pointers(&problem(&echoed, 422)), ["/headers/x-shop"]);
}
