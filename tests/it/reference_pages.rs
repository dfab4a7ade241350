//! The event reference: every type has its page, everything on it is so, and it is found.
use std::collections::BTreeSet;

use callout::rules::catalogue::{self, EventType};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory;
use crate::support::people;
use crate::support::receiver;

/// A type's page as it came: parsing a hundred of them would take minutes.
fn page_of(client: &Client, event_type: &EventType) -> String {
    client.get(&format!("/reference/{}", event_type.name)).expect(200).body
}

/// The text of the element with this id, white space kept.
fn code(page: &str, id: &str) -> String {
    let begin = page.split_once(&format!("<code id=\"{id}\">")).unwrap_or_else(|| panic!("no #{id}")).1;
    let inner = begin.split_once("</code>").expect("an end").0;
    let html = scraper::Html::parse_fragment(&format!("<pre>\n{inner}</pre>"));
    html.root_element().text().collect()
}

/// The headers of a request as the page shows it.
fn headers(head: &str) -> Vec<(&str, &str)> {
    head.lines().skip(1).map(|line| line.split_once(": ").expect("a header")).collect()
}

fn value<'a>(headers: &[(&str, &'a str)], name: &str) -> &'a str {
    headers.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no {name}")).1
}

/// Paths of what a sample has, `[]` for elements.
fn paths(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    let dot = if path.is_empty() { "" } else { "." };
    match value {
        Value::Object(map) => {
            for (name, below) in map {
                into.insert(format!("{path}{dot}{name}"));
                paths(below, &format!("{path}{dot}{name}"), into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, &format!("{path}[]"), into)),
        _ => {}
    }
}

#[test]
fn every_type_has_a_page_with_all_fields_of_its_sample() {
    let app = App::start();
    let client = app.client();
    for event_type in catalogue::all() {
        let page = page_of(&client, event_type);
        assert!(page.contains(&format!("<h1>{}</h1>", event_type.name)));
        let rows = page.split("<tr id=\"field-").skip(1).filter_map(|rest| rest.split_once('"'));
        let shown: BTreeSet<String> = rows.map(|(path, _)| path.to_owned()).collect();
        // Objects with free keys are told as such; what is in them differs from one sender to the next.
        let is_free = |path: &str| {
            let mut above = path.rmatch_indices('.').map(|(at, _)| &path[..at]);
            above.any(|above| {
                let row = shown.contains(above) && !shown.iter().any(|p| p.starts_with(&format!("{above}.")));
                row || shown.contains(&format!("{above}.*"))
            })
        };
        let mut sample = BTreeSet::new();
        paths(&serde_json::from_str(event_type.sample()).expect("JSON"), "", &mut sample);
        for path in sample {
            assert!(shown.contains(&path) || is_free(&path), "{}: {path}", event_type.name);
        }
        assert_eq!(page.contains("designed by us."), !event_type.documented, "{}", event_type.name);
        assert_eq!(code(&page, "sample-json").trim(), reformatted(event_type), "{}", event_type.name);
    }
}

fn reformatted(event_type: &EventType) -> String {
    let sample: Value = serde_json::from_str(event_type.sample()).expect("JSON");
    serde_json::to_string_pretty(&sample).expect("JSON")
}

#[test]
fn the_signature_of_every_page_verifies() {
    let app = App::start();
    let client = app.client();
    let secret = code(&client.get("/reference/verify").expect(200).body, "secret");
    let library = Webhook::new(secret.trim()).expect("a secret");
    for event_type in catalogue::all() {
        let page = page_of(&client, event_type);
        for form in ["envelope", "flat"] {
            let (head, body) = (code(&page, &format!("head-{form}")), code(&page, &format!("wire-{form}")));
            let headers = headers(&head);
            let timestamp = value(&headers, "webhook-timestamp").parse().expect("seconds");
            let expected = library.sign(value(&headers, "webhook-id"), timestamp, body.as_bytes());
            assert_eq!(value(&headers, "webhook-signature"), expected.expect("a signature"));
            assert_eq!(value(&headers, "content-length"), body.len().to_string());
            let read: Value = serde_json::from_str(&body).expect("JSON");
            let data = if form == "flat" { &read } else { &read["data"] };
            assert_eq!(data, &serde_json::from_str::<Value>(event_type.sample()).expect("JSON"));
        }
    }
}

#[test]
fn what_a_page_shows_is_what_a_receiver_gets() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let event_type = catalogue::find("prize.assigned").expect("a type");
    let page = page_of(&app.client(), event_type);
    for (form, body, version) in [
        ("envelope", "envelope", "2024-01-01"),
        ("older", "envelope", "2018-08-01"),
        ("flat", "flat", "2024-01-01"),
    ] {
        let settings = json!({ "name": form, "body": body, "version": version, "events": [event_type.name] });
        project.webhook(&receiver.url(&format!("/{form}")), settings);
    }
    // As the command line on the page posts it.
    let curl = code(&page, "post-curl");
    let posted =
        curl.split_once("-d '").expect("data").1.trim_end().trim_end_matches('\'').replace(r"'\''", "'");
    project.post_event(&serde_json::from_str(&posted).expect("JSON")).expect(202);
    for received in receiver::received(&receiver, 3) {
        let form = received.path.trim_start_matches('/');
        let (head, body) = (code(&page, &format!("head-{form}")), code(&page, &format!("wire-{form}")));
        let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(
            names(headers(&head).iter().map(|(name, _)| *name).collect()),
            names(received.headers.iter().map(|(name, _)| name.as_str()).collect())
        );
        for name in ["content-type", "user-agent", "accept-encoding", "x-callout-event"] {
            assert_eq!(Some(value(&headers(&head), name)), received.header(name));
        }
        assert_eq!(head.lines().next(), Some("POST /callout HTTP/1.1"));
        assert_eq!(received.method, "POST");
        if form == "flat" {
            assert_eq!(body, received.text());
        } else {
            assert_eq!(shape(&body), shape(&received.text()));
        }
    }
}

