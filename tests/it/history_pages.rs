//! History and events as people read them, without scripts.
use callout::models::projects::members::Role;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory::{self, Project};
use crate::support::html::Page;
use crate::support::people;
use crate::support::receiver::{self, Behaviour};

const TYPE: &str = "customer.rewarded";

fn started() -> (App, Project, Client, String) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let support = people::member(&app, project.id, Role::Support);
    let path = format!("/p/{}/history", project.id);
    (app, project, support, path)
}

fn failing() -> Behaviour {
    Behaviour { status: 503, body: "busy".into(), ..Behaviour::default() }
}

fn types(page: &Page) -> Vec<String> {
    page.texts(".rows .row-link")
}

/// The page of the only delivery.
fn only(project: &Project, path: &str) -> String {
    format!("{path}/{}", project.deliveries()[0]["id"].as_str().expect("an id"))
}

#[test]
fn an_empty_history_says_what_to_do_and_a_search_without_result_how_to_go_on() {
    let (app, project, support, path) = started();
    let receiver = receiver::start();
    assert!(support.get(&path).expect(200).page().text(".empty-state").contains("/v1/events"));
    project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    let none = support.get(&format!("{path}?status=failed&q=nothing")).expect(200).page();
    assert!(none.text(".empty-state").contains("Clear all filters"));
    assert_eq!(none.count(".filter-chip"), 2);
    assert!(none.text(".empty-state").contains("Search finds whole values"));
    let without = support.get(&format!("{path}?status=failed")).expect(200).page();
    assert!(!without.text(".empty-state").contains("Search"));
}

#[test]
fn what_a_form_leaves_empty_is_taken_out_of_the_address() {
    let (app, project, support, path) = started();
    let events = format!("/p/{}/events", project.id);
    for (asked, short) in [
        (format!("{path}?status=failed&q=&range=&since="), format!("{path}?status=failed")),
        (format!("{path}?q="), path.clone()),
        (format!("{events}?type=&q=order+7"), format!("{events}?q=order+7")),
    ] {
        let answer = support.get(&asked).expect(303);
        assert_eq!(answer.header("location"), Some(short.as_str()));
        support.get(&short).expect(200);
        support.clone().by_htmx().get(&asked).expect(200);
    }
    drop(app);
}

#[test]
fn from_and_to_are_utc_and_say_so_and_their_chips_are_moments() {
    let (_app, _project, support, path) = started();
    let page = support.get(&format!("{path}?since=2026-11-01T10:30:00%2B02:00")).expect(200).page();
    assert!(page.text("label[for='since']").contains("(UTC)"));
    assert_eq!(page.attribute("#since[data-utc]", "value"), Some("2026-11-01T08:30".to_owned()));
    assert_eq!(page.attribute(".filter-chip time", "datetime"), Some("2026-11-01T08:30:00Z".to_owned()));
}

#[test]
fn each_filter_finds_what_it_says_and_comes_off_alone() {
    let (app, project, support, path) = started();
    let (good, bad) = (receiver::start(), receiver::start_with(failing()));
    let till =
        project.webhook(&good.url("/"), json!({ "name": "Till", "events": [TYPE, "voucher.created"] }));
    project.webhook(&bad.url("/"), json!({ "name": "Desk", "retries": "none" }));
    project.event("voucher.created", json!({}));
    app.wait_for("delivered", 1);
    app.advance(time::Duration::hours(2));
    let event = project.post_event(&json!({ "type": TYPE, "id": "order-7", "data": {} })).expect(202).json();
    app.wait_for("failed", 1);
    app.wait_for("delivered", 2);
    let count =
        |query: &str| support.get(&format!("{path}?{query}")).expect(200).page().count(".rows tbody tr");
    let by_webhook = format!("webhook_id={}", till["id"].as_str().expect("an id"));
    let by_event = format!("q={}", event["id"].as_str().expect("an id"));
    for (query, found) in [
        ("", 3),
        ("status=failed", 1),
        ("status=failed,delivered", 3),
        ("status=failed&status=delivered", 3),
        (by_webhook.as_str(), 2),
        ("event_type=voucher.created", 1),
        ("response_status=5xx", 1),
        ("response_status=200", 2),
        ("range=1h", 2),
        ("until=2026-11-21T13:00", 1),
        ("q=order-7", 2),
        (by_event.as_str(), 2),
        ("q=order-7&status=failed", 1),
        ("q=order-8", 0),
    ] {
        assert_eq!(count(query), found, "{query}");
    }
    let page = support.get(&format!("{path}?status=failed&range=1h")).expect(200).page();
    let off = page.attribute(".filter-chip a", "href").expect("a link");
    assert_eq!(off, format!("{path}?range=1h"));
    let form = page.form("form.filters").with("response_status", "5xx");
    let found = support.follow(&support.submit(&path, &form).expect(303)).expect(200).page();
    assert_eq!(found.count(".filter-chip"), 3, "the rest is kept");
}

