//! How what is kept for every event takes few bytes.
pub mod headers;
pub mod json;
