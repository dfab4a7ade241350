//! An attempt compared with the one before.
use callout::models::projects::members::Role;
use serde_json::json;

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory;
use crate::support::people;
use crate::support::receiver::{self, Behaviour};

/// A delivery with two attempts whose responses differ, and its page.
fn sent_twice() -> (App, Client, String) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let support = people::member(&app, project.id, Role::Support);
    let answering = |status: u16, body: &str| {
        receiver::start_with(Behaviour { status, body: body.to_owned().into(), ..Behaviour::default() })
    };
    let busy = answering(503, r#"{"state":"busy","node":1}"#);
    let webhook = project.webhook(&busy.url("/"), json!({ "retries": "none", "body": "flat" }));
    project.event("customer.rewarded", json!({ "customer": { "id": "cust_1" } }));
    app.wait_for("failed", 1);
    let good = answering(200, r#"{"state":"fine","node":1}"#);
    let id = webhook["id"].as_str().expect("an id");
    project.api().patch(&format!("/v1/webhooks/{id}"), &json!({ "target_url": good.url("/") })).expect(200);
    let delivery = project.deliveries()[0]["id"].as_str().expect("an id").to_owned();
    project.api().post(&format!("/v1/deliveries/{delivery}/resend"), &json!({})).expect(202);
    app.wait_for("delivered", 1);
    let path = format!("/p/{}/history/{delivery}", project.id);
    (app, support, path)
}

#[test]
fn the_lines_that_changed_carry_a_sign_and_the_rest_says_that_it_is_the_same() {
    let (_app, support, path) = sent_twice();
    let page = support.get(&path).expect(200).page();
    let link = page.attribute("#layout-diff", "href").expect("a third layout");
    let page = support.get(&link).expect(200).page();
    assert_eq!(page.attribute("#layout-diff", "aria-current"), Some("true".to_owned()));
    let lines = page.texts("pre[aria-label^='Difference of the response'] .diff-line");
    let has = |start: char, text: &str| lines.iter().any(|l| l.trim().starts_with(start) && l.contains(text));
    assert!(has('−', "busy") && has('+', "fine"), "{lines:?}");
    assert!(page.source().contains("Same as attempt 1."), "what was sent is the same");
    assert!(page.has("#request-body") && !page.has("#response-body"));
}

#[test]
fn the_first_attempt_has_nothing_to_compare_with() {
    let (_app, support, path) = sent_twice();
    let page = support.get(&format!("{path}?attempt=1&view=diff")).expect(200).page();
    assert!(!page.has("#layout-diff") && page.has("#response-body"));
    assert_eq!(page.attribute("#layout-pretty", "aria-current"), Some("true".to_owned()));
}

#[test]
fn a_viewer_sees_no_bodies_in_a_difference() {
    let (app, _, path) = sent_twice();
    let project = path.split('/').nth(2).and_then(|id| id.parse().ok()).expect("an id");
    let viewer = people::member(&app, project, Role::Viewer);
    let page = viewer.get(&format!("{path}?attempt=2&view=diff")).expect(200).page();
    assert!(!page.source().contains("busy") && !page.source().contains("cust_1"), "{}", page.source());
}