/// An envelope's keys in their order, and the kinds of ids in it; all that differs from one to the next left out.
fn shape(body: &str) -> Vec<String> {
    let mut told = Vec::new();
    shape_of(&serde_json::from_str(body).expect("JSON"), "", &mut told);
    told
}

fn shape_of(value: &Value, path: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(map) if path != ".data" => {
            map.iter().for_each(|(name, below)| shape_of(below, &format!("{path}.{name}"), into));
        }
        Value::String(text) if path.ends_with("id") => {
            let parts = text.split_once(['_', '-']);
            let is_word = |(word, _): &(&str, &str)| word.bytes().all(|byte| byte.is_ascii_lowercase());
            let (prefix, rest) = parts.filter(is_word).unwrap_or(("", text));
            into.push(format!("{path} {prefix} {}", rest.len()));
        }
        _ => into.push(path.to_owned()),
    }
}

#[test]
fn a_type_is_found_by_its_name_by_what_happened_and_by_a_field() {
    let app = App::start();
    let found = |query: &str| {
        let page = app.client().get(&format!("/reference?{query}")).expect(200).page();
        page.texts("#types .ref-types a")
    };
    assert_eq!(found("").len(), catalogue::all().len());
    assert_eq!(found("q=prize.assigned")[0], "prize.assigned");
    assert_eq!(found("q=Won+a+PRIZE")[0], "prize.assigned");
    assert_eq!(found("q=pending_group_child"), ["shopper.consent_intent"]);
    assert_eq!(found("family=loyalty").len(), 3);
    assert!(found("q=prize.assigned&family=loyalty").is_empty());
    assert!(!found("q=expired_points").is_empty());
    assert!(found("q=expired_points+street").is_empty(), "words of two fields");
    let said = |query: &str| app.client().get(&format!("/reference?{query}")).expect(200).body;
    assert!(
        said("").contains("may be in two families") && !said("q=prize.assigned").contains("two families")
    );
    let page = app.client().get("/reference?q=iframe_parent_url").expect(200).page();
    let link = page.attribute("#types .ref-types a", "href").expect("a link");
    let (path, anchor) = link.split_once('#').expect("to the field");
    let page = app.client().get(path).expect(200).page();
    assert!(page.has(&format!("tr[id='{anchor}']")), "{link}");
}

#[test]
fn a_search_without_a_result_says_so_and_what_may_have_been_meant() {
    let app = App::start();
    let page = app.client().get("/reference?q=vuocher").expect(200).page();
    assert!(page.text("#types .empty-state").contains("No event type matches “vuocher”"));
    assert_eq!(page.attribute("#types .empty-state p a", "href").as_deref(), Some("/reference?q=voucher"));
    assert_eq!(page.form("form[role=search]").value("q"), Some("vuocher"));
    let fragment = app.client().by_htmx().get("/reference?q=vuocher").expect(200);
    assert!(page.source().contains(fragment.body.trim()), "the fragment is a part of the page");
}

#[test]
fn an_unknown_type_is_told_with_names_that_resemble_it() {
    let app = App::start();
    let answer = app.client().get("/reference/redemption.suceeded").expect(404);
    assert!(answer.page().texts("main a").contains(&"redemption.succeeded".to_owned()));
    let odd = app.client().get("/reference/%3Cscript%3E").expect(404);
    assert!(!odd.body.contains("<script>"), "escaped");
}

#[test]
fn no_type_stands_where_another_page_is() {
    for route in callout::routes::ROUTES {
        let fixed = route.path.strip_prefix("/reference/").filter(|name| !name.starts_with('{'));
        assert!(fixed.is_none_or(|name| catalogue::find(name).is_none()), "{}", route.path);
    }
}

#[test]
fn everybody_reads_the_reference_and_who_is_signed_in_keeps_the_menu() {
    let app = App::start();
    let owner = people::owner(&app);
    for path in ["/reference", "/reference/requests", "/reference/verify", "/reference/prize.assigned"] {
        let (stranger, own) = (app.client().get(path).expect(200), owner.get(path).expect(200));
        assert!(!stranger.page().has(".side") && own.page().has(".side"), "{path}");
        assert!(stranger.page().has("a[href='/sign-in']"));
        for answer in [stranger, own] {
            let page = answer.page();
            assert_eq!(page.count("h1"), 1);
            assert!(page.attribute("meta[name=description]", "content").is_some_and(|text| text.len() > 40));
        }
    }
    assert!(owner.get("/reference").expect(200).page().has(".side a[href='/reference'][aria-current]"));
}

#[test]
fn every_link_within_the_reference_leads_somewhere() {
    let app = App::start();
    let client = app.client();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for path in ["/reference", "/reference/requests", "/reference/verify", "/reference/customer.rewarded"] {
        let source = client.get(path).expect(200).body;
        let html = scraper::Html::parse_document(&source);
        let links = scraper::Selector::parse("a[href]").expect("a selector");
        for link in html.select(&links).filter_map(|link| link.attr("href")) {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            if target.is_empty() {
                assert!(source.contains(&format!("id=\"{anchor}\"")), "{path}: {link}");
            } else if target.starts_with("/reference") && seen.insert(target.to_owned()) {
                client.get(target).expect(200);
            }
        }
    }
}
