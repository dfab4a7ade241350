//! Notes on a delivery: support writes them, everybody in the project reads them, and they last as long as it does.
use callout::models::deliveries::forget_notes;
use callout::models::projects::members::Role;
use serde_json::json;
use time::Duration;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::people;
use crate::support::receiver;

/// A delivery, and the address of its page.
fn started() -> (App, Project, String, String) {
    let app = App::start();
    let receiver = receiver::start();
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    project.event("customer.rewarded", json!({}));
    app.wait_for("delivered", 1);
    let id = project.deliveries()[0]["id"].as_str().expect("an id").to_owned();
    let page = format!("/p/{}/history/{id}", project.id);
    (app, project, id, page)
}

#[test]
fn support_writes_a_note_and_a_viewer_reads_it_as_it_was_typed() {
    let (app, project, id, page) = started();
    let support = people::member(&app, project.id, Role::Support);
    let text = "Called them.\r\nSee <b>https://example.com/</b> & wait";
    support.post_form(&format!("{page}/notes"), &[("text", text)]).expect(303);
    let viewer = people::member(&app, project.id, Role::Viewer);
    let shown = viewer.get(&page).expect(200).page();
    assert_eq!(shown.text(".note-text"), "Called them. See <b>https://example.com/</b> & wait");
    assert_eq!(shown.count(".note-text a, .note-text b"), 0, "no links, no markup");
    assert_eq!((shown.count("#note-add"), shown.count(".note-list form")), (0, 0), "a viewer only reads");
    viewer.post_form(&format!("{page}/notes"), &[("text", "x")]).expect(403);
    let list = viewer.get(&format!("/p/{}/history", project.id)).expect(200).page();
    assert_eq!(list.text(".row-notes"), "1 note");
    let told = project.delivery(&id);
    assert_eq!(told["notes"].as_array().map(Vec::len), Some(1), "{told}");
}

#[test]
fn a_note_is_deleted_by_who_wrote_it_and_by_admins() {
    let (app, project, _, page) = started();
    let support = people::member(&app, project.id, Role::Support);
    let admin = people::member(&app, project.id, Role::Admin);
    admin.post_form(&format!("{page}/notes"), &[("text", "Of the admin")]).expect(303);
    support.post_form(&format!("{page}/notes"), &[("text", "Of support")]).expect(303);
    let shown = support.get(&page).expect(200).page();
    assert_eq!(shown.count(".note-list form"), 1, "only one's own");
    let ids =
        app.db.texts("select 'note_' || replace(id::text, '-', '') from delivery_notes order by text desc");
    support.post_form(&format!("{page}/notes/delete"), &[("note", &ids[0])]).expect(303);
    assert_eq!(app.db.count("delivery_notes"), 2, "the admin's stays");
    support.post_form(&format!("{page}/notes/delete"), &[("note", &ids[1])]).expect(303);
    admin.post_form(&format!("{page}/notes/delete"), &[("note", &ids[0])]).expect(303);
    assert_eq!(app.db.count("delivery_notes"), 0);
}

#[test]
fn a_note_of_nothing_or_too_much_is_refused() {
    let (app, project, id, page) = started();
    let support = people::member(&app, project.id, Role::Support);
    for wrong in ["", "  \n", &"x".repeat(2_001), "a\u{7}b"] {
        support.post_form(&format!("{page}/notes"), &[("text", wrong)]).expect(303);
        let body = json!({ "text": wrong });
        project.api().post(&format!("/v1/deliveries/{id}/notes"), &body).expect(422);
    }
    project.api().post(&format!("/v1/deliveries/{id}/notes"), &json!({ "txt": "x" })).expect(422);
    assert_eq!(app.db.count("delivery_notes"), 0);
}

#[test]
fn a_note_stays_with_its_name_when_its_writer_is_gone() {
    let (app, project, id, page) = started();
    let support = people::member(&app, project.id, Role::Support);
    support.post_form(&format!("{page}/notes"), &[("text", "Still true")]).expect(303);
    app.db.execute("delete from members; delete from users where email = 'support@example.com'");
    let told = project.api().get(&format!("/v1/deliveries/{id}/notes")).expect(200).json();
    assert_eq!(told["data"][0]["text"], "Still true");
    assert!(told["data"][0]["author"].as_str().is_some_and(|name| !name.is_empty()), "{told}");
}

#[test]
fn notes_go_after_their_delivery_and_not_before() {
    let (app, project, id, _) = started();
    let notes = format!("/v1/deliveries/{id}/notes");
    project.api().post(&notes, &json!({ "text": "Kept" })).expect(201);
    let (conn, month) = (&mut app.db.conn(), Duration::days(30));
    forget_notes(conn, month, app.clock.now() + Duration::days(60)).expect("forget");
    assert_eq!(app.db.count("delivery_notes"), 1, "its delivery is there");
    app.db.execute("delete from attempts; delete from deliveries");
    forget_notes(conn, month, app.clock.now()).expect("forget");
    assert_eq!(app.db.count("delivery_notes"), 1, "too young to be looked at");
    forget_notes(conn, month, app.clock.now() + Duration::days(31)).expect("forget");
    assert_eq!(app.db.count("delivery_notes"), 0);
}
