//! A delivery and its bodies as files.
use callout::models::projects::members::Role;
use serde_json::json;

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory::{self, Project};
use crate::support::people;
use crate::support::raw;
use crate::support::receiver::{self, Behaviour};

/// A delivery that was taken: the program, its project, somebody of support, its id, where its files are.
fn delivered(query: &str) -> (App, Project, Client, String, String) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let support = people::member(&app, project.id, Role::Support);
    let receiver = receiver::start_with(Behaviour { body: "<b>fine</b>".into(), ..Behaviour::default() });
    project.webhook(&receiver.url(&format!("/{query}")), json!({}));
    project.event("customer.rewarded", json!({ "customer": { "id": "cust_1" } }));
    app.wait_for("delivered", 1);
    let id = project.deliveries()[0]["id"].as_str().expect("an id").to_owned();
    let files = format!("/p/{}/history/{id}/download", project.id);
    (app, project, support, id, files)
}

#[test]
fn bodies_are_files_that_no_browser_opens_here() {
    let (_app, project, support, id, files) = delivered("");
    let sent = support.get(&format!("{files}?what=request&attempt=1")).expect(200);
    assert_eq!(sent.header("content-type"), Some("application/json"));
    let named = format!("attachment; filename=\"{id}-attempt-1-request.json\"");
    assert_eq!(sent.header("content-disposition"), Some(named.as_str()));
    assert_eq!(sent.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(sent.body, project.delivery(&id)["body"].as_str().expect("a body"));
    let answered = support.get(&format!("{files}?what=response")).expect(200);
    assert_eq!(answered.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answered.body, "<b>fine</b>");
}

#[test]
fn the_whole_delivery_is_the_one_of_the_api() {
    let (_app, project, support, id, files) = delivered("");
    let file = support.get(&files).expect(200);
    let mut told = project.delivery(&id);
    for written_about_it in ["notes", "resent_from", "resends"] {
        assert!(told.as_object_mut().expect("an object").remove(written_about_it).is_some());
    }
    assert_eq!(file.json(), told);
    let named = format!("attachment; filename=\"{id}.json\"");
    assert_eq!(file.header("content-disposition"), Some(named.as_str()));
}

#[test]
fn what_support_may_not_read_is_not_in_a_file_either() {
    let (_app, _, support, _, files) = delivered("?key=hidden-in-the-query");
    for what in ["", "?what=request"] {
        let file = support.get(&format!("{files}{what}")).expect(200);
        assert!(!file.body.contains("hidden-in-the-query") && file.body.contains("•••"), "{}", file.body);
    }
}

#[test]
fn what_there_is_not_leads_back_and_says_so() {
    let (app, project, support, _, _) = delivered("");
    project.webhook(
        &format!("http://{}/", raw::closed_port()),
        json!({ "events": ["voucher.created"], "retries": "none" }),
    );
    project.event("voucher.created", json!({}));
    app.wait_for("failed", 1);
    let rows = project.deliveries();
    let failed = rows.iter().find(|row| row["status"] == "failed").expect("a failed one");
    let page = format!("/p/{}/history/{}", project.id, failed["id"].as_str().expect("an id"));
    for what in ["what=response", "what=nonsense", "what=request&attempt=7"] {
        let answer = support.get(&format!("{page}/download?{what}")).expect(303);
        assert_eq!(answer.header("location"), Some(page.as_str()));
    }
    assert!(
        support
            .get(&page)
            .expect(200)
            .page()
            .text(".notice-bad:not([hidden])")
            .contains("nothing to download")
    );
}
