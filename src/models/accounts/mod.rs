//! People who can sign in: users, passwords, sessions, the back-off after wrong passwords, the first owner's link.
pub mod password;
pub mod sessions;
pub mod setup;
pub mod sign_in;
pub mod token;

use diesel::prelude::*;
use time::OffsetDateTime;

use crate::base::db::{DbError, violates};
use crate::base::ids::UserId;
use crate::base::schema::users;
use crate::rules::name::has_unseen;

use password::PasswordHash;

/// A person who can sign in.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub name: String,
    /// An owner may do everything in the installation, whatever the projects' roles say.
    pub is_owner: bool,
    /// They are told when a webhook is disabled.
    pub webhook_notices: bool,
    /// When they last looked at what they were told.
    pub notices_seen_at: Option<OffsetDateTime>,
}

/// What a person is to be created from; made by [`NewUser::new`] only, so its parts keep the rules.
#[derive(Clone, Debug)]
pub struct NewUser {
    email: String,
    name: String,
    is_owner: bool,
}

/// Longest name of a person, in characters.
pub const NAME_CHARS_MAX: usize = 80;
/// Longest e-mail address, in bytes (RFC 5321).
pub const EMAIL_BYTES_MAX: usize = 254;

/// Why a person's data were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserFault {
    /// Not something@somewhere, or longer than 254 bytes.
    Email,
    /// Empty, longer than 80 characters, or with control characters.
    Name,
}

impl UserFault {
    /// What to tell the person who typed it.
    pub fn message(self) -> &'static str {
        match self {
            Self::Email => "Enter an e-mail address such as ada@example.com.",
            Self::Name => "Enter a name of at most 80 characters.",
        }
    }
}

impl NewUser {
    /// Trims and judges what was typed.
    ///
    /// # Errors
    /// Every fault at once, e-mail first.
    pub fn new(email: &str, name: &str, is_owner: bool) -> Result<Self, Vec<UserFault>> {
        let (email, name) = (email.trim(), name.trim());
        let mut faults = Vec::new();
        if !is_email(email) {
            faults.push(UserFault::Email);
        }
        if !is_name(name) {
            faults.push(UserFault::Name);
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self { email: email.to_owned(), name: name.to_owned(), is_owner })
    }
}

/// Good enough to write to: one `@`, something on both sides, a dot or not, no spaces. Only sending proves more.
fn is_email(text: &str) -> bool {
    let plain = !text.chars().any(char::is_whitespace) && !has_unseen(text);
    let parts = text.rsplit_once('@').is_some_and(|(left, right)| {
        !left.is_empty() && !left.contains('@') && !right.is_empty() && !right.starts_with('.')
    });
    plain && parts && text.len() <= EMAIL_BYTES_MAX
}

/// Whether a text may be a person's name.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= NAME_CHARS_MAX && !has_unseen(text)
}

/// Why a person was not created.
#[derive(Debug)]
pub enum CreateError {
    /// Somebody has this e-mail address already, in whatever capitals.
    EmailTaken,
    Db(DbError),
}

impl From<diesel::result::Error> for CreateError {
    fn from(error: diesel::result::Error) -> Self {
        if violates(&error, "users_email_key") { Self::EmailTaken } else { Self::Db(error.into()) }
    }
}

impl From<DbError> for CreateError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// Creates a person. Hash the password before the transaction: it takes long on purpose.
///
/// # Errors
/// [`CreateError::EmailTaken`]
pub fn create(
    conn: &mut PgConnection,
    new: &NewUser,
    hash: &PasswordHash,
    now: OffsetDateTime,
) -> Result<User, CreateError> {
    let row = (
        users::id.eq(UserId::new(now)),
        users::email.eq(&new.email),
        users::name.eq(&new.name),
        users::password_hash.eq(hash.as_str()),
        users::is_owner.eq(new.is_owner),
        users::created_at.eq(now),
    );
    Ok(diesel::insert_into(users::table).values(row).returning(User::as_returning()).get_result(conn)?)
}

/// The person of this id.
pub fn find(conn: &mut PgConnection, id: UserId) -> Result<Option<User>, DbError> {
    Ok(users::table.find(id).select(User::as_select()).first(conn).optional()?)
}

/// The person of this e-mail address, in whatever capitals.
pub fn find_by_email(conn: &mut PgConnection, email: &str) -> Result<Option<User>, DbError> {
    Ok(by_email(conn, email)?.map(|(user, _)| user))
}

fn by_email(conn: &mut PgConnection, email: &str) -> Result<Option<(User, PasswordHash)>, DbError> {
    let found: Option<(User, String)> = users::table
        .filter(lower(users::email).eq(lower(email.trim())))
        .select((User::as_select(), users::password_hash))
        .first(conn)
        .optional()?;
    Ok(found.map(|(user, hash)| (user, PasswordHash::from_stored(hash))))
}

/// The stored hash of a person's password, to check it before it is changed.
pub fn password_of(conn: &mut PgConnection, id: UserId) -> Result<Option<PasswordHash>, DbError> {
    let hash: Option<String> = users::table.find(id).select(users::password_hash).first(conn).optional()?;
    Ok(hash.map(PasswordHash::from_stored))
}

/// Changes a person's name, which must keep [`is_name`].
pub fn rename(conn: &mut PgConnection, id: UserId, name: &str) -> Result<(), DbError> {
    diesel::update(users::table.find(id)).set(users::name.eq(name)).execute(conn)?;
    Ok(())
}

/// Whether a person is told when a webhook is disabled.
pub fn set_webhook_notices(conn: &mut PgConnection, id: UserId, is_told: bool) -> Result<(), DbError> {
    diesel::update(users::table.find(id)).set(users::webhook_notices.eq(is_told)).execute(conn)?;
    Ok(())
}

/// A person has looked at their notices.
pub fn saw_notices(conn: &mut PgConnection, id: UserId, now: OffsetDateTime) -> Result<(), DbError> {
    diesel::update(users::table.find(id)).set(users::notices_seen_at.eq(now)).execute(conn)?;
    Ok(())
}

/// Changes a person's password and ends all their sessions, in the caller's transaction.
///
/// Answers whether it happened: not if the password is no longer `old`, i.e. somebody else changed it meanwhile.
pub fn change_password(
    conn: &mut PgConnection,
    id: UserId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<bool, DbError> {
    let unchanged = users::table.filter(users::id.eq(id)).filter(users::password_hash.eq(old.as_str()));
    let changed = diesel::update(unchanged).set(users::password_hash.eq(new.as_str())).execute(conn)? == 1;
    if changed {
        sessions::end_all(conn, id)?;
    }
    Ok(changed)
}

diesel::define_sql_function! {
    /// As Postgres folds capitals, so that the unique index on it is used.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_user_has_an_address_and_a_name() {
        assert!(NewUser::new(" ada@example.com ", " Ada Lovelace ", false).is_ok());
        assert!(NewUser::new("root@localhost", "Ada", false).is_ok(), "in-house addresses have no dot");
        let both = NewUser::new("ada", "", false).map(|_| ()).unwrap_err();
        assert_eq!(both, [UserFault::Email, UserFault::Name]);
        for wrong in ["@b", "a@", "a@@b", "a b@c", "a@.b", "a@b\n", &format!("{}@b", "a".repeat(254))] {
            assert!(!is_email(wrong.trim_end_matches(' ')), "{wrong:?}");
        }
    }
}
