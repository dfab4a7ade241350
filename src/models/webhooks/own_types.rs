//! Webhooks and the event types of their project's own.
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use time::OffsetDateTime;

use super::{Settings, Webhook, list};
use crate::base::db::DbError;
use crate::base::ids::ProjectId;
use crate::models::event_types::{self, TypeSample};
use crate::rules::catalogue;
use crate::rules::preset::Preset;

/// The type to try a webhook with: the one that its guide names, the first that it subscribes to, or one that every
/// receiver can make sense of.
pub fn trial_of(
    conn: &mut PgConnection,
    project: ProjectId,
    settings: &Settings,
) -> Result<TypeSample, DbError> {
    let of_preset = settings.preset.and_then(Preset::trial_type);
    if let Some(named) = of_preset.filter(|named| settings.takes(named.name)) {
        return Ok(TypeSample::of(named));
    }
    let chosen = if settings.all_events { &[][..] } else { &settings.events };
    for name in chosen {
        if let Some(found) = event_types::trial(conn, project, name)? {
            return Ok(found);
        }
    }
    Ok(TypeSample::of(catalogue::plain()))
}

/// The webhooks that chose a type, oldest first; not those that take all.
pub fn that_chose(
    conn: &mut PgConnection,
    project: ProjectId,
    event_type: &str,
) -> Result<Vec<Webhook>, DbError> {
    let mut webhooks = list(conn, project)?;
    webhooks.retain(|webhook| !webhook.settings.all_events && webhook.settings.takes(event_type));
    Ok(webhooks)
}

/// Takes a type of the project's own away, also from the webhooks that chose it; false if there was none.
pub fn delete_type(
    conn: &mut PgConnection,
    project: ProjectId,
    event_type: &str,
    now: OffsetDateTime,
) -> Result<bool, DbError> {
    if !event_types::delete(conn, project, event_type)? {
        return Ok(false);
    }
    let statement = diesel::sql_query(
        "update webhooks set events = array_remove(events, $2), updated_at = $3 \
         where project_id = $1 and deleted_at is null and events @> array[$2]",
    );
    let statement = statement.bind::<SqlUuid, _>(project).bind::<Text, _>(event_type);
    statement.bind::<Timestamptz, _>(now).execute(conn)?;
    Ok(true)
}
