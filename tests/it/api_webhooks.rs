//! `/v1/webhooks` and `/v1/project`: what is set, what is told, what is refused.
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::problems::{pointers, problem};

const URL: &str = "http://127.0.0.1:9000/in";

fn started() -> (App, Project) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    (app, project)
}

fn path_of(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"))
}

fn without_secret(webhook: &Value) -> Value {
    let mut webhook = webhook.clone();
    webhook.as_object_mut().expect("an object").remove("secret");
    webhook
}

#[test]
fn a_webhook_needs_an_address_and_events_and_has_defaults_for_the_rest() {
    let (_app, project) = started();
    let webhook = json!({ "target_url": URL, "all_events": true });
    let made = project.api().post("/v1/webhooks", &webhook).expect(201).json();
    assert!(made["id"].as_str().is_some_and(|id| id.starts_with("wh_")), "{made}");
    assert!(made["secret"].as_str().is_some_and(|secret| secret.starts_with("whsec_")), "{made}");
    let expected = json!({
        "object": "webhook", "name": "127.0.0.1", "description": "", "target_url": URL, "active": true,
        "disabled": null, "slowed": null, "all_events": true, "events": [], "filter": null, "preset": null, "body": "envelope",
        "version": "2024-01-01", "timeout_ms": 10_000, "retries": "doubling-24h", "success": "2xx",
        "when_used_up": "fail", "rate_per_s": null, "headers": {}, "authentication": { "type": "none" },
        "extra_signature": "none", "warnings": [], "created_at": "2026-11-21T12:00:00.000Z",
        "updated_at": "2026-11-21T12:00:00.000Z",
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&made[name], value, "{name}");
    }
}

#[test]
fn the_secret_is_told_once() {
    let (app, project) = started();
    let made = project.webhook(URL, json!({}));
    let secret = made["secret"].as_str().expect("a secret");
    let path = path_of(&made);
    let answers = [
        project.api().get(&path).expect(200),
        project.api().get("/v1/webhooks").expect(200),
        project.api().patch(&path, &json!({ "description": "x" })).expect(200),
        project.api().put(&path, &json!({ "target_url": URL, "all_events": true })).expect(200),
    ];
    for answer in answers {
        assert!(!answer.body.contains(secret) && !answer.body.contains("whsec_"), "{answer:?}");
    }
    let stored = app.db.texts("select encode(sealed, 'escape') from webhook_secrets");
    assert!(stored.len() == 1 && !stored[0].contains(secret) && !stored[0].contains("whsec_"), "sealed");
}

#[test]
fn what_is_set_is_told() {
    let (_app, project) = started();
    let settings = json!({
        "name": "Shop's own", "description": "two\nlines", "target_url": URL, "active": false, "all_events": false,
        "events": ["customer.rewarded", "voucher.created"], "body": "flat", "version": "2024-01-01",
        "timeout_ms": 1_000, "retries": [1, 604_800], "success": "200", "when_used_up": "disable",
        "rate_per_s": 1_000,
    });
    let made = project.api().post("/v1/webhooks", &settings).expect(201).json();
    let told = project.api().get(&path_of(&made)).expect(200).json();
    assert_eq!(told, without_secret(&made));
    for (name, value) in settings.as_object().expect("an object") {
        assert_eq!(&told[name], value, "{name}");
    }
}

#[test]
fn what_was_told_may_be_sent_back_as_it_is_and_what_cannot_be_set_is_refused() {
    let (app, project) = started();
    let settings =
        json!({ "description": "x", "retries": [5], "body": "flat", "events": ["voucher.created"] });
    let made = project.webhook(URL, settings);
    let (path, mut told) = (path_of(&made), without_secret(&made));
    assert_eq!(project.api().get(&path).expect(200).json(), told);
    for _ in 0..2 {
        app.clock.advance(time::Duration::SECOND);
        let put = project.api().put(&path, &told).expect(200).json();
        told["updated_at"] = put["updated_at"].clone();
        assert_eq!(put, told, "all as it was");
        project.api().patch(&path, &told).expect(200);
        project.api().patch(&path, &json!({ "active": false })).expect(200);
        app.db.execute(
            "update webhooks set disabled_kind = 'gone', disabled_detail = 'x', disabled_at = now()",
        );
        told = project.api().get(&path).expect(200).json();
    }
    for (name, value) in [
        ("filter", json!({ "a": 1 })),
        ("object", json!("event")),
        ("id", json!(7)),
        ("id", json!(made["id"].as_str().expect("an id").replace("wh_", "wh_0"))),
        ("created_at", json!("x")),
        ("created_at", json!("2026-11-21T12:00:00.001Z")),
        ("updated_at", json!("2030-01-01T00:00:00Z")),
        ("disabled", Value::Null),
        ("disabled", json!({ "kind": "gone" })),
        ("warnings", json!([1, 2])),
        ("warnings", json!(["no such warning"])),
        ("secret", made["secret"].clone()),
    ] {
        let refused = problem(&project.api().patch(&path, &json!({ name: value })), 422);
        assert_eq!(pointers(&refused), [format!("/{name}")], "{value}");
    }
    assert_eq!(project.api().get(&path).expect(200).json(), told, "nothing of that was done");
    // What switches it on may say that it is disabled no more, or still bring along why it was: also a second time.
    let stale = told["disabled"].clone();
    project.api().patch(&path, &json!({ "active": true, "disabled": null })).expect(200);
    project.api().patch(&path, &json!({ "active": true, "disabled": stale })).expect(200);
    let refused = problem(&project.api().patch(&path, &json!({ "disabled": stale })), 422);
    assert_eq!(pointers(&refused), ["/disabled"], "it is not any more");
}

