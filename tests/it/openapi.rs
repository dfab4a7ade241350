//! The description of the API: it covers the routes, its examples are true, and every answer is as it says.
mod described;

use std::collections::BTreeSet;

use callout::models::projects::keys::Scope;
use callout::routes::{Access, ROUTES};
use described::{Described, Operation};
use diesel::Connection;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::client::{Answer, Client};
use crate::support::factory::{self, Project};
use crate::support::names::Names;
use crate::support::problems::problem;
use crate::support::raw;
use crate::support::receiver::{self, Behaviour};

const TYPE: &str = "redemption.succeeded";
/// Ids that are well formed and of nothing.
const NOBODY: [(&str, &str); 6] = [
    ("/v1/failure-groups/", "fg_0193b0e0000070008000000000000000"),
    ("/v1/replays/", "rep_0193b0e0000070008000000000000000"),
    ("/v1/events/", "ev_0193b0e0000070008000000000000000"),
    ("/v1/webhooks/", "wh_0193b0e0000070008000000000000000"),
    ("/v1/deliveries/", "whs_0193b0e0000070008000000000000000"),
    ("/v1/event-types/", "no.such.type"),
];

/// With the names of the document's examples, which lead to this machine.
fn started() -> (App, Project, Described) {
    let names = Names::of("loyalty.example", &["127.0.0.1"]);
    names.set("warehouse.example", &["127.0.0.1"]);
    let app = App::start_resolving(names);
    let project = factory::project(&app, "Shop");
    let described = Described::by(&app);
    (app, project, described)
}

fn is_of_the_api(operation: &Operation) -> bool {
    operation.path.starts_with("/v1/")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

#[test]
fn the_document_has_every_call_of_the_api_and_no_other() {
    let (_app, _project, described) = started();
    let key = |access: Access| match access {
        Access::Key("any") | Access::KeyOrOwner => json!([{ "key": [] }]),
        Access::Key(scope) => json!([{ "key": [scope] }]),
        _ => json!([]),
    };
    let beside = ["/healthz", "/readyz", "/metrics"];
    let routes = ROUTES.iter().filter(|route| route.path.starts_with("/v1/") || beside.contains(&route.path));
    let there: BTreeSet<String> = routes
        .map(|route| format!("{} {} {}", route.method.to_uppercase(), route.path, key(route.access)))
        .collect();
    let told = described.operations();
    let told: BTreeSet<String> =
        told.iter().map(|op| format!("{} {} {}", op.method, op.path, op.description["security"])).collect();
    assert_eq!(told, there);
}

#[test]
fn the_document_holds_together() {
    let (_app, _project, described) = started();
    let document = &described.document;
    assert_eq!(document["openapi"], "3.1.0");
    let mut referred = BTreeSet::new();
    references(document, &mut referred);
    for to in &referred {
        let pointer = to.strip_prefix('#').expect("within the document");
        assert!(document.pointer(pointer).is_some(), "{to} leads nowhere");
    }
    // Of no call in particular.
    referred.insert("#/components/responses/NotAllowed".to_owned());
    for (kind, named) in document["components"].as_object().expect("components") {
        for name in named.as_object().expect("names").keys().filter(|_| kind != "securitySchemes") {
            assert!(referred.contains(&format!("#/components/{kind}/{name}")), "nobody uses {kind}/{name}");
        }
    }
    let tags: BTreeSet<&str> =
        document["tags"].as_array().expect("tags").iter().filter_map(|tag| tag["name"].as_str()).collect();
    let mut ids = BTreeSet::new();
    for operation in described.operations() {
        let id = operation.id().to_owned();
        assert!(ids.insert(id.clone()), "{id} twice");
        assert!(operation.description["tags"].as_array().expect("tags").len() == 1, "{id}");
        assert!(tags.contains(operation.description["tags"][0].as_str().unwrap_or_default()), "{id}");
        for words in ["summary", "description"] {
            assert!(operation.description[words].as_str().is_some_and(|text| !text.is_empty()), "{id}");
        }
        let parameters = operation.description["parameters"].as_array().cloned().unwrap_or_default();
        let declared: BTreeSet<String> = parameters
            .iter()
            .map(|parameter| described.resolved(parameter))
            .filter(|parameter| parameter["in"] == "path" && parameter["required"] == true)
            .map(|parameter| format!("{{{}}}", text(&parameter["name"])))
            .collect();
        let placeholders: BTreeSet<String> =
            operation.path.split('/').filter(|part| part.starts_with('{')).map(str::to_owned).collect();
        assert_eq!(declared, placeholders, "{id}");
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|one| references(one, found)),
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|one| references(one, found));
        }
        _ => {}
    }
}

