//! Past events to a webhook, as an admin sends them, without scripts.
use callout::models::projects::members::Role;
use serde_json::json;
use time::Duration;

use crate::support::people;
use crate::support::receiver;

const TYPE: &str = "customer.rewarded";

#[test]
fn an_admin_counts_and_sends_past_events_from_the_webhooks_page() {
    let (app, project, admin, path) = people::at_webhooks();
    for n in 0..3 {
        project.event(TYPE, json!({ "n": n }));
    }
    let receiver = receiver::start();
    let settings = json!({ "name": "Lake", "events": [TYPE, "voucher.created"] });
    let webhook = project.webhook(&receiver.url("/"), settings);
    let link = format!("{path}/{}/past-events", webhook["id"].as_str().expect("an id"));
    let page = admin.get(link.trim_end_matches("/past-events")).expect(200).page();
    assert_eq!(page.count(&format!("a[href='{link}']")), 1);

    let page = admin.get(&link).expect(200).page();
    assert!(page.text(".replay-count").contains("3 events match."), "{}", page.text(".replay-count"));
    assert_eq!(
        (page.text("#send-past"), page.count("input[name=type]")),
        ("Send 3 past events".to_owned(), 2)
    );
    let none = admin.get(&format!("{link}?range=24h&type=voucher.created")).expect(200).page();
    assert!(none.text(".replay-count").contains("There is nothing to send.") && !none.has("#send-past"));
    let wrong = admin.get(&format!("{link}?range=24h&since=yesterday")).expect(422).page();
    assert!(wrong.has("#since-error"));
    let refused = admin.submit(&link, &page.form("#past").with("rate_per_s", "5000")).expect(422).page();
    assert!(refused.has("#rate_per_s-error"));

    let made = admin.submit(&link, &page.form("#past")).expect(303);
    let replay = made.header("location").expect("a page").to_owned();
    app.advance(Duration::seconds(3));
    app.wait_until("it is done", |_| {
        admin.get(&replay).expect(200).page().text("#progress").contains("Done")
    });
    let page = admin.get(&replay).expect(200).page();
    assert!(page.text("main").contains("Past events to Lake"), "{}", page.text("main"));
    assert_eq!((page.count("#items tbody tr"), receiver.count()), (3, 3));
    let list = admin.get(&format!("/p/{}/replays", project.id)).expect(200).page();
    assert!(list.text("tbody tr").contains("Past events to Lake"));
    let page = admin.get(&link).expect(200).page();
    assert!(page.text(".replay-count").contains("It got 3 of them already."));

    // Not for a webhook that is off, nor for support.
    project
        .api()
        .patch(
            &format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id")),
            &json!({ "active": false }),
        )
        .expect(200);
    project.event("badge_earned", json!({}));
    assert_eq!(admin.post_form(&link, &[("range", "24h")]).expect(422).page().count(".alert-danger"), 1);
    let support = people::member(&app, project.id, Role::Support);
    support.get(&link).expect(403);
    support.post_form(&link, &[("range", "24h")]).expect(403);
}
