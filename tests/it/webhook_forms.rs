//! Presets, authentication, headers and copies in the form of a webhook, as a browser without scripts would send it.
use callout::rules::preset::Preset;
use serde_json::{Value, json};

use crate::support::client::{Answer, Client};
use crate::support::factory::{self, Project};
use crate::support::html::{Form, Page};
use crate::support::people;
use crate::support::receiver::CLIENT;
use crate::support::receiver::{self, received};

const TYPE: &str = "customer.rewarded";
const FORM: &str = "main form[novalidate]";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIC\n-----END PRIVATE KEY-----";

fn new_form(admin: &Client, path: &str) -> Form {
    admin.get(&format!("{path}/new")).expect(200).page().form(FORM)
}

fn filled(admin: &Client, path: &str, form: &Form) -> Page {
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    admin.post_form(&format!("{path}/new"), &fields).expect(200).page()
}

/// The webhook whose page an answer leads to.
fn saved(project: &Project, answer: &Answer) -> Value {
    let place = answer.header("location").expect("a place").trim_end_matches("/created").to_owned();
    let id = place.rsplit('/').next().expect("an id").to_owned();
    project.api().get(&format!("/v1/webhooks/{id}")).expect(200).json()
}

#[test]
fn every_preset_fills_in_the_form_keeps_what_was_typed_and_is_saved_as_the_api_would() {
    let (_app, project, admin, path) = people::at_webhooks();
    for (number, preset) in Preset::ALL.into_iter().enumerate() {
        let word = preset.as_str();
        let target = format!("http://127.0.0.1:9/{number}");
        let typed = new_form(&admin, &path)
            .with("target_url", &target)
            .with("name", "Tïll")
            .with("description", "two\nlines")
            .with("token", "t0ken")
            .with("header_name", "x-shop")
            .with("header_value", "eu")
            .with("preset", word);
        let page = filled(&admin, &path, &typed);
        let form = page.form(FORM);
        for field in ["target_url", "name", "description", "token", "header_name", "header_value"] {
            assert_eq!(form.value(field), typed.value(field), "{word}: {field}");
        }
        let fragment = admin.clone().by_htmx();
        assert!(filled(&fragment, &path, &typed).source().trim_start().starts_with("<div id=\"filled\" "));

        let made = admin.submit(&path, &form.with("name", word)).expect(303);
        let saved = saved(&project, &made);
        let model = project.api().post(
            "/v1/webhooks",
            &json!({ "target_url": target, "preset": word, "name": format!("{word} 2"), "headers": { "x-shop": "eu" } }),
        );
        let mut model = model.expect(201).json();
        for passing in ["id", "name", "description", "created_at", "updated_at"] {
            model[passing] = saved[passing].clone();
        }
        model.as_object_mut().expect("an object").remove("secret");
        if word == "loyalty" {
            model["authentication"] = saved["authentication"].clone();
            assert_eq!(saved["authentication"]["header"], "x-api-key");
        }
        assert_eq!(saved, model, "{word}");
    }
}

#[test]
fn a_preset_that_was_not_filled_in_is_shown_before_anything_is_saved() {
    let (app, project, admin, path) = people::at_webhooks();
    let form = new_form(&admin, &path).with("target_url", "http://127.0.0.1:9/").with("preset", "contact");
    let shown = admin.submit(&path, &form).expect(422).page();
    assert!(shown.text(".alert-danger").contains("look it over"));
    assert_eq!(app.db.count("webhooks"), 0);
    let made = admin.submit(&path, &shown.form(FORM)).expect(303);
    let webhook = saved(&project, &made);
    assert_eq!((&webhook["preset"], &webhook["body"]), (&json!("contact"), &json!("flat")));

    let page = format!("{path}/{}", webhook["id"].as_str().expect("an id"));
    let other = admin.get(&page).expect(200).page().form(FORM).with("preset", "gamify");
    let shown = admin.submit(&page, &other).expect(422).page();
    assert_eq!(saved(&project, &made)["preset"], "contact", "not yet");
    let kept = admin.submit(&page, &shown.form(FORM)).expect(303);
    let webhook = saved(&project, &kept);
    assert_eq!((&webhook["preset"], &webhook["timeout_ms"]), (&json!("gamify"), &json!(2_000)));
}

