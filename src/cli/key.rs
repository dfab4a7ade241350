//! `callout key create`: a token for a program that calls the API.
use diesel::Connection as _;
use serde_json::json;

use super::flags::PlaceFlags;
use super::place::Place;
use super::{Failure, print_json};
use crate::models::projects::keys::{self, CreateError, Scope};

/// What can be done with API keys.
#[derive(Debug, clap::Subcommand)]
pub(super) enum KeyCommand {
    /// Create an API key; tells its id and token as JSON, the token this once
    Create(CreateArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// The project's id or name
    #[arg(long, value_name = "P")]
    project: String,
    /// What it is for
    #[arg(long, value_name = "N")]
    name: String,
    /// What it opens: events, webhooks, deliveries (and contacts, which opens nothing yet), separated by commas [default: all]
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', value_parser = |text: &str| text.trim().parse::<Scope>())]
    scope: Vec<Scope>,
    #[command(flatten)]
    place: PlaceFlags,
}

/// Does what is asked with keys.
pub(super) fn run(command: KeyCommand) -> Result<(), Failure> {
    match command {
        KeyCommand::Create(args) => create(&args),
    }
}

fn create(args: &CreateArgs) -> Result<(), Failure> {
    let scopes = if args.scope.is_empty() { Scope::ALL.to_vec() } else { args.scope.clone() };
    let mut place = Place::open(&args.place)?;
    let now = place.clock.now();
    let (key, token) = place.conn.transaction(|conn| {
        let project = super::project::named(conn, &args.project)?;
        keys::create(conn, project.id, &args.name, &scopes, now).map_err(|error| match error {
            CreateError::Name => {
                Failure::new("a key's name has 1 to 80 characters", "give another one with --name")
            }
            CreateError::NoScopes => Failure::new("a key needs a scope", "name one with --scope"),
            CreateError::Gone => Failure::new("the project was deleted meanwhile", "try again"),
            CreateError::Db(error) => error.into(),
        })
    })?;
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    print_json(&json!({
        "id": key.id,
        "name": key.name,
        "app_id": key.app_id.to_string(),
        "scopes": scopes,
        "token": token,
    }));
    Ok(())
}
