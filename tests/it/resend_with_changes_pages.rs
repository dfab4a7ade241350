//! A delivery again, to another webhook or with edited data: as support does it, without scripts.
use callout::models::projects::members::Role;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory::{self, Project};
use crate::support::people;
use crate::support::receiver::{self, Receiver};

const TYPE: &str = "customer.rewarded";

/// A delivery to "Loyalty", and its page.
fn started() -> (App, Project, Client, Receiver, String) {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/loyalty"), json!({ "name": "Loyalty" }));
    project.webhook(&receiver.url("/lake"), json!({ "name": "Lake", "events": ["voucher.created"] }));
    let off = json!({ "name": "Desk", "events": ["voucher.created"], "active": false });
    project.webhook(&receiver.url("/desk"), off);
    project.event(TYPE, json!({ "amount": 10, "customer": { "email": "ada@example.com" } }));
    app.wait_for("delivered", 1);
    let support = people::member(&app, project.id, Role::Support);
    let reveal = format!("/p/{}/reveal", project.id);
    support.post_form(&reveal, &[("reason", "Ticket 4711")]).expect(303);
    let id = project.deliveries()[0]["id"].as_str().expect("an id").to_owned();
    let page = format!("/p/{}/history/{id}", project.id);
    (app, project, support, receiver, page)
}

#[test]
fn support_edits_the_data_gives_a_reason_and_sees_both_marked() {
    let (app, project, support, receiver, page) = started();
    let link = format!("{page}/resend-with-changes");
    let original = support.get(&page).expect(200).page();
    assert_eq!(original.attribute("#resend-with-changes", "href"), Some(link.clone()));
    let form = support.get(&link).expect(200).page();
    assert_eq!(form.count("#webhook option"), 3);
    assert!(form.text("#webhook option:first-child").contains("Loyalty (its own, envelope)"));
    assert!(form.has("#webhook option[disabled]"));
    let typed = form.text("#data");
    assert!(typed.contains("\"amount\": 10"), "{typed}");

    // What was typed survives a refusal.
    let fields = form.form("#changes").with("data", "{\n  \"amount\": 9,\n  oops\n}").with("reason", "no");
    let refused = support.submit(&link, &fields).expect(422).page();
    assert!(refused.text("#data-error").contains("Line 3, column 3"), "{}", refused.text("#data-error"));
    assert!(refused.has("#reason-error") && refused.text("#data").contains("oops"));
    let edited = "{ \"amount\": 9, \"customer\": { \"email\": \"ada@example.com\" } }";
    let compare = [("data", edited), ("compare", "1"), ("webhook", ""), ("reason", "")];
    let compared = support.post_form(&link, &compare).expect(200).page();
    let told = compared.text("#data-check tbody tr");
    assert!(told.contains("amount") && told.contains("10") && told.contains('9'), "{told}");
    let checked = support.post_form(&format!("{link}/check"), &[("data", "{")]).expect(200).page();
    assert!(checked.has(".field-error"));
    assert_eq!(receiver.count(), 1);

    let fields = form.form("#changes").with("data", edited).with("reason", "Without  the discount");
    let sent = support.submit(&link, &fields).expect(303);
    let copy_page = sent.header("location").expect("a page").to_owned();
    assert_ne!(copy_page, page);
    app.dispatch_until_idle();
    assert_eq!(receiver.count(), 2);
    let copy = support.get(&copy_page).expect(200).page();
    let from = copy.text("#again-from");
    assert!(from.contains("Edited copy of") && from.contains("Mo support"), "{from}");
    assert!(from.contains("Without the discount"), "{from}");
    assert_eq!(copy.attribute("#again-from a", "href"), Some(page.clone()));
    let original = support.get(&page).expect(200).page();
    let made = original.text(".again-made");
    assert!(made.contains("Sent again with edited data as") && made.contains("Mo support"), "{made}");
    assert!(original.text("#delivery").contains("10") && original.count(".attempt") == 1);
    // On the events' pages, and in the list.
    for (delivery, mark) in [(&page, ".again-made"), (&copy_page, "#again-from")] {
        let event = support.get(delivery).expect(200).page().attribute("#event-id", "href");
        assert!(support.get(&event.expect("an event")).expect(200).page().has(mark));
    }
    let list = support.get(&format!("/p/{}/history", project.id)).expect(200).page();
    assert_eq!(list.texts("td .state[title^='A copy']"), ["Edited"]);
}

