//! kill -9 under load: what was answered 202 is delivered, whatever is killed and whenever.
use std::path::Path;

use crate::support::arrived::{TYPE, all_arrived, nothing_is_left, two_webhooks};
use crate::support::load::Load;
use crate::support::receiver::{self, Receiver};
use crate::support::serve::{self, Serve};
use crate::support::wait::eventually;

/// A running program with two webhooks to the receiver.
fn started(folder: &Path, receiver: &Receiver) -> (Serve, String) {
    let serve = Serve::start(folder, &[]);
    let token = serve::project(folder, "Shop");
    two_webhooks(&serve.client().with_key(&token), receiver);
    (serve, token)
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
