//! `/docs/api`: everything in the description of the API can be read and linked to.
use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::app::App;
use crate::support::html::Page;
use crate::support::people;

fn links_within(page: &Page) -> BTreeSet<String> {
    let source = page.source();
    let starts = source.match_indices("href=\"#").map(|(at, found)| &source[at + found.len()..]);
    starts.map(|rest| rest[..rest.find('"').expect("an end")].to_owned()).collect()
}

#[test]
fn every_call_has_its_place_and_a_command_line_for_this_installation() {
    let app = App::start_with(|config, _| config.public_url = "https://callout.example".to_owned());
    let document = app.client().get("/api/openapi.json").expect(200).json();
    let page = app.client().get("/docs/api").expect(200).page();
    let mut calls = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let words = path.replace(['{', '}'], "").replace('/', "-");
            let place = format!("#{method}{words}");
            assert_eq!(Some(page.text(&format!("{place} h3")).as_str()), operation["summary"].as_str());
            assert_eq!(page.text(&format!("{place}-path")), *path);
            let curl = page.text(&format!("{place}-curl"));
            assert!(
                curl.contains("https://callout.example/") && !curl.contains('{') | curl.contains("-d"),
                "{curl}"
            );
            calls += 1;
        }
    }
    assert_eq!(page.count("article"), calls);
    for name in
        document["components"]["schemas"]["NewEvent"]["properties"].as_object().expect("fields").keys()
    {
        assert!(page.texts("#post-v1-events dt code").contains(name), "{name}");
    }
}

#[test]
fn every_link_within_the_page_and_every_kind_of_problem_leads_somewhere() {
    let app = App::start();
    let page = app.client().get("/docs/api").expect(200).page();
    let mut places = links_within(&page);
    assert!(places.len() > 30, "{places:?}");
    // Kinds as the program names them.
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/api/problem.rs");
    let source = std::fs::read_to_string(source).expect("problem.rs");
    let kinds = source.split("\"/docs/api#").skip(1).filter_map(|rest| rest.split('"').next());
    places.extend(kinds.map(str::to_owned));
    for place in places {
        assert_eq!(page.count(&format!("[id='{place}']")), 1, "{place}");
    }
}

#[test]
fn strangers_and_people_read_the_same_and_people_keep_their_menu() {
    let app = App::start();
    let stranger = app.client().get("/docs/api").expect(200).page();
    let person = people::owner(&app).get("/docs/api").expect(200).page();
    assert_eq!(stranger.text(".docs-main"), person.text(".docs-main"));
    assert!(stranger.has("a[href='/sign-in']") && !person.has("a[href='/sign-in']"));
    assert_eq!(person.text("nav [aria-current='page']"), "API");
    let refused = app.client().get("/v1/project").expect(401).json();
    let kind = refused["type"].as_str().and_then(|kind| kind.strip_prefix("/docs/api#")).expect("a link");
    assert_eq!(
        stranger.text(&format!("[id='{kind}'] strong")),
        refused["title"].as_str().unwrap_or_default()
    );
    assert_ne!(refused["detail"], Value::Null);
}
