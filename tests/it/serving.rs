//! `callout serve` as a process: starts on nothing, stops in order, survives being killed, shares its database.
use serde_json::json;

use crate::support::receiver;
use crate::support::serve::{Serve, command};

#[test]
fn it_starts_on_an_empty_folder_prints_a_set_up_link_and_stops_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let serve = Serve::start(folder.path(), &[]);
    assert!(serve.lines().iter().any(|line| line.contains("/setup")), "{:#?}", serve.lines());
    assert!(serve.stop().success());
}

#[test]
fn commands_join_the_database_of_a_running_serve() {
    let folder = tempfile::tempdir().expect("a folder");
    let serve = Serve::start(folder.path(), &[]);
    command(folder.path(), &["project", "create", "--name", "Shop"]);
    let key = command(folder.path(), &["key", "create", "--project", "Shop", "--name", "n"]);
    let client = serve.client().with_key(key["token"].as_str().expect("a token"));
    assert_eq!(client.get("/v1/project").expect(200).json()["name"], "Shop");
    assert!(serve.stop().success());
}

#[test]
fn what_was_accepted_before_a_kill_is_delivered_after_it() {
    let (folder, receiver) = (tempfile::tempdir().expect("a folder"), receiver::start());
    let serve = Serve::start(folder.path(), &[]);
    command(folder.path(), &["project", "create", "--name", "Shop"]);
    let key = command(folder.path(), &["key", "create", "--project", "Shop", "--name", "n"]);
    let token = key["token"].as_str().expect("a token").to_owned();
    let client = serve.client().with_key(&token);
    let webhook = json!({ "target_url": receiver.url("/"), "events": ["customer.rewarded"] });
    client.post("/v1/webhooks", &webhook).expect(201);
    // The receiver never answers the first ones: the kill finds them under way.
    receiver.set(receiver::Behaviour::misbehaving(receiver::Misbehaviour::Hang));
    for number in 0..20 {
        let event = json!({ "type": "customer.rewarded", "data": { "number": number } });
        client.post("/v1/events", &event).expect(202);
    }
    serve.kill();
    receiver.clear();
    receiver.set(receiver::Behaviour::default());

    let serve = Serve::start(folder.path(), &[]);
    let received = receiver::received(&receiver, 20);
    let mut ids: Vec<_> = received.iter().filter_map(|r| r.header("webhook-id").map(str::to_owned)).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20, "each of them");
    assert!(serve.stop().success());
}