#[test]
fn a_long_history_is_read_page_by_page() {
    let (app, project, support, path) = started();
    let receiver = receiver::start();
    project.webhook(&receiver.url("/"), json!({}));
    let events: Vec<Value> = (0..51).map(|n| json!({ "type": TYPE, "data": { "n": n } })).collect();
    project.api().post("/v1/events/batch", &json!(events)).expect(202);
    app.wait_for("delivered", 51);
    let first = support.get(&path).expect(200).page();
    assert_eq!(first.count(".rows tbody tr"), 50);
    let older = first.attribute(".pager a[rel=next]", "href").expect("a link");
    let second = support.get(&older).expect(200).page();
    assert_eq!(second.count(".rows tbody tr"), 1);
    assert_eq!(second.attribute(".pager a", "href"), Some(path));
}

#[test]
fn a_fragment_of_the_history_is_a_part_of_its_page() {
    let (app, project, support, path) = started();
    let receiver = receiver::start();
    project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    let page = support.get(&path).expect(200).body;
    let fragment = support.by_htmx().get(&path).expect(200);
    assert!(fragment.header("vary").is_some_and(|vary| vary.to_lowercase().contains("hx-request")));
    assert!(page.contains(fragment.body.trim()) && fragment.body.len() < page.len());
}

#[test]
fn a_delivery_shows_every_attempt_as_it_was_sent_and_answered() {
    let (app, project, support, path) = started();
    let receiver = receiver::start_with(failing());
    project.webhook(&receiver.url("/in"), json!({ "retries": "three" }));
    project.event(TYPE, json!({ "amount": 1, "note": "<i>it's</i>" }));
    app.wait_for("retrying", 1);
    app.advance(time::Duration::minutes(1));
    app.wait_until("the second attempt is known", |app| app.db.count("attempts") == 2);
    app.wait_for("retrying", 1);

    let page = only(&project, &path);
    let shown = support.get(&page).expect(200).page();
    assert!(shown.text(".standing").contains("Retry 2 of 3"), "{}", shown.text(".standing"));
    assert_eq!(shown.count(".attempt"), 2);
    assert!(shown.text("#attempt-title").contains("Attempt 2"));
    assert!(shown.text("section[aria-labelledby=response-title]").contains("503 Service Unavailable"));
    assert_eq!(shown.text("#response-body"), "busy");
    assert!(shown.text(".timing-table").contains("In all"));

    let first = support.get(&format!("{page}?attempt=1&view=raw")).expect(200).page();
    assert!(first.text("#attempt-title").contains("Attempt 1"));
    let sent = String::from_utf8(receiver::received(&receiver, 2)[0].body.to_vec()).expect("text");
    assert_eq!(first.text("#request-body"), sent, "as it was sent");
    let command = first.text("#curl-command");
    assert!(command.contains("webhook-id") && !command.contains("webhook-signature"), "{command}");
}

#[test]
fn resending_goes_out_at_once_and_says_why_it_cannot() {
    let (app, project, support, path) = started();
    let receiver = receiver::start();
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    let page = only(&project, &path);
    let resend = support.get(&page).expect(200).page().form("main form[action$='/resend']");
    let answer = support.submit(&page, &resend).expect(303);
    assert!(support.follow(&answer).expect(200).page().text("[role=status]").contains("sent again"));
    assert_eq!(receiver::received(&receiver, 2)[1].header("webhook-id"), page.rsplit('/').next());
    app.dispatch_until_idle();
    app.db.execute("update deliveries set status = 0, ended_at = null");
    let due = support.get(&page).expect(200).page().text("#standing");
    assert!(due.contains("Sent again: attempt 3 is due"), "{due}");
    app.db.execute("update deliveries set status = 2, ended_at = now()");

    let id = webhook["id"].as_str().expect("an id");
    project.api().patch(&format!("/v1/webhooks/{id}"), &json!({ "active": false })).expect(200);
    let shown = support.get(&page).expect(200).page();
    assert!(
        shown.has("main form button[disabled]")
            && shown.text(".standing").contains("Resume the webhook first")
    );
    let answer = support.submit(&page, &resend).expect(303);
    assert!(
        support
            .follow(&answer)
            .expect(200)
            .page()
            .text(".notice-bad[role=alert]:not([hidden])")
            .contains("paused or disabled")
    );
    assert_eq!(receiver.count(), 2);
}

