//! The HTTP kit: of the product it knows accounts and projects only.
pub mod api_keys;
pub mod health;