#[test]
fn an_unknown_type_is_answered_with_the_nearest_if_any_is_near() {
    let (_app, project) = started();
    let said = |name: &str| {
        let webhook = json!({ "target_url": URL, "events": [name] });
        let refused = problem(&project.api().post("/v1/webhooks", &webhook), 422);
        refused["errors"][0]["message"].as_str().expect("a message").to_owned()
    };
    assert_eq!(said("nope"), "There is no event type \"nope\".");
    assert!(said("customer.rewardd").contains("Did you mean customer.rewarded"));
}

#[test]
fn patch_merges_and_put_goes_back_to_defaults() {
    let (app, project) = started();
    let made = project.webhook(URL, json!({ "description": "old", "timeout_ms": 5_000, "name": "mine" }));
    let path = path_of(&made);
    app.clock.advance(time::Duration::SECOND);
    let merged = project.api().patch(&path, &json!({ "timeout_ms": 6_000 })).expect(200).json();
    let mut expected = without_secret(&made);
    expected["timeout_ms"] = 6_000.into();
    expected["updated_at"] = "2026-11-21T12:00:01.000Z".into();
    assert_eq!(merged, expected);

    let replacement = json!({ "target_url": URL, "events": ["voucher.created"] });
    let replaced = project.api().put(&path, &replacement).expect(200).json();
    assert_eq!(replaced["id"], made["id"]);
    assert_eq!(replaced["description"], "");
    assert_eq!(replaced["timeout_ms"], 10_000);
    assert_eq!(replaced["name"], "127.0.0.1");
    assert_eq!(replaced["events"], json!(["voucher.created"]));
    assert_eq!(pointers(&problem(&project.api().put(&path, &json!({})), 422)), ["/target_url", "/events"]);
    assert_eq!(project.api().get(&path).expect(200).json(), replaced, "refused means unchanged");
}

#[test]
fn every_wrong_setting_is_pointed_at_in_one_answer() {
    let (app, project) = started();
    let wrong = json!({
        "name": "x".repeat(1_000), "description": "x".repeat(100_000 / 4), "target_url": "ftp://shop.example/",
        "events": ["customer.rewardd"], "body": "xml", "version": "1999", "timeout_ms": 999, "retries": "often",
        "success": "3xx", "when_used_up": "explode",
    });
    let mut places = pointers(&problem(&project.api().post("/v1/webhooks", &wrong), 422));
    places.sort();
    assert_eq!(
        places,
        [
            "/body",
            "/description",
            "/events",
            "/name",
            "/retries",
            "/success",
            "/target_url",
            "/timeout_ms",
            "/version",
            "/when_used_up",
        ]
    );
    let types = json!({
        "name": 1, "target_url": 2, "active": "yes", "all_events": 0, "events": "customer.rewarded", "body": [],
        "timeout_ms": "1000", "no_such": 1,
    });
    let mut places = pointers(&problem(&project.api().post("/v1/webhooks", &types), 422));
    places.sort();
    assert_eq!(
        places,
        ["/active", "/all_events", "/body", "/events", "/name", "/no_such", "/target_url", "/timeout_ms",]
    );
    problem(&project.api().send("POST", "/v1/webhooks", &[], b"{"), 400);
    problem(&project.api().post("/v1/webhooks", &json!([])), 422);
    assert_eq!(app.db.count("webhooks"), 0);
}

#[test]
fn limits_hold_at_the_limit_and_one_past_it() {
    let (_app, project) = started();
    let made = project.webhook(URL, json!({}));
    let path = path_of(&made);
    let long = |chars: usize| format!("{URL}?{}", "x".repeat(chars - URL.len() - 1));
    let cases = [
        ("target_url", json!(long(2_048)), json!(long(2_049))),
        ("timeout_ms", json!(1_000), json!(999)),
        ("timeout_ms", json!(30_000), json!(30_001)),
        ("retries", json!(vec![1; 30]), json!(vec![1; 31])),
        ("retries", json!([604_800]), json!([604_801])),
        ("retries", json!([1]), json!([0])),
        ("retries", json!([]), json!([1.5])),
        ("retries", json!([60.0]), json!([60.0, "60"])),
        ("timeout_ms", json!(5_000.0), json!(5_000.5)),
        ("timeout_ms", json!(1_000), json!(1e300)),
        ("retries", json!("none"), json!("sometimes")),
        ("rate_per_s", json!(1), json!(0)),
        ("rate_per_s", json!(1_000), json!(1_001)),
        ("rate_per_s", Value::Null, json!("5")),
    ];
    for (name, right, wrong) in cases {
        project.api().patch(&path, &json!({ name: right })).expect(200);
        let refused = problem(&project.api().patch(&path, &json!({ name: wrong })), 422);
        assert_eq!(pointers(&refused), [format!("/{name}")], "{wrong}");
        assert!(!refused["detail"].to_string().contains("expected"), "in our words: {refused}");
    }
}

