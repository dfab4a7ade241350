//! Values and pure functions of the product: no database, no HTTP.
pub mod authentication;
pub mod body;
pub mod catalogue;
pub mod filter;
pub mod kept;
pub mod masks;
pub mod name;
pub mod openapi;
pub mod preset;
pub mod request;
pub mod retry;
pub mod search;
pub mod signing;
pub mod target;
