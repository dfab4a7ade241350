//! Saved views: a person keeps filters of a list under a name, for themselves and this project.
use callout::models::projects::members::Role;
use serde_json::json;

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory::{self, Project};
use crate::support::people;
use crate::support::receiver;

const TYPE: &str = "customer.rewarded";

fn started() -> (App, Project, Client) {
    let app = App::start();
    let receiver = receiver::start();
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    let viewer = people::member(&app, project.id, Role::Viewer);
    (app, project, viewer)
}

fn save(browser: &Client, project: &Project, name: &str, query: &str) -> String {
    let form = [("list", "history"), ("name", name), ("query", query)];
    let saved = browser.post_form(&format!("/p/{}/views", project.id), &form).expect(303);
    saved.header("location").expect("the list").to_owned()
}

fn id_of(link: &str) -> String {
    link.split("saved=").nth(1).expect("a view").to_owned()
}

#[test]
fn filters_that_are_set_are_kept_under_a_name_and_opened_by_a_link() {
    let (_app, project, viewer) = started();
    let history = format!("/p/{}/history", project.id);
    assert_eq!(viewer.get(&history).expect(200).page().count("#view-save"), 0, "nothing to keep");
    let filtered = viewer.get(&format!("{history}?status=failed&event_type={TYPE}&cursor=whs_x")).expect(200);
    let form = filtered.page().form("#view-save form").with("name", "  My failures ");
    let saved = viewer.submit(&history, &form).expect(303);
    let link = saved.header("location").expect("the list").to_owned();
    assert!(link.starts_with(&format!("{history}?status=failed&event_type={TYPE}&saved=view_")), "{link}");
    let page = viewer.get(&link).expect(200).page();
    assert_eq!(page.text(".views-row a[aria-current]"), "My failures");
    assert_eq!((page.count("#view-save"), page.count("#view-update")), (0, 0));
    assert_eq!(page.count(".filter-chip"), 2, "the view is no filter");
    // The same filters without the view's name are marked too, in whatever order.
    let page = viewer.get(&format!("{history}?event_type={TYPE}&status=failed")).expect(200).page();
    assert_eq!(page.text(".views-row a[aria-current]"), "My failures");
}

#[test]
fn an_opened_view_takes_the_filters_that_are_set_meanwhile() {
    let (_app, project, viewer) = started();
    let id = id_of(&save(&viewer, &project, "Broken", "status=failed"));
    let history = format!("/p/{}/history", project.id);
    let page = viewer.get(&format!("{history}?status=failed&test=1&saved={id}")).expect(200).page();
    assert_eq!(page.text(".views-row a[aria-current]"), "Broken");
    assert!(page.text("#view-update").contains("Broken"));
    let updated = viewer.submit(&history, &page.form("form:has(#view-update)")).expect(303);
    assert_eq!(updated.header("location"), Some(&*format!("{history}?status=failed&test=1&saved={id}")));
    let row = viewer.get(&history).expect(200).page();
    let link = row.attribute(&format!("#view-{id}"), "href");
    assert_eq!(link, Some(format!("{history}?status=failed&test=1&saved={id}")));
}

#[test]
fn a_filter_form_keeps_the_view_that_is_open() {
    let (_app, project, viewer) = started();
    let link = save(&viewer, &project, "Broken", "status=failed");
    let page = viewer.get(&link).expect(200).page();
    assert_eq!(page.attribute(".filters input[name=saved]", "value"), Some(id_of(&link)));
}

#[test]
fn a_view_is_renamed_and_deleted_on_the_page_of_views() {
    let (_app, project, viewer) = started();
    let id = id_of(&save(&viewer, &project, "Broken", "status=failed"));
    save(&viewer, &project, "another", "test=1");
    let path = format!("/p/{}/views", project.id);
    let taken = [("list", "history"), ("view", id.as_str()), ("name", "ANOTHER")];
    let refused = viewer.post_form(&format!("{path}/rename"), &taken).expect(422).page();
    assert!(refused.text(".field-error").contains("You have a view of this name already"));
    let long = "x".repeat(61);
    for wrong in ["", "a\u{202e}b", &long] {
        let form = [("list", "history"), ("view", id.as_str()), ("name", wrong)];
        viewer.post_form(&format!("{path}/rename"), &form).expect(422);
    }
    let form = [("list", "history"), ("view", id.as_str()), ("name", "Zebra")];
    viewer.post_form(&format!("{path}/rename"), &form).expect(303);
    let page = viewer.get(&format!("{path}?list=history")).expect(200).page();
    assert_eq!(page.texts("section:has(#own-title) .view-name"), ["another", "Zebra"], "by name");
    viewer.post_form(&format!("{path}/delete"), &[("list", "history"), ("view", &id)]).expect(303);
    let page = viewer.get(&format!("{path}?list=history")).expect(200).page();
    assert_eq!(page.texts("section:has(#own-title) .view-name"), ["another"]);
    // Gone is gone, and said.
    let again = viewer.post_form(&format!("{path}/delete"), &[("list", "history"), ("view", &id)]);
    assert!(viewer.follow(&again.expect(303)).page().text(".toasts").contains("no such view"));
}

