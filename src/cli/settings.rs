//! `callout settings export|plan|apply`: a project's webhooks and own event types as one file.
mod apply;
mod compare;
mod export;
mod file;
mod plan;
mod read;
mod references;
mod state;
mod told;

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use serde_json::{Value, json};

use self::file::File;
use self::plan::Plan;
use self::state::State;
use super::flags::PlaceFlags;
use super::place::Place;
use super::project::named;
use super::{Failure, print_json};
use crate::app::{StartError, egress, seal_key};
use crate::base::config::Config;
use crate::base::seal::SealKey;
use crate::models::webhooks::key_fits;

/// Exit code of `plan --detailed-exit-code` where something would change.
const SOMETHING_CHANGES: u8 = 2;

/// What can be done with settings.
#[derive(Debug, clap::Subcommand)]
pub(super) enum SettingsCommand {
    /// Write a project's settings to a file, secrets as references to environment variables
    ///
    /// The file has the project's allowed hosts and master switch, its own event types and its webhooks; what is at its
    /// default is left out. Signing secrets are never in it.
    Export(ExportArgs),
    /// Tell what applying a file would change; nothing is changed
    ///
    /// On stdout one line of JSON with create, change, delete, left_alone, kept and unchanged; on stderr the same to be
    /// read. Secrets show as fingerprints.
    Plan(PlanArgs),
    /// Make a project's settings those of a file, all of them or none
    ///
    /// Webhooks are matched by name. Asks before it changes anything; without a terminal it needs --yes. Tells as JSON
    /// what was done, with the signing secrets of new webhooks, this once.
    Apply(ApplyArgs),
}

#[derive(Debug, clap::Args)]
struct FileArgs {
    /// The project's id or name
    #[arg(long, value_name = "P")]
    project: String,
    /// A file that ends in .toml or .json, or - for stdin or stdout (JSON)
    #[arg(value_name = "FILE")]
    file: String,
    #[command(flatten)]
    place: PlaceFlags,
}

#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    of: FileArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    of: FileArgs,
    /// Plan as `apply --delete` does: webhooks and event types that are not in the file are deleted
    #[arg(long)]
    delete: bool,
    /// Exit with 2 if anything would change (0: nothing would, 1: the command failed)
    #[arg(long)]
    detailed_exit_code: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    of: FileArgs,
    /// Delete webhooks and event types that are not in the file
    #[arg(long)]
    delete: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Does what is asked with settings; tells the exit code of what succeeded.
pub(super) fn run(command: &SettingsCommand) -> Result<ExitCode, Failure> {
    match command {
        SettingsCommand::Export(args) => export(&args.of),
        SettingsCommand::Plan(args) => plan(args),
        SettingsCommand::Apply(args) => apply(args),
    }
}

fn export(args: &FileArgs) -> Result<ExitCode, Failure> {
    let file = File::named(&args.file)?;
    let mut place = Place::open(&args.place)?;
    let project = named(&mut place.conn, &args.project)?;
    let state = State::load(&mut place.conn, project.id)?;
    let text = file.text_of(&export::document(&state, file.format));
    if file.path.is_none() {
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
        return Ok(ExitCode::SUCCESS);
    }
    file.write(&text)?;
    print_json(&json!({
        "file": args.file,
        "webhooks": state.webhooks.len(),
        "event_types": state.types.len(),
    }));
    Ok(ExitCode::SUCCESS)
}

fn plan(args: &PlanArgs) -> Result<ExitCode, Failure> {
    let file = File::named(&args.of.file)?;
    let document = file.read()?;
    let mut place = Place::open(&args.of.place)?;
    let (plan, ..) = planned(&mut place, &args.of, &file, &document, args.delete)?;
    print_json(&plan.told());
    eprint!("{}", told::text(&plan, told::is_coloured()));
    let detailed = args.detailed_exit_code && !plan.is_empty();
    Ok(if detailed { ExitCode::from(SOMETHING_CHANGES) } else { ExitCode::SUCCESS })
}

fn apply(args: &ApplyArgs) -> Result<ExitCode, Failure> {
    let file = File::named(&args.of.file)?;
    let can_ask = file.path.is_some() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !args.yes && !can_ask {
        return Err(Failure::new(
            "nobody can be asked here whether to apply this",
            "look at callout settings plan first, then apply with --yes",
        ));
    }
    let document = file.read()?;
    let mut place = Place::open(&args.of.place)?;
    let (plan, state, key) = planned(&mut place, &args.of, &file, &document, args.delete)?;
    eprint!("{}", told::text(&plan, told::is_coloured()));
    if !plan.is_empty() && !args.yes && !is_wanted() {
        return Err(Failure::new("not confirmed", "nothing was changed"));
    }
    let now = place.clock.now();
    print_json(&apply::carry_out(&mut place.conn, plan, &state, &key, now)?);
    Ok(ExitCode::SUCCESS)
}

/// What the file would change, checked as when settings are saved in the pages.
fn planned(
    place: &mut Place,
    args: &FileArgs,
    file: &File,
    document: &Value,
    delete: bool,
) -> Result<(Plan, State, SealKey), Failure> {
    let config =
        args.place.config().map_err(|wrong| Failure::new(wrong.to_string(), "correct that and try again"))?;
    let project = named(&mut place.conn, &args.project)?;
    let state = State::load(&mut place.conn, project.id)?;
    let key = key_of(&config)?;
    if !key_fits(&mut place.conn, &key)? {
        return Err(not_started(StartError::WrongKey));
    }
    let egress = egress(&config, &place.clock, None).map_err(not_started)?;
    let (folder, now) = (file.folder(), place.clock.now());
    let ground = read::Ground { state: &state, policy: &egress.policy, key: &key, folder, now };
    let outcome = match plan::Plan::of(document, &ground, delete) {
        Ok(mut plan) => plan.judge(&egress).map(|()| plan),
        Err(wrong) => Err(wrong),
    };
    let plan = outcome.map_err(|wrong| file.is_wrong(&wrong))?;
    Ok((plan, state, key))
}

fn key_of(config: &Config) -> Result<SealKey, Failure> {
    seal_key(config).map_err(not_started)
}

fn not_started(error: StartError) -> Failure {
    Failure::new(error.to_string(), "nothing was changed")
}

/// Asks on the terminal; anything but yes is no.
fn is_wanted() -> bool {
    eprint!("Apply this? [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}
