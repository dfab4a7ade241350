//! Whether what was accepted has arrived, for tests in which everything else goes wrong.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::client::Client;
use super::receiver::{Received, Receiver};
use super::wait::eventually;

/// The type of the load's events.
pub const TYPE: &str = "customer.rewarded";
const WEBHOOKS: [&str; 2] = ["/one", "/two"];

/// Makes two webhooks to the receiver, whose bodies are the events' data.
pub fn two_webhooks(client: &Client, receiver: &Receiver) {
    for path in WEBHOOKS {
        let webhook =
            json!({ "name": path, "target_url": receiver.url(path), "events": [TYPE], "body": "flat" });
        client.post("/v1/webhooks", &webhook).expect(201);
    }
}

/// Which event a request is about.
fn number_of(received: &Received) -> u64 {
    let body: Value = serde_json::from_slice(&received.body).expect("JSON");
    body["number"].as_u64().expect("a number")
}

/// Returns once every webhook has got each of these events; tells how many requests were repetitions.
pub fn all_arrived(receiver: &Receiver, accepted: &BTreeSet<u64>) -> usize {
    eventually("every accepted event at every webhook", || {
        let received = receiver.received();
        let missing = WEBHOOKS.iter().any(|path| {
            let got: BTreeSet<u64> = received.iter().filter(|r| r.path == *path).map(number_of).collect();
            !accepted.is_subset(&got)
        });
        (!missing).then_some(())
    });
    let received = receiver.received();
    // One delivery for each event and webhook: whatever came twice has the same id.
    let mut ids: BTreeMap<(String, u64), BTreeSet<String>> = BTreeMap::new();
    for one in &received {
        let id = one.header("webhook-id").expect("an id").to_owned();
        ids.entry((one.path.clone(), number_of(one))).or_default().insert(id);
    }
    for (what, ids) in &ids {
        assert_eq!(ids.len(), 1, "{what:?} came as more than one delivery");
    }
    received.len() - ids.len()
}

/// Nothing is left to do: every delivery has ended, and ended well.
pub fn nothing_is_left(client: &Client) {
    eventually("the last outcomes", || {
        let open = client.get("/v1/deliveries?status=due,sending,retrying").expect(200).json();
        open["data"].as_array().is_some_and(Vec::is_empty).then_some(())
    });
    let failed = client.get("/v1/deliveries?status=failed,held,cancelled").expect(200).json();
    assert_eq!(failed["data"], json!([]));
}