#[test]
fn addresses_with_surprises_are_refused() {
    let (_app, project) = started();
    for url in [
        "",
        "shop.example",
        "https://",
        "https:///path",
        "//shop.example/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://user:password@shop.example/",
        "https://shop.example/#fragment",
        "https://shop .example/",
        "https://shop.example/a b",
        "https://shop.example\\@127.0.0.1/",
        "https://shop.example/\0",
        "http://10.0.0.1/",
        "https://shop.example:0/",
        "https://shop.example:99999/",
    ] {
        let webhook = json!({ "target_url": url, "all_events": true });
        let refused = problem(&project.api().post("/v1/webhooks", &webhook), 422);
        assert_eq!(pointers(&refused), ["/target_url"], "{url:?}");
    }
}

#[test]
fn a_name_is_taken_whatever_its_capitals_until_its_webhook_is_deleted() {
    let (app, project) = started();
    let first = project.webhook(URL, json!({ "name": "Shop" }));
    let second = project.webhook(URL, json!({ "name": "Other" }));
    let again = json!({ "target_url": URL, "all_events": true, "name": "SHOP" });
    problem(&project.api().post("/v1/webhooks", &again), 409);
    problem(&project.api().patch(&path_of(&second), &json!({ "name": "shop" })), 409);
    project.api().patch(&path_of(&first), &json!({ "name": "SHOP" })).expect(200);
    project.api().delete(&path_of(&first)).expect(204);
    project.api().patch(&path_of(&second), &json!({ "name": "shop" })).expect(200);
    let other = factory::project(&app, "Other");
    other.webhook(URL, json!({ "name": "shop" }));
}

#[test]
fn a_project_has_at_most_100_webhooks() {
    let (app, project) = started();
    for n in 0..99 {
        project.webhook(URL, json!({ "name": n.to_string() }));
    }
    // In parallel, so that the count is exact under a race too.
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let (address, token) = (app.address, &project.token);
                scope.spawn(move || {
                    let webhook =
                        json!({ "target_url": URL, "all_events": true, "name": format!("last {n}") });
                    let client = crate::support::client::Client::new(address).with_key(token);
                    client.post("/v1/webhooks", &webhook).status
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 3, "{statuses:?}");
    let last = project.api().get("/v1/webhooks?limit=250").expect(200).json();
    assert_eq!(last["data"].as_array().map(Vec::len), Some(100));
    project.api().delete(&path_of(&last["data"][0])).expect(204);
    project.webhook(URL, json!({ "name": "another" }));
}

#[test]
fn webhooks_are_listed_newest_first_page_by_page() {
    let (app, project) = started();
    let mut names = Vec::new();
    for n in 0..5 {
        names.insert(0, project.webhook(URL, json!({ "name": n.to_string() }))["name"].clone());
        app.clock.advance(time::Duration::SECOND);
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/webhooks?limit=2".to_owned());
    loop {
        let page = project.api().get(&path).expect(200).json();
        seen.extend(page["data"].as_array().expect("a list").iter().map(|webhook| webhook["name"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/webhooks?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, names);
}

#[test]
fn the_project_tells_and_changes_its_name_and_master_switch() {
    let (app, project) = started();
    factory::project(&app, "Other");
    let told = project.api().get("/v1/project").expect(200).json();
    assert_eq!((&told["id"], &told["name"]), (&json!(project.id), &json!("Shop")));
    assert_eq!((&told["webhooks_enabled"], &told["allowed_hosts"]), (&json!(true), &json!([])));
    let changed = project.api().patch("/v1/project", &json!({ "name": "Shop 2" })).expect(200).json();
    assert_eq!((&changed["name"], &changed["webhooks_enabled"]), (&json!("Shop 2"), &json!(true)));
    problem(&project.api().patch("/v1/project", &json!({ "name": "other" })), 409);
    for wrong in
        [json!({ "name": "" }), json!({ "name": 5 }), json!({ "webhooks_enabled": "no" }), json!({ "x": 1 })]
    {
        problem(&project.api().patch("/v1/project", &wrong), 422);
    }
    assert_eq!(project.api().get("/v1/project").expect(200).json(), changed);
}

#[test]
fn a_webhook_without_a_name_gets_its_host_then_its_path_then_a_number() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let names: Vec<_> = ["/shop", "/shop?key=secret", "/till/", "/till", "/", ""]
        .iter()
        .map(|path| project.webhook(&format!("http://127.0.0.1:9{path}"), json!({}))["name"].clone())
        .collect();
    let expected =
        ["127.0.0.1", "127.0.0.1/shop", "127.0.0.1/till", "127.0.0.1/till 2", "127.0.0.1 2", "127.0.0.1 3"];
    assert_eq!(names, expected);
}
