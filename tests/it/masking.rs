//! Who may not see personal data finds none of it on any page, whole or in part.
use callout::models::projects::members::Role;
use callout::routes::{Access, ROUTES};
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory::Project;
use crate::support::people::{self, PASSWORD};
use crate::support::place::Place;
use crate::support::receiver::{self, Behaviour, Receiver};

/// Words of which not one may be left.
const MARKS: [&str; 7] =
    ["quillfeather", "Quillfeather", "Zebediah", "7700900428", "MARK-ZX81QY", "Larkspur", "plimsoll"];

fn data() -> Value {
    json!({
        "customer": { "id": "cust_1", "name": "Zebediah Quillfeather", "email": "zebediah@quillfeather.example",
            "phone": "+447700900428", "address": { "line_1": "14 Larkspur Parade" } },
        "voucher": { "code": "MARK-ZX81QY", "object": "voucher" },
        "campaign": { "name": "Autumn Linen Sale" },
        "note": "asked by plimsoll@inbox.example",
    })
}

fn echoing() -> Behaviour {
    let body = json!({
        "error": "no such customer: Zebediah Quillfeather (zebediah@quillfeather.example, +44 7700900428)",
        "got": data().to_string(), "who": "MARK-ZX81QY",
    });
    Behaviour {
        status: 422,
        body: body.to_string().into(),
        headers: vec![
            (
                "location".to_owned(),
                "/c/zebediah%40quillfeather.example?name=Zebediah+Quillfeather".to_owned(),
            ),
            ("x-customer".to_owned(), "Zebediah Quillfeather".to_owned()),
            ("x-code".to_owned(), "MARK-ZX81QY".to_owned()),
        ],
        ..Behaviour::default()
    }
}

/// A project with a place of everything, whose event, request and answer are full of a person.
fn place(app: &App, receiver: &Receiver) -> Place {
    let mut place = Place::new(app, "Shop");
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    let url = receiver.url("/in/zebediah%40quillfeather.example/MARK-ZX81QY?phone=7700900428");
    place.webhook = text(&place.project.webhook(&url, json!({ "name": "CRM", "retries": "none" }))["id"]);
    let posted = json!({ "type": "customer.rewarded", "data": data(), "id": "order-MARK-ZX81QY",
        "entity_id": "zebediah@quillfeather.example" });
    place.event = text(&place.project.post_event(&posted).expect(202).json()["id"]);
    let told = place.project.api().get(&format!("/v1/events/{}", place.event)).expect(200).json();
    let deliveries = told["deliveries"].as_array().expect("a list");
    let mine = deliveries.iter().find(|one| one["webhook_id"] == place.webhook.as_str());
    place.delivery = text(&mine.expect("one to this webhook")["id"]);
    receiver::received(receiver, 1);
    app.wait_until("the answer is recorded", |app| {
        app.db.count("deliveries where last_response_status = 422") == 1
    });
    place
}

fn started() -> (App, Receiver, Place) {
    let (app, receiver) = (App::start(), receiver::start_with(echoing()));
    let place = place(&app, &receiver);
    (app, receiver, place)
}

/// Every page that somebody of a project's role may open, with addresses that show more of some.
fn paths(place: &Place, role: Role) -> Vec<String> {
    let may = |access: Access| match access {
        Access::SignedIn | Access::Viewer => true,
        Access::Support => role >= Role::Support,
        _ => false,
    };
    let mut paths: Vec<String> =
        ROUTES.iter().filter(|r| r.method == "get" && may(r.access)).map(|r| place.fill(r, place)).collect();
    for path in paths.clone() {
        for query in ["?view=raw", "?status=failed", "?reached=somebody", "?attempt=1", "?q=quill"] {
            // What was typed comes back as it was typed.
            if !query.starts_with("?q") {
                paths.push(format!("{path}{query}"));
            }
        }
    }
    let history = format!("/p/{}/history", place.project.id);
    paths.push(format!("{history}?open={}", place.delivery));
    paths.push(format!("{history}/{}?view=diff", place.delivery));
    paths.push(format!("{history}/{}/download?what=response", place.delivery));
    paths.push(format!("{history}/export/file?format=ndjson&data=1&with_attempts=1"));
    paths.push(format!("/jump?q={}", place.event));
    paths.push(format!("/jump?q={}", place.delivery));
    paths
}

fn shows_nothing(who: &str, client: &Client, paths: &[String]) {
    for path in paths {
        let answer = client.get(path);
        assert!(answer.status < 500, "{path}: {}", answer.status);
        for mark in MARKS {
            let at = answer.body.find(mark).map(|at| &answer.body[at.saturating_sub(200)..at + mark.len()]);
            assert!(at.is_none(), "{who} reads {mark} at {path}: {at:?}");
        }
    }
}

