//! The history followed live: what is new is counted, what changes is told row by row, and only to who may read it.
use std::time::{Duration, Instant};

use callout::models::projects::members::{self, Role};
use callout::pages::history::live::STREAMS_MAX;
use serde_json::json;
use time::Duration as Span;

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory::{self, Project};
use crate::support::following::Following;
use crate::support::people::{self, PASSWORD};
use crate::support::receiver::{self, Behaviour};
use crate::support::{nodes, raw};

const TYPE: &str = "customer.rewarded";
/// As often a list is looked at.
const PAUSE: Span = Span::seconds(2);

fn started() -> (App, Project, Client, String) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let support = people::member(&app, project.id, Role::Support);
    let path = format!("/p/{}/history?live=1", project.id);
    (app, project, support, path)
}

/// One delivery that failed.
fn failed(app: &App, project: &Project) {
    project.webhook(&format!("http://{}/", raw::closed_port()), json!({ "retries": "none" }));
    project.event(TYPE, json!({}));
    app.wait_for("failed", 1);
}

#[test]
fn what_is_new_is_counted_and_what_changed_comes_as_a_row() {
    let (app, project, support, path) = started();
    let busy = receiver::start_with(Behaviour { status: 503, ..Behaviour::default() });
    let webhook = project.webhook(&busy.url("/"), json!({ "retries": "three" }));
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    let mut following = Following::list(&support, &path);
    let first = following.look().expect("a look");
    assert!(first.starts_with("retry: ") && first.ends_with(":\n\n"), "nothing has changed yet: {first}");
    let good = receiver::start();
    project.webhook(&good.url("/"), json!({ "events": ["voucher.created"] }));
    project.event("voucher.created", json!({}));
    app.wait_for("delivered", 1);
    app.clock.advance(PAUSE);
    let told = following.look().expect("a look");
    assert!(told.contains("event: new\ndata: 1\n\n") && !told.contains("event: row"), "{told}");
    project.api().delete(&format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"))).expect(204);
    app.wait_for("cancelled", 1);
    app.clock.advance(PAUSE);
    let told = following.look().expect("a look");
    assert!(told.contains("event: row") && told.contains("Cancelled") && told.contains("<tr id=\"row-whs_"));
    assert!(!told.contains("event: new"), "the count is as it was");
    app.clock.advance(PAUSE);
    assert_eq!(following.look().as_deref(), Some(":\n\n"), "nothing is told twice");
}

#[test]
fn the_count_goes_by_the_filter_of_the_list() {
    let (app, project, support, path) = started();
    let mut following = Following::list(&support, &format!("{path}&status=failed"));
    following.look().expect("a look");
    let good = receiver::start();
    project.webhook(&good.url("/"), json!({}));
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    app.clock.advance(PAUSE);
    assert_eq!(following.look().as_deref(), Some(":\n\n"));
    failed(&app, &project);
    app.clock.advance(PAUSE);
    assert!(following.look().expect("a look").contains("event: new\ndata: 1\n"));
}

#[test]
fn a_list_that_is_followed_on_one_node_sees_what_another_one_does() {
    let (app, project, _, path) = started();
    let second = nodes::beside(&app);
    let there = people::signed_in(&second, "support@example.com", PASSWORD);
    let mut following = Following::list(&there, &path);
    following.look().expect("a look");
    failed(&app, &project);
    app.clock.advance(PAUSE);
    assert!(following.look().expect("a look").contains("event: new\ndata: 1\n"));
}

#[test]
fn nothing_of_another_project_is_told() {
    let (app, project, support, path) = started();
    let other = factory::project(&app, "Other");
    failed(&app, &other);
    let foreign = other.deliveries()[0]["id"].as_str().expect("an id").to_owned();
    let live = format!("/p/{}/history/live", project.id);
    let mut following = Following::open(&support, &format!("{live}?shown={foreign}.due.0.0"));
    assert!(following.look().expect("a look").ends_with(":\n\n"));
    let outside = people::member(&app, other.id, Role::Viewer);
    assert_eq!(Following::open(&outside, &live).status, 404);
    let mut own = Following::list(&support, &path);
    assert!(own.look().expect("a look").ends_with(":\n\n"));
}

#[test]
fn who_signs_out_is_told_nothing_more() {
    let (app, _, support, path) = started();
    let mut following = Following::list(&support, &path);
    following.look().expect("a look");
    support.post_form("/sign-out", &[]).expect(303);
    app.clock.advance(PAUSE);
    assert_eq!(following.look(), None);
}

#[test]
fn who_has_another_role_asks_anew() {
    let (app, project, support, path) = started();
    let mut following = Following::list(&support, &path);
    following.look().expect("a look");
    let user = callout::models::accounts::find_by_email(&mut app.db.conn(), "support@example.com");
    let user = user.expect("a look").expect("a person").id;
    members::set(&mut app.db.conn(), project.id, user, Role::Viewer, app.clock.now()).expect("a role");
    app.clock.advance(PAUSE);
    assert_eq!(following.look(), None);
    let mut again = Following::list(&support, &path);
    assert!(again.look().is_some());
}

#[test]
fn a_stream_ends_after_half_an_hour_and_is_asked_for_anew() {
    let (app, _, support, path) = started();
    let mut following = Following::list(&support, &path);
    following.look().expect("a look");
    app.clock.advance(Span::minutes(31));
    assert_eq!(following.look(), None);
}

#[test]
fn a_stop_waits_for_no_list_that_is_followed() {
    let (mut app, _, support, path) = started();
    let mut following = Following::list(&support, &path);
    following.look().expect("a look");
    let began = Instant::now();
    app.stop();
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(following.look(), None);
}

#[test]
fn so_many_lists_are_followed_on_a_node_and_one_more_is_refused_in_words() {
    let (_app, _, support, path) = started();
    let page = support.get(&path).expect(200).page();
    let live = page.attribute("[data-live-list]", "data-live-list").expect("a list to follow");
    let all: Vec<Following> = (0..STREAMS_MAX)
        .map(|_| {
            let mut following = Following::open(&support, &live);
            following.look().expect("a look");
            following
        })
        .collect();
    assert_eq!(Following::open(&support, &live).status, 503);
    assert!(support.get(&live).expect(503).body.contains("Try again in a minute"));
    assert!(page.text("[data-live-off]").contains("too many lists"), "the page has the words for it");
    drop(all);
}

#[test]
fn only_the_first_page_is_followed_and_following_is_no_filter() {
    let (app, project, support, path) = started();
    failed(&app, &project);
    let page = support.get(&path).expect(200).page();
    assert_eq!(page.count(".filter-chip"), 0);
    assert_eq!(page.attribute("#live", "href"), Some(format!("/p/{}/history", project.id)));
    assert!(page.attribute("#status-failed", "href").expect("a link").contains("live=1"), "it is kept");
    let older = format!("{path}&cursor={}", project.deliveries()[0]["id"].as_str().expect("an id"));
    assert!(!support.get(&older).expect(200).page().has("[data-live-list]"));
    // What follows is no filter of a replay: that would be everything.
    let replay = support.get(&format!("/p/{}/replays/new?live=1&open=x", project.id)).expect(200).page();
    assert!(!replay.has(".filter-chip"), "{}", replay.source());
}