#[test]
fn a_name_that_is_taken_or_wrong_is_said_and_the_filters_are_not_lost() {
    let (_app, project, viewer) = started();
    save(&viewer, &project, "Broken", "status=failed");
    let form = [("list", "history"), ("name", "broken"), ("query", "status=held&range=7d")];
    let refused = viewer.post_form(&format!("/p/{}/views", project.id), &form).expect(422).page();
    assert!(refused.text("#saving .field-error").contains("already"));
    let saved = viewer.submit("/", &refused.form("#saving").with("name", "Held")).expect(303);
    assert!(saved.header("location").is_some_and(|to| to.contains("status=held&range=7d&saved=")));
}

#[test]
fn views_that_everybody_has_are_marked_hidden_and_brought_back() {
    let (_app, project, viewer) = started();
    let (history, path) = (format!("/p/{}/history", project.id), format!("/p/{}/views", project.id));
    let names = |page: &crate::support::html::Page| page.texts(".views-row a:not(.views-manage)");
    let page = viewer.get(&format!("{history}?status=failed&range=24h")).expect(200).page();
    assert_eq!(names(&page), ["Failed, last 24 hours", "Waiting", "Tests"]);
    assert_eq!(page.text(".views-row a[aria-current]"), "Failed, last 24 hours");
    assert_eq!(page.count("#view-save"), 0, "there is such a view already");
    let manage = viewer.get(&format!("{path}?list=history")).expect(200).page();
    viewer.submit(&path, &manage.form("form:has(button[aria-label='Hide Waiting'])")).expect(303);
    let page = viewer.get(&history).expect(200).page();
    assert_eq!(names(&page), ["Failed, last 24 hours", "Tests"]);
    let manage = viewer.get(&format!("{path}?list=history")).expect(200).page();
    viewer.submit(&path, &manage.form("form:has(button[aria-label='Show Waiting'])")).expect(303);
    assert_eq!(names(&viewer.get(&history).expect(200).page()).len(), 3);
}

#[test]
fn a_view_drops_what_the_list_does_not_know() {
    let (app, project, viewer) = started();
    let link =
        save(&viewer, &project, "Odd", "status=failed&no_such=1&cursor=x&saved=y&view=raw&open=z&live=1");
    assert!(link.contains("?status=failed&saved="), "{link}");
    // Nor does one that was kept by another version bring it along.
    app.db.execute("update saved_views set query = 'status=failed&gone=1'");
    let row = viewer.get(&format!("/p/{}/history", project.id)).expect(200).page();
    let href = row.attribute(&format!("#view-{}", id_of(&link)), "href").expect("a link");
    assert!(!href.contains("gone"), "{href}");
}

#[test]
fn a_persons_views_are_nobody_elses_and_of_one_project_and_list() {
    let (app, project, viewer) = started();
    let other = factory::project(&app, "Other");
    let support = people::member(&app, project.id, Role::Support);
    let link = save(&viewer, &project, "Mine", "status=failed");
    let id = id_of(&link);
    let page = support.get(&link).expect(200).page();
    assert!(!page.text(".views-row").contains("Mine"), "{}", page.text(".views-row"));
    let path = format!("/p/{}/views", project.id);
    for (action, more) in [("rename", ("name", "Yours")), ("update", ("query", "")), ("delete", ("x", ""))] {
        let form = [("list", "history"), ("view", id.as_str()), more];
        support.post_form(&format!("{path}/{action}"), &form).expect(303);
        // Of another list it is none either.
        let form = [("list", "events"), ("view", id.as_str()), more];
        viewer.post_form(&format!("{path}/{action}"), &form).expect(303);
        let owner = people::signed_in(&app, "viewer@example.com", people::PASSWORD);
        owner.post_form(&format!("/p/{}/views/{action}", other.id), &form).expect(404);
    }
    assert_eq!(app.db.text("select name || ' ' || query from saved_views"), "Mine status=failed");
}

#[test]
fn fifty_views_of_a_list_are_kept_and_no_more() {
    let (app, project, viewer) = started();
    save(&viewer, &project, "First", "status=failed");
    app.db.execute(
        "insert into saved_views select project_id, user_id, gen_random_uuid(), list, 'v' || n, query \
         from saved_views, generate_series(1, 49) n",
    );
    let form = [("list", "history"), ("name", "One more"), ("query", "test=1")];
    let refused = viewer.post_form(&format!("/p/{}/views", project.id), &form).expect(422).page();
    assert!(refused.text("#saving").contains("50 views already"), "{}", refused.text("#saving"));
    let events = [("list", "events"), ("name", "First"), ("query", "test=1")];
    viewer.post_form(&format!("/p/{}/views", project.id), &events).expect(303);
}

#[test]
fn events_have_views_of_their_own() {
    let (app, project, viewer) = started();
    save(&viewer, &project, "Of deliveries", "status=failed");
    let support = people::member(&app, project.id, Role::Support);
    let events = format!("/p/{}/events", project.id);
    let page = support.get(&format!("{events}?type={TYPE}")).expect(200).page();
    let saved = support.submit(&events, &page.form("#view-save form").with("name", "Rewards")).expect(303);
    let link = saved.header("location").expect("the list").to_owned();
    assert!(link.starts_with(&format!("{events}?type={TYPE}&saved=")), "{link}");
    assert_eq!(support.get(&link).expect(200).page().text(".views-row a[aria-current]"), "Rewards");
    let history = support.get(&format!("/p/{}/history", project.id)).expect(200).page();
    assert!(!history.text(".views-row").contains("Rewards"));
}
