//! Every promise that takes more than one module to keep, in one binary: a file per promise.
mod support;

mod api_events;
mod commands;
mod database;
mod delivering;
mod failing;
mod retention;
mod serving;
mod tidy;
