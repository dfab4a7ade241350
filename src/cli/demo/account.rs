//! The demo's account: a sign-in that works, the same one every time.
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use diesel::{Connection as _, PgConnection};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::base::db::DbError;
use crate::base::ids::{ProjectId, UserId};
use crate::base::seal::random_token;
use crate::models::accounts::password::{self, PasswordHash};
use crate::models::accounts::{self, CreateError, NewUser, User, setup};
use crate::models::projects::{Role, members};

/// Randomness of the password, in bytes.
const PASSWORD_BYTES: usize = 12;
/// Addresses that are tried until one is free.
const ADDRESSES_MAX: usize = 100;

/// What is printed.
pub(super) struct SignIn {
    pub(super) email: String,
    pub(super) password: String,
    /// Whether it may do everything here.
    pub(super) is_owner: bool,
}

/// Why there is no account.
#[derive(Debug)]
pub(super) enum AccountError {
    /// The file that keeps its password.
    File(PathBuf, io::Error),
    Db(DbError),
}

impl From<DbError> for AccountError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<diesel::result::Error> for AccountError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// As in `demo.json`.
#[derive(Serialize, Deserialize)]
struct Kept {
    user: UserId,
    password: String,
}

/// The account of `demo.json` with the password that stands there, whatever was done to it meanwhile; a new one where
/// there is none. It becomes the owner where nobody can sign in yet, else an admin of `project`.
pub(super) fn ensure(
    conn: &mut PgConnection,
    data_dir: &Path,
    project: ProjectId,
    now: OffsetDateTime,
) -> Result<SignIn, AccountError> {
    let place = data_dir.join("demo.json");
    let (user, password) = match known(conn, &place)? {
        Some(known) => known,
        None => created(conn, &place, now)?,
    };
    if !user.is_owner {
        members::set(conn, project, user.id, Role::Admin, now).map_err(|error| match error {
            members::SetError::Gone => DbError::Unavailable("the sample was removed meanwhile".to_owned()),
            members::SetError::Db(error) => error,
        })?;
    }
    Ok(SignIn { email: user.email, password, is_owner: user.is_owner })
}

/// The account that was made before, if it is still there; its password is the kept one afterwards.
fn known(conn: &mut PgConnection, place: &Path) -> Result<Option<(User, String)>, AccountError> {
    let text = match fs::read_to_string(place) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(AccountError::File(place.to_owned(), error)),
    };
    // Somebody may have opened it to others.
    fs::set_permissions(place, fs::Permissions::from_mode(0o600))
        .map_err(|error| AccountError::File(place.to_owned(), error))?;
    // A file that is damaged is replaced; the account it named stays as it is.
    let Ok(kept) = serde_json::from_str::<Kept>(&text) else { return Ok(None) };
    let Some(user) = accounts::find(conn, kept.user)? else { return Ok(None) };
    let present = accounts::password_of(conn, user.id)?;
    if !password::verify(&kept.password, present.as_ref())
        && let Some(present) = present
    {
        let hash = PasswordHash::of(&kept.password);
        conn.transaction(|conn| accounts::change_password(conn, user.id, &present, &hash))?;
    }
    Ok(Some((user, kept.password)))
}

fn created(
    conn: &mut PgConnection,
    place: &Path,
    now: OffsetDateTime,
) -> Result<(User, String), AccountError> {
    let password = random_token(PASSWORD_BYTES);
    let hash = PasswordHash::of(&password);
    conn.transaction(|conn| {
        let is_owner = !setup::anybody(conn)?;
        let email = free_address(conn)?;
        // Address and name keep the rules.
        let new = NewUser::new(&email, "Demo", is_owner)
            .map_err(|_| DbError::Unavailable("the demo's name is not accepted".to_owned()))?;
        let user = accounts::create(conn, &new, &hash, now).map_err(|error| match error {
            CreateError::EmailTaken => DbError::Unavailable(format!("{email} was taken meanwhile")),
            CreateError::Db(error) => error,
        })?;
        // Before the commit: an account whose password nobody knows would be worse than a file without account.
        keep(place, &Kept { user: user.id, password: password.clone() })
            .map_err(|error| AccountError::File(place.to_owned(), error))?;
        Ok((user, password))
    })
}

fn free_address(conn: &mut PgConnection) -> Result<String, DbError> {
    for number in 1..ADDRESSES_MAX {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let email = format!("demo{suffix}@example.com");
        if accounts::find_by_email(conn, &email)?.is_none() {
            return Ok(email);
        }
    }
    Err(DbError::Unavailable("every address for a demo account is taken".to_owned()))
}

/// Appears with all its content or not at all, readable by its owner only.
fn keep(place: &Path, kept: &Kept) -> io::Result<()> {
    let unfinished = place.with_extension("json.new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    writeln!(file, "{}", serde_json::to_string(kept)?)?;
    file.sync_all()?;
    fs::rename(&unfinished, place)?;
    File::open(place.parent().unwrap_or(Path::new(".")))?.sync_all()
}
