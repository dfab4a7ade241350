//! `callout demo`: `serve` with something to look at.
use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use diesel::Connection as _;
use serde_json::json;

use super::flags::ServeFlags;
use super::{Failure, logging, print_json};
use crate::app::{self, Overrides, Parts, Signals, StartError};
use crate::base::config::Config;
use crate::models::deliveries;
use crate::models::sample::{self, Loaded, SampleError};
use account::SignIn;

mod account;
mod receivers;
mod trickle;

/// Runs until Ctrl-C or SIGTERM.
pub(super) fn run(flags: &ServeFlags) -> Result<(), Failure> {
    let mut config =
        flags.config().map_err(|wrong| Failure::new(wrong.to_string(), "correct that and start again"))?;
    if !flags.gives("CALLOUT_LOG") {
        // A line a request would push the sign-in off the screen.
        "warn".clone_into(&mut config.log);
    }
    logging::start(&config);
    let _lock = only_one(&config.data_dir)?;
    let receiver = receivers::start().map_err(|error| {
        Failure::new(
            format!("the demo's receiver cannot listen on 127.0.0.1: {error}"),
            "nothing was changed",
        )
    })?;
    allow(&mut config, receiver.addr().port());
    let outcome = actix_rt::System::new().block_on(serve(config, receiver.addr().port()));
    receiver.stop();
    outcome
}

/// Held as long as the demo runs: two would point the same webhooks at two receivers.
fn only_one(data_dir: &Path) -> Result<File, Failure> {
    let place = data_dir.join("demo.lock");
    let opened = std::fs::create_dir_all(data_dir)
        .and_then(|()| File::options().create(true).truncate(false).write(true).open(&place));
    let file = opened.map_err(|error| {
        Failure::new(format!("{}: {error}", place.display()), "choose another CALLOUT_DATA_DIR")
    })?;
    file.try_lock().map_err(|_| {
        Failure::new(
            format!("a demo already runs on this data directory ({})", data_dir.display()),
            "use that one or stop it first, or choose another with --data-dir",
        )
    })?;
    Ok(file)
}

/// Lets exactly the demo's receiver be called, beside what is allowed anyway.
fn allow(config: &mut Config, port: u16) {
    let comma = if config.allow_targets.trim().is_empty() { "" } else { "," };
    config.allow_targets.push_str(&format!("{comma}127.0.0.1:{port}"));
}

async fn serve(config: Config, port: u16) -> Result<(), Failure> {
    let mut signals = Signals::catch().map_err(|error| not_started(&error))?;
    let mut running = app::start(config, Overrides::default()).await.map_err(|error| not_started(&error))?;
    let prepared = tokio::select! {
        prepared = prepare(running.parts.clone(), port) => Some(prepared),
        _ = signals.next() => None,
    };
    let result = match prepared {
        Some(Ok(sign_in)) => {
            greet(&running.parts, &sign_in, port);
            let trickle = actix_rt::spawn(trickle::run(running.parts.clone(), port));
            running.until_told(&mut signals).await;
            trickle.abort();
            Ok(())
        }
        Some(Err(failure)) => Err(failure),
        None => Ok(()),
    };
    running.stop_unless_told(&mut signals).await;
    result
}

fn not_started(error: &StartError) -> Failure {
    let what = format!("Callout did not start: {error}");
    match error {
        StartError::Listen { address, error } if error.kind() == io::ErrorKind::AddrInUse => Failure::new(
            what,
            format!(
                "perhaps it runs there already: open http://{address}, or take a free port with --listen 127.0.0.1:0"
            ),
        ),
        _ => Failure::new(what, ""),
    }
}

/// Loads the sample where there is none, points its webhooks at the receiver, and makes the account.
async fn prepare(parts: Parts, port: u16) -> Result<SignIn, Failure> {
    let (now, key, dir) = (parts.clock.now(), parts.key.clone(), parts.config.data_dir.clone());
    let sign_in = parts.db.run_long(move |conn| {
        if sample::find(conn)?.is_none() {
            eprintln!("Loading a month of sample data …");
            if let Err(error) = deliveries::make_behind(conn, sample::first_day(now), now) {
                tracing::warn!(%error, "the days behind have no partitions");
            }
        }
        let loaded: Loaded = conn.transaction(|conn| sample::load(conn, &key, now))?;
        let project = loaded.project().id;
        conn.transaction(|conn| match sample::find(conn)? {
            Some(found) => sample::aim(conn, found, port, &key, now).map(|_| ()),
            None => Err(SampleError::Gone),
        })?;
        Ok::<_, Failure>(account::ensure(conn, &dir, project, now)?)
    });
    let sign_in = sign_in.await?;
    parts.wakeup.wake();
    Ok(sign_in)
}

impl From<SampleError> for Failure {
    fn from(error: SampleError) -> Self {
        match error {
            SampleError::Db(error) => error.into(),
            other => Self::new(other.to_string(), "start the demo again"),
        }
    }
}

fn greet(parts: &Parts, sign_in: &SignIn, port: u16) {
    let (url, email, password) = (&parts.config.public_url, &sign_in.email, &sign_in.password);
    eprintln!("\nCallout runs with a sample shop. Sign in:\n");
    eprintln!("  Address   {url}\n  E-mail    {email}\n  Password  {password}\n");
    if !sign_in.is_owner {
        eprintln!("This account looks after the sample's project only; your own projects are not touched.");
    }
    eprintln!(
        "The sample's webhooks call a receiver on http://127.0.0.1:{port}. New events happen every few seconds."
    );
    eprintln!("Ctrl-C stops.");
    if !io::stdout().is_terminal() {
        print_json(&json!({ "url": url, "email": email, "password": password }));
    }
}

impl From<account::AccountError> for Failure {
    fn from(error: account::AccountError) -> Self {
        match error {
            account::AccountError::File(path, error) => Self::new(
                format!("the demo's sign-in cannot be kept in {}: {error}", path.display()),
                "make the data directory writable, or choose another with --data-dir",
            ),
            account::AccountError::Db(error) => error.into(),
        }
    }
}
