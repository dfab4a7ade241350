//! `/v1/events`: what is accepted, what is refused and why, and what is told afterwards.
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::problems::{pointers, problem};
use crate::support::receiver;

const TYPE: &str = "customer.rewarded";

fn started() -> (App, Project) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    (app, project)
}

/// Posts bytes as they are.
fn post_raw(project: &Project, path: &str, body: &[u8]) -> crate::support::client::Answer {
    project.api().send("POST", path, &[("content-type", "application/json")], body)
}

/// An event's body of exactly so many bytes.
fn body_of(bytes: usize) -> String {
    let empty = json!({ "type": TYPE, "data": { "text": "" } }).to_string();
    json!({ "type": TYPE, "data": { "text": "x".repeat(bytes - empty.len()) } }).to_string()
}

fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({ "in": inner }))
}

#[test]
fn an_accepted_event_is_answered_202_with_its_id_group_time_and_number_of_deliveries() {
    let (app, project) = started();
    let receiver = receiver::start();
    project.webhook(&receiver.url("/a"), json!({ "name": "a" }));
    project.webhook(&receiver.url("/b"), json!({ "name": "b" }));
    let answer = project.post_event(&json!({ "type": TYPE, "data": {} })).expect(202).json();
    assert!(answer["id"].as_str().is_some_and(|id| id.starts_with("evcus_") && id.len() == 38), "{answer}");
    assert!(answer["group_id"].as_str().is_some_and(|id| id.starts_with("v-")), "{answer}");
    assert_eq!(answer["type"], TYPE);
    assert_eq!(answer["created_at"], "2026-11-21T12:00:00.000Z");
    assert_eq!(answer["deliveries"], 2);
    assert_eq!(app.db.count("events"), 1, "on disk before the answer");
    let event = project.api().get(&format!("/v1/events/{}", answer["id"].as_str().expect("an id")));
    assert_eq!(
        event.expect(200).json()["deliveries"].as_array().map(Vec::len),
        Some(2),
        "and shown from then on"
    );
}

#[test]
fn an_events_id_says_which_family_it_is_of() {
    let (_app, project) = started();
    let prefixes = [
        ("redemption.succeeded", "evred_"),
        ("publication.succeeded", "evpub_"),
        ("customer.created", "evcus_"),
        ("voucher.created", "evvou_"),
        ("campaign.created", "evcam_"),
        ("business_validation_rule.created", "evbvr_"),
        ("badge_earned", "ev_"),
    ];
    for (event_type, prefix) in prefixes {
        let id = project.event(event_type, json!({}))["id"].clone();
        assert!(id.as_str().is_some_and(|id| id.starts_with(prefix)), "{event_type}: {id}");
    }
}

#[test]
fn the_callers_own_fields_are_kept_and_told() {
    let (_app, project) = started();
    let event = json!({
        "type": TYPE, "data": { "b": 1, "a": 2 }, "id": "order-17", "entity_id": "cust_9", "group_id": "request-3",
        "created_at": "2026-11-01T10:00:00.123+02:00",
    });
    let accepted = project.post_event(&event).expect(202).json();
    assert_eq!(accepted["group_id"], "request-3");
    assert_eq!(accepted["created_at"], "2026-11-01T08:00:00.123Z");
    let id = accepted["id"].as_str().expect("an id");
    let told = project.api().get(&format!("/v1/events/{id}")).expect(200).json();
    assert_eq!(told["external_id"], "order-17");
    assert_eq!(told["entity_id"], "cust_9");
    assert_eq!(told["group_id"], "request-3");
    assert_eq!(told["created_at"], "2026-11-01T08:00:00.123Z");
    assert_eq!(told["data"], json!({ "b": 1, "a": 2 }));
    assert_eq!(told["event_source"]["channel"], "API");
    assert_eq!(told["event_source"]["api_key"]["name"], "all");
    assert_eq!(told["deliveries"], json!([]));
    assert_eq!(told["not_delivered_to"], json!([]));
}