#[test]
fn support_sends_it_to_another_webhook_unchanged() {
    let (app, project, support, receiver, page) = started();
    let link = format!("{page}/resend-with-changes");
    let form = support.get(&link).expect(200).page().form("#changes");
    let webhooks = project.api().get("/v1/webhooks").expect(200).json();
    let id = |name: &str| {
        let all = webhooks["data"].as_array().expect("a list");
        let found = all.iter().find(|one| one["name"] == name).expect("one");
        found["id"].as_str().expect("an id").to_owned()
    };
    let none = support.submit(&link, &form.clone().with("webhook", "").with("reason", "For the lake"));
    assert!(none.expect(422).page().has("#webhook-error"));
    let off =
        support.submit(&link, &form.clone().with("webhook", &id("Desk")).with("reason", "For the desk"));
    assert!(off.expect(422).page().text(".alert-danger").contains("paused or disabled"));
    let fields = form.with("webhook", &id("Lake")).with("reason", "For the lake");
    let sent = support.submit(&link, &fields).expect(303);
    app.dispatch_until_idle();
    let paths: Vec<String> = receiver.received().iter().map(|one| one.path.clone()).collect();
    assert_eq!(paths, ["/loyalty", "/lake"]);
    let copy = support.get(sent.header("location").expect("a page")).expect(200).page();
    assert!(copy.text("#again-from").contains("The same data as"));
    assert_eq!(app.db.count("events"), 1);
    let delivered: Value = project.deliveries()[0]["event_id"].clone();
    assert!(project.deliveries().iter().all(|one| one["event_id"] == delivered));
}

#[test]
fn who_sees_personal_data_masked_reveals_them_to_edit_and_may_send_them_elsewhere_unchanged() {
    let (app, project, support, receiver, page) = started();
    support.post_form(&format!("/p/{}/reveal/end", project.id), &[]).expect(303);
    let link = format!("{page}/resend-with-changes");
    let masked = support.get(&link).expect(200).page();
    assert!(!masked.has("#data") && !masked.source().contains("ada@example.com"));
    let reveal = masked.attribute("#no-data a", "href").expect("a link");
    let own = masked.form("#changes").value("webhook").expect("one").to_owned();
    let typed = [("webhook", &*own), ("data", "{}"), ("reason", "Without a look")];
    let refused = support.post_form(&link, &typed).expect(422).page();
    assert!(!refused.source().contains("ada@example.com"));
    let compare = [("data", "{}"), ("compare", "1")];
    assert!(!support.post_form(&link, &compare).expect(422).page().source().contains("ada@example.com"));
    let checked = support.post_form(&format!("{link}/check"), &[("data", "{}")]).expect(200).page();
    assert!(checked.has(".field-error") && !checked.source().contains("ada@example.com"));
    assert_eq!(receiver.count(), 1);
    support.submit(&link, &masked.form("#changes").with("reason", "The till lost it")).expect(303);
    app.dispatch_until_idle();
    assert_eq!((receiver.count(), app.db.count("events")), (2, 1));

    let asked = support.get(&reveal).expect(200).page().form("form.narrow");
    let back = support.submit(&reveal, &asked.with("reason", "Ticket 4712")).expect(303);
    assert_eq!(back.header("location"), Some(&*link));
    assert!(support.get(&link).expect(200).page().text("#data").contains("ada@example.com"));
}

#[test]
fn a_viewer_sees_the_mark_without_its_reason_and_cannot_send() {
    let (app, project, support, receiver, page) = started();
    let link = format!("{page}/resend-with-changes");
    let form = support.get(&link).expect(200).page().form("#changes");
    support.submit(&link, &form.with("data", "{}").with("reason", "Nothing at all")).expect(303);
    app.dispatch_until_idle();
    let viewer = people::member(&app, project.id, Role::Viewer);
    viewer.get(&link).expect(403);
    viewer.post_form(&link, &[("data", "{}"), ("reason", "Because I can")]).expect(403);
    viewer.post_form(&format!("{link}/check"), &[("data", "{}")]).expect(403);
    let shown = viewer.get(&page).expect(200).page();
    assert!(!shown.has("#resend-with-changes"));
    let made = shown.text(".again-made");
    assert!(made.contains("Mo support") && !made.contains("Nothing at all"), "{made}");
    assert_eq!(receiver.count(), 2);
    let other = factory::project(&app, "Other");
    let elsewhere = link.replace(&project.id.to_string(), &other.id.to_string());
    support.get(&elsewhere).expect(404);
}
