//! A project's own event types. Which there are decides what events it takes, so that is a change of its settings.
use diesel::prelude::*;
use time::OffsetDateTime;

use crate::base::db::{DbError, violates};
use crate::base::ids::ProjectId;
use crate::base::schema::event_types;
use crate::models::projects;
use crate::rules::catalogue;
use crate::rules::catalogue::own::{OwnNames, OwnType, is_name};

/// A project has at most so many types of its own.
pub const OWN_TYPES_MAX: i64 = 200;

/// Why a type was not added.
#[derive(Debug)]
pub enum CreateError {
    /// The project has a type of this name.
    NameTaken,
    /// The project has [`OWN_TYPES_MAX`].
    TooMany,
    /// The database did not do it.
    Db(DbError),
}

impl From<DbError> for CreateError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<diesel::result::Error> for CreateError {
    fn from(error: diesel::result::Error) -> Self {
        if violates(&error, "event_types_pkey") { Self::NameTaken } else { Self::Db(error.into()) }
    }
}

/// A type that a project knows, with what is needed to send an event of it by way of trial.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TypeSample {
    pub name: String,
    pub description: String,
    /// JSON, as text with line breaks.
    pub sample: String,
}

impl TypeSample {
    /// Of a type of the catalogue.
    pub fn of(event_type: &catalogue::EventType) -> Self {
        Self {
            name: event_type.name.to_owned(),
            description: event_type.description.to_owned(),
            sample: event_type.sample().trim_end().to_owned(),
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = event_types, check_for_backend(diesel::pg::Pg))]
struct Row {
    name: String,
    description: String,
    sample: String,
    schema: Option<String>,
}

impl From<Row> for OwnType {
    fn from(row: Row) -> Self {
        Self { name: row.name, description: row.description, sample: row.sample, typed_schema: row.schema }
    }
}

/// All types of a project's own, by name.
pub fn list(conn: &mut PgConnection, project: ProjectId) -> Result<Vec<OwnType>, DbError> {
    let rows = event_types::table
        .filter(event_types::project_id.eq(project))
        .order(event_types::name)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(OwnType::from).collect())
}

/// Their names and descriptions only.
pub fn names(conn: &mut PgConnection, project: ProjectId) -> Result<OwnNames, DbError> {
    let rows = event_types::table
        .filter(event_types::project_id.eq(project))
        .order(event_types::name)
        .select((event_types::name, event_types::description))
        .load(conn)?;
    Ok(OwnNames(rows))
}

/// One type of a project's own.
pub fn find(conn: &mut PgConnection, project: ProjectId, name: &str) -> Result<Option<OwnType>, DbError> {
    if !is_name(name) {
        return Ok(None);
    }
    let row = event_types::table.find((project, name)).select(Row::as_select()).first(conn).optional()?;
    Ok(row.map(OwnType::from))
}

/// A type that the project knows, from the catalogue or as its own, to try something with.
pub fn trial(conn: &mut PgConnection, project: ProjectId, name: &str) -> Result<Option<TypeSample>, DbError> {
    if let Some(known) = catalogue::find(name) {
        return Ok(Some(TypeSample::of(known)));
    }
    let own = find(conn, project, name)?;
    Ok(own.map(|own| TypeSample { name: own.name, description: own.description, sample: own.sample }))
}

/// Adds a type: events of it are accepted as soon as this is committed, on all nodes.
///
/// # Errors
/// [`CreateError::NameTaken`], [`CreateError::TooMany`]
pub fn create(
    conn: &mut PgConnection,
    project: ProjectId,
    own: &OwnType,
    now: OffsetDateTime,
) -> Result<(), CreateError> {
    // First: the project's row is the lock that makes the count exact.
    projects::bump_settings_version(conn, project)?;
    let existing: i64 =
        event_types::table.filter(event_types::project_id.eq(project)).count().get_result(conn)?;
    if existing >= OWN_TYPES_MAX && find(conn, project, &own.name)?.is_none() {
        return Err(CreateError::TooMany);
    }
    diesel::insert_into(event_types::table)
        .values((
            event_types::project_id.eq(project),
            event_types::name.eq(&own.name),
            event_types::description.eq(&own.description),
            event_types::sample.eq(&own.sample),
            event_types::schema.eq(&own.typed_schema),
            event_types::created_at.eq(now),
            event_types::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Describes a type anew; false if there is none of this name. What is accepted and sent does not change with it.
pub fn replace(
    conn: &mut PgConnection,
    project: ProjectId,
    own: &OwnType,
    now: OffsetDateTime,
) -> Result<bool, DbError> {
    let changed = diesel::update(event_types::table.find((project, &own.name)))
        .set((
            event_types::description.eq(&own.description),
            event_types::sample.eq(&own.sample),
            event_types::schema.eq(&own.typed_schema),
            event_types::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Takes a type away; false if there was none. Events of it stay; no more are accepted. Who subscribes is the webhooks'
/// matter: see `webhooks::delete_type`.
pub fn delete(conn: &mut PgConnection, project: ProjectId, name: &str) -> Result<bool, DbError> {
    if !is_name(name) {
        return Ok(false);
    }
    projects::bump_settings_version(conn, project)?;
    Ok(diesel::delete(event_types::table.find((project, name))).execute(conn)? == 1)
}