#[test]
fn the_schema_documents_and_does_not_gate() {
    let (_app, project) = started();
    project.event("redemption.succeeded", json!({ "nothing": ["as", "documented", null, 1.5] }));
}

#[test]
fn a_body_has_at_most_256_kib() {
    let (app, project) = started();
    post_raw(&project, "/v1/events", body_of(256 * 1024).as_bytes()).expect(202);
    problem(&post_raw(&project, "/v1/events", body_of(256 * 1024 + 1).as_bytes()), 413);
    assert_eq!(app.db.count("events"), 1);
}

#[test]
fn a_batch_has_at_most_8_mib_and_each_event_in_it_256_kib() {
    let (app, project) = started();
    let all = 8 * 1024 * 1024;
    let each = 256 * 1024;
    // 31 of the largest with their commas, brackets around, and one that fills up the rest.
    let mut events = vec![body_of(each); 31];
    events.push(body_of(all - 31 * (each + 1) - 2));
    let batch = format!("[{}]", events.join(","));
    assert_eq!(batch.len(), all);
    let answer = post_raw(&project, "/v1/events/batch", batch.as_bytes()).expect(202).json();
    assert_eq!(answer["accepted"], 32);
    problem(&post_raw(&project, "/v1/events/batch", format!("{batch} ").as_bytes()), 413);
    let with_large = format!("[{},{}]", body_of(100), body_of(each + 1));
    let refused = problem(&post_raw(&project, "/v1/events/batch", with_large.as_bytes()), 422);
    assert_eq!(pointers(&refused), ["/1"]);
    assert_eq!(app.db.count("events"), 32);
}

#[test]
fn a_batch_has_1_to_1000_events() {
    let (app, project) = started();
    let of = |count: usize| Value::from(vec![json!({ "type": TYPE, "data": {} }); count]);
    problem(&project.api().post("/v1/events/batch", &of(0)), 422);
    problem(&project.api().post("/v1/events/batch", &of(1_001)), 422);
    let answer = project.api().post("/v1/events/batch", &of(1_000)).expect(202).json();
    assert_eq!(answer["accepted"], 1_000);
    assert_eq!(answer["events"].as_array().map(Vec::len), Some(1_000));
    assert_eq!(app.db.count("events"), 1_000);
}

#[test]
fn a_batch_with_bad_items_is_refused_whole_with_a_pointer_each() {
    let (app, project) = started();
    let batch = json!([
        { "type": TYPE, "data": {} },
        { "type": TYPE, "data": [] },
        "no object",
        { "type": "nonsense", "data": {}, "entity_id": 5 },
        { "data": {} },
    ]);
    let refused = problem(&project.api().post("/v1/events/batch", &batch), 422);
    assert_eq!(pointers(&refused), ["/1/data", "/2", "/3/entity_id", "/3/type", "/4/type"]);
    assert_eq!(app.db.count("events"), 0);
}

#[test]
fn data_is_nested_at_most_64_levels_deep() {
    let (_app, project) = started();
    project.event(TYPE, nested(64));
    let refused = problem(&project.post_event(&json!({ "type": TYPE, "data": nested(65) })), 422);
    assert_eq!(pointers(&refused), ["/data"]);
    // Far deeper than any reader's stack: still an answer.
    let deep = format!("{{\"type\":\"{TYPE}\",\"data\":{}}}", "[".repeat(100_000));
    assert!(matches!(post_raw(&project, "/v1/events", deep.as_bytes()).status, 400 | 422));
}

#[test]
fn the_callers_ids_have_1_to_128_characters() {
    let (_app, project) = started();
    for name in ["id", "entity_id", "group_id"] {
        let with = |text: &str| {
            let mut event = json!({ "type": TYPE, "data": {} });
            event[name] = text.into();
            project.post_event(&event)
        };
        with(&"ü".repeat(128)).expect(202);
        for wrong in ["ü".repeat(129), String::new(), "a\0b".to_owned(), "a\nb".to_owned()] {
            assert_eq!(pointers(&problem(&with(&wrong), 422)), [format!("/{name}")], "{wrong:?}");
        }
    }
}

