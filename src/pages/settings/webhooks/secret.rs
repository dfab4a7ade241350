//! `/p/{project}/settings/webhooks/{webhook}/secret`: the signing secrets: rotate, try which the receiver takes, roll back,
//! end the older ones.
use actix_session::Session;
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use askama::Template;
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use super::testing::{first, why_not};
use super::{GONE, find};
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::seal::SealKey;
use crate::dispatcher::probe::{Test, TestSender, Trial};
use crate::models::event_types::TypeSample;
use crate::models::webhooks::{self, OVERLAP_HOURS, OVERLAP_HOURS_DEFAULT, RotateError, SecretMark, Webhook};
use crate::pages::history::body::Layout;
use crate::pages::history::exchange::Exchange;
use crate::rules::body::{EventSource, canonical};
use crate::web::{
    Admin, FieldErrors, Form, Frame, Htmx, Member, PageError, PageResult, Section, filters, once, page,
    session,
};

/// Between the secret and the key on their way to the page that shows them.
const AND: char = '\n';

#[derive(Template)]
#[template(path = "settings/webhooks/secret.html", blocks = ["trials"])]
struct SecretPage {
    frame: Frame,
    status: StatusCode,
    link: String,
    webhook_link: String,
    /// Newest first.
    secrets: Vec<SecretMark>,
    /// Until when the older one signs, while there is one.
    overlaps_until: Option<OffsetDateTime>,
    has_own_key: bool,
    /// What was just made, this once.
    fresh: Option<Fresh>,
    hours: String,
    errors: FieldErrors,
    trials: Vec<Tried>,
    advice: &'static str,
}

/// A secret, and a key if there is one, that nobody can show again.
struct Fresh {
    secret: Zeroizing<String>,
    key: Option<Zeroizing<String>>,
}

/// What the receiver said to a test that was signed with one secret.
struct Tried {
    secret: String,
    exchange: Exchange,
    delivery_link: String,
}

impl SecretPage {
    fn of(member: &Member, webhook: &Webhook, secrets: Vec<SecretMark>) -> Self {
        let list_link = member.path("/settings/webhooks");
        let webhook_link = format!("{list_link}/{}", webhook.id);
        Self {
            frame: member
                .frame("Signing secret", Section::Webhooks)
                .below("Webhooks", &list_link)
                .below(&webhook.settings.name, &webhook_link),
            status: StatusCode::OK,
            link: format!("{webhook_link}/secret"),
            webhook_link,
            overlaps_until: secrets.iter().filter_map(|secret| secret.expires_at).max(),
            has_own_key: webhooks::has_own_key(&webhook.settings),
            secrets,
            fresh: None,
            hours: OVERLAP_HOURS_DEFAULT.to_string(),
            errors: FieldErrors::none(),
            trials: Vec::new(),
            advice: "",
        }
    }

    fn refused(self, errors: FieldErrors) -> Self {
        Self { errors, status: StatusCode::UNPROCESSABLE_ENTITY, ..self }
    }
}

/// GET /p/{project}/settings/webhooks/{webhook}/secret: right after a rotation also the new one, this once.
pub async fn show_secret(
    admin: Admin,
    (db, clock, seal): (Data<Db>, Data<Clock>, Data<SealKey>),
    request: HttpRequest,
    path: Path<(String, String)>,
) -> PageResult {
    let (webhook, secrets) = loaded(&admin, &db, &clock, seal.clone(), &path.1).await?;
    let page = SecretPage::of(&admin, &webhook, secrets);
    let fresh = once::take(&request, &seal, &page.link).map(|text| {
        let (secret, key) = text.split_once(AND).map_or((&**text, None), |(secret, key)| (secret, Some(key)));
        let own = |text: &str| Zeroizing::new(text.to_owned());
        Fresh { secret: own(secret), key: key.map(own) }
    });
    page::page(&SecretPage { fresh, ..page })
}

