//! What is true of a webhook that exists, whatever is typed into its form: what stands beside it.
use actix_web::web::Data;
use diesel::PgConnection;
use time::OffsetDateTime;

use super::GONE;
use super::fares::{self, Fares};
use super::request::{Looking, Samples};
use super::standing::{self, Standing};
use super::state::{self, State, Why};
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::seal::SealKey;
use crate::models::deliveries::{self, Recent, Slowed};
use crate::models::event_types;
use crate::models::webhooks::{self, SecretMark, Webhook};
use crate::rules::catalogue::own::OwnNames;
use crate::rules::preset::Preset;
use crate::web::{Member, PageError, RawForm};

/// A webhook with what its page tells of it.
pub struct Found {
    pub webhook: Webhook,
    /// The event types of the project's own.
    pub own: OwnNames,
    slowed: Option<Slowed>,
    held: i64,
    /// More is to follow its switch; whether that is cancelled.
    cancels: Option<bool>,
    sends_missed: bool,
    recent: Vec<Recent>,
    secrets: Vec<SecretMark>,
}

impl Found {
    /// Reads what a path names.
    pub async fn by_path(
        member: &Member,
        db: &Db,
        clock: &Clock,
        seal: Data<SealKey>,
        id: &str,
    ) -> Result<Self, PageError> {
        let id: WebhookId = id.parse().map_err(|_| PageError::NotFound(GONE))?;
        let (project, now) = (member.project.id, clock.now());
        let found = db.run(move |conn| Self::load(conn, project, id, &seal, now)).await?;
        found.ok_or(PageError::NotFound(GONE))
    }

    /// The webhook, as a person looks at its form.
    pub fn looked_at_by<'a>(
        &'a self,
        member: &'a Member,
        samples: &'a Samples,
        now: OffsetDateTime,
        raw: Option<&'a RawForm>,
    ) -> Looking<'a> {
        Looking { member, own: &self.own, samples, now, webhook: Some(self.webhook.id), raw }
    }

    fn load(
        conn: &mut PgConnection,
        project: ProjectId,
        id: WebhookId,
        seal: &SealKey,
        now: OffsetDateTime,
    ) -> Result<Option<Self>, DbError> {
        let Some(webhook) = webhooks::find(conn, project, id)? else { return Ok(None) };
        let is_on = webhook.settings.active;
        let cancels = deliveries::unfinished(conn, project)?.get(&id).copied();
        Ok(Some(Self {
            own: event_types::names(conn, project)?,
            slowed: deliveries::slowed(conn, project)?.remove(&id),
            // While it is on, what is held is so by the whole project, and resuming it is not offered.
            held: if is_on && cancels.is_none() { 0 } else { deliveries::held_count(conn, project, id)? },
            cancels,
            sends_missed: deliveries::sending_missed(conn, project)?.contains(&id),
            recent: deliveries::recent(conn, project, &[id], now - fares::SPAN, now, fares::DRAWN_MAX)?,
            secrets: webhooks::secret_marks(conn, project, id, seal, now)?,
            webhook,
        }))
    }
}

/// The same, ready to print.
pub struct Stored {
    pub id: String,
    pub state: State,
    pub is_on: bool,
    /// Whether the project sends nothing at all.
    pub all_off: bool,
    pub standing: Standing,
    /// Its maintenance window as fields hold it.
    pub window_from: String,
    pub window_until: String,
    /// What it missed is still being sent.
    pub sends_missed: bool,
    /// The delivery that it was disabled with.
    pub straw_link: Option<String>,
    /// The project does not send to its host.
    pub is_elsewhere: bool,
    pub hosts_link: String,
    /// The word of its preset; empty for none.
    pub preset: &'static str,
    pub preset_title: &'static str,
    pub disabled: Option<Why>,
    pub slowed: Option<Why>,
    /// Requests a second that it gets at most.
    pub rate_per_s: Option<i32>,
    pub held: i64,
    pub held_words: &'static str,
    pub fares: Fares,
    pub secrets: Vec<SecretMark>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    /// Its own page, below which are those that pause, resume and delete it.
    pub link: String,
    pub history_link: String,
    /// Where all that failed lately can be sent again.
    pub resend_link: String,
    pub held_link: String,
}

impl Stored {
    /// As a member sees it.
    pub fn of(member: &Member, found: &Found) -> Self {
        let webhook = &found.webhook;
        let id = webhook.id;
        let mut fares = fares::by_webhook(&found.recent, &member.path("/history"));
        Self {
            id: id.to_string(),
            state: State::of(webhook, found.slowed.as_ref()),
            is_on: webhook.settings.active,
            all_off: !member.project.webhooks_enabled,
            standing: Standing::of(webhook),
            window_from: standing::as_field(webhook.settings.maintenance.map(|window| window.from)),
            window_until: standing::as_field(webhook.settings.maintenance.map(|window| window.until)),
            sends_missed: found.sends_missed,
            straw_link: state::straw_link(member, webhook),
            is_elsewhere: webhooks::leads_elsewhere(&member.project.hosts(), &webhook.settings.target_url),
            hosts_link: member.path("/settings/general#hosts"),
            preset: webhook.settings.preset.map(Preset::as_str).unwrap_or_default(),
            preset_title: webhook.settings.preset.map_or("none", Preset::title),
            disabled: state::why_disabled(webhook),
            slowed: state::why_slowed(webhook, found.slowed.as_ref()),
            rate_per_s: webhook.settings.rate_per_s,
            held: found.held,
            held_words: state::held_words(
                webhook.settings.active,
                member.project.webhooks_enabled,
                found.cancels,
            ),
            fares: fares.remove(&id).unwrap_or_default(),
            secrets: found.secrets.clone(),
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
            link: member.path(&format!("/settings/webhooks/{id}")),
            history_link: member.path(&format!("/history?webhook_id={id}")),
            resend_link: member.path(&format!("/replays/new?status=failed&webhook_id={id}&range=7d")),
            held_link: member.path(&format!("/history?status=held&webhook_id={id}")),
        }
    }
}
