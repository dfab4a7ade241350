//! Backup and restore, by the commands of their page.
use std::path::Path;

use serde_json::{Value, json};

use super::following::Scratch;
use crate::support::client::Client;
use crate::support::db::TestDb;
use crate::support::receiver::{self, Behaviour};
use crate::support::serve::{self, Serve};
use crate::support::wait::eventually;

const PAGE: &str = "docs/backup-and-restore.md";

/// The blocks of one heading: what makes a backup, and what restores it.
fn parts_of(heading: &str) -> Vec<String> {
    let text = super::text_of(PAGE);
    let found = super::blocks(&text).into_iter().filter(|block| block.language == "sh");
    found.filter(|block| block.heading == heading).map(|block| block.text).collect()
}

fn only(client: &Client, path: &str) -> Value {
    let listed = client.get(path).expect(200).json();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1), "{listed}");
    listed["data"][0].clone()
}

/// A project with a webhook whose one delivery has failed once, and the token of its key.
fn with_an_open_delivery(data_dir: &Path, url: &str) -> (Serve, String) {
    let serve = Serve::start(data_dir, &[]);
    let token = serve::project(data_dir, "Shop");
    let client = serve.client().with_key(&token);
    let webhook = json!({ "target_url": url, "all_events": true });
    client.post("/v1/webhooks", &webhook).expect(201);
    client.post("/v1/events", &json!({ "type": "customer.rewarded", "id": "e1", "data": {} })).expect(202);
    eventually("a failed attempt", || {
        (only(&client, "/v1/deliveries")["status"] == "retrying").then_some(())
    });
    (serve, token)
}

#[test]
fn a_restored_private_postgres_sends_again_what_was_open_under_the_same_id() {
    let (scratch, receiver) = (Scratch::new(), receiver::start_with(Behaviour::status(500)));
    let data_dir = scratch.path().join("data");
    let (serve, token) = with_an_open_delivery(&data_dir, &receiver.url("/"));
    let [backup, restore] = parts_of("The private Postgres").try_into().expect("two blocks");
    scratch.script(&backup);

    // After the backup the delivery ends, and another event comes in.
    receiver.set(Behaviour::default());
    let client = serve.client().with_key(&token);
    let id = only(&client, "/v1/deliveries")["id"].as_str().expect("an id").to_owned();
    client.post(&format!("/v1/deliveries/{id}/resend"), &json!({})).expect(202);
    receiver::received(&receiver, 2);
    client.post("/v1/events", &json!({ "type": "customer.rewarded", "id": "e2", "data": {} })).expect(202);
    receiver::received(&receiver, 3);
    assert!(serve.stop().success());

    assert!(scratch.script(&restore).contains("{\"ran\":[]}"));
    let serve = Serve::start(&scratch.path().join("restored"), &[]);
    let client = serve.client().with_key(&token);
    assert_eq!(only(&client, "/v1/deliveries")["status"], "retrying", "as it was at the backup");
    client.post(&format!("/v1/deliveries/{id}/resend"), &json!({})).expect(202);
    let received = receiver::received(&receiver, 4);
    assert_eq!(received[3].header("webhook-id"), Some(id.as_str()), "so a receiver knows it as a double");
    assert!(received[3].header("webhook-signature").is_some(), "the key opens the secret");
    // What the backup knows makes nothing new, what it does not know is taken.
    client.post("/v1/events", &json!({ "type": "customer.rewarded", "id": "e1", "data": {} })).expect(200);
    client.post("/v1/events", &json!({ "type": "customer.rewarded", "id": "e2", "data": {} })).expect(202);
    assert!(serve.stop().success());
}

#[test]
fn a_dump_of_the_private_postgres_lives_on_in_a_database_elsewhere() {
    let db = TestDb::bare();
    let (scratch, receiver) = (Scratch::new(), receiver::start_with(Behaviour::status(500)));
    let scratch = scratch.variable("elsewhere", &db.url());
    let data_dir = scratch.path().join("data");
    std::fs::create_dir_all(scratch.path().join("backup")).expect("a folder");
    let (serve, token) = with_an_open_delivery(&data_dir, &receiver.url("/"));
    let [dump, restore] = parts_of("A dump").try_into().expect("two blocks");
    scratch.script(&dump);
    let key = std::fs::read_to_string(data_dir.join("secret.key")).expect("the key");
    assert!(serve.stop().success());

    let said = scratch.script(&format!("export CALLOUT_DATABASE_URL=\"$elsewhere\"\n{restore}"));
    assert!(said.ends_with("{\"ran\":[]}\n"), "{said}");
    let url = db.url();
    let variables = [("CALLOUT_DATABASE_URL", url.as_str()), ("CALLOUT_SECRET_KEY", key.trim())];
    let serve = Serve::start(&scratch.path().join("new"), &variables);
    let client = serve.client().with_key(&token);
    assert_eq!(only(&client, "/v1/deliveries")["status"], "retrying");
    assert_eq!(only(&client, "/v1/webhooks")["all_events"], true);
    assert!(serve.stop().success());
}