/// POST …/secret/rotate: `hours` of overlap.
pub async fn rotate_secret(
    admin: Admin,
    (db, clock, seal): (Data<Db>, Data<Clock>, Data<SealKey>),
    (session, htmx): (Session, Htmx),
    path: Path<(String, String)>,
    Form(raw): Form,
) -> PageResult {
    let (webhook, secrets) = loaded(&admin, &db, &clock, seal.clone(), &path.1).await?;
    let page =
        SecretPage { hours: raw.text("hours").to_owned(), ..SecretPage::of(&admin, &webhook, secrets) };
    let Some(hours) = raw.text("hours").trim().parse().ok().filter(|hours| OVERLAP_HOURS.contains(hours))
    else {
        let errors = FieldErrors::one("hours", "Enter a whole number of hours, 0 to 168 (a week).");
        return page::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page.refused(errors));
    };
    let (project, id, now, key) = (webhook.project, webhook.id, clock.now(), seal.clone());
    let overlap = Duration::hours(hours);
    let rotated = db.transaction(move |conn| webhooks::rotate(conn, project, id, overlap, &key, now)).await;
    match rotated {
        Ok(rotated) => {
            let mut text = Zeroizing::new(rotated.secret.as_text().to_owned());
            if let Some(key) = &rotated.key {
                text.push(AND);
                text.push_str(key);
            }
            once::keep(&session, &seal, &page.link, &text)?;
            Ok(page::go_to(htmx, &page.link))
        }
        Err(RotateError::TooMany) => {
            let errors = FieldErrors::one("", "Four secrets sign already. End the older ones first.");
            page::page_with(StatusCode::UNPROCESSABLE_ENTITY, &page.refused(errors))
        }
        Err(error) => Err(not_done(error)),
    }
}

/// POST …/secret/roll-back.
pub async fn roll_back_secret(
    admin: Admin,
    (db, clock): (Data<Db>, Data<Clock>),
    (session, htmx): (Session, Htmx),
    path: Path<(String, String)>,
) -> PageResult {
    let (project, id, now) = (admin.project.id, webhook_id(&path.1)?, clock.now());
    let done = db.transaction(move |conn| webhooks::roll_back(conn, project, id, now)).await;
    said(&admin, &session, htmx, id, done, "Rolled back: the older secret signs for good again.")
}

/// POST …/secret/end-previous.
pub async fn end_previous_secret(
    admin: Admin,
    (db, clock): (Data<Db>, Data<Clock>),
    (session, htmx): (Session, Htmx),
    path: Path<(String, String)>,
) -> PageResult {
    let (project, id, now) = (admin.project.id, webhook_id(&path.1)?, clock.now());
    let done = db.transaction(move |conn| webhooks::end_previous(conn, project, id, now)).await;
    said(&admin, &session, htmx, id, done, "Only the newest secret signs from now on.")
}

/// POST …/secret/try: a test under each secret, and one under a secret that nobody knows.
pub async fn try_secrets(
    admin: Admin,
    (db, clock, seal): (Data<Db>, Data<Clock>, Data<SealKey>),
    (tests, htmx): (Data<TestSender>, Htmx),
    path: Path<(String, String)>,
) -> PageResult {
    let (webhook, secrets) = loaded(&admin, &db, &clock, seal, &path.1).await?;
    let mut page = SecretPage::of(&admin, &webhook, secrets);
    let event_type = first(&db, &webhook).await?;
    let live: Vec<String> = page.secrets.iter().filter_map(|secret| secret.fingerprint.clone()).collect();
    let trials =
        live.iter().map(|fingerprint| (fingerprint.as_str(), Trial::SignedWith(fingerprint.clone())));
    for (secret, trial) in trials.chain([("", Trial::SignedWithStranger)]) {
        match tests.send(test(&admin, &webhook, &event_type, trial)).await {
            Ok(tested) => page.trials.push(Tried {
                secret: secret.to_owned(),
                exchange: Exchange::of(
                    &tested.delivery,
                    &tested.attempt,
                    Some(&tested.payload),
                    Layout::Pretty,
                    admin.role,
                    &admin.sight.veil(),
                ),
                delivery_link: admin.path(&format!("/history/{}", tested.delivery.id)),
            }),
            Err(error) => page.errors.add("trials", why_not(error)?),
        }
    }
    let took: Vec<bool> = page.trials.iter().map(|tried| !tried.exchange.has_failed).collect();
    page.advice = if page.errors.is_empty() { advice(&took) } else { "" };
    page::page_or_block(htmx, page.status, &page, &page.as_trials())
}

