//! Finding events and their deliveries by what is in them, in API and pages, whether the index knows them or not yet.
use callout::base::ids::{self, ProjectId};
use callout::models::projects::members::Role;
use callout::models::search::{self, Kept, MARGIN, Step};
use serde_json::json;
use time::Duration;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::html::Page;
use crate::support::people;
use crate::support::receiver::{self, Receiver};

const TYPE: &str = "customer.rewarded";
const KEPT: Kept = Kept { bytes: 1 << 40, time: Duration::days(30) };

/// Ann's order that was delivered, and Bob's.
fn started() -> (App, Project, Receiver) {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({ "retries": "none" }));
    ann(&project);
    let bob = json!({
        "type": TYPE, "id": "order-8", "entity_id": "cust_bob",
        "data": { "customer": { "email": "bob@example.com", "phone": "02 123 45 67" }, "campaign": "Autumn" },
    });
    project.post_event(&bob).expect(202);
    app.wait_for("delivered", 2);
    (app, project, receiver)
}

fn ann(project: &Project) {
    let event = json!({
        "type": TYPE, "id": "Order-7", "entity_id": "cust_Ann", "group_id": "basket-1",
        "data": {
            "customer": { "email": "Ann.Berg@Example.com", "phone": "+351 912 345 678", "source_id": "crm-00017" },
            "voucher": { "code": "SUMMER-7KQ2M" }, "campaign": "Autumn", "amount": 123_456, "vip": true,
        },
    });
    project.post_event(&event).expect(202);
}

fn id_of(project: &Project) -> ProjectId {
    project.id.to_string().parse().expect("an id")
}

/// Lets the index come to all that there is.
fn indexed(app: &App, project: &Project) {
    app.advance(Duration::hours(2));
    let end = ids::lower_bound(app.clock.now() - MARGIN);
    app.wait_until("the index has come so far", |app| {
        let known = format!(
            "search_progress where project_id = '{}' and known_to >= '{end}' and is_whole",
            id_of(project).0
        );
        app.db.count(&known) == 1
    });
}

fn found(project: &Project, list: &str, q: &str) -> usize {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", q).finish();
    let separator = if list.contains('?') { "&" } else { "?" };
    let answer = project.api().get(&format!("{list}{separator}{query}")).expect(200).json();
    answer["data"].as_array().expect("a list").len()
}

/// Each way to type what is known, and how many events it finds.
const TYPED: [(&str, usize); 24] = [
    ("ann.berg@example.com", 1),
    ("ANN.BERG@EXAMPLE.COM", 1),
    ("+351 912 345 678", 1),
    ("351912345678", 1),
    ("+351-912345678", 1),
    ("summer-7kq2m", 1),
    ("SUMMER*", 1),
    ("ann.*", 1),
    ("35191*", 1),
    ("021234567", 1),
    ("autumn", 2),
    ("aut*", 2),
    ("cust_ann", 1),
    ("cust_*", 2),
    ("basket-1", 1),
    ("order-7", 1),
    ("Order-7", 1),
    ("order-*", 2),
    ("crm-00017", 1),
    ("123456", 1),
    ("ann", 0),
    ("example.com", 0),
    ("true", 0),
    ("nobody@example.com", 0),
];

#[test]
fn events_and_deliveries_are_found_by_what_is_in_them_before_and_after_the_index_knows_them() {
    let (app, project, _receiver) = started();
    for is_indexed in [false, true] {
        if is_indexed {
            indexed(&app, &project);
            assert!(app.db.count("search_segments") > 0);
        }
        for (typed, count) in TYPED {
            assert_eq!(found(&project, "/v1/deliveries", typed), count, "{typed}, indexed: {is_indexed}");
            assert_eq!(found(&project, "/v1/events", typed), count, "{typed}, indexed: {is_indexed}");
        }
    }
    project.event(TYPE, json!({ "campaign": "Autumn" }));
    assert_eq!(found(&project, "/v1/events", "autumn"), 3, "what is new is found at once");
}

#[test]
fn a_group_that_is_named_after_its_first_event_is_found_with_that_one() {
    let (app, project, _receiver) = started();
    let two = json!([{ "type": TYPE, "data": {} }, { "type": TYPE, "data": {} }]);
    // All that came before is of one moment, and in no order.
    app.clock.advance(Duration::milliseconds(5));
    project.api().post("/v1/events/batch", &two).expect(202);
    let listed = project.api().get("/v1/events").expect(200).json();
    let group = listed["data"][0]["group_id"].as_str().expect("a group").to_owned();
    assert_eq!(found(&project, "/v1/events", &group), 2);
    indexed(&app, &project);
    assert_eq!(found(&project, "/v1/events", &group), 2);
}

