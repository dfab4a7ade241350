//! `callout migrate`: runs pending migrations.
use super::flags::PlaceFlags;
use super::place::Place;
use super::{Failure, print_json};

/// Prints `{"ran": [names]}`.
pub(super) fn run(flags: &PlaceFlags) -> Result<(), Failure> {
    let place = Place::open(flags)?;
    print_json(&serde_json::json!({ "ran": place.ran }));
    Ok(())
}