#[test]
fn a_key_that_callout_makes_is_shown_once_and_is_what_arrives() {
    let (app, project, admin, path) = people::at_webhooks();
    let receiver = receiver::start();
    let form = new_form(&admin, &path)
        .with("target_url", &receiver.url("/in"))
        .with("which", "all")
        .with("authentication", "api_key")
        .with("key_header", "X-Till-Key");
    let made = admin.submit(&path, &form).expect(303);
    let shown = admin.follow(&made).expect(200).page();
    let key = shown.text("#api-key");
    assert!(shown.text("#secret").starts_with("whsec_") && key.len() == 64, "{key}");
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    assert_eq!(received(&receiver, 1)[0].header("x-till-key"), Some(key.as_str()));

    let page = made.header("location").expect("a place").trim_end_matches("/created").to_owned();
    let stored = admin.get(&page).expect(200).page();
    assert!(!stored.source().contains(&key), "shown once");
    assert!(stored.text(".kind-api_key").contains("Stored, fingerprint"));
    let untouched = admin.submit(&page, &stored.form(FORM)).expect(303);
    assert_eq!(untouched.header("location"), Some(page.as_str()), "nothing new to show");

    // A kind without a stored key gets another, and only that is shown.
    let bearer = stored.form(FORM).with("authentication", "bearer").with("token", "t0ken");
    admin.submit(&page, &bearer).expect(303);
    let again = admin.get(&page).expect(200).page().form(FORM).with("authentication", "api_key");
    let shown = admin.follow(&admin.submit(&page, &again).expect(303)).expect(200).page();
    assert!(shown.text("#api-key").len() == 64 && !shown.has("#secret"));
}

#[test]
fn stored_secrets_stay_where_nothing_is_typed_and_go_where_their_row_goes() {
    let (_app, project, admin, path) = people::at_webhooks();
    let form = new_form(&admin, &path)
        .with("target_url", "http://127.0.0.1:9/")
        .with("which", "all")
        .with("authentication", "basic")
        .with("username", "till")
        .with("password", "pass word")
        .with("header_name", "x-shop")
        .with("header_value", "eu")
        .and("header_name", "x-desk")
        .and("header_value", "7")
        .with("certificate", &CLIENT.0)
        .with("certificate_key", &CLIENT.1);
    let made = admin.submit(&path, &form).expect(303);
    let first = saved(&project, &made);
    assert_eq!(first["headers"].as_object().map(|headers| headers.len()), Some(2), "{first}");
    assert!(first["client_certificate"]["fingerprint"].is_string());

    let page = made.header("location").expect("a place").trim_end_matches("/created").to_owned();
    let stored = admin.get(&page).expect(200).page();
    for secret in ["pass word", &CLIENT.1[28..60]] {
        assert!(!stored.source().contains(secret), "{secret}");
    }
    let kept = saved(&project, &admin.submit(&page, &stored.form(FORM)).expect(303));
    for field in ["authentication", "headers", "client_certificate"] {
        assert_eq!(kept[field], first[field], "{field}");
    }

    // x-desk stands first: rows are in the order of their names.
    let gone = stored.form(FORM).with("header_name", "").with("certificate_removed", "on");
    let gone = saved(&project, &admin.submit(&page, &gone).expect(303));
    assert_eq!(
        gone["headers"].as_object().map(|h| h.keys().cloned().collect()),
        Some(vec!["x-shop".to_owned()])
    );
    assert_eq!(gone["client_certificate"], Value::Null);
}