/// What follows from which of the secrets, newest first, and then a stranger's, the receiver took.
fn advice(took: &[bool]) -> &'static str {
    let [newest, older @ .., stranger] = took else { return "" };
    match (newest, older) {
        _ if *stranger => {
            "It also took a signature with a secret that nobody knows: it does not verify signatures, so anybody could send it requests."
        }
        (true, []) => "It knows the secret, and takes no other.",
        (true, older) if older.iter().all(|took| *took) => {
            "It knows every secret. The older ones can be ended."
        }
        (true, _) => "It knows the new secret, and an older one not any more: the older ones can be ended.",
        (false, older) if older.contains(&true) => {
            "It does not know the new secret yet: store it there before the older one ends, or roll back."
        }
        _ => "It took none. Look at what it answered: it may be down, or know another secret.",
    }
}

fn test(member: &Member, webhook: &Webhook, event_type: &TypeSample, trial: Trial) -> Test {
    // What is no JSON object is no sample: a test and the check of own types hold them to that.
    let data = canonical(event_type.sample.as_bytes()).map(|data| data.into_owned()).unwrap_or_default();
    Test {
        project: webhook.project,
        webhook: webhook.id,
        event_type: event_type.name.clone(),
        data: Bytes::from(data),
        source: EventSource::UserPortal { user_id: member.user.id.to_string() }.to_json(),
        trial,
    }
}

async fn loaded(
    member: &Member,
    db: &Db,
    clock: &Clock,
    seal: Data<SealKey>,
    id: &str,
) -> Result<(Webhook, Vec<SecretMark>), PageError> {
    let webhook = find(db, member.project.id, id).await?;
    let (project, id, now) = (webhook.project, webhook.id, clock.now());
    let secrets = db.run(move |conn| marks(conn, project, id, &seal, now)).await?;
    Ok((webhook, secrets))
}

fn marks(
    conn: &mut diesel::PgConnection,
    project: ProjectId,
    id: WebhookId,
    seal: &SealKey,
    now: OffsetDateTime,
) -> Result<Vec<SecretMark>, DbError> {
    webhooks::secret_marks(conn, project, id, seal, now)
}

fn said(
    member: &Member,
    session: &Session,
    htmx: Htmx,
    id: WebhookId,
    done: Result<(), RotateError>,
    text: &str,
) -> PageResult {
    match done {
        Ok(()) => session::say(session, text)?,
        Err(RotateError::NoPrevious) => session::say_refusal(session, "No older secret signs any more.")?,
        Err(error) => return Err(not_done(error)),
    }
    Ok(page::go_to(htmx, &member.path(&format!("/settings/webhooks/{id}/secret"))))
}

fn webhook_id(text: &str) -> Result<WebhookId, PageError> {
    text.parse().map_err(|_| PageError::NotFound(GONE))
}

fn not_done(error: RotateError) -> PageError {
    match error {
        RotateError::Gone => PageError::NotFound(GONE),
        RotateError::Db(error) => error.into(),
        RotateError::TooMany | RotateError::NoPrevious => {
            PageError::BadRequest("This secret cannot be changed like that.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_follows_from_what_the_receiver_took() {
        assert!(advice(&[true, false]).contains("takes no other"));
        assert!(advice(&[true, true, false]).contains("every secret"));
        assert!(advice(&[true, false, false]).contains("not any more"));
        assert!(advice(&[true, false, true, false]).contains("not any more"));
        assert!(advice(&[false, true, false]).contains("store it there"));
        assert!(advice(&[false, true, false, false]).contains("store it there"));
        assert!(advice(&[false, false, false]).contains("took none"));
        assert!(advice(&[false, false]).contains("took none"));
        assert!(advice(&[true, true, true]).contains("does not verify"));
    }
}
