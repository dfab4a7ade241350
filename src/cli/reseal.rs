//! `callout reseal`: seals all secrets anew after a change of key.
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use diesel::Connection as _;
use serde_json::json;

use super::flags::PlaceFlags;
use super::place::Place;
use super::{Failure, print_json};
use crate::base::db;
use crate::base::seal::SealKey;
use crate::models::webhooks::{ResealError, Resealed, reseal};

/// The key's file in the data directory.
const FILE: &str = "secret.key";
/// A new key until everything is sealed with it.
const FILE_NEW: &str = "secret.key.new";

/// Seal all secrets anew after a change of key; tells how many as JSON
///
/// With CALLOUT_SECRET_KEY set, that is the new key, and the old one is read from secret.key in the data directory or from
/// --old-key-file. Without it, a new key is made and takes the place of secret.key; the old file is kept beside it, since
/// backups from before can only be read with it. Stop every `callout serve` before: while one runs, nothing is changed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file with the key that the secrets are sealed with now (base64) [default: secret.key in the data directory]
    #[arg(long, value_name = "FILE")]
    old_key_file: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceFlags,
}

/// Prints `{"resealed": n, "unchanged": n}`.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let config =
        args.place.config().map_err(|wrong| Failure::new(wrong.to_string(), "correct that and try again"))?;
    let mut place = Place::open(&args.place)?;
    if db::is_in_use(&mut place.conn)? {
        return Err(Failure::new(
            "callout serve runs on this database, and would go on sealing with the old key",
            "stop every callout serve on it first; nothing was changed",
        ));
    }
    let file = config.data_dir.join(FILE);
    let old_file = args.old_key_file.as_ref().unwrap_or(&file);
    let old = existing(old_file)?;
    let made = config.data_dir.join(FILE_NEW);
    let new = match &config.secret_key {
        Some(key) => SealKey::from_bytes(*key.bytes()),
        // One that a cut off run left is used again: part of what was sealed may be with it.
        None => SealKey::load_or_create(&made).map_err(|error| Failure::new(error.to_string(), ""))?,
    };
    let done = place.conn.transaction(|conn| reseal(conn, &old, &new)).map_err(not_resealed)?;
    if config.secret_key.is_none() {
        replace(&file, &made).map_err(|error| {
            Failure::new(
                format!("the secrets are sealed with the key in {}: {error}", made.display()),
                format!("rename it to {}", file.display()),
            )
        })?;
    }
    let Resealed { resealed, unchanged } = done;
    print_json(&json!({ "resealed": resealed, "unchanged": unchanged }));
    Ok(())
}

fn existing(file: &Path) -> Result<SealKey, Failure> {
    if !file.exists() {
        return Err(Failure::new(
            format!("{} does not exist, so the old key is not known", file.display()),
            "name its file with --old-key-file",
        ));
    }
    SealKey::load_or_create(file).map_err(|error| Failure::new(error.to_string(), ""))
}

/// Puts the new key in the old one's place and keeps that beside it.
fn replace(file: &Path, made: &Path) -> io::Result<()> {
    let mut kept = file.with_extension("key.old");
    let mut number = 1;
    while kept.exists() {
        number += 1;
        kept = file.with_extension(format!("key.old{number}"));
    }
    fs::hard_link(file, &kept)?;
    fs::rename(made, file)?;
    fs::File::open(file.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn not_resealed(error: ResealError) -> Failure {
    match error {
        ResealError::Closed(webhook, why) => Failure::new(
            format!("a secret of {webhook} opens with neither key: {why}"),
            "nothing was changed; name the key that it was sealed with, or delete that webhook",
        ),
        ResealError::Db(error) => error.into(),
    }
}