#[test]
fn what_is_wrong_with_authentication_is_told_at_its_field_and_what_was_typed_stays() {
    let (app, _project, admin, path) = people::at_webhooks();
    let form = new_form(&admin, &path).with("target_url", "http://127.0.0.1:9/").with("which", "all");
    for (kind, more, field) in [
        ("bearer", vec![("token", " t0ken")], "authentication.token"),
        ("basic", vec![("username", "a:b"), ("password", "p")], "authentication.username"),
        ("basic", vec![("username", "till")], "authentication.password"),
        ("api_key", vec![("key_header", "content-length"), ("key", "k")], "authentication.header"),
        ("none", vec![("header_name", "host"), ("header_value", "x")], "headers"),
        ("none", vec![("header_name", ""), ("header_value", "x")], "headers"),
        ("none", vec![("certificate", CERTIFICATE)], "client_certificate"),
        ("none", vec![("certificate", "x"), ("certificate_key", KEY)], "client_certificate"),
    ] {
        let mut typed = form.clone().with("authentication", kind);
        for (name, value) in &more {
            typed = typed.with(name, value);
        }
        let refused = admin.submit(&path, &typed).expect(422).page();
        assert!(refused.has(&format!("[id='{field}-error']")), "{field}");
        for (name, value) in more {
            assert_eq!(refused.form(FORM).value(name), Some(value), "{name}");
        }
    }
    assert_eq!(app.db.count("webhooks"), 0);
}

#[test]
fn the_preview_shows_the_request_and_no_secret() {
    let (_app, project, admin, path) = people::at_webhooks();
    let form = new_form(&admin, &path)
        .with("target_url", "https://bücher.example/in?a=1")
        .with("preset", "project")
        .with("authentication", "bearer")
        .with("token", "t0ken")
        .with("header_name", "X-Shop")
        .with("header_value", "s3cret")
        .with("preview_type", "voucher.created");
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let look =
        |client: &Client| client.post_form(&format!("{path}/preview-request"), &fields).expect(200).page();
    let part = look(&admin.clone().by_htmx());
    assert_eq!(part.text(".request-line"), "POST /in?a=1");
    assert!(part.text(".request-note").contains("bücher.example (xn--bcher-kva.example)"));
    let headers = part.texts("table.headers tr").join("\n");
    for shown in [
        "xn--bcher-kva.example",
        "application/json",
        "webhook-signature",
        "x-voucherify-signature",
        "authorizationBearer [hidden]",
        "x-shop[hidden]",
    ] {
        assert!(headers.contains(shown), "{shown} in {headers}");
    }
    assert!(!part.source().contains("t0ken") && !part.source().contains("s3cret"));
    let body: Value = serde_json::from_str(&part.text("#request-body")).expect("JSON");
    assert_eq!(
        (&body["type"], &body["project_id"]),
        (&json!("voucher.created"), &json!(project.id.to_string()))
    );
    assert_eq!(body["source"]["target_url"], "https://bücher.example/in?a=1");
    assert!(!part.has("form"), "the part alone");

    // Without htmx it comes with the page, and all that was typed with it.
    let page = look(&admin);
    assert_eq!(page.form(FORM).value("target_url"), Some("https://bücher.example/in?a=1"));
    assert!(page.has("#request-body") && page.has("aside .request-preview"));
}

