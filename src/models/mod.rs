//! Nouns: each owns its tables, types, transitions and statements.
pub mod accounts;
pub mod projects;
