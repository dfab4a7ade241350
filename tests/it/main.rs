//! Every promise that takes more than one module to keep, in one binary: a file per promise.
mod support;

mod account_page;
mod addresses;
mod api_deliveries;
mod api_events;
mod api_webhooks;
mod commands;
mod database;
mod delivering;
mod external_ids;
mod failing;
mod failures;
mod interruption;
mod isolation;
mod kill;
mod page_answers;
mod queue;
mod retention;
mod retries;
mod serving;
mod settings_pages;
mod setup_page;
mod signature;
mod signing_in;
mod switching;
mod tidy;