#[test]
fn created_at_lies_at_most_30_days_back_and_not_in_the_future() {
    let (_app, project) = started();
    let at = |text: &str| project.post_event(&json!({ "type": TYPE, "data": {}, "created_at": text }));
    at("2026-10-22T12:00:00Z").expect(202);
    for wrong in ["2026-10-22T11:59:59.999Z", "2026-11-21T13:00:00Z", "2026-11-21", "yesterday"] {
        assert_eq!(pointers(&problem(&at(wrong), 422)), ["/created_at"], "{wrong}");
    }
}

#[test]
fn what_is_not_json_is_400_and_what_is_no_event_422() {
    let (app, project) = started();
    for body in ["", "{", "{\"type\":", "nonsense", "{\"type\":\"x\",}", "{} {}", "\u{feff}{}"] {
        problem(&post_raw(&project, "/v1/events", body.as_bytes()), 400);
        problem(&post_raw(&project, "/v1/events/batch", body.as_bytes()), 400);
    }
    problem(&post_raw(&project, "/v1/events", b"{\"type\":\"\xff\"}"), 400);
    for body in ["[]", "null", "5", "\"text\""] {
        problem(&post_raw(&project, "/v1/events", body.as_bytes()), 422);
    }
    for body in ["{}", "null", "5"] {
        problem(&post_raw(&project, "/v1/events/batch", body.as_bytes()), 422);
    }
    assert_eq!(app.db.count("events"), 0);
}

#[test]
fn every_field_at_fault_is_pointed_at_in_one_answer() {
    let (_app, project) = started();
    let event = json!({
        "type": 5, "data": "text", "id": "", "created_at": "never", "no~such/field": 1,
    });
    let mut places = pointers(&problem(&project.post_event(&event), 422));
    places.sort();
    assert_eq!(places, ["/created_at", "/data", "/id", "/no~0such~1field", "/type"]);
    assert_eq!(pointers(&problem(&project.post_event(&json!({})), 422)), ["/type", "/data"]);
}

#[test]
fn data_must_be_an_object() {
    let (_app, project) = started();
    for data in [json!([]), json!(null), json!("text"), json!(1), json!(true)] {
        let refused = problem(&project.post_event(&json!({ "type": TYPE, "data": data })), 422);
        assert_eq!(pointers(&refused), ["/data"]);
    }
}

#[test]
fn an_unknown_type_comes_with_the_nearest_names() {
    let (_app, project) = started();
    let refused = problem(&project.post_event(&json!({ "type": "redemption.suceeded", "data": {} })), 422);
    assert_eq!(pointers(&refused), ["/type"]);
    let message = refused["errors"][0]["message"].as_str().expect("a message");
    assert!(message.contains("redemption.succeeded"), "{message}");
}

