//! The commands. Results are JSON on stdout; logs and messages go to stderr.
use std::fmt;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::base::db::DbError;

mod bench;
mod demo;
mod flags;
mod key;
mod logging;
mod member;
mod migrate;
mod place;
mod project;
pub mod receiver;
mod reseal;
mod serve;
mod settings;
mod user;
mod verify_signature;

/// A command did not do what it was asked: what happened, and what to do about it.
#[derive(Debug)]
pub struct Failure {
    what: String,
    remedy: String,
}

impl Failure {
    /// Two short sentences without a full stop: what happened, and what to do (empty if the first says both).
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, "\n{}", self.remedy) }
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(_) => {
                Self::new(error.to_string(), "nothing was changed; try again in a moment")
            }
            DbError::DiskFull(_) | DbError::Query(_) => Self::new(error.to_string(), "nothing was changed"),
        }
    }
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        DbError::from(error).into()
    }
}

/// Self-hosted webhooks: takes events, delivers them, and shows what happened.
///
/// Without a command it does what `serve` does.
#[derive(Debug, Parser)]
#[command(name = "callout", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    serve: flags::ServeFlags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the web program and the dispatcher, until Ctrl-C or SIGTERM
    Serve(flags::ServeFlags),
    /// Run with a sample shop, a receiver and new events every few seconds, and print a sign-in that works
    ///
    /// As `serve`, on the same data directory and with the same settings. Besides, a sample project is loaded where
    /// there is none (remove it in the pages), a receiver on 127.0.0.1 takes what the sample's webhooks send, and new
    /// events keep happening in the sample. Nothing else in the data directory is touched.
    ///
    /// Where nobody can sign in yet, the demo account becomes the owner. Where somebody can, it looks after the
    /// sample's project only. Its password is kept in demo.json in the data directory, readable by its owner only; the
    /// next demo prints the same one, and brings it back if it was changed. `callout serve` goes on with the same
    /// directory, without receiver and new events.
    ///
    /// The sign-in is printed on stderr. When stdout is no terminal, it gets one line of JSON: url, email, password.
    Demo(flags::ServeFlags),
    /// Run pending migrations; tells as JSON which ran
    Migrate(flags::PlaceFlags),
    /// People who can sign in
    #[command(subcommand)]
    User(user::UserCommand),
    /// What a person may do in a project
    #[command(subcommand)]
    Member(member::MemberCommand),
    /// Projects
    #[command(subcommand)]
    Project(project::ProjectCommand),
    /// API keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// A project's webhooks and event types as one TOML or JSON file
    #[command(subcommand)]
    Settings(settings::SettingsCommand),
    Reseal(reseal::Args),
    Receiver(receiver::Args),
    Bench(bench::Args),
    VerifySignature(verify_signature::Args),
}

/// Reads the command line and does what it says. Exit code 1: it failed; 2: wrong usage.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => serve::run(&cli.serve),
        Some(Command::Serve(flags)) => serve::run(&flags),
        Some(Command::Demo(flags)) => demo::run(&flags),
        Some(Command::Migrate(flags)) => migrate::run(&flags),
        Some(Command::User(command)) => user::run(command),
        Some(Command::Member(command)) => member::run(command),
        Some(Command::Project(command)) => project::run(command),
        Some(Command::Key(command)) => key::run(command),
        Some(Command::Settings(command)) => match settings::run(&command) {
            Ok(code) => return code,
            Err(failure) => Err(failure),
        },
        Some(Command::Reseal(args)) => reseal::run(&args),
        Some(Command::Receiver(args)) => receiver::run(args),
        Some(Command::Bench(args)) => bench::run(&args),
        Some(Command::VerifySignature(args)) => verify_signature::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// The result of a command, on stdout. A reader that went away is nobody's failure.
fn print_json(value: &serde_json::Value) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout().lock(), "{value}");
}
