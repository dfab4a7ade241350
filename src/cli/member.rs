//! `callout member set`: what a person may do in a project.
use diesel::Connection as _;
use serde_json::json;

use super::flags::PlaceFlags;
use super::place::Place;
use super::{Failure, print_json};
use crate::models::accounts;
use crate::models::audit::{self, Action, Entry};
use crate::models::projects::members::{self, Role, SetError};

/// What can be done with a project's members.
#[derive(Debug, clap::Subcommand)]
pub(super) enum MemberCommand {
    /// Give a person a role in a project, instead of the one they had; tells it as JSON
    Set(SetArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct SetArgs {
    /// The project's id or name
    #[arg(long, value_name = "P")]
    project: String,
    /// The person's e-mail address
    #[arg(long, value_name = "E")]
    email: String,
    /// admin, support or viewer
    #[arg(long, value_name = "ROLE", value_parser = |text: &str| text.parse::<Role>())]
    role: Role,
    #[command(flatten)]
    place: PlaceFlags,
}

/// Does what is asked with members.
pub(super) fn run(command: MemberCommand) -> Result<(), Failure> {
    match command {
        MemberCommand::Set(args) => set(&args),
    }
}

fn set(args: &SetArgs) -> Result<(), Failure> {
    let mut place = Place::open(&args.place)?;
    let now = place.clock.now();
    let (project, user) = place.conn.transaction(|conn| {
        let project = super::project::named(conn, &args.project)?;
        let user = accounts::find_by_email(conn, &args.email)?.ok_or_else(|| {
            Failure::new(
                format!("nobody has the e-mail address {}", args.email),
                "create the person first: callout user create",
            )
        })?;
        members::set(conn, project.id, user.id, args.role, now).map_err(|error| match error {
            SetError::Gone => Failure::new("the project or the person was deleted meanwhile", "try again"),
            SetError::Db(error) => error.into(),
        })?;
        let entry = Entry {
            user: None,
            project: Some(project.id),
            action: Action::RoleChanged,
            subject: user.id.to_string(),
            detail: args.role.to_string(),
        };
        audit::write(conn, &entry, now)?;
        Ok::<_, Failure>((project, user))
    })?;
    print_json(&json!({
        "project_id": project.id,
        "user_id": user.id,
        "email": user.email,
        "role": args.role.as_str(),
    }));
    Ok(())
}