#[test]
fn half_a_surrogate_pair_is_refused_wherever_it_stands() {
    let (app, project) = started();
    let post = |text: &str| post_raw(&project, "/v1/events", text.as_bytes());
    for data in [r#"{"a":"\ud83d"}"#, r#"{"a":"\ude00\ud83d"}"#, r#"{"a":["x\udfff"]}"#, r#"{"\ud800":1}"#] {
        let refused = problem(&post(&format!(r#"{{"type":"{TYPE}","data":{data}}}"#)), 422);
        assert_eq!(pointers(&refused), ["/data"], "{data}");
    }
    let refused = problem(&post(&format!(r#"{{"type":"{TYPE}","data":{{}},"id":"\ud83d"}}"#)), 422);
    assert_eq!(pointers(&refused), ["/id"]);
    problem(&post(&format!(r#"{{"type":"{TYPE}","data":{{}},"\ud83d":1}}"#)), 422);
    post(&format!(r#"{{"type":"{TYPE}","data":{{"a":"\ud83d\ude00"}}}}"#)).expect(202);
    assert_eq!(app.db.count("events"), 1);
}

#[test]
fn data_may_hold_every_character_also_nul() {
    let (_app, project) = started();
    let data =
        json!({ "nul": "a\0b", "key\0": 1, "line": "\u{2028}\u{7f}\u{1f600}", "escape": "\u{1b}\"\\" });
    let id = project.event(TYPE, data.clone())["id"].as_str().expect("an id").to_owned();
    assert_eq!(project.api().get(&format!("/v1/events/{id}")).expect(200).json()["data"], data);
}

#[test]
fn of_doubled_keys_the_last_counts() {
    let (_app, project) = started();
    let body = format!(r#"{{"type":"nonsense","type":"{TYPE}","data":[],"data":{{"a":1,"b":2,"a":3}}}}"#);
    let id = post_raw(&project, "/v1/events", body.as_bytes()).expect(202).json()["id"].clone();
    let told = project.api().get(&format!("/v1/events/{}", id.as_str().expect("an id"))).expect(200);
    assert!(told.body.contains(r#""data":{"a":3,"b":2}"#), "{}", told.body);
}

#[test]
fn events_are_listed_newest_first_page_by_page() {
    let (app, project) = started();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(project.event(TYPE, json!({}))["id"].as_str().expect("an id").to_owned());
        app.clock.advance(time::Duration::seconds(1));
    }
    ids.reverse();
    let mut seen = Vec::new();
    let mut path = "/v1/events?limit=2".to_owned();
    loop {
        let page = project.api().get(&path).expect(200).json();
        let rows = page["data"].as_array().expect("a list");
        assert!(rows.len() <= 2, "{page}");
        seen.extend(rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/events?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids);
}

#[test]
fn events_are_found_by_type_time_and_id() {
    let (app, project) = started();
    let id = |accepted: Value| accepted["id"].as_str().expect("an id").to_owned();
    let first = id(project.event("voucher.created", json!({})));
    app.clock.advance(time::Duration::seconds(60));
    let second = id(project.post_event(&json!({ "type": TYPE, "data": {}, "id": "own" })).expect(202).json());
    let found = |query: &str| {
        let page = project.api().get(&format!("/v1/events?{query}")).expect(200).json();
        page["data"].as_array().expect("a list").iter().map(|row| id(row.clone())).collect::<Vec<_>>()
    };
    assert_eq!(found("type=voucher.created"), [first.as_str()]);
    assert_eq!(found("type=voucher.created,customer.rewarded"), [second.as_str(), first.as_str()]);
    assert_eq!(found("since=2026-11-21T12:00:30Z"), [second.as_str()]);
    assert_eq!(found("until=2026-11-21T12:01:00Z"), [first.as_str()]);
    assert_eq!(found("q=own"), [second.as_str()]);
    assert_eq!(found(&format!("q={first}")), [first.as_str()]);
    assert_eq!(found("q=nothing"), Vec::<String>::new());
}

#[test]
fn wrong_parameters_of_a_list_are_pointed_at() {
    let (_app, project) = started();
    for (query, pointer) in [
        ("limit=0", "?limit"),
        ("limit=251", "?limit"),
        ("limit=x", "?limit"),
        ("cursor=x", "?cursor"),
        ("since=yesterday", "?since"),
        ("no_such=1", "?no_such"),
    ] {
        for path in ["/v1/events", "/v1/deliveries"] {
            let refused = problem(&project.api().get(&format!("{path}?{query}")), 422);
            assert_eq!(pointers(&refused), [pointer], "{path}?{query}");
        }
    }
    project.api().get("/v1/events?limit=250").expect(200);
    project.api().get("/v1/events?q=%ff&type=%e2%82").expect(200);
    project.api().get("/v1/deliveries?limit=250&status=due,held&response_status=404,5xx").expect(200);
}

#[test]
fn a_parameter_that_the_database_cannot_hold_is_pointed_at() {
    let (_app, project) = started();
    for query in
        ["/v1/events?q=%00", "/v1/events?type=a%00b", "/v1/deliveries?q=%00", "/v1/deliveries?event_type=%00"]
    {
        problem(&project.api().get(query), 422);
    }
}

#[test]
fn there_is_no_event_or_delivery_of_a_wrong_id() {
    let (_app, project) = started();
    for id in ["x", "evcus_", "evcus_0123", "%00", "evcus_0193b0e0000070008000000000000000"] {
        problem(&project.api().get(&format!("/v1/events/{id}")), 404);
    }
    for id in ["x", "whs_", "whs_0193b0e0000070008000000000000000"] {
        problem(&project.api().get(&format!("/v1/deliveries/{id}")), 404);
        problem(&project.api().post(&format!("/v1/deliveries/{id}/resend"), &json!({})), 404);
    }
    problem(&project.api().get("/v1/no-such-path"), 404);
}

#[test]
fn the_catalogue_comes_in_one_answer_and_type_by_type() {
    let (_app, project) = started();
    let all = project.api().get("/v1/event-types").expect(200).json();
    let types = all["data"].as_array().expect("a list");
    assert!(types.len() > 100, "{}", types.len());
    assert_eq!(all["next_cursor"], Value::Null);
    for event_type in types {
        for name in ["type", "families", "group", "description", "documented", "schema", "sample"] {
            assert!(!event_type[name].is_null(), "no {name} in {event_type}");
        }
    }
    let one = project.api().get("/v1/event-types/customer.rewarded").expect(200).json();
    assert_eq!(one["families"], json!(["project", "distribution"]));
    problem(&project.api().get("/v1/event-types/nonsense"), 404);
}

#[test]
fn at_most_a_hundred_problems_are_told_and_no_answer_is_kept() {
    let (_app, project) = started();
    let fields: serde_json::Map<String, Value> = (0..900).map(|n| (format!("f{n}"), json!(n))).collect();
    let event = Value::Object(fields);
    let told = problem(&project.post_event(&event), 422);
    assert_eq!(pointers(&told).len(), 100);
    assert!(told["detail"].as_str().is_some_and(|detail| detail.contains("More than 100")), "{told}");
    let answer = project.api().post("/v1/events/batch", &json!(vec![event; 50]));
    assert_eq!(pointers(&problem(&answer, 422)).len(), 100);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(project.api().get("/v1/project").expect(200).header("cache-control"), Some("no-store"));
    assert_eq!(project.api().get("/v1/nothing").expect(404).header("cache-control"), Some("no-store"));
}

#[test]
fn bodies_of_the_wrong_kind_are_refused_in_our_words() {
    let (_app, project) = started();
    for (path, body, status, words) in [
        ("/v1/events", "[]", 422, "The body must be a JSON object."),
        ("/v1/events", "7", 422, "The body must be a JSON object."),
        ("/v1/events", "", 400, "The body is empty. Send JSON."),
        ("/v1/events/batch", "{}", 422, "A batch is a JSON array of events."),
    ] {
        assert_eq!(
            problem(&post_raw(&project, path, body.as_bytes()), status)["detail"],
            words,
            "{path} {body}"
        );
    }
    let too_many = format!("[{}0]", "0,".repeat(100_000));
    let told = problem(&post_raw(&project, "/v1/events/batch", too_many.as_bytes()), 422);
    assert!(told["detail"].as_str().is_some_and(|detail| detail.contains("has 100001")), "{told}");
    let headers = [("content-type", "application/json")];
    problem(&project.api().send("PATCH", "/v1/project", &headers, b""), 400);
}
