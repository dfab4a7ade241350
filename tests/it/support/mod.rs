//! What tests are built from: a database each, the real program on a clock that stands, a receiver, pages and forms.
#![allow(dead_code, unused_imports)] // a part may stand here before the first test that needs it

pub mod app;
pub mod arrived;
pub mod client;
pub mod db;
pub mod dns;
pub mod factory;
pub mod following;
pub mod html;
pub mod nodes;
pub mod people;
pub mod pg_proxy;
pub mod place;
pub mod problems;
pub mod proxy;
pub mod raw;
pub mod judge;
pub mod load;
pub mod names;
pub mod receiver;
pub mod serve;
pub mod small_disk;
pub mod wait;
pub mod watched;
