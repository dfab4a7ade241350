//! The search leads everybody to what they may open and tells nobody of anything else.
use callout::models::projects::members::Role;

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::html::Page;
use crate::support::people;
use crate::support::place::{Place, TYPE};

const HTMX: [(&str, &str); 1] = [("hx-request", "true")];

/// What the search finds from a project, as the dialog of every page asks.
fn found(browser: &Client, place: &Place, q: &str) -> Page {
    let q: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
    let path = format!("/jump?q={q}&project={}", place.project.id);
    browser.send("GET", &path, &HTMX, b"").expect(200).page()
}

fn links(page: &Page) -> Vec<String> {
    (1..=30).filter_map(|at| page.attribute(&format!("li:nth-of-type({at}) a"), "href")).collect()
}

fn leads_to(page: &Page, below: &str) -> bool {
    page.has(&format!(".jump-list a[href$='{below}']"))
}

#[test]
fn an_id_leads_to_its_delivery_event_or_webhook() {
    let app = App::start();
    let place = Place::new(&app, "Shop");
    let admin = people::member(&app, place.project.id, Role::Admin);
    for (id, below) in [
        (&place.delivery, format!("/history/{}", place.delivery)),
        (&place.event, format!("/events/{}", place.event)),
        (&place.webhook, format!("/settings/webhooks/{}", place.webhook)),
    ] {
        let page = found(&admin, &place, &format!("  {id} "));
        assert_eq!(page.texts(".jump-title"), ["Found"], "{id}");
        assert!(leads_to(&page, &below), "{id}:\n{}", page.source());
        // Without a script, and from nowhere: straight there.
        let there = admin.get(&format!("/jump?q={id}")).expect(303);
        assert_eq!(there.header("location"), Some(format!("/p/{}{below}", place.project.id).as_str()));
    }
    assert!(found(&admin, &place, &place.delivery[..20]).has(".jump-none"), "half an id is no id");
}

#[test]
fn names_lead_to_pages_webhooks_types_and_projects() {
    let app = App::start();
    let (place, other) = (Place::new(&app, "Shop"), Place::new(&app, "Outlet"));
    let owner = people::owner(&app);
    assert!(leads_to(&found(&owner, &place, "keys"), "/settings/keys"));
    assert!(leads_to(&found(&owner, &place, "127.0"), &format!("/settings/webhooks/{}", place.webhook)));
    assert!(leads_to(&found(&owner, &place, "customer.rew"), &format!("/reference/{TYPE}")));
    assert!(leads_to(&found(&owner, &place, "out"), &format!("/p/{}/overview", other.project.id)));
    assert!(!found(&owner, &place, "").has(".jump-none"), "at first all pages");
    assert!(found(&owner, &place, "<b>no").source().contains("&#60;b&#62;no"));
}

#[test]
fn each_role_finds_what_it_may_open() {
    let app = App::start();
    let place = Place::new(&app, "Shop");
    let [viewer, support, admin] =
        [Role::Viewer, Role::Support, Role::Admin].map(|role| people::member(&app, place.project.id, role));
    for q in ["", "e", "web", &place.delivery, &place.event, &place.webhook, TYPE] {
        for (who, browser) in [("viewer", &viewer), ("support", &support), ("admin", &admin)] {
            for link in links(&found(browser, &place, q)) {
                // The reference is somebody else's promise.
                if link.starts_with("/reference") || link.starts_with("/docs") {
                    continue;
                }
                assert_eq!(browser.get(&link).status, 200, "{who} searching `{q}` is sent to {link}");
            }
        }
    }
    let event = found(&viewer, &place, &place.event);
    assert!(leads_to(&event, &format!("/history?q={}", place.event)), "a viewer sees its deliveries");
    let webhook = found(&support, &place, &place.webhook);
    assert!(leads_to(&webhook, &format!("/history?webhook_id={}", place.webhook)), "or what was sent there");
    assert!(!found(&support, &place, "keys").has(".jump-list"));
}

#[test]
fn an_owner_finds_how_to_load_the_sample_and_how_to_remove_it() {
    let app = App::start();
    let place = Place::new(&app, "Shop");
    let (owner, admin) = (people::owner(&app), people::member(&app, place.project.id, Role::Admin));
    assert!(leads_to(&found(&owner, &place, "sample"), "/#sample-title"));
    assert!(owner.get("/").expect(200).page().has("#sample-title"));
    owner.post_form("/sample", &[]).expect(303);
    assert_eq!(
        found(&owner, &place, "sample da").text(".jump-list a[href='/sample/remove']"),
        "Remove sample data"
    );
    assert!(found(&admin, &place, "sample").has(".jump-list a"), "event types have samples");
    assert!(!found(&admin, &place, "sample").has(".jump-list a[href*='sample']"));
}

#[test]
fn nobody_finds_anything_of_a_project_that_is_not_theirs() {
    let app = App::start();
    let (place, other) = (Place::new(&app, "Shop"), Place::new(&app, "Outlet"));
    let admin = people::member(&app, place.project.id, Role::Admin);
    for q in [&other.delivery, &other.event, &other.webhook, &other.project.id.to_string(), "Outlet"] {
        for from in [&place, &other] {
            assert!(found(&admin, from, q).has(".jump-none"), "{q} is found");
        }
        admin.get(&format!("/jump?q={q}&project={}", other.project.id)).expect(200);
    }
    // A foreign project in the address is as none at all.
    let page = found(&admin, &other, "");
    assert!(!page.source().contains(&other.project.id.to_string()), "{}", page.source());
    app.client().get("/jump?q=a").expect(303);
}

#[test]
fn what_fits_besides_is_counted_and_leads_to_all_of_it() {
    let app = App::start();
    let place = Place::new(&app, "Shop");
    let owner = people::owner(&app);
    let page = found(&owner, &place, "loyalty_card");
    let more = page.text(".jump-more a[href='/reference?q=loyalty_card']");
    let further: usize =
        more.strip_suffix(" more in the reference").and_then(|n| n.parse().ok()).expect("a number");
    let all = callout::rules::catalogue::all().iter().filter(|one| one.name.contains("loyalty_card")).count();
    assert_eq!(further, all - 6);
    assert!(!found(&owner, &place, "prize.assigned").has(".jump-more"));
}

#[test]
fn the_search_is_a_page_without_a_script_and_the_dialog_shows_the_same() {
    let app = App::start();
    let place = Place::new(&app, "Shop");
    let owner = people::owner(&app);
    let page = owner.get(&format!("/jump?q=web&project={}", place.project.id)).expect(200).page();
    assert_eq!(page.text("h1"), "Search");
    assert_eq!(page.form("main form[action='/jump']").value("q"), Some("web"));
    let block =
        owner.send("GET", &format!("/jump?q=web&project={}", place.project.id), &HTMX, b"").expect(200).body;
    assert!(page.source().contains(block.trim()));
    assert!(page.has("a[data-jump-open][href^='/jump']") && page.has("dialog[data-jump] input[type=search]"));
    assert!(!app.client().get("/sign-in").expect(200).page().has("dialog"));
}
