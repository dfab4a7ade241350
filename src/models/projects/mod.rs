//! Projects: everything else belongs to one. With their members' roles and their API keys.
pub mod keys;
pub mod masking;
pub mod members;
pub mod reveals;

use std::fmt;

use diesel::prelude::*;
use time::OffsetDateTime;

use crate::base::db::{DbError, violates};
use crate::base::ids::ProjectId;
use crate::base::schema::{members as member_rows, projects};
use crate::models::accounts::{User, token};
use crate::rules::name::{has_unseen, unseen_words};
use crate::rules::target::AllowedHosts;

pub use members::Role;

/// Longest name of a project, in characters.
pub const NAME_CHARS_MAX: usize = 80;

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = projects)]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    /// `pk_` and 24 letters and digits: names the project in public pages; opens nothing.
    pub public_key: String,
    /// The master switch: off, everything that is accepted is held.
    pub webhooks_enabled: bool,
    /// Hosts that webhooks may lead to, see [`AllowedHosts`]; empty for all.
    pub allowed_hosts: Vec<String>,
    /// Grows with every change that decides where events go.
    pub settings_version: i64,
    pub created_at: OffsetDateTime,
}

impl Project {
    /// Hosts that webhooks may lead to.
    pub fn hosts(&self) -> AllowedHosts {
        AllowedHosts::stored(self.allowed_hosts.clone())
    }
}

/// A name that a project may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectName(String);

/// The text cannot be a project's name. Shown, it is what to tell the person who typed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAName {
    /// It is empty, or longer than [`NAME_CHARS_MAX`].
    Length,
    /// It has characters that nobody sees; says which.
    Unseen(String),
}

impl fmt::Display for NotAName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => write!(f, "Enter a name of at most {NAME_CHARS_MAX} characters."),
            Self::Unseen(why) => f.write_str(why),
        }
    }
}

