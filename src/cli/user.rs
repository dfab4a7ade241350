//! `callout user create`: a person who can sign in, made without a browser.
use std::io::Read as _;

use diesel::Connection as _;
use serde_json::json;

use super::flags::PlaceFlags;
use super::place::Place;
use super::{Failure, print_json};
use crate::models::accounts::password::{self, PasswordHash};
use crate::models::accounts::{self, CreateError, NewUser};

/// Far more than any password that is accepted, so that a wrong pipe is not read for ever.
const STDIN_BYTES_MAX: u64 = 64 * 1024;

/// What can be done with people.
#[derive(Debug, clap::Subcommand)]
pub(super) enum UserCommand {
    /// Create a person who can sign in; tells id, e-mail, name and owner as JSON
    Create(CreateArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// The e-mail address to sign in with
    #[arg(long, value_name = "E")]
    email: String,
    /// The name that others see
    #[arg(long, value_name = "N")]
    name: String,
    /// May do everything in the installation
    #[arg(long)]
    owner: bool,
    /// Read the password from stdin (the only way to give it: arguments can be seen by others)
    #[arg(long, required = true)]
    password_stdin: bool,
    #[command(flatten)]
    place: PlaceFlags,
}

/// Does what is asked with people.
pub(super) fn run(command: UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::Create(args) => create(&args),
    }
}

fn create(args: &CreateArgs) -> Result<(), Failure> {
    const AGAIN: &str = "nobody was created; correct that and try again";
    let new = NewUser::new(&args.email, &args.name, args.owner).map_err(|faults| {
        let told: Vec<_> = faults.iter().map(|fault| fault.message()).collect();
        Failure::new(told.join(" "), AGAIN)
    })?;
    let typed = password_from_stdin()?;
    password::judge(&typed)
        .map_err(|fault| Failure::new(format!("The password: {}", fault.message()), AGAIN))?;
    let hash = PasswordHash::of(&typed);
    let mut place = Place::open(&args.place)?;
    let now = place.clock.now();
    let user =
        place.conn.transaction(|conn| accounts::create(conn, &new, &hash, now)).map_err(
            |error| match error {
                CreateError::EmailTaken => Failure::new(
                    format!("somebody has the e-mail address {} already", args.email),
                    "use another address, or give that person a role with `callout member set`",
                ),
                CreateError::Db(error) => error.into(),
            },
        )?;
    print_json(&json!({ "id": user.id, "email": user.email, "name": user.name, "owner": user.is_owner }));
    Ok(())
}

/// All of stdin but the end of its last line.
fn password_from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().lock().take(STDIN_BYTES_MAX).read_to_string(&mut text).map_err(|error| {
        Failure::new(format!("the password cannot be read from stdin: {error}"), "pipe it in as UTF-8 text")
    })?;
    let typed = text.strip_suffix('\n').unwrap_or(&text);
    Ok(typed.strip_suffix('\r').unwrap_or(typed).to_owned())
}