fn by_htmx(app: &App, role: Role) -> Client {
    people::signed_in(app, &format!("{role}@example.com"), PASSWORD).by_htmx()
}

#[test]
fn support_and_viewers_find_no_personal_data_on_any_page_or_part_of_one() {
    let (app, _receiver, place) = started();
    for role in [Role::Support, Role::Viewer] {
        let browser = people::member(&app, place.project.id, role);
        let paths = paths(&place, role);
        shows_nothing(role.as_str(), &browser, &paths);
        shows_nothing(role.as_str(), &by_htmx(&app, role), &paths);
    }
}

fn detail(project: &Project, place: &Place) -> String {
    format!("/p/{}/history/{}", project.id, place.delivery)
}

#[test]
fn an_admin_sees_everything_and_support_what_the_masks_leave() {
    let (app, _receiver, place) = started();
    let admin = people::member(&app, place.project.id, Role::Admin);
    let support = people::member(&app, place.project.id, Role::Support);
    let path = detail(&place.project, &place);
    let whole = admin.get(&path).expect(200).page();
    assert!(whole.text("#request-body").contains("Zebediah Quillfeather") && !whole.has("#masked"));
    assert!(whole.text("#response-body").contains("MARK-ZX81QY"));
    let left = support.get(&path).expect(200).page();
    let body = left.text("#request-body");
    for shown in ["z•••@q•••.example", "•••28", "Z•••", "MA•••QY", "Autumn Linen Sale", "cust_1"]
    {
        assert!(body.contains(shown), "{shown} in {body}");
    }
    assert!(left.text("#masked").contains("Personal data is masked."));
    assert!(left.source().contains("Copy masked"));
    assert!(left.text(".headers").contains("webhook-id"));
    let viewer = people::member(&app, place.project.id, Role::Viewer);
    let seen = viewer.get(&path).expect(200).page();
    assert!(!seen.has("#masked a"), "a viewer reveals nothing");
}

#[test]
fn keys_see_everything() {
    let (_app, _receiver, place) = started();
    let told = place.project.api().get(&format!("/v1/events/{}", place.event)).expect(200).json();
    assert_eq!(told["data"]["customer"]["email"], "zebediah@quillfeather.example");
}

#[test]
fn who_sees_values_masked_cannot_guess_them_letter_by_letter() {
    let (app, _receiver, place) = started();
    let history = format!("/p/{}/history", place.project.id);
    let events = format!("/p/{}/events", place.project.id);
    let admin = people::member(&app, place.project.id, Role::Admin);
    assert_eq!(admin.get(&format!("{history}?q=mark-zx*")).expect(200).page().count(".rows tbody tr"), 2);
    for role in [Role::Support, Role::Viewer] {
        let browser = people::member(&app, place.project.id, role);
        let page = browser.get(&format!("{history}?q=mark-zx*")).expect(200).page();
        assert_eq!(page.count(".rows tbody tr"), 0, "{role:?}");
        assert!(page.text(".empty-state").contains("only whole values"), "{}", page.text(".empty-state"));
        let file = browser.get(&format!("{history}/export/file?format=ndjson&q=mark-zx*")).expect(200);
        assert_eq!(file.body, "", "{role:?}");
        let whole = browser.get(&format!("{history}?q=mark-zx81qy")).expect(200).page();
        assert_eq!(whole.count(".rows tbody tr"), 2, "{role:?} knows it");
    }
    let support = people::signed_in(&app, "support@example.com", PASSWORD);
    let page = support.get(&format!("{events}?q=mark-zx*")).expect(200).page();
    assert!(page.text(".empty-state").contains("only whole values"));
    let replay = support.get(&format!("/p/{}/replays/new?q=mark-zx*", place.project.id)).expect(200).page();
    assert!(!replay.text("main").contains("1 delivery"), "{}", replay.text("main"));
}

#[test]
fn what_people_wrote_about_a_delivery_is_masked_like_the_delivery() {
    let (app, _receiver, place) = started();
    let api = place.project.api();
    let note = json!({ "text": "Asked zebediah@quillfeather.example about MARK-ZX81QY." });
    api.post(&format!("/v1/deliveries/{}/notes", place.delivery), &note).expect(201);
    let viewer = people::member(&app, place.project.id, Role::Viewer);
    let page = viewer.get(&detail(&place.project, &place)).expect(200).page();
    let notes = page.text("#notes");
    assert!(notes.contains("Asked z•••@q•••.example about MA•••QY."), "{notes}");
}