#[test]
fn a_search_goes_with_every_other_filter() {
    let (app, project, _receiver) = started();
    app.db.execute("update deliveries set status = 4 where id in (select id from deliveries limit 1)");
    indexed(&app, &project);
    for (query, count) in [
        ("status=failed", 1),
        ("status=delivered", 1),
        ("status=held", 0),
        ("response_status=2xx", 2),
        ("response_status=404", 0),
        ("attempts=1", 2),
        ("attempts=2-", 0),
        ("event_type=customer.rewarded", 2),
        ("event_type=redemption.succeeded", 0),
        ("test=true", 0),
        ("since=2026-11-21T13:00:00Z", 0),
        ("until=2026-11-21T13:00:00Z", 2),
        ("limit=1", 1),
    ] {
        assert_eq!(found(&project, &format!("/v1/deliveries?{query}"), "autumn"), count, "{query}");
    }
    assert_eq!(found(&project, "/v1/events?reached=nobody", "autumn"), 0);
    assert_eq!(found(&project, "/v1/events?reached=somebody", "autumn"), 2);
}

#[test]
fn no_project_finds_what_is_in_another() {
    let (app, project, _receiver) = started();
    let other = factory::project(&app, "Other");
    let other_receiver = receiver::start();
    other.webhook(&other_receiver.url("/"), json!({}));
    other.event(TYPE, json!({ "campaign": "Winter" }));
    for _ in 0..2 {
        assert_eq!(found(&other, "/v1/events", "autumn"), 0);
        assert_eq!(found(&other, "/v1/deliveries", "order-7"), 0);
        assert_eq!(found(&project, "/v1/events", "winter"), 0);
        indexed(&app, &project);
        indexed(&app, &other);
    }
}

#[test]
fn a_replay_of_a_search_sends_exactly_what_it_finds() {
    let (app, project, receiver) = started();
    receiver::received(&receiver, 2);
    let body = json!({ "filter": { "q": "ann*" }, "skip_delivered": false });
    let counted =
        project.api().post("/v1/replays", &json!({ "filter": { "q": "ann*" }, "count_only": true }));
    assert_eq!(counted.expect(200).json()["matched"], 1);
    let made = project.api().post("/v1/replays", &body).expect(202).json();
    assert_eq!(made["filter"]["q"], "ann*");
    let path = format!("/v1/replays/{}", made["id"].as_str().expect("an id"));
    let told = || project.api().get(&path).expect(200).json();
    app.wait_until("the replay is done", |_| told()["status"] == "done");
    assert_eq!((told()["total"].clone(), told()["delivered"].clone()), (json!(1), json!(1)));
    receiver::received(&receiver, 3);
    let wrong = json!({ "filter": { "q": "a*" } });
    let refused = project.api().post("/v1/replays", &wrong).expect(422).json();
    assert_eq!(refused["errors"][0]["pointer"], "/filter/q");
}

#[test]
fn what_nothing_can_be_found_by_is_refused_by_the_api_and_told_by_the_page() {
    let (app, project, _receiver) = started();
    let admin = people::member(&app, project.id, Role::Admin);
    for (typed, why) in [("a*", "at least 3"), ("2026-11-21T12:00:00Z", "Filter by time")] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", typed).finish();
        for list in ["deliveries", "events"] {
            let refused = project.api().get(&format!("/v1/{list}?{query}")).expect(422).json();
            assert!(
                refused["errors"][0]["message"].as_str().is_some_and(|told| told.contains(why)),
                "{typed}"
            );
        }
        for list in ["history", "events"] {
            let page = admin.get(&format!("/p/{}/{list}?{query}", project.id)).expect(200).page();
            assert!(page.text(".empty-state").contains(why), "{typed}");
        }
    }
}

#[test]
fn a_page_offers_what_begins_so_when_nothing_is_just_so() {
    let (app, project, _receiver) = started();
    let admin = people::member(&app, project.id, Role::Admin);
    let path = format!("/p/{}/history", project.id);
    let none = admin.get(&format!("{path}?q=ann")).expect(200).page();
    let link = none.attribute("#search-beginning", "href").expect("a link");
    let page: Page = admin.get(&link).expect(200).page();
    assert_eq!(page.count(".rows tbody tr"), 1);
    assert_eq!(page.texts(".filter-chip"), ["Search ann*"]);
    assert_eq!(page.attribute(".filter-chip a", "href").expect("a link"), path);
}

/// As many events as `count`, one a second, the last one `days_ago`; each holds its number and `Autumn`.
fn past(app: &App, project: &Project, days_ago: i64, count: usize) {
    let now = app.clock.now();
    callout::models::deliveries::make_behind(&mut app.db.conn(), now - Duration::days(40), now)
        .expect("days");
    let last = (now - Duration::days(days_ago)).unix_timestamp() * 1_000;
    app.db.execute(&format!(
        "insert into events (project_id, id, event_type, created_at, source, data, deliveries) \
         select '{}', (lpad(to_hex({last} - i * 1000), 12, '0') || '7' || substr(md5(i::text), 1, 3) || '8' \
           || substr(md5(i::text), 4, 15))::uuid, '{TYPE}', now(), '{{}}', \
           convert_to('{{\"campaign\":\"Autumn\",\"code\":\"day-{days_ago}-' || i || '\"}}', 'UTF8'), 0 \
         from generate_series(1, {count}) i",
        id_of(project).0
    ));
    search::begin_again(&mut app.db.conn(), id_of(project)).expect("from the beginning");
}

