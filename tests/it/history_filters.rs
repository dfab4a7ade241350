//! Filters of history and events: each chip has its effect, and a list holds what the figure that leads to it counts.
use callout::models::projects::members::Role;
use serde_json::json;

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory::{self, Project};
use crate::support::html::Page;
use crate::support::people;
use crate::support::receiver::{self, Receiver};

const TYPE: &str = "customer.rewarded";
const ENDS: &str = "since=2026-11-21T10:00:00Z&until=2026-11-21T14:00:00Z";

/// A project with a delivered event, its receiver, who reads its history, and the paths of history and events.
fn started() -> (App, Project, Receiver, Client, [String; 2]) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let support = people::member(&app, project.id, Role::Support);
    let receiver = receiver::start();
    project.webhook(&receiver.url("/"), json!({ "name": "Till", "retries": "none" }));
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    let lists = ["history", "events"].map(|list| format!("/p/{}/{list}", project.id));
    (app, project, receiver, support, lists)
}

fn chips(page: &Page) -> Vec<String> {
    page.texts(".filter-chip .quiet")
}

fn rows(page: &Page) -> usize {
    page.count(".rows tbody tr")
}

#[test]
fn a_range_and_ends_never_stand_side_by_side_and_the_newer_choice_holds() {
    let (_app, _project, _receiver, support, lists) = started();
    for list in lists {
        // Typed beside a range.
        let form = support.get(&format!("{list}?range=24h")).expect(200).page().form("form.filters");
        let answer = support.submit(&list, &form.with("until", "2026-11-21T11:00")).expect(303);
        assert_eq!(answer.header("location"), Some(format!("{list}?until=2026-11-21T11%3A00").as_str()));
        let page = support.follow(&answer).expect(200).page();
        assert_eq!((chips(&page), rows(&page)), (vec!["Until".to_owned()], 0));

        // Chosen beside what was typed.
        let page = support.get(&format!("{list}?{ENDS}")).expect(200).page();
        assert_eq!(chips(&page), ["Since", "Until"]);
        let name = page.attribute("select#range", "name").expect("a name");
        let form = page.form("form.filters").with(&name, "1h");
        let answer = support.submit(&list, &form).expect(303);
        assert_eq!(answer.header("location"), Some(format!("{list}?range=1h").as_str()));

        // A script is told the address that the list has now.
        let beside = format!("{list}?range=1h&{ENDS}");
        let answer = support.clone().by_htmx().get(&beside).expect(200);
        assert_eq!(chips(&answer.page()), ["Since", "Until"]);
        let pushed = answer.header("hx-push-url").expect("an address").to_owned();
        assert!(!pushed.contains("range") && pushed.contains("since=2026-11-21T10"), "{pushed}");
        let same = support.clone().by_htmx().get(&pushed).expect(200);
        assert_eq!((same.body.as_str(), same.header("hx-push-url")), (answer.body.as_str(), None));
    }
}

#[test]
fn a_choice_leaves_from_and_to_to_the_second_and_what_cannot_be_read_can_be_corrected() {
    let (_app, _project, _receiver, support, lists) = started();
    for list in lists {
        let page = support.get(&format!("{list}?since=2026-11-21T10:30:45Z")).expect(200).page();
        assert_eq!(page.attribute("#since", "step"), Some("1".to_owned()), "a browser takes no seconds else");
        let field = if list.ends_with("events") { "type" } else { "event_type" };
        let chosen = page.form("form.filters").with(field, TYPE);
        let page = support.follow(&support.submit(&list, &chosen).expect(303)).expect(200).page();
        assert_eq!(page.attribute(".filter-chip time", "datetime"), Some("2026-11-21T10:30:45Z".to_owned()));

        assert_eq!(rows(&support.get(&format!("{list}?since=2026-11-21T10:00Z")).expect(200).page()), 1);
        let page = support.get(&format!("{list}?since=2026-11-21T10")).expect(200).page();
        let told = page.text("#since-error");
        assert!(told.contains("is not a date and time") && page.text(".empty-state").contains(&told));
        assert!(page.has("#since[type=text][aria-invalid]:not([data-utc])"), "another field would be empty");
        let corrected = page.form("form.filters").with("since", "2026-11-21T10:00Z");
        assert_eq!(
            rows(&support.follow(&support.submit(&list, &corrected).expect(303)).expect(200).page()),
            1
        );
    }
}