impl ProjectName {
    /// Trims and judges what was typed.
    pub fn new(text: &str) -> Result<Self, NotAName> {
        let text = text.trim();
        let fits = (1..=NAME_CHARS_MAX).contains(&text.chars().count());
        match text {
            _ if !fits => Err(NotAName::Length),
            text if has_unseen(text) => Err(NotAName::Unseen(unseen_words(text))),
            text => Ok(Self(text.to_owned())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a project was not created or renamed.
#[derive(Debug)]
pub enum NameError {
    /// Another project has this name, in whatever capitals.
    NameTaken,
    /// The project is gone.
    Gone,
    Db(DbError),
}

impl From<diesel::result::Error> for NameError {
    fn from(error: diesel::result::Error) -> Self {
        match error {
            diesel::result::Error::NotFound => Self::Gone,
            error if violates(&error, "projects_name_key") => Self::NameTaken,
            error => Self::Db(error.into()),
        }
    }
}

impl From<DbError> for NameError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// Creates a project.
///
/// # Errors
/// [`NameError::NameTaken`]
pub fn create(
    conn: &mut PgConnection,
    name: &ProjectName,
    now: OffsetDateTime,
) -> Result<Project, NameError> {
    let row = (
        projects::id.eq(ProjectId::new(now)),
        projects::name.eq(name.as_str()),
        projects::public_key.eq(token::random("pk_", 24)),
        projects::created_at.eq(now),
    );
    Ok(diesel::insert_into(projects::table)
        .values(row)
        .returning(Project::as_returning())
        .get_result(conn)?)
}

/// Gives a project another name.
///
/// # Errors
/// [`NameError::NameTaken`], [`NameError::Gone`]
pub fn rename(conn: &mut PgConnection, id: ProjectId, name: &ProjectName) -> Result<Project, NameError> {
    Ok(diesel::update(projects::table.find(id))
        .set(projects::name.eq(name.as_str()))
        .returning(Project::as_returning())
        .get_result(conn)?)
}

/// The project of this id, whoever asks.
pub fn find(conn: &mut PgConnection, id: ProjectId) -> Result<Option<Project>, DbError> {
    Ok(projects::table.find(id).select(Project::as_select()).first(conn).optional()?)
}

/// The project of this id or, failing that, of this name in whatever capitals: what a command line names.
pub fn find_named(conn: &mut PgConnection, id_or_name: &str) -> Result<Option<Project>, DbError> {
    if let Ok(id) = id_or_name.parse() {
        return find(conn, id);
    }
    let named = projects::table.filter(lower(projects::name).eq(lower(id_or_name.trim())));
    Ok(named.select(Project::as_select()).first(conn).optional()?)
}

/// The ids of all projects.
pub fn ids(conn: &mut PgConnection) -> Result<Vec<ProjectId>, DbError> {
    Ok(projects::table.select(projects::id).load(conn)?)
}

/// Every project with the role that a person has in it, by name. An owner is an admin everywhere.
pub fn list_for(conn: &mut PgConnection, user: &User) -> Result<Vec<(Project, Role)>, DbError> {
    let by_name = lower(projects::name);
    if user.is_owner {
        let all: Vec<Project> = projects::table.order(by_name).select(Project::as_select()).load(conn)?;
        return Ok(all.into_iter().map(|project| (project, Role::Admin)).collect());
    }
    let rows: Vec<(Project, String)> = projects::table
        .inner_join(member_rows::table.on(member_rows::project_id.eq(projects::id)))
        .filter(member_rows::user_id.eq(user.id))
        .order(by_name)
        .select((Project::as_select(), member_rows::role))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(project, role)| Some((project, role.parse().ok()?))).collect())
}

/// Turns the master switch on: what is accepted from now on is sent. A change of where events go.
pub fn enable_webhooks(conn: &mut PgConnection, id: ProjectId) -> Result<(), DbError> {
    switch(conn, id, true)
}

/// Turns the master switch off: what is accepted from now on is held. A change of where events go.
pub fn disable_webhooks(conn: &mut PgConnection, id: ProjectId) -> Result<(), DbError> {
    switch(conn, id, false)
}

fn switch(conn: &mut PgConnection, id: ProjectId, enabled: bool) -> Result<(), DbError> {
    diesel::update(projects::table.find(id))
        .set((
            projects::webhooks_enabled.eq(enabled),
            projects::settings_version.eq(projects::settings_version + 1),
        ))
        .execute(conn)?;
    Ok(())
}

/// Whether the master switch is on. False for a project that is gone.
pub fn sends(conn: &mut PgConnection, id: ProjectId) -> Result<bool, DbError> {
    let enabled = projects::table.find(id).select(projects::webhooks_enabled).first(conn).optional()?;
    Ok(enabled.unwrap_or(false))
}

/// Replaces the hosts that webhooks may lead to. Webhooks that lead elsewhere get nothing from then on.
pub fn set_allowed_hosts(
    conn: &mut PgConnection,
    id: ProjectId,
    hosts: &AllowedHosts,
) -> Result<(), DbError> {
    bump_settings_version(conn, id)?;
    diesel::update(projects::table.find(id))
        .set(projects::allowed_hosts.eq(hosts.as_slice()))
        .execute(conn)?;
    Ok(())
}

/// Deletes a project with its members, keys, webhooks and their secrets. Its history must be gone before: nobody could
/// reach it any more. No error if there is none.
pub fn delete(conn: &mut PgConnection, id: ProjectId) -> Result<(), DbError> {
    diesel::delete(projects::table.find(id)).execute(conn)?;
    Ok(())
}

/// Says that where events go changes in this transaction, and locks the project's row until its end.
///
/// Answers the new version.
///
/// # Errors
/// A missing project is [`diesel::result::Error::NotFound`].
pub fn bump_settings_version(conn: &mut PgConnection, id: ProjectId) -> Result<i64, DbError> {
    Ok(diesel::update(projects::table.find(id))
        .set(projects::settings_version.eq(projects::settings_version + 1))
        .returning(projects::settings_version)
        .get_result(conn)?)
}

/// Whether the first steps are no longer to be shown.
pub fn first_steps_are_dismissed(conn: &mut PgConnection, id: ProjectId) -> Result<bool, DbError> {
    let at: Option<Option<OffsetDateTime>> =
        projects::table.find(id).select(projects::first_steps_dismissed_at).first(conn).optional()?;
    Ok(at.flatten().is_some())
}

/// Has the first steps shown no more.
pub fn dismiss_first_steps(
    conn: &mut PgConnection,
    id: ProjectId,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    diesel::update(projects::table.find(id)).set(projects::first_steps_dismissed_at.eq(now)).execute(conn)?;
    Ok(())
}

diesel::define_sql_function! {
    /// As Postgres folds capitals, so that the unique index on it is used.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_name_has_1_to_80_characters() {
        assert_eq!(ProjectName::new("  Café ").map(|name| name.as_str().to_owned()), Ok("Café".to_owned()));
        assert!(ProjectName::new(&"é".repeat(80)).is_ok());
        for wrong in ["", "  ", &"é".repeat(81)] {
            assert_eq!(ProjectName::new(wrong), Err(NotAName::Length));
        }
        assert!(ProjectName::new("a\u{7}b").is_err_and(|wrong| wrong.to_string().contains("U+0007")));
    }
}
