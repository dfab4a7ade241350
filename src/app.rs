//! Builds the program, runs it, and stops it in order.
use crate::base::config::Config;

/// Why the program did not start.
#[derive(Debug)]
pub enum StartError {}

impl std::fmt::Display for StartError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

impl std::error::Error for StartError {}

/// Runs until Ctrl-C or SIGTERM.
pub async fn run(_config: Config) -> Result<(), StartError> {
    Ok(())
}