#[test]
fn a_copy_has_all_but_the_signing_secret() {
    let (_app, project, admin, path) = people::at_webhooks();
    let receiver = receiver::start();
    let settings = json!({ "name": "Till", "description": "d", "timeout_ms": 2500, "success": "200", "rate_per_s": 9,
        "authentication": { "type": "bearer", "token": "t0ken" }, "headers": { "x-shop": "eu" } });
    let webhook = project.webhook(&receiver.url("/"), settings);
    let id = webhook["id"].as_str().expect("an id");
    let listed = admin.get(&path).expect(200).page();
    let link = listed.attribute("a[href*='?from=']", "href").expect("a link");
    let form = admin.get(&link).expect(200).page().form(FORM);
    assert_eq!(form.value("name"), Some("Till (copy)"));
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    admin.post_form(&format!("{path}/try"), &fields).expect(200);
    let tried = received(&receiver, 1).pop().expect("a request");
    assert_eq!((tried.header("authorization"), tried.header("x-shop")), (Some("Bearer t0ken"), Some("eu")));
    let made = admin.submit(&path, &form).expect(303);
    assert!(admin.follow(&made).expect(200).page().text("#secret").starts_with("whsec_"));
    let copy = saved(&project, &made);
    for same in ["description", "timeout_ms", "success", "rate_per_s", "authentication", "headers", "events"]
    {
        assert_eq!(copy[same], webhook[same], "{same}");
    }
    project.api().delete(&format!("/v1/webhooks/{id}")).expect(204);
    project.event(TYPE, json!({}));
    let arrived = received(&receiver, 2).pop().expect("a request");
    assert_eq!(arrived.header("authorization"), Some("Bearer t0ken"));
    assert_eq!(arrived.header("x-shop"), Some("eu"));
}

#[test]
fn a_copy_of_another_projects_webhook_is_an_empty_form() {
    let (app, _project, admin, path) = people::at_webhooks();
    let other = factory::project(&app, "Other");
    let webhook = other.webhook("http://127.0.0.1:9/hidden", json!({ "name": "Theirs" }));
    let id = webhook["id"].as_str().expect("an id");
    let page = admin.get(&format!("{path}/new?from={id}")).expect(200).page();
    assert!(!page.source().contains("Theirs") && page.form(FORM).value("target_url") == Some(""));
    let form = new_form(&admin, &path)
        .with("target_url", "http://127.0.0.1:9/")
        .with("which", "all")
        .with("authentication", "bearer")
        .with("from", id);
    assert!(admin.submit(&path, &form).expect(422).page().has("[id='authentication.token-error']"));
}

#[test]
fn hosts_that_are_allowed_are_saved_and_webhooks_that_lead_elsewhere_are_named() {
    let (_app, project, admin, path) = people::at_webhooks();
    let webhook = project.webhook("http://127.0.0.1:9/", json!({ "name": "Till" }));
    let general = format!("/p/{}/settings/general", project.id);
    let form = admin.get(&general).expect(200).page().form("form[action$='/hosts']");
    let wrong = form.clone().with("allowed_hosts", "shop.example\nhttps://x");
    let refused = admin.submit(&general, &wrong).expect(422).page();
    assert!(refused.text("#allowed_hosts-error").contains("https://x"));
    assert_eq!(
        refused.form("form[action$='/hosts']").value("allowed_hosts"),
        Some("shop.example\nhttps://x")
    );

    let saved =
        admin.submit(&general, &form.with("allowed_hosts", "Shop.example\r\n*.Bücher.example")).expect(303);
    let said = admin.get(saved.header("location").expect("a place").split('#').next().unwrap_or_default());
    let said = said.expect(200).page();
    assert!(said.texts(".notice").join(" ").contains("Till leads to another host"));
    assert_eq!(
        project.api().get("/v1/project").expect(200).json()["allowed_hosts"],
        json!(["shop.example", "*.xn--bcher-kva.example"])
    );
    assert!(said.text("#hosts").contains("Till leads to another host"), "as long as it is so");
    assert!(admin.get(&path).expect(200).page().text(".webhook").contains("Host not allowed"));
    let page = format!("{path}/{}", webhook["id"].as_str().expect("an id"));
    let stored = admin.get(&page).expect(200).page();
    assert!(stored.text(".banner").contains("Host not allowed"));
    let form = stored.form(FORM);
    let elsewhere = form.clone().with("target_url", "http://127.0.0.1:9/other");
    let refused = admin.submit(&page, &elsewhere).expect(422).page();
    assert!(refused.text("#target_url-error").contains("sends only to"));
    admin.submit(&page, &form.with("description", "d")).expect(303);
}
