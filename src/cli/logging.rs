//! Log lines go to stderr, so that stdout holds results only.
use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::base::config::{Config, LogFormat};

/// Starts logging as the settings say.
pub(super) fn start(config: &Config) {
    start_at(&config.log, config.log_format);
}

/// Starts logging for a command that ends by itself: only what went wrong.
pub(super) fn start_quietly() {
    start_at("warn", LogFormat::Text);
}

fn start_at(filter: &str, format: LogFormat) {
    // The configuration has been through the same parser, so the fallback is never taken.
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // An error means that logging was started before, by a test.
    let _ = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}
