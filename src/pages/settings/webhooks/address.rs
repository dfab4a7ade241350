//! Settings as they may be saved: the fields understood, the address judged by what its name leads to now, and a client
//! certificate by whether it can be shown.
use super::form::Fields;
use crate::dispatcher::probe::{self, Egress};
use crate::models::projects::Project;
use crate::models::webhooks::{Ground, Problem, Settings};
use crate::rules::catalogue::own::OwnNames;

/// Settings that may be saved, and what is worth saying about them.
pub struct Checked {
    /// To be saved.
    pub settings: Settings,
    /// Such as: the host does not resolve at the moment.
    pub warning: Option<String>,
}

/// Puts what was typed onto what is stored, if anything; all problems at once, but the address is looked up only if all
/// else is well. `own` are the event types of the project's own.
pub async fn checked(
    fields: &Fields,
    stored: Option<&Settings>,
    (project, own): (&Project, &OwnNames),
    egress: &Egress,
) -> Result<Checked, Vec<Problem>> {
    let (draft, mut problems) = fields.draft();
    let now = egress.clock.now();
    let is_new = stored.is_none() || !fields.from.is_empty();
    let ground = Ground { policy: &egress.policy, hosts: &project.hosts(), own, stored, is_new, now };
    let settings = match draft.onto(stored.cloned().unwrap_or_default(), &ground) {
        Ok(settings) if problems.is_empty() => settings,
        Ok(_) => return Err(problems),
        Err(further) => {
            problems.extend(further);
            return Err(problems);
        }
    };
    let warnings = probe::judge(egress, &settings, stored.filter(|_| !is_new)).await?;
    let warning = (!warnings.is_empty()).then(|| warnings.join(" "));
    Ok(Checked { settings, warning })
}