#[test]
fn a_viewer_reads_the_history_but_cannot_resend_or_open_events() {
    let (app, project, _support, path) = started();
    let receiver = receiver::start();
    project.webhook(&receiver.url("/"), json!({}));
    let event = project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    let viewer = people::member(&app, project.id, Role::Viewer);
    let page = only(&project, &path);
    let shown = viewer.get(&page).expect(200).page();
    assert!(!shown.has("form[action$='/resend']"));
    viewer.post_form(&format!("{page}/resend"), &[]).expect(403);
    let id = event["id"].as_str().expect("an id");
    assert!(!shown.has(&format!("a[href$='/events/{id}']")), "no link to what may not be opened");
    viewer.get(&format!("/p/{}/events/{id}", project.id)).expect(403);
}

#[test]
fn a_viewer_reads_the_history_without_bodies_secrets_and_queries() {
    let (app, project, support, path) = started();
    let receiver = receiver::start_with(failing());
    project.webhook(&receiver.url("/in?key=opensesame"), json!({ "retries": "none" }));
    project.event(TYPE, json!({ "note": "very-private" }));
    app.wait_for("failed", 1);
    let page = only(&project, &path);
    let viewer = people::member(&app, project.id, Role::Viewer).get(&page).expect(200);
    for hidden in ["very-private", "opensesame", "v1,", "busy"] {
        assert!(!viewer.body.contains(hidden), "{hidden} in {}", viewer.body);
    }
    let shown = viewer.page();
    assert!(!shown.has("#request-body, #response-body, #curl-command"));
    assert!(shown.text("section[aria-labelledby=response-title]").contains("shown to support and admins"));
    assert!(viewer.body.contains("/in?•••") && viewer.body.contains("application/json"));

    let support = support.get(&page).expect(200);
    assert!(support.body.contains("very-private"), "{}", support.body);
    assert!(!support.body.contains("opensesame"), "{}", support.body);
    let admin = people::member(&app, project.id, Role::Admin).get(&page).expect(200);
    assert!(admin.body.contains("/in?key=opensesame"));
}

#[test]
fn the_page_asks_again_only_until_nothing_more_happens_and_is_told_only_of_news() {
    let (app, project, support, path) = started();
    let receiver = receiver::start_with(failing());
    project.webhook(&receiver.url("/"), json!({ "retries": "three" }));
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    let page = only(&project, &path);
    let shown = support.get(&page).expect(200).page();
    let again = shown.attribute("#asking", "hx-get").expect("it asks again");
    let htmx = support.by_htmx();
    htmx.get(&again).expect(204);
    receiver.set(Behaviour::default());
    app.advance(time::Duration::minutes(1));
    app.wait_for("delivered", 1);
    let news = htmx.get(&again).expect(200).page();
    assert!(news.text(".standing").contains("Delivered") && !news.has("#asking[hx-get]"));
}

