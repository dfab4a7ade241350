//! The caller's own id: posted again within a week, in parallel, in one batch or to another node, it is one event.
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Barrier;

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::client::{Answer, Client};
use crate::support::{factory, nodes, receiver};

const TYPE: &str = "customer.rewarded";

fn event(id: &str, data: Value) -> Value {
    json!({ "type": TYPE, "id": id, "data": data })
}

/// Sends the same request from many threads at once, spread over the addresses.
fn at_once(addresses: &[SocketAddr], token: &str, path: &str, bodies: &[Value]) -> Vec<Answer> {
    let barrier = Barrier::new(bodies.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = bodies
            .iter()
            .enumerate()
            .map(|(n, body)| {
                let (barrier, address) = (&barrier, addresses[n % addresses.len()]);
                scope.spawn(move || {
                    let client = Client::new(address).with_key(token);
                    barrier.wait();
                    client.post(path, body)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

fn statuses(answers: &[Answer]) -> (usize, usize) {
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!(count(202) + count(200), answers.len(), "{answers:?}");
    (count(202), count(200))
}

/// What is told of an accepted event, each once.
fn distinct(answers: &[Answer]) -> BTreeSet<String> {
    answers.iter().map(|answer| answer.json().to_string()).collect()
}

#[test]
fn the_same_id_again_is_200_with_the_same_answer_whatever_the_data() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    let first = project.post_event(&event("a", json!({ "n": 1 }))).expect(202).json();
    app.clock.advance(time::Duration::days(3));
    let again = json!({ "type": "voucher.created", "id": "a", "group_id": "v-other", "data": { "n": 2 } });
    assert_eq!(project.post_event(&again).expect(200).json(), first);
    app.dispatch_until_idle();
    assert_eq!((app.db.count("events"), app.db.count("deliveries"), receiver.count()), (1, 1, 1));
}

#[test]
fn a_repeated_id_does_not_excuse_a_wrong_event() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    project.post_event(&event("a", json!({}))).expect(202);
    project.post_event(&event("a", json!([]))).expect(422);
}

#[test]
fn parallel_posts_of_one_id_make_one_event() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    let bodies: Vec<Value> = (0..24).map(|n| event("same", json!({ "n": n }))).collect();
    let answers = at_once(&[app.address], &project.token, "/v1/events", &bodies);
    assert_eq!(statuses(&answers), (1, 23));
    assert_eq!(distinct(&answers).len(), 1, "{answers:?}");
    app.dispatch_until_idle();
    assert_eq!((app.db.count("events"), app.db.count("deliveries"), receiver.count()), (1, 1, 1));
}

#[test]
fn parallel_posts_to_two_nodes_make_one_event_an_id() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    let second = nodes::beside(&app);
    for round in 0..5 {
        let id = format!("same-{round}");
        let bodies: Vec<Value> = (0..16).map(|n| event(&id, json!({ "n": n }))).collect();
        let answers = at_once(&[app.address, second.address], &project.token, "/v1/events", &bodies);
        assert_eq!(statuses(&answers), (1, 15));
        assert_eq!(distinct(&answers).len(), 1, "{answers:?}");
    }
    app.wait_for("delivered", 5);
    assert_eq!((app.db.count("events"), app.db.count("deliveries"), receiver.count()), (5, 5, 5));
}

#[test]
fn parallel_batches_with_the_same_ids_in_other_orders_neither_repeat_nor_block_each_other() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let second = nodes::beside(&app);
    let ids: Vec<String> = (0..50).map(|n| format!("id-{n}")).collect();
    let batches: Vec<Value> = (0..8)
        .map(|turn| {
            let mut ids = ids.clone();
            ids.rotate_left(turn * 7);
            if turn % 2 == 1 {
                ids.reverse();
            }
            ids.iter().map(|id| event(id, json!({ "batch": turn }))).collect()
        })
        .collect();
    let answers = at_once(&[app.address, second.address], &project.token, "/v1/events/batch", &batches);
    let mut told = BTreeSet::new();
    for answer in &answers {
        assert_eq!(answer.status, 202, "{answer:?}");
        for event in answer.json()["events"].as_array().expect("events") {
            told.insert((event["external_id"].to_string(), event["id"].to_string()));
        }
    }
    assert_eq!(told.len(), 50, "an id of ours for each of theirs");
    assert_eq!(app.db.count("events"), 50);
}

#[test]
fn an_id_twice_in_one_batch_is_one_event() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({ "body": "flat" }));
    let batch = json!([event("a", json!({ "n": 1 })), event("b", json!({})), event("a", json!({ "n": 2 }))]);
    let answer = project.api().post("/v1/events/batch", &batch).expect(202).json();
    assert_eq!(answer["accepted"], 3);
    assert_eq!(answer["events"][0], answer["events"][2]);
    assert_ne!(answer["events"][0]["id"], answer["events"][1]["id"]);
    assert_eq!(answer["events"][0]["external_id"], "a");
    app.wait_for("delivered", 2);
    let mut bodies: Vec<_> = receiver.received().iter().map(|received| received.text()).collect();
    bodies.sort();
    assert_eq!(bodies, [r#"{"n":1}"#, "{}"], "the first of the two");
}

#[test]
fn an_id_is_new_again_after_seven_days_and_not_before() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let first = project.post_event(&event("a", json!({}))).expect(202).json();
    app.clock.advance(time::Duration::days(7) - time::Duration::milliseconds(1));
    assert_eq!(project.post_event(&event("a", json!({}))).expect(200).json(), first);
    app.clock.advance(time::Duration::milliseconds(1));
    let second = project.post_event(&event("a", json!({}))).expect(202).json();
    assert_ne!(second["id"], first["id"]);
    assert_eq!(project.post_event(&event("a", json!({}))).expect(200).json(), second);
    assert_eq!(app.db.count("events"), 2);
}

#[test]
fn parallel_posts_of_an_id_that_ran_out_make_one_new_event() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let second = nodes::beside(&app);
    project.post_event(&event("a", json!({}))).expect(202);
    app.clock.advance(time::Duration::days(8));
    let bodies: Vec<Value> = (0..16).map(|n| event("a", json!({ "n": n }))).collect();
    let answers = at_once(&[app.address, second.address], &project.token, "/v1/events", &bodies);
    assert_eq!(statuses(&answers), (1, 15));
    assert_eq!(distinct(&answers).len(), 1);
    assert_eq!(app.db.count("events"), 2);
}

#[test]
fn an_id_means_something_in_its_own_project_only() {
    let app = App::start();
    let (shop, other) = (factory::project(&app, "Shop"), factory::project(&app, "Other"));
    shop.post_event(&event("a", json!({}))).expect(202);
    other.post_event(&event("a", json!({}))).expect(202);
    let found = other.api().get("/v1/events?q=a").expect(200).json();
    assert_eq!(found["data"].as_array().map(Vec::len), Some(1));
}
