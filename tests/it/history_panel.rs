//! A delivery open beside the list: by its address alone, with the list's filters kept.
use callout::models::projects::members::Role;
use serde_json::json;

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory::{self, Project};
use crate::support::people;
use crate::support::raw;

const TYPE: &str = "customer.rewarded";

/// One delivery that failed: the program, its project, somebody of support, the list's path, the delivery's id.
fn started() -> (App, Project, Client, String, String) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let support = people::member(&app, project.id, Role::Support);
    project.webhook(&format!("http://{}/", raw::closed_port()), json!({ "retries": "none", "name": "Till" }));
    project.event(TYPE, json!({}));
    app.wait_for("failed", 1);
    let id = project.deliveries()[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/p/{}/history", project.id);
    (app, project, support, path, id)
}

#[test]
fn an_address_opens_a_delivery_beside_its_list_and_leads_back() {
    let (_app, _, support, path, id) = started();
    let list = format!("{path}?status=failed");
    let address = format!("{list}&open={id}");
    let page = support.get(&address).expect(200).page();
    assert_eq!(page.attribute("#panel #delivery", "data-delivery"), Some(id.clone()));
    assert_eq!(page.count(".rows tbody tr"), 1);
    assert_eq!(page.attribute(".row-link[aria-current]", "data-id"), Some(id.clone()));
    assert_eq!(page.count(".filter-chip"), 1, "what is open is no filter");
    assert_eq!(page.attribute("#panel-close", "href"), Some(list));
    assert_eq!(page.attribute("#panel-page", "href"), Some(format!("{path}/{id}")));
    assert!(page.attribute(".attempt a", "href").expect("a link").starts_with(&address));
    assert!(page.text("#fixed-link").ends_with(&format!("{path}/{id}")));
}

#[test]
fn a_row_is_given_the_part_of_the_page_that_it_opens() {
    let (_app, _, support, path, id) = started();
    let address = format!("{path}?status=failed&open={id}");
    let page = support.get(&address).expect(200).body;
    let panel = support.clone().by_htmx().with_header("hx-target", "panel");
    let part = panel.get(&address).expect(200).body;
    assert!(page.contains(part.trim()) && !part.contains("class=\"list rows\""));
    assert_eq!(panel.get(&format!("{path}?status=failed")).expect(200).body, "", "closed");
    let again = support.get(&address).expect(200).page();
    assert!(!again.has("#asking[hx-get]"), "nothing more happens to what has failed");
    let seen =
        part.split("seen=").nth(1).map(|rest| rest.split(['&', '"']).next().unwrap_or_default().to_owned());
    assert!(seen.is_none());
}

#[test]
fn what_waits_is_asked_for_again_beside_the_list_too() {
    let (app, project, support, path, _) = started();
    project.webhook(&format!("http://{}/", raw::closed_port()), json!({ "retries": "three" }));
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    let rows = project.deliveries();
    let waits = rows.iter().find(|row| row["status"] == "retrying").expect("one that waits");
    let address = format!("{path}?open={}", waits["id"].as_str().expect("an id"));
    let panel = support.by_htmx().with_header("hx-target", "panel");
    let again = panel.get(&address).expect(200).page().attribute("#asking", "hx-get").expect("an address");
    assert!(again.starts_with(&format!("{address}&seen=")), "{again}");
    panel.get(&again).expect(204);
}

#[test]
fn a_delivery_of_another_project_or_none_is_not_opened_and_the_list_stays() {
    let (app, _, support, path, id) = started();
    let other = factory::project(&app, "Other");
    let stranger = people::member(&app, other.id, Role::Admin);
    for wrong in [id.as_str(), "nonsense"] {
        let page = stranger.get(&format!("/p/{}/history?open={wrong}", other.id)).expect(200).page();
        assert!(!page.has("#delivery") && page.text("#panel").contains("no such delivery"));
    }
    let panel = support.by_htmx().with_header("hx-target", "panel");
    panel.get(&format!("{path}?open=whs_{}", "0".repeat(32))).expect(404);
}

#[test]
fn sending_again_from_beside_the_list_leads_back_to_it() {
    let (_app, _, support, path, id) = started();
    let address = format!("{path}?status=failed&open={id}");
    let page = support.get(&address).expect(200).page();
    let form = page.form("#panel form[action*='/resend']");
    let answer = support.submit(&address, &form).expect(303);
    assert_eq!(answer.header("location"), Some(address.as_str()));
    // Nowhere but to a list of this project.
    let elsewhere = format!("{path}/{id}/resend?back=%2F%2Fevil.example");
    let answer = support.post_form(&elsewhere, &[]).expect(303);
    assert_eq!(answer.header("location"), Some(format!("{path}/{id}").as_str()));
}
