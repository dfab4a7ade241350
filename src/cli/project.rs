//! `callout project create`.
use diesel::{Connection as _, PgConnection};
use serde_json::json;

use super::flags::PlaceFlags;
use super::place::Place;
use super::{Failure, print_json};
use crate::models::projects::{self, NameError, Project, ProjectName};

/// What can be done with projects.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ProjectCommand {
    /// Create a project; tells its id and public key as JSON
    Create(CreateArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// Its name, which no other project has
    #[arg(long, value_name = "N")]
    name: String,
    #[command(flatten)]
    place: PlaceFlags,
}

/// Does what is asked with projects.
pub(super) fn run(command: ProjectCommand) -> Result<(), Failure> {
    match command {
        ProjectCommand::Create(args) => create(&args),
    }
}

fn create(args: &CreateArgs) -> Result<(), Failure> {
    let name = ProjectName::new(&args.name)
        .map_err(|wrong| Failure::new(wrong.to_string(), "give another one with --name"))?;
    let mut place = Place::open(&args.place)?;
    let now = place.clock.now();
    let project =
        place.conn.transaction(|conn| projects::create(conn, &name, now)).map_err(|error| match error {
            NameError::NameTaken => Failure::new(
                format!("another project is called {}", name.as_str()),
                "give another name with --name",
            ),
            NameError::Gone => Failure::new("the project was deleted meanwhile", "try again"),
            NameError::Db(error) => error.into(),
        })?;
    print_json(&json!({ "id": project.id, "name": project.name, "public_key": project.public_key }));
    Ok(())
}

/// The project that an argument names by id or name.
pub(super) fn named(conn: &mut PgConnection, id_or_name: &str) -> Result<Project, Failure> {
    projects::find_named(conn, id_or_name)?.ok_or_else(|| {
        Failure::new(
            format!("there is no project {id_or_name}"),
            "create it first (callout project create), or name another by id or name",
        )
    })
}