fn all_in(conn: &mut diesel::PgConnection, now: time::OffsetDateTime) -> usize {
    let mut taken = 0;
    loop {
        match search::go_on(conn, KEPT, 700, now).expect("a piece") {
            Step::Took(count) => taken += count,
            Step::Looked => {}
            Step::Idle => return taken,
        }
    }
}

#[test]
fn two_nodes_and_a_restart_take_each_event_in_once() {
    let mut app = App::start();
    let project = factory::project(&app, "Shop");
    past(&app, &project, 3, 3_000);
    past(&app, &project, 1, 3_000);
    app.stop();
    let now = app.clock.now();
    let some = search::go_on(&mut app.db.conn(), KEPT, 700, now);
    assert!(some.is_ok(), "one that stops after a piece");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| all_in(&mut app.db.conn(), now + Duration::minutes(1)));
        }
    });
    all_in(&mut app.db.conn(), now + Duration::minutes(2));
    assert_eq!(app.db.text("select (sum(octet_length(events)) / 16)::text from search_segments"), "6000");
    app.restart();
    let project = project.again(&app);
    for (typed, count) in [("day-3-3000", 1), ("day-1-1", 1), ("day-1-30*", 12)] {
        assert_eq!(found(&project, "/v1/events", typed), count, "{typed}");
    }
}

#[test]
fn the_oldest_day_goes_when_the_budget_is_used_up_and_the_page_says_so() {
    let mut app = App::start();
    let project = factory::project(&app, "Shop");
    for days_ago in [5, 3, 1] {
        past(&app, &project, days_ago, 3_000);
    }
    app.stop();
    let now = app.clock.now();
    all_in(&mut app.db.conn(), now + Duration::minutes(1));
    let bytes = search::size(&mut app.db.conn()).expect("a size");
    let less = Kept { bytes: bytes - 1, ..KEPT };
    let dropped = search::keep_within(&mut app.db.conn(), less, now).expect("dropped");
    assert_eq!(dropped, [(now - Duration::days(5)).date()]);
    assert!(search::keep_within(&mut app.db.conn(), less, now).expect("within").is_empty());
    let more = search::go_on(&mut app.db.conn(), less, 700, now + Duration::hours(1)).expect("a look");
    assert_eq!(more, Step::Looked, "it is not taken in again");
    app.db.execute("update search_progress set look_at = now() + interval '1 year'");
    app.restart();
    let project = project.again(&app);
    assert_eq!((found(&project, "/v1/events", "day-3-7"), found(&project, "/v1/events", "day-5-7")), (1, 0));
    let support = people::member(&app, project.id, Role::Support);
    let page = support.get(&format!("/p/{}/events?q=day-5-7", project.id)).expect(200).page();
    let told = page.text("#search-reach");
    assert!(told.contains("reaches back to") && told.contains("disk budget"), "{told}");
}

#[test]
fn days_whose_time_is_over_are_searched_no_more_and_without_a_budget_nothing_is_kept() {
    let mut app = App::start();
    let project = factory::project(&app, "Shop");
    past(&app, &project, 5, 100);
    past(&app, &project, 1, 100);
    app.stop();
    let now = app.clock.now();
    all_in(&mut app.db.conn(), now + Duration::minutes(1));
    let short = Kept { time: Duration::days(3), ..KEPT };
    let dropped = search::keep_within(&mut app.db.conn(), short, now).expect("dropped");
    assert_eq!(dropped, [(now - Duration::days(5)).date()]);
    let nothing = Kept { bytes: 0, ..KEPT };
    assert_eq!(search::keep_within(&mut app.db.conn(), nothing, now).expect("dropped").len(), 1);
    assert_eq!(app.db.count("search_progress"), 0);
    assert_eq!(search::size(&mut app.db.conn()).expect("a size"), 0);
}

#[test]
fn what_is_in_a_project_that_is_forgotten_is_in_no_index() {
    let (app, project, _receiver) = started();
    indexed(&app, &project);
    while search::forget_project(&mut app.db.conn(), id_of(&project), 1).expect("forgotten") > 0 {}
    assert_eq!((app.db.count("search_segments"), app.db.count("search_blocks")), (0, 0));
}

#[test]
fn a_deliverys_page_leads_to_all_of_its_group() {
    let (app, project, _receiver) = started();
    let support = people::member(&app, project.id, Role::Support);
    let listed = project.api().get("/v1/deliveries?q=basket-1").expect(200).json();
    let id = listed["data"][0]["id"].as_str().expect("a delivery").to_owned();
    let page = support.get(&format!("/p/{}/history/{id}", project.id)).expect(200).page();
    let group = page.attribute("a#group-id", "href").expect("a link");
    assert_eq!(group, format!("/p/{}/history?q=basket-1", project.id));
    assert_eq!(support.get(&group).expect(200).page().count(".rows tbody tr"), 1);
}
