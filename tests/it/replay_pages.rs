//! Replays as support staff begin, follow and switch them, without scripts.
use callout::models::projects::members::Role;
use serde_json::json;

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory::{self, Project};
use crate::support::people;
use crate::support::receiver::{self, Receiver};

const TYPE: &str = "customer.rewarded";

/// Three deliveries, of which two failed.
fn started() -> (App, Project, Client, Receiver) {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({ "name": "Loyalty" }));
    for n in 0..3 {
        project.event(TYPE, json!({ "n": n }));
    }
    app.wait_for("delivered", 3);
    app.db
        .execute("update deliveries set status = 4 where id <> (select min(id::text)::uuid from deliveries)");
    let support = people::member(&app, project.id, Role::Support);
    (app, project, support, receiver)
}

#[test]
fn support_sends_all_that_match_again_and_follows_it_on_its_page() {
    let (app, project, support, receiver) = started();
    let path = format!("/p/{}", project.id);
    let history = format!("{path}/history");
    assert_eq!(support.get(&history).expect(200).page().count("#send-all"), 0);
    let filtered = support.get(&format!("{history}?event_type={TYPE}")).expect(200).page();
    let new = filtered.attribute("#send-all", "href").expect("a link");
    assert_eq!(new, format!("{path}/replays/new?event_type={TYPE}"));
    let page = support.get(&new).expect(200).page();
    let count = page.text(".replay-count");
    assert!(count.contains("3 deliveries match.") && count.contains("1 of them is delivered"), "{count}");

    let create = format!("{path}/replays?event_type={TYPE}");
    let wrong = [("skip_delivered", "1"), ("rate_per_s", "5000"), ("stop_percent", "x")];
    let refused = support.post_form(&create, &wrong).expect(422).page();
    assert_eq!(refused.count(".field-error"), 2);
    let right =
        [("skip_delivered", "1"), ("rate_per_s", ""), ("stop_percent", "50"), ("order", "newest_first")];
    let made = support.post_form(&create, &right).expect(303);
    let replay = made.header("location").expect("a page").to_owned();
    app.wait_until("it is done", |_| {
        support.get(&replay).expect(200).page().text("#progress").contains("Done")
    });
    let page = support.get(&replay).expect(200).page();
    assert!(page.text("#progress").contains("3 of 3 sent or left out (100 %)"), "{}", page.text("#progress"));
    assert_eq!((page.count("#items tbody tr"), page.count("#pause"), receiver.count()), (3, 0, 5));
    let left = support.get(&format!("{replay}?state=skipped_delivered")).expect(200).page();
    assert_eq!(left.count("#items tbody tr"), 1);
    let list = support.get(&format!("{path}/replays")).expect(200).page();
    assert!(list.text("tbody tr").contains(TYPE) && list.text("tbody tr").contains("Done"));
}

#[test]
fn a_replay_is_paused_resumed_and_cancelled_on_its_page() {
    let (app, project, support, receiver) = started();
    // It waits while webhooks are switched off, and says so.
    project.api().patch("/v1/project", &json!({ "webhooks_enabled": false })).expect(200);
    let create = format!("/p/{}/replays?status=failed", project.id);
    let made = support.post_form(&create, &[("skip_delivered", "1")]).expect(303);
    let replay = made.header("location").expect("a page").to_owned();
    app.wait_until("it waits", |_| {
        support.get(&replay).expect(200).page().text("#progress").contains("switched off")
    });
    let page = support.get(&replay).expect(200).page();
    assert_eq!((page.count("#pause"), page.count("#resume"), page.count("#cancel")), (1, 0, 1));
    assert_eq!(
        support.post_form(&format!("{replay}/pause"), &[]).expect(303).header("location"),
        Some(&*replay)
    );
    let page = support.get(&replay).expect(200).page();
    assert_eq!((page.count("#pause"), page.count("#resume")), (0, 1));
    // News for a page that shows other switches are the whole page anew.
    let news = support.clone().by_htmx().get(&format!("{replay}?was=running")).expect(200);
    assert_eq!(news.header("hx-redirect"), Some(&*replay));
    support.post_form(&format!("{replay}/resume"), &[]).expect(303);
    support.post_form(&format!("{replay}/cancel"), &[]).expect(303);
    support.post_form(&format!("{replay}/resume"), &[]).expect(303);
    let page = support.get(&replay).expect(200).page();
    assert!(page.text("main").contains("This replay was cancelled."), "{}", page.text("main"));
    assert_eq!((page.count("#pause"), page.count("#resume"), page.count("#cancel")), (0, 0, 0));
    assert_eq!(receiver.count(), 3);
}

#[test]
fn chosen_deliveries_are_sent_again_whatever_became_of_them() {
    let (app, project, support, receiver) = started();
    let ids: Vec<String> =
        project.deliveries().iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect();
    let ticked: Vec<(&str, &str)> = ids.iter().map(|id| ("delivery", id.as_str())).collect();
    let made = support.post_form(&format!("/p/{}/replays", project.id), &ticked).expect(303);
    let replay = made.header("location").expect("a page").to_owned();
    app.wait_until("it is done", |_| {
        support.get(&replay).expect(200).page().text("#progress").contains("Done")
    });
    app.dispatch_until_idle();
    assert_eq!(receiver.count(), 6);
    // Nothing ticked, nothing filtered: that is not everything.
    let none = support.post_form(&format!("/p/{}/replays", project.id), &[]).expect(303);
    let page = support.follow(&none).page();
    assert!(page.text("main").contains("Nothing was chosen"), "{}", page.text("main"));
    assert_eq!(receiver.count(), 6);
}

#[test]
fn a_webhooks_page_leads_to_what_failed_for_it() {
    let (app, project, support, _receiver) = started();
    let owner = people::owner(&app);
    let webhook = project.api().get("/v1/webhooks").expect(200).json()["data"][0]["id"].clone();
    let webhook = webhook.as_str().expect("an id");
    let page = owner.get(&format!("/p/{}/settings/webhooks/{webhook}", project.id)).expect(200).page();
    let link = format!("/p/{}/replays/new?status=failed&webhook_id={webhook}&range=7d", project.id);
    assert_eq!(page.count(&format!("a[href='{link}']")), 1);
    let page = support.get(&link).expect(200).page();
    assert!(page.text(".replay-count").contains("2 deliveries match."));
    assert_eq!(page.text("#send-again"), "Send 2 again");
}
