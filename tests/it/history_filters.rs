//! Filters of history and events: each chip has its effect.
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
