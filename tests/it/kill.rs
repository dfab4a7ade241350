//! kill -9 under load: what was answered 202 is delivered, whatever is killed and whenever.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::load::Load;
use crate::support::receiver::{self, Received, Receiver};
use crate::support::serve::{self, Serve};
use crate::support::wait::eventually;

const TYPE: &str = "customer.rewarded";
const WEBHOOKS: [&str; 2] = ["/one", "/two"];

/// A running program with two webhooks to the receiver.
fn started(folder: &Path, receiver: &Receiver) -> (Serve, String) {
    let serve = Serve::start(folder, &[]);
    let token = serve::project(folder, "Shop");
    let client = serve.client().with_key(&token);
    for path in WEBHOOKS {
        let webhook =
            json!({ "name": path, "target_url": receiver.url(path), "events": [TYPE], "body": "flat" });
        client.post("/v1/webhooks", &webhook).expect(201);
    }
    (serve, token)
}

/// Which event a request is about.
fn number_of(received: &Received) -> u64 {
    let body: Value = serde_json::from_slice(&received.body).expect("JSON");
    body["number"].as_u64().expect("a number")
}

/// Returns once every webhook has got each of these events; tells how many requests were repetitions.
fn all_arrived(receiver: &Receiver, accepted: &BTreeSet<u64>) -> usize {
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
fn nothing_is_left(client: &Client) {
    eventually("the last outcomes", || {
        let open = client.get("/v1/deliveries?status=due,sending,retrying").expect(200).json();
        open["data"].as_array().is_some_and(Vec::is_empty).then_some(())
    });
    let failed = client.get("/v1/deliveries?status=failed,held,cancelled").expect(200).json();
    assert_eq!(failed["data"], json!([]));
}

#[test]
fn whatever_was_accepted_is_delivered_however_often_the_program_is_killed() {
    let (folder, receiver) = (tempfile::tempdir().expect("a folder"), receiver::start());
    let (mut serve, token) = started(folder.path(), &receiver);
    let load = Load::start(serve.address, &token, TYPE, 4);
    for _ in 0..2 {
        load.wait_for_more(200);
        serve.kill();
        serve = Serve::start(folder.path(), &[]);
        load.goes_on_at(serve.address);
    }
    load.wait_for_more(50);
    let accepted = load.stop();
    all_arrived(&receiver, &accepted);
    nothing_is_left(&serve.client().with_key(&token));
    assert!(serve.stop().success());
}

#[test]
fn a_stop_under_load_loses_nothing_and_repeats_nothing() {
    let (folder, receiver) = (tempfile::tempdir().expect("a folder"), receiver::start());
    let (mut serve, token) = started(folder.path(), &receiver);
    let load = Load::start(serve.address, &token, TYPE, 4);
    for _ in 0..2 {
        load.wait_for_more(150);
        assert!(serve.stop().success());
        serve = Serve::start(folder.path(), &[]);
        load.goes_on_at(serve.address);
    }
    load.wait_for_more(50);
    let accepted = load.stop();
    assert_eq!(all_arrived(&receiver, &accepted), 0, "repeated");
    nothing_is_left(&serve.client().with_key(&token));
    assert!(serve.stop().success());
}

#[test]
fn when_its_postgres_is_killed_the_program_refuses_for_a_moment_and_recovers_by_itself() {
    let (folder, receiver) = (tempfile::tempdir().expect("a folder"), receiver::start());
    let (serve, token) = started(folder.path(), &receiver);
    let load = Load::start(serve.address, &token, TYPE, 4);
    load.wait_for_more(150);
    eventually("requests that are refused while the database is away", || {
        let before = postmaster_other_than(folder.path(), None);
        // SAFETY: sends a signal; the process is a Postgres of this test's own data directory.
        unsafe { libc::kill(before, libc::SIGKILL) };
        postmaster_other_than(folder.path(), Some(before));
        eventually("readiness", || (serve.client().get("/readyz").status == 200).then_some(()));
        load.wait_for_more(50);
        (!load.refused().is_empty()).then_some(())
    });
    for refused in load.refused() {
        assert_eq!(refused.status, 503, "{refused:?}");
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    }
    let accepted = load.stop();
    all_arrived(&receiver, &accepted);
    nothing_is_left(&serve.client().with_key(&token));
    assert!(serve.stop().success());
}

/// The process that the private Postgres wrote down, once it did so.
fn postmaster_other_than(data_dir: &Path, before: Option<libc::pid_t>) -> libc::pid_t {
    eventually("a Postgres", || {
        let text = std::fs::read_to_string(data_dir.join("pg/postmaster.pid")).ok()?;
        // Never 0 or less: signals would go to whole groups.
        let process: libc::pid_t = text.lines().next()?.trim().parse().ok()?;
        (process > 1 && Some(process) != before).then_some(process)
    })
}
