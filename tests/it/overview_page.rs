//! The overview's page: ranges, the chart with its table, what fails and what of it is known.
use callout::models::projects::members::Role;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::html::Page;
use crate::support::people;
use crate::support::receiver::{self, Behaviour, Receiver};

const TYPE: &str = "customer.rewarded";

/// A project whose webhook fails with 503 once it was counted.
fn failing() -> (App, Project, Receiver, String) {
    let (app, receiver) = (App::start(), receiver::start_with(Behaviour::status(503)));
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({ "name": "Till", "retries": "none" }));
    app.db.execute("update projects set first_steps_dismissed_at = now()");
    fail(&app, &project, 1);
    let path = format!("/p/{}/overview", project.id);
    (app, project, receiver, path)
}

fn fail(app: &App, project: &Project, counted: i64) {
    project.event(TYPE, json!({}));
    let sum = format!("(select from failure_counts where grain = 60 having sum(attempts) = {counted}) c");
    app.wait_until("it is counted", |app| app.db.count(&sum) > 0);
}

fn groups(project: &Project) -> Vec<Value> {
    let told = project.api().get("/v1/figures").expect(200).json();
    told["failure_groups"].as_array().cloned().unwrap_or_default()
}

#[test]
fn each_range_shows_a_chart_with_a_table_or_offers_a_longer_one() {
    let (app, project, _receiver, path) = failing();
    let viewer = people::member(&app, project.id, Role::Viewer);
    let show = |range: &str| viewer.get(&format!("{path}?range={range}")).expect(200).page();
    for range in ["1h", "6h", "24h", "7d", "30d", "90d", "nonsense"] {
        let page = show(range);
        assert_eq!(page.count(".chart-drawing rect"), 1, "{range}");
        assert_eq!(page.count(".chart-table tbody tr"), 1, "{range}");
        assert_eq!(page.count(".summary-ranges [aria-current]"), 1, "{range}");
        let list = page.attribute(".chart-table tbody a", "href").expect("the history of that time");
        assert_eq!(viewer.get(&list).expect(200).page().count("tbody tr"), 1, "{range}");
        let list = page.attribute(".failing a[href*='failure=']", "href").expect("the history of the group");
        assert_eq!(viewer.get(&list).expect(200).page().count("tbody tr"), 1, "{range}");
    }
    app.advance(time::Duration::hours(3));
    let page = show("1h");
    assert!(!page.has(".chart-drawing") && page.text("#chart-empty").contains("the last 6 hours"));
    let longer = page.attribute("#chart-empty a", "href").expect("a longer range");
    assert!(viewer.get(&longer).expect(200).page().has(".chart-drawing"));
}

#[test]
fn a_known_failure_stands_below_the_others_until_it_is_undone() {
    let (app, project, receiver, path) = failing();
    let support = people::member(&app, project.id, Role::Support);
    let show = || -> Page { support.get(&path).expect(200).page() };
    let known = show().attribute(".failing form", "action").expect("a form");
    support.post_form(&known, &[("note", " "), ("range", "24h")]).expect(303);
    assert!(!show().has(".is-known"), "without a note");
    support.post_form(&known, &[("note", "Maintenance, ticket 123"), ("range", "7d")]).expect(303);
    let page = show();
    assert!(page.text(".is-known .failing-note").contains("Maintenance, ticket 123"));
    assert_eq!(page.count(".failing"), 1);
    // What fails in another way is news.
    receiver.set(Behaviour::status(500));
    fail(&app, &project, 2);
    let page = show();
    assert!(page.text(".failing:not(.is-known)").contains("500 Internal Server Error"));
    let told = groups(&project);
    assert_eq!(
        (&told[0]["known"], &told[1]["known"]["note"]),
        (&Value::Null, &json!("Maintenance, ticket 123"))
    );
    let undo = page.attribute(".is-known form", "action").expect("a form");
    support.post_form(&undo, &[("range", "24h")]).expect(303);
    assert_eq!((show().count(".is-known"), show().count(".failing")), (0, 2));
}

#[test]
fn a_viewer_sees_what_is_known_and_marks_nothing_and_no_project_sees_anothers() {
    let (app, project, _receiver, path) = failing();
    let id = groups(&project)[0]["id"].as_str().expect("an id").to_owned();
    let viewer = people::member(&app, project.id, Role::Viewer);
    let page = viewer.get(&path).expect(200).page();
    assert!(page.has(".failing") && !page.has(".failing form"));
    viewer.post_form(&format!("{path}/failures/{id}/known"), &[("note", "x")]).expect(403);
    let other = factory::project(&app, "Other");
    let known = format!("/v1/failure-groups/{id}/known");
    other.api().post(&known, &json!({ "note": "x" })).expect(404);
    other.api().delete(&known).expect(404);
    let told = other.api().get("/v1/figures?range=7d").expect(200).json();
    assert_eq!((&told["failure_groups"], &told["webhooks"]), (&json!([]), &json!([])));
    project.api().post(&known, &json!({ "note": "by a program" })).expect(204);
    assert_eq!(groups(&project)[0]["known"]["by"], "all");
    project.api().delete(&known).expect(204);
    assert_eq!(groups(&project)[0]["known"], Value::Null);
}
