//! Knows nothing of the product: configuration, time, ids, database, secrets at rest.
pub mod clock;
pub mod config;
pub mod db;
pub mod disk;
pub mod ids;
pub mod migrate;
pub mod postgres;
pub mod prepared;
pub mod schema;
pub mod seal;
