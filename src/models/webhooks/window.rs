//! A maintenance window as it is typed.
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::draft::{Ground, Problem};
use super::settings::Maintenance;

/// Years that a window may lie in.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=9998;

/// From and until, RFC 3339; none takes the window away. One that has passed is refused, but the one that is stored may
/// be told again.
pub(super) fn read(
    given: Option<(String, String)>,
    ground: &Ground<'_>,
) -> Result<Option<Maintenance>, Problem> {
    let Some((from, until)) = given else { return Ok(None) };
    let window =
        Maintenance { from: moment(&from, "maintenance.from")?, until: moment(&until, "maintenance.until")? };
    if window.until <= window.from {
        return Err(Problem::new("maintenance.until", "The window ends after it begins."));
    }
    let is_new = ground.stored.is_none_or(|stored| stored.maintenance != Some(window));
    if is_new && window.until <= ground.now {
        let message = "The window is over already. Choose a later end.";
        return Err(Problem::new("maintenance.until", message));
    }
    Ok(Some(window))
}

fn moment(text: &str, field: &'static str) -> Result<OffsetDateTime, Problem> {
    let message = "Write the moment like 2026-11-21T14:00:00Z.";
    let moment = OffsetDateTime::parse(text.trim(), &Rfc3339).ok();
    // As it is told: UTC, in milliseconds.
    let moment = moment.and_then(|moment| moment.checked_to_offset(UtcOffset::UTC));
    let moment = moment.filter(|moment| YEARS.contains(&moment.year()));
    let moment = moment.and_then(|moment| moment.replace_millisecond(moment.millisecond()).ok());
    moment.ok_or_else(|| Problem::new(field, message))
}