#[test]
fn an_end_before_its_beginning_is_said_and_not_that_nothing_happened() {
    let (_app, _project, _receiver, support, lists) = started();
    for list in lists {
        let page = support.get(&format!("{list}?since=2026-11-22&until=2026-11-21")).expect(200).page();
        assert_eq!(page.text("#until-error"), "Until has to be later than Since.");
        let told = page.text(".empty-state");
        assert!(told.contains("Until has to be later than Since.") && !told.contains("longer"), "{told}");
        assert!(page.has("#filters-open[checked]:not([hx-preserve])"), "a phone shows what to correct");
        assert!(support.get(&list).expect(200).page().has("#filters-open[hx-preserve]:not([checked])"));
    }
}

#[test]
fn tests_are_shown_left_out_or_alone_and_the_overviews_figures_lead_to_as_many() {
    let (app, project, receiver, support, [history, _]) = started();
    let at = receiver.url("/?status=500");
    let desk =
        project.webhook(&at, json!({ "name": "Desk", "retries": "none", "events": ["voucher.created"] }));
    let wall =
        project.webhook(&at, json!({ "name": "Wall", "retries": "three", "events": ["voucher.deleted"] }));
    let shut = project.webhook(&receiver.url("/"), json!({ "name": "Shut", "events": ["voucher.updated"] }));
    for webhook in [&desk, &wall, &shut] {
        let id = webhook["id"].as_str().expect("an id");
        project.api().post(&format!("/v1/webhooks/{id}/test"), &json!({})).expect(200);
    }
    project.event("voucher.created", json!({}));
    project.event("voucher.deleted", json!({}));
    app.wait_for("retrying", 1);
    app.wait_for("failed", 3);
    // Two of Till and the test to Shut were delivered; what comes now is held by the switch.
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 3);
    project.api().patch("/v1/project", &json!({ "webhooks_enabled": false })).expect(200);
    project.event(TYPE, json!({}));

    let count = |query: &str| rows(&support.get(&format!("{history}?{query}")).expect(200).page());
    assert_eq!((count(""), count("test=0"), count("test=1"), count("test=2")), (8, 5, 3, 0));
    let page = support.get(&format!("{history}?test=1")).expect(200).page();
    assert_eq!(page.text(".filter-chip"), "Tests Tests only");
    assert_eq!(page.text("#test option[selected]"), "Tests only");
    assert!(page.texts(".rows .row-status").iter().all(|status| status.ends_with(" Test")));

    app.db.execute("update projects set first_steps_dismissed_at = now()");
    let counted =
        "(select from delivery_figures where grain = 60 having sum(delivered_first + failed) = 3) c";
    app.wait_until("they are counted", |app| app.db.count(counted) > 0);
    let overview = support.get(&format!("/p/{}/overview", project.id)).expect(200).page();
    let figures = overview.texts(".summary-counts .summary-number");
    assert_eq!(figures[..4], ["2", "1", "1", "1"]);
    for (at, label) in ["Delivered", "Failed", "Under way", "Held"].into_iter().enumerate() {
        let card = format!(".summary-card:nth-of-type({}) li:nth-of-type({}) a", at / 2 + 2, at % 2 + 1);
        assert!(overview.text(&card).contains(label));
        let list = support.get(&overview.attribute(&card, "href").expect("a link")).expect(200).page();
        assert_eq!(rows(&list).to_string(), figures[at], "{label}");
    }
    let all = overview.attribute(".panel-head a[href*='status=failed']", "href").expect("a link");
    assert_eq!(rows(&support.get(&all).expect(200).page()), overview.count(".told-row"));
}