#[test]
fn an_event_shows_its_data_digit_for_digit_and_where_it_went() {
    let (app, project, support, _path) = started();
    let receiver = receiver::start();
    project.webhook(&receiver.url("/"), json!({ "name": "Till" }));
    project.webhook(&receiver.url("/"), json!({ "name": "Desk", "active": false }));
    project.webhook(&receiver.url("/"), json!({ "name": "Vouchers", "events": ["voucher.created"] }));
    let body = r#"{"type":"customer.rewarded","id":"order-9","data":{"n":12345678901234567890,"b":[]}}"#;
    let headers = [("content-type", "application/json")];
    let accepted = project.api().send("POST", "/v1/events", &headers, body.as_bytes()).expect(202).json();
    app.wait_for("delivered", 1);
    let list = format!("/p/{}/events", project.id);
    let listed = support.get(&format!("{list}?q=order-9")).expect(200).page();
    assert_eq!(types(&listed).len(), 1);
    let id = accepted["id"].as_str().expect("an id");
    let shown = support.get(&format!("{list}/{id}")).expect(200).page();
    assert_eq!(shown.text("#event-data"), r#"{ "n": 12345678901234567890, "b": [] }"#);
    let raw = support.get(&format!("{list}/{id}?view=raw")).expect(200).page();
    assert_eq!(raw.text("#event-data"), r#"{"n":12345678901234567890,"b":[]}"#);
    let told = shown.texts(".told > li");
    for (name, state) in [("Till", "Delivered"), ("Desk", "Paused"), ("Vouchers", "Not subscribed")] {
        assert!(told.iter().any(|line| line.contains(name) && line.contains(state)), "{name}: {told:?}");
    }
}

#[test]
fn filters_that_no_database_can_hold_are_left_out_and_refused_by_the_api() {
    let (_app, project, support, path) = started();
    let far = "9999-12-31T23:59:00-23:00";
    for query in [
        "q=%00".to_owned(),
        "event_type=%00".to_owned(),
        format!("since={far}"),
        format!("until={far}"),
        "since=0000-01-01T00:00:00%2B23:00&until=9999-12-31T23:59:59Z".to_owned(),
    ] {
        support.get(&format!("{path}?{query}")).expect(200);
        support.get(&format!("/p/{}/events?{query}", project.id)).expect(200);
    }
    for query in ["q=%00".to_owned(), format!("since={far}"), format!("until={far}")] {
        project.api().get(&format!("/v1/deliveries?{query}")).expect(422);
        project.api().get(&format!("/v1/events?{query}")).expect(422);
    }
    project.api().get("/v1/events?since=0000-01-01T00:00:00%2B23:00&until=9999-12-31T23:59:59Z").expect(200);
}

#[test]
fn a_filter_that_means_nothing_finds_nothing_and_says_so() {
    let (app, project, support, path) = started();
    let receiver = receiver::start();
    project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    let events = format!("/p/{}/events", project.id);
    for address in [
        format!("{path}?status=nonsense"),
        format!("{path}?webhook_id=garbage"),
        format!("{path}?response_status=9xx"),
        format!("{path}?range=5y"),
        format!("{events}?range=5y"),
        format!("{path}?since=soon"),
        format!("{path}?until=2026-13-01"),
        format!("{events}?until=soon"),
    ] {
        let page = support.get(&address).expect(200).page();
        assert_eq!(page.count(".rows tbody tr"), 0, "{address}");
        assert!(page.text(".filter-chip").contains("not understood"), "{address}");
    }
    for address in [format!("{path}?cursor=x"), format!("{events}?cursor=x")] {
        let page = support.get(&address).expect(200).page();
        assert_eq!((page.count(".rows tbody tr"), page.has("#pager-newest")), (1, false), "{address}");
    }
    let some = support.get(&format!("{path}?status=nonsense,delivered")).expect(200).page();
    assert_eq!(some.count(".rows tbody tr"), 1);
}

#[test]
fn a_deleted_webhook_is_filtered_by_its_name_and_resending_to_it_is_refused_as_such() {
    let (app, project, support, path) = started();
    let receiver = receiver::start();
    let webhook = project.webhook(&receiver.url("/"), json!({ "name": "Till" }));
    let id = webhook["id"].as_str().expect("an id");
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    project.api().delete(&format!("/v1/webhooks/{id}")).expect(204);
    let page = support.get(&format!("{path}?webhook_id={id}")).expect(200).page();
    assert!(page.text(".filter-chip").contains("Till (deleted)"));
    assert!(!page.has("#webhook_id option[value^='wh_']"), "only what can be added is offered");

    let delivery = only(&project, &path);
    support.post_form(&format!("{delivery}/resend"), &[]).expect(303);
    let told = support.get(&delivery).expect(200).page();
    assert!(told.text(".notice-bad:not([hidden])").contains("Its webhook was deleted"));
    assert!(!support.get(&delivery).expect(200).page().has(".notice:not([hidden])"), "said once");
}

#[test]
fn news_keep_the_attempt_that_is_looked_at() {
    let (app, project, support, path) = started();
    let receiver = receiver::start_with(failing());
    project.webhook(&receiver.url("/"), json!({ "retries": "three" }));
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    let shown = support.get(&only(&project, &path)).expect(200).page();
    let again = shown.attribute("#asking", "hx-get").expect("it asks again");
    app.advance(time::Duration::minutes(1));
    app.wait_until("a second attempt", |_| receiver.count() == 2);
    app.wait_for("retrying", 1);
    let news = support.by_htmx().get(&again).expect(200).page();
    assert_eq!((news.count(".attempt"), news.text("#attempt-title")), (2, "Attempt 1".to_owned()));
}
