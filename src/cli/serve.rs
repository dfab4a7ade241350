//! `callout serve`: the web program and the dispatcher.
use super::Failure;
use super::flags::ServeFlags;
use super::logging;

/// Runs until Ctrl-C or SIGTERM.
pub(super) fn run(flags: &ServeFlags) -> Result<(), Failure> {
    let config =
        flags.config().map_err(|wrong| Failure::new(wrong.to_string(), "correct that and start again"))?;
    logging::start(&config);
    actix_rt::System::new()
        .block_on(crate::app::run(config))
        // The error's own sentences say what to do.
        .map_err(|error| Failure::new(format!("Callout did not start: {error}"), ""))
}
