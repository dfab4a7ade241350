//! Carries a plan out: all of it or nothing.
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::Failure;
use super::plan::{Deed, Plan, out_of_date};
use super::state::State;
use crate::base::ids::ProjectId;
use crate::base::seal::SealKey;
use crate::models::deliveries::{self, HeldChoice};
use crate::models::event_types::{self, OWN_TYPES_MAX};
use crate::models::projects;
use crate::models::webhooks::{self, CreateError, Settings, UpdateError, WEBHOOKS_MAX};
use crate::rules::signing::Secret;

/// What was done, as JSON: new webhooks with their signing secrets, where those were made here.
pub(super) fn carry_out(
    conn: &mut PgConnection,
    plan: Plan,
    state: &State,
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<Value, Failure> {
    let project = state.project.id;
    let (change, delete, told) = (plan.change, plan.delete, plan.create);
    let mut created: Vec<Value> =
        told.into_iter().filter(|one| one["kind"] == "event_type").map(without_settings).collect();
    let mut deeds = plan.deeds;
    deeds.sort_by_key(turn);
    if !deeds.is_empty() {
        let made = conn.transaction(|conn| -> Result<Vec<Value>, Failure> {
            // The project's row is locked from here on: what was planned is what is done.
            if projects::bump_settings_version(conn, project)? != state.project.settings_version + 1 {
                return Err(out_of_date());
            }
            let mut made = Vec::new();
            for (number, deed) in (0..).zip(deeds) {
                // Webhooks are listed by when they were made: in the order of the file.
                made.extend(one(conn, project, deed, key, now + Duration::milliseconds(number))?);
            }
            Ok(made)
        })?;
        created.extend(made);
    }
    let changed: Vec<Value> = change.into_iter().map(without_settings).collect();
    Ok(json!({
        "created": created,
        "changed": changed,
        "deleted": delete,
        "left_alone": plan.left_alone,
        "kept": plan.kept,
        "warnings": plan.warnings,
        "unchanged": plan.unchanged,
    }))
}

fn without_settings(told: Value) -> Value {
    json!({ "kind": told["kind"], "name": told["name"] })
}

/// Types are there before the webhooks that choose them, names and places are free before they are taken, and nothing is
/// sent before all is as it is to be.
fn turn(deed: &Deed) -> u8 {
    match deed {
        Deed::AllowHosts(_) => 0,
        Deed::CreateType(_) | Deed::ReplaceType(_) => 2,
        Deed::DeleteWebhook(_) => 3,
        Deed::SaveWebhook(..) => 4,
        Deed::CreateWebhook { .. } => 5,
        // First, for there may be as many as there can be; a webhook that keeps its types has been checked.
        Deed::DeleteType(_) => 1,
        Deed::Switch(_) => 6,
    }
}

fn one(
    conn: &mut PgConnection,
    project: ProjectId,
    deed: Deed,
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<Option<Value>, Failure> {
    match deed {
        Deed::AllowHosts(hosts) => projects::set_allowed_hosts(conn, project, &hosts)?,
        Deed::Switch(true) => deliveries::enable_webhooks(conn, project, HeldChoice::Send, now)?,
        Deed::Switch(false) => projects::disable_webhooks(conn, project)?,
        Deed::CreateType(own) => {
            event_types::create(conn, project, &own, now).map_err(|error| type_failed(error, &own.name))?;
        }
        Deed::ReplaceType(own) => {
            if !event_types::replace(conn, project, &own, now)? {
                return Err(out_of_date());
            }
        }
        Deed::DeleteType(name) => {
            webhooks::delete_type(conn, project, &name, now)?;
        }
        Deed::DeleteWebhook(id) => {
            deliveries::delete_webhook(conn, project, id, now)?;
        }
        Deed::SaveWebhook(id, settings) => {
            let saved = deliveries::save_webhook(conn, project, id, &settings, key, now);
            saved.map_err(|error| match error {
                UpdateError::NameTaken => name_taken(&settings),
                UpdateError::Gone => out_of_date(),
                UpdateError::Db(error) => error.into(),
            })?;
        }
        Deed::CreateWebhook { settings, secret, generated } => {
            let created = webhooks::create(conn, project, &settings, key, now);
            let webhook = created.map_err(|error| match error {
                CreateError::NameTaken => name_taken(&settings),
                CreateError::TooMany => Failure::new(
                    format!("a project has at most {WEBHOOKS_MAX} webhooks"),
                    "nothing was changed; delete some first",
                ),
                CreateError::Db(error) => error.into(),
            })?;
            let is_made = secret.is_none();
            let secret = secret.map_or_else(Secret::generate, |secret| *secret);
            webhooks::add_secret(conn, project, webhook.id, &secret, key, now)?;
            let mut told = json!({ "kind": "webhook", "id": webhook.id, "name": webhook.settings.name });
            if is_made {
                told["secret"] = secret.as_text().into();
            }
            if let Some(value) = generated {
                told["authentication"] = json!({ "type": "api_key", "value": value });
            }
            return Ok(Some(told));
        }
    }
    Ok(None)
}

fn type_failed(error: event_types::CreateError, name: &str) -> Failure {
    match error {
        event_types::CreateError::NameTaken => out_of_date(),
        event_types::CreateError::TooMany => Failure::new(
            format!("{name} is one too many: a project has at most {OWN_TYPES_MAX} event types of its own"),
            "nothing was changed; delete some first",
        ),
        event_types::CreateError::Db(error) => error.into(),
    }
}

fn name_taken(settings: &Settings) -> Failure {
    Failure::new(
        format!("another webhook of the project is called {}", settings.name),
        "nothing was changed; choose another name",
    )
}
