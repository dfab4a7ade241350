//! Finding deliveries by how they failed, how often they were tried and what family their event is of, in pages and API.
use callout::models::projects::members::Role;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory::{self, Project};
use crate::support::html::Page;
use crate::support::people;
use crate::support::receiver::{self, Receiver};

const TYPE: &str = "customer.rewarded";
const OTHER: &str = "redemption.succeeded";
const OWN: &str = "custom.order_shipped";

/// A project with a delivery that was taken at once, one that was refused twice and one that found nobody; who reads its history, and the history's path.
fn started() -> (App, Project, Receiver, Client, String) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let support = people::member(&app, project.id, Role::Support);
    let receiver = receiver::start();
    project
        .api()
        .post("/v1/event-types", &json!({ "type": OWN, "description": "Shipped.", "sample": {} }))
        .expect(201);
    let nobody =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let none = json!({ "name": "Nobody", "retries": "none", "events": [OTHER] });
    project.webhook(&format!("http://{nobody}/"), none);
    project.webhook(&receiver.url("/"), json!({ "name": "Till" }));
    let refused = json!({ "name": "Desk", "retries": [60], "events": [OWN] });
    project.webhook(&receiver.url("/?status=500"), refused);
    project.event(TYPE, json!({}));
    project.event(OTHER, json!({}));
    project.event(OWN, json!({}));
    app.wait_for("delivered", 1);
    app.wait_for("failed", 1);
    app.wait_for("retrying", 1);
    app.advance(time::Duration::minutes(2));
    app.wait_for("failed", 2);
    let path = format!("/p/{}/history", project.id);
    (app, project, receiver, support, path)
}

fn rows(page: &Page) -> usize {
    page.count(".rows tbody tr")
}

fn chips(page: &Page) -> Vec<String> {
    page.texts(".filter-chip")
}

fn found(project: &Project, query: &str) -> usize {
    let answer = project.api().get(&format!("/v1/deliveries?{query}")).expect(200).json();
    answer["data"].as_array().expect("a list").len()
}

#[test]
fn pages_and_api_find_the_same_by_failure_attempts_and_family() {
    let (_app, project, _receiver, support, path) = started();
    for (query, count) in [
        ("failure=connect", 1),
        ("failure=response_status", 1),
        ("failure=connect,response_status", 2),
        ("failure=timeout,tls,dns,reset,body,interrupted,refused_address", 0),
        ("failure=connect&status=delivered", 0),
        ("failure=connect&status=failed,delivered", 1),
        ("attempts=1", 2),
        ("attempts=2", 1),
        ("attempts=2-", 1),
        ("attempts=1-5", 3),
        ("attempts=3-", 0),
        ("attempts=2-&status=delivered", 0),
        ("event_family=redemption", 1),
        ("event_family=customer,custom", 2),
        ("event_family=project", 2),
        ("event_family=loyalty", 0),
        ("event_family=customer&event_type=redemption.succeeded", 0),
        ("event_family=customer&event_type=redemption.succeeded,customer.rewarded", 1),
    ] {
        assert_eq!(found(&project, query), count, "{query}");
        let page = support.get(&format!("{path}?{query}")).expect(200).page();
        assert_eq!(rows(&page), count, "{query}");
    }
    assert_eq!((found(&project, "test=true"), found(&project, "test=false")), (0, 3));
}

#[test]
fn a_value_that_means_nothing_is_refused_by_the_api_and_told_by_the_page() {
    let (_app, project, _receiver, support, path) = started();
    for query in ["failure=nonsense", "attempts=many", "attempts=5-2", "event_family=nonsense"] {
        let refused = project.api().get(&format!("/v1/deliveries?{query}")).expect(422).json();
        let name = query.split('=').next().expect("a name");
        assert_eq!(refused["errors"][0]["pointer"], format!("?{name}"), "{query}");
        let page = support.get(&format!("{path}?{query}")).expect(200).page();
        assert_eq!(rows(&page), 0, "{query}");
        assert!(chips(&page)[0].contains("not understood"), "{query}");
    }
    project.api().get("/v1/deliveries?test=maybe").expect(422);
}

#[test]
fn without_a_script_one_value_more_is_added_to_those_that_are_set_and_each_comes_off_by_one_link() {
    let (_app, project, _receiver, support, path) = started();
    let ids: Vec<String> = project.api().get("/v1/webhooks").expect(200).json()["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|webhook: &Value| webhook["id"].as_str().expect("an id").to_owned())
        .collect();
    for (name, first, second) in [
        ("webhook_id", ids[0].as_str(), ids[1].as_str()),
        ("event_type", TYPE, OTHER),
        ("event_family", "customer", "redemption"),
        ("response_status", "2xx", "500"),
        ("failure", "connect", "response_status"),
    ] {
        let mut page = support.get(&path).expect(200).page();
        for value in [first, second] {
            let form = page.form("form.filters").and(name, value);
            page = support.follow(&support.submit(&path, &form).expect(303)).expect(200).page();
            assert!(
                !page.has(&format!("select#{name} option[value='{value}']")),
                "{name} offers it once more"
            );
        }
        assert_eq!(chips(&page).len(), 2, "{name}");
        assert_eq!(page.text(&format!("select#{name} option")), "Add another");
        assert_eq!(rows(&page), 2, "{name}");
        let without = page.attribute(".filter-chip a", "href").expect("a link");
        assert_eq!(without, format!("{path}?{name}={second}"));
    }
}
