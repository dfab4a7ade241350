//! Settings as they may be saved: the fields understood, and the address judged by what its name leads to now.
use super::form::Fields;
use crate::dispatcher::probe::{self, Egress, Judgement};
use crate::models::projects::Project;
use crate::models::webhooks::{Ground, Problem, Settings};
use crate::rules::catalogue::own::OwnNames;
use crate::rules::target::parse_target;

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
    let ground = Ground { policy: &egress.policy, hosts: &project.hosts(), own, stored, now };
    let settings = match draft.onto(stored.cloned().unwrap_or_default(), &ground) {
        Ok(settings) if problems.is_empty() => settings,
        Ok(_) => return Err(problems),
        Err(further) => {
            problems.extend(further);
            return Err(problems);
        }
    };
    let refused = |why: String| vec![Problem::new("target_url", why)];
    let target =
        parse_target(&settings.target_url, &egress.policy).map_err(|error| refused(error.to_string()))?;
    match probe::judge(egress, &target).await {
        Judgement::Fine => Ok(Checked { settings, warning: None }),
        Judgement::Warning(text) => Ok(Checked { settings, warning: Some(text) }),
        Judgement::Refused(why) => Err(refused(why)),
    }
}
