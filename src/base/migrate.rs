//! Brings a database to the newest form: the migrations are part of the binary.
use std::fmt;

use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Any number, as long as every node takes the same: "callout" in ASCII, cut to 7 bytes.
const LOCK: i64 = 0x63_61_6c_6c_6f_75_74;

/// Why the database could not be brought to the newest form.
#[derive(Debug)]
pub enum MigrateError {
    /// A newer version of Callout has been here: it ran migrations that this one does not know.
    Newer(Vec<String>),
    /// The database refused; the text is its own.
    Failed(String),
}

impl fmt::Display for MigrateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer(unknown) => write!(
                f,
                "the database was used by a newer version of Callout (it has {}); run that version",
                unknown.join(", ")
            ),
            Self::Failed(why) => write!(f, "the database could not be migrated: {why}"),
        }
    }
}

impl std::error::Error for MigrateError {}

/// Runs what has not run yet, oldest first, and tells the names of what it ran.
///
/// Whoever comes while another node is at it waits for that one and then finds nothing to do.
pub fn run_pending(conn: &mut PgConnection) -> Result<Vec<String>, MigrateError> {
    let failed = |error: diesel::result::Error| MigrateError::Failed(error.to_string());
    // `create table if not exists` and the like are chatty; whoever runs a command wants its own words only.
    conn.batch_execute(&format!("set client_min_messages = warning; select pg_advisory_lock({LOCK})"))
        .map_err(failed)?;
    let ran = under_lock(conn);
    // An error here means that the connection is gone, and with it the lock.
    let _ = conn.batch_execute(&format!("select pg_advisory_unlock({LOCK}); reset client_min_messages"));
    ran
}

/// The names of all migrations in this binary, oldest first.
pub fn known() -> Vec<String> {
    let migrations: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().unwrap_or_default();
    migrations.iter().map(|migration| migration.name().to_string()).collect()
}

fn under_lock(conn: &mut PgConnection) -> Result<Vec<String>, MigrateError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| MigrateError::Failed(error.to_string());
    let migrations: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(failed)?;
    let versions: Vec<String> = migrations.iter().map(|m| m.name().version().to_string()).collect();
    let applied = conn.applied_migrations().map_err(failed)?;
    let unknown: Vec<String> =
        applied.iter().map(ToString::to_string).filter(|version| !versions.contains(version)).collect();
    if !unknown.is_empty() {
        return Err(MigrateError::Newer(unknown));
    }
    let mut ran = Vec::new();
    for migration in &migrations {
        if applied.iter().any(|version| *version == migration.name().version()) {
            continue;
        }
        conn.run_migration(migration).map_err(failed)?;
        ran.push(migration.name().to_string());
    }
    Ok(ran)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_holds_every_migration_of_the_tree() {
        let mut on_disk: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        on_disk.sort();
        let mut names = known();
        names.sort();
        assert_eq!(names, on_disk);
    }
}