#[test]
fn every_example_fits_its_schema() {
    let (_app, _project, described) = started();
    let mut count = 0;
    let mut check = |place: &str, content: &Value| {
        let examples = content["examples"].as_object().into_iter().flatten().map(|(_, example)| example);
        let values =
            examples.map(|example| &described.resolved(example)["value"]).chain(content.get("example"));
        for value in values {
            let faults = described.faults(&content["schema"], value);
            assert!(faults.is_empty(), "{place}: {faults:#?}");
            count += 1;
        }
    };
    for operation in described.operations() {
        check(operation.id(), &operation.description["requestBody"]["content"]["application/json"]);
        for (status, answer) in operation.description["responses"].as_object().expect("responses") {
            for (_, content) in described.resolved(answer)["content"].as_object().into_iter().flatten() {
                check(&format!("{} {status}", operation.id()), content);
            }
        }
        for parameter in operation.description["parameters"].as_array().into_iter().flatten() {
            check(operation.id(), described.resolved(parameter));
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn every_example_of_a_request_is_accepted() {
    let (app, _project, described) = started();
    for operation in described.operations() {
        for (n, example) in operation.request_examples().into_iter().enumerate() {
            let project = factory::project(&app, &format!("{} {n}", operation.id()));
            let made = project.webhook("http://127.0.0.1:9/", json!({}));
            let thing = match operation.path.as_str() {
                "/v1/event-types/{type}" => own_type(&project),
                "/v1/deliveries/{id}/resend" => {
                    project.event("customer.rewarded", json!({}));
                    text(&project.deliveries()[0]["id"])
                }
                "/v1/failure-groups/{id}/known" => factory::failure_group(&app, &project),
                _ => text(&made["id"]),
            };
            let answer =
                described.call(project.api(), operation.id(), &thing, "", example.to_string().as_bytes());
            assert!(answer.status < 300, "{} {example}: {answer:?}", operation.id());
        }
    }
}

#[test]
fn a_schema_of_the_document_fails_what_it_does_not_describe() {
    let (_app, project, described) = started();
    let mut made = project.webhook("http://127.0.0.1:9/", json!({}));
    let schema = json!({ "$ref": "#/components/schemas/CreatedWebhook" });
    assert_eq!(described.faults(&schema, &made), Vec::<String>::new());
    made["no_such_field"] = 1.into();
    assert_eq!(described.faults(&schema, &made).len(), 1);
    made.as_object_mut().expect("an object").remove("no_such_field");
    made["authentication"]["more"] = 1.into();
    assert!(!described.faults(&schema, &made).is_empty());
}

#[test]
fn every_answer_is_as_the_document_says() {
    let (app, project, described) = started();
    let api = project.api();
    refusals_that_all_share(&app, &project, &described);
    let (event, webhook) = successes(&app, &project, &described);
    replays(&app, &project, &described);
    let group = factory::failure_group(&app, &project);
    described.call(api, "markKnown", &group, "", br#"{"note":"ticket 123"}"#).expect(204);
    app.wait_until("failures are counted", |app| app.db.count("failure_counts") > 0);
    let told = described.call(api, "getFigures", "", "?range=1h", b"").expect(200).json();
    let counted = text(&told["failure_groups"][0]["id"]);
    described.call(api, "markKnown", &counted, "", br#"{"note":"ticket 123"}"#).expect(204);
    described.call(api, "getFigures", "", "", b"").expect(200);
    described.call(api, "unmarkKnown", &counted, "", b"").expect(204);
    refusals_of_their_own(&app, &project, &described, &webhook);
    described.call(api, "deleteWebhook", &webhook, "", b"").expect(204);
    let told = described.call(api, "getEvent", &event, "", b"").expect(200).json();
    let delivery = delivery_to(&webhook, &told);
    described.call(api, "resendDelivery", &delivery, "", b"").expect(409);
    for (id, client) in [("isAlive", &app.client()), ("isReady", &app.client()), ("getMetrics", api)] {
        described.call(client, id, "", "", b"").expect(200);
    }
    described.call(&app.client(), "getMetrics", "", "", b"").expect(401);
    let metrics_moved = "getMetrics 404".to_owned();
    let mut unseen = described.unseen(&["408", "500", "503"]);
    unseen.retain(|one| *one != metrics_moved);
    assert_eq!(unseen, Vec::<String>::new(), "described, but nobody met it");
}

/// No key, no scope, no such thing, no JSON, too much of it, wrong JSON, wrong parameters.
fn refusals_that_all_share(app: &App, project: &Project, described: &Described) {
    let (nobody, scopeless) = (app.client(), factory::key(app, project, &[Scope::Contacts]));
    let too_much = vec![b' '; 8 * 1024 * 1024 + 1];
    for operation in described.operations().into_iter().filter(is_of_the_api) {
        let id = operation.id();
        let thing = NOBODY.iter().find(|(path, _)| operation.path.starts_with(path)).map_or("", |one| one.1);
        let call = |client: &Client, query: &str, body: &[u8]| described.call(client, id, thing, query, body);
        call(&nobody, "", b"").expect(401);
        if operation.has("403") {
            call(&scopeless, "", b"").expect(403);
        }
        let api = project.api();
        let takes_body = operation.description.get("requestBody").is_some();
        if takes_body {
            call(api, "", b"{").expect(400);
            call(api, "", &too_much).expect(413);
            call(api, "", b"\"text\"").expect(422);
        } else if operation.has("422") {
            call(api, "?limit=0&cursor=x&no_such=1", b"").expect(422);
        }
        if operation.has("404") {
            let right = br#"{"target_url":"http://127.0.0.1:9/","all_events":true}"#;
            call(api, "", if takes_body { right } else { b"" }).expect(404);
        }
    }
}

/// A type of the project's own, just made.
fn own_type(project: &Project) -> String {
    let own = json!({ "type": "custom.a", "sample": {} });
    text(&project.api().post("/v1/event-types", &own).expect(201).json()["type"])
}

/// The delivery of an event to this webhook.
fn delivery_to(webhook: &str, event: &Value) -> String {
    let mut deliveries = event["deliveries"].as_array().expect("deliveries").iter();
    text(&deliveries.find(|delivery| delivery["webhook_id"] == webhook).expect("a delivery")["id"])
}

/// Answers to what is right, with deliveries in several states. Tells an event and a webhook.
fn successes(app: &App, project: &Project, described: &Described) -> (String, String) {
    let (api, receiver) = (project.api(), receiver::start_with(Behaviour::status(500)));
    let call = |id: &str, thing: &str, query: &str, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        described.call(api, id, thing, query, body.as_bytes())
    };
    let create = |name: &str, url: &str, more: Value| {
        let mut body = json!({ "name": name, "target_url": url, "events": [TYPE], "retries": "three" });
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        call("createWebhook", "", "", body).expect(201).json()
    };
    let failing = text(&create("failing", &receiver.url("/"), json!({}))["id"]);
    let taken = text(&create("taken", &receiver.url("/?status=200"), json!({ "body": "flat" }))["id"]);
    create("gone", &receiver.url("/?status=410"), json!({}));
    create("nowhere", &format!("http://{}/", raw::closed_port()), json!({ "retries": [60, 3_600] }));
    let odd = create("odd", "https://no-such-name.example/", json!({ "active": false, "all_events": true }));
    assert_eq!(odd["warnings"].as_array().map(Vec::len), Some(1), "{odd}");

    let odd = text(&odd["id"]);
    call("endPreviousSecrets", &odd, "", Value::Null).expect(409);
    call("rollBackSecret", &odd, "", Value::Null).expect(409);
    for _ in 0..3 {
        call("rotateSecret", &odd, "", json!({ "overlap_hours": 48 })).expect(200);
    }
    call("rotateSecret", &odd, "", Value::Null).expect(409);
    call("rollBackSecret", &odd, "", Value::Null).expect(204);
    call("endPreviousSecrets", &odd, "", Value::Null).expect(204);

    let event = json!({ "type": TYPE, "data": { "a": [1, null] }, "id": "own", "entity_id": "cust_1" });
    let accepted = call("postEvent", "", "", event.clone()).expect(202).json();
    assert_eq!(call("postEvent", "", "", event).expect(200).json(), accepted);
    call("postEvents", "", "", json!([{ "type": "badge_earned", "data": {} }])).expect(202);
    app.wait_for("delivered", 1);
    app.wait_for("failed", 1);
    app.wait_for("retrying", 2);
    let id = text(&accepted["id"]);
    let told = call("getEvent", &id, "", Value::Null).expect(200).json();
    assert_eq!(told["not_delivered_to"].as_array().map(Vec::len), Some(1), "{told}");
    for (operation, query) in [
        ("listEvents", "?limit=1"),
        ("listEvents", "?type=badge_earned&since=2026-01-01T00:00:00Z&q=own"),
        ("listWebhooks", ""),
        ("listDeliveries", "?limit=2"),
        ("listDeliveries", "?status=failed,retrying&response_status=5xx,410&event_type=redemption.succeeded"),
        ("listEventTypes", ""),
        ("getProject", ""),
    ] {
        call(operation, "", query, Value::Null).expect(200);
    }
    call("getEventType", TYPE, "", Value::Null).expect(200);
    let own = json!({ "type": "custom.b", "description": "B.", "sample": { "a": [1] } });
    let made = call("createEventType", "", "", own).expect(201).json();
    call("replaceEventType", "custom.b", "", made).expect(200);
    call("postEvent", "", "", json!({ "type": "custom.b", "data": {} })).expect(202);
    call("listEventTypes", "", "", Value::Null).expect(200);
    call("deleteEventType", "custom.b", "", Value::Null).expect(204);
    for delivery in told["deliveries"].as_array().expect("deliveries") {
        call("getDelivery", &text(&delivery["id"]), "", Value::Null).expect(200);
    }
    call("resendDelivery", &delivery_to(&failing, &told), "", Value::Null).expect(202);
    let noted = delivery_to(&failing, &told);
    let note = text(&call("addNote", &noted, "", json!({ "text": "Ticket 1" })).expect(201).json()["id"]);
    call("listNotes", &noted, "", Value::Null).expect(200);
    call("getDelivery", &noted, "", Value::Null).expect(200);
    call("deleteNote", &format!("{noted} {note}"), "", Value::Null).expect(204);
    call("exportDeliveries", "", "?status=failed&columns=id,status", Value::Null).expect(200);
    let edited = json!({ "data": { "a": 1 }, "webhook_id": taken, "reason": "It was wrong." });
    let resent = call("resendDelivery", &delivery_to(&failing, &told), "", edited).expect(202).json();
    call("getDelivery", &text(&resent["id"]), "", Value::Null).expect(200);
    call("getEvent", &text(&resent["event_id"]), "", Value::Null).expect(200);
    call("getEvent", &text(&resent["resent_from"]["event_id"]), "", Value::Null).expect(200);
    call("changeProject", "", "", json!({ "webhooks_enabled": false })).expect(200);
    let kept = text(&call("postEvent", "", "", json!({ "type": TYPE, "data": {} })).expect(202).json()["id"]);
    let delivery = delivery_to(&failing, &call("getEvent", &kept, "", Value::Null).expect(200).json());
    app.wait_until("it is held", |_| project.delivery(&delivery)["status"] == "held");
    call("getDelivery", &delivery, "", Value::Null).expect(200);
    call("changeProject", "", "", json!({ "name": "Shop", "webhooks_enabled": true })).expect(200);
    let replacement = json!({ "target_url": receiver.url("/"), "all_events": true, "name": "failing" });
    call("replaceWebhook", &failing, "", replacement).expect(200);
    call("changeWebhook", &failing, "", json!({ "retries": [1, 2], "description": null })).expect(200);
    for body in [Value::Null, json!({ "data": null }), json!({ "type": "badge_earned" })] {
        call("testWebhook", &failing, "", body).expect(200);
    }
    call("getMissed", &odd, "?since=2026-01-01T00:00:00Z", Value::Null).expect(200);
    let tested = call("testWebhook", &odd, "", json!({})).expect(200).json();
    assert_eq!(tested["response"], Value::Null, "{tested}");
    call("getEvent", &text(&tested["event_id"]), "", Value::Null).expect(200);
    call("getDelivery", &text(&tested["delivery_id"]), "", Value::Null).expect(200);
    for webhook in
        call("listWebhooks", "", "?limit=250", Value::Null).json()["data"].as_array().expect("a list")
    {
        call("getWebhook", &text(&webhook["id"]), "", Value::Null).expect(200);
    }
    call("resumeWebhook", &odd, "", json!({ "held": "cancel", "missed": "send" })).expect(200);
    (id, failing)
}

/// Replays in every state that they can be switched to.
fn replays(app: &App, project: &Project, described: &Described) {
    let call = |id: &str, thing: &str, query: &str, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        described.call(project.api(), id, thing, query, body.as_bytes())
    };
    let filter =
        json!({ "event_type": [TYPE], "response_status": "5xx,410", "since": "2026-01-01T00:00:00Z" });
    call("createReplay", "", "", json!({ "filter": filter, "count_only": true })).expect(200);
    // With the master switch off it waits.
    call("changeProject", "", "", json!({ "webhooks_enabled": false })).expect(200);
    let id = text(&call("createReplay", "", "", json!({ "filter": filter })).expect(202).json()["id"]);
    for (operation, status) in [
        ("pauseReplay", 200),
        ("resumeReplay", 200),
        ("cancelReplay", 200),
        ("pauseReplay", 409),
        ("resumeReplay", 409),
    ] {
        call(operation, &id, "", Value::Null).expect(status);
    }
    let nothing = json!({ "filter": { "event_type": ["no.such.type"] }, "rate_per_s": 1 });
    let done = text(&call("createReplay", "", "", nothing).expect(202).json()["id"]);
    app.wait_until("it is done", |_| call("getReplay", &done, "", Value::Null).json()["status"] == "done");
    call("cancelReplay", &done, "", Value::Null).expect(409);
    let named: Vec<Value> = project.deliveries().iter().map(|delivery| delivery["id"].clone()).collect();
    let named = call("createReplay", "", "", json!({ "delivery_ids": named })).expect(202).json();
    for (operation, thing, query) in [
        ("listReplays", "", "?limit=1".to_owned()),
        ("getReplay", &*id, String::new()),
        ("listReplayItems", &*text(&named["id"]), "?state=waiting&limit=1".to_owned()),
    ] {
        call(operation, thing, &query, Value::Null).expect(200);
    }
    call("cancelReplay", &text(&named["id"]), "", Value::Null).expect(200);
    call("changeProject", "", "", json!({ "webhooks_enabled": true })).expect(200);
}

/// Names that are taken, and what is asked for too often.
fn refusals_of_their_own(app: &App, project: &Project, described: &Described, webhook: &str) {
    factory::project(app, "Other");
    let taken =
        json!({ "name": "Taken", "target_url": "http://127.0.0.1:9/", "all_events": true }).to_string();
    for id in ["createWebhook", "replaceWebhook", "changeWebhook"] {
        described.call(project.api(), id, webhook, "", taken.as_bytes()).expect(409);
    }
    let own = json!({ "type": own_type(project), "sample": {} }).to_string();
    described.call(project.api(), "createEventType", "", "", own.as_bytes()).expect(409);
    described.call(project.api(), "replaceEventType", TYPE, "", b"{}").expect(409);
    described.call(project.api(), "deleteEventType", TYPE, "", b"").expect(409);
    described.call(project.api(), "changeProject", "", "", br#"{"name":"other"}"#).expect(409);
    let tested = (0..20).map(|_| described.call(project.api(), "testWebhook", webhook, "", b"").status);
    assert_eq!(tested.last(), Some(429));
    let settings = json!({ "settings": { "target_url": format!("http://{}/", raw::closed_port()), "preset": "loyalty" } });
    let settings = settings.to_string();
    let tried =
        (0..21).map(|_| described.call(project.api(), "testSettings", "", "", settings.as_bytes()).status);
    let tried: Vec<u16> = tried.collect();
    assert_eq!((tried.first(), tried.last()), (Some(&200), Some(&429)));
}

#[test]
fn when_the_database_fails_every_call_says_so_as_the_document_does() {
    let (app, project, described) = started();
    // Keys that nobody remembers yet, so that each call begins with a look into the table.
    let [first, second] = [(), ()].map(|()| factory::key(&app, &project, &Scope::ALL));
    let operations: Vec<Operation> = described.operations().into_iter().filter(is_of_the_api).collect();
    let held = |client: &Client, status: u16| {
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let call = |operation: &Operation| {
                let (client, method) = (client.clone(), operation.method.clone());
                let path = operation.path.replace(['{', '}'], "");
                scope.spawn(move || client.send(&method, &path, &[], b""))
            };
            let threads: Vec<_> = operations.iter().map(call).collect();
            threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
        });
        for (operation, answer) in operations.iter().zip(answers) {
            described.hold(operation, &answer.expect(status));
        }
    };
    app.db.execute("alter table api_keys rename to api_keys_away");
    held(&first, 500);
    app.db.execute("alter table api_keys_away rename to api_keys");
    let mut conn = app.db.conn();
    let locked = conn.transaction(|conn| {
        conn.batch_execute("lock table api_keys in access exclusive mode")?;
        held(&second, 503);
        Ok::<_, diesel::result::Error>(())
    });
    locked.expect("a lock");
}

#[test]
fn another_method_of_a_path_is_answered_with_the_ones_it_has() {
    let (_app, project, _described) = started();
    for (method, path, allowed) in [
        ("DELETE", "/v1/events", "POST, GET, HEAD"),
        ("DELETE", "/v1/events/batch", "POST"),
        ("PATCH", "/v1/webhooks", "GET, POST, HEAD"),
        ("POST", "/v1/webhooks/wh_1", "GET, PUT, PATCH, DELETE, HEAD"),
        ("GET", "/v1/deliveries/whs_1/resend", "POST"),
        ("OPTIONS", "/v1/project", "GET, PATCH, HEAD"),
    ] {
        let answer = project.api().send(method, path, &[], b"");
        problem(&answer, 405);
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
    }
    problem(&project.api().get("/v1/nothing"), 404);
}

#[test]
fn the_document_is_for_everybody_and_kept_until_it_changes() {
    let (app, _project, described) = started();
    assert_eq!(described.document["servers"][0]["url"], app.url(""));
    let first = app.client().get("/api/openapi.json").expect(200);
    assert_eq!(first.header("content-type"), Some("application/json"));
    let tag = first.header("etag").expect("a tag").to_owned();
    let again = app.client().with_header("if-none-match", &tag).get("/api/openapi.json").expect(304);
    assert_eq!((again.body.as_str(), again.header("etag")), ("", Some(tag.as_str())));
    app.client().with_header("if-none-match", "\"other\"").get("/api/openapi.json").expect(200);
}
