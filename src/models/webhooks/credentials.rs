//! What requests carry beside their signature, sealed to its row: authentication, extra headers, a client certificate.
use std::collections::HashMap;

use diesel::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Settings;
use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::schema::webhook_credentials;
use crate::base::seal::SealKey;
use crate::rules::authentication::{Authentication, ExtraHeader, Hidden, header_value};

const HEADER: &str = "header";
const API_KEY: &str = "api_key";
const CLIENT_CERTIFICATE: &str = "client_certificate";

/// What a webhook's requests carry, ready to send. Never printed.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The header of the authentication and its value.
    pub authentication: Vec<Credential>,
    /// Extra headers.
    pub headers: Vec<Credential>,
    /// Certificate chain and key (PEM).
    pub client_certificate: Option<Zeroizing<String>>,
    /// Something of it cannot be opened with the present key: nothing may be sent without it.
    pub is_damaged: bool,
}

/// A header that is secret.
#[derive(Clone)]
pub struct Credential {
    /// In small letters.
    pub name: String,
    /// As it is sent.
    pub value: Zeroizing<String>,
    /// The secret within it: of basic authentication the password.
    pub secret: Zeroizing<String>,
    /// What may be shown of it.
    pub fingerprint: String,
    /// Used from then on; none for always.
    used_from: Option<OffsetDateTime>,
    /// Used until then; none for good.
    used_until: Option<OffsetDateTime>,
}

impl Credential {
    /// What the history shows in the value's place.
    pub fn masked(&self) -> String {
        let scheme = self.value.strip_suffix(self.secret.as_str()).unwrap_or_default();
        let scheme = if self.value.starts_with("Basic ") { "Basic " } else { scheme };
        format!("{scheme}[hidden {}]", self.fingerprint)
    }

    fn is_used(&self, now: OffsetDateTime) -> bool {
        self.used_from.is_none_or(|from| from <= now) && self.used_until.is_none_or(|until| now < until)
    }
}

impl Credentials {
    /// The headers that a request at `now` carries.
    pub fn at(&self, now: OffsetDateTime) -> impl Iterator<Item = &Credential> {
        self.authentication.iter().filter(move |one| one.is_used(now)).chain(&self.headers)
    }

    /// What requests carry with these settings: new values as they are, kept ones from here.
    pub(super) fn with(self, settings: &Settings) -> Self {
        let header =
            |kind: &str, user: &str, name: &str, value: &Hidden, kept: Option<&Credential>| match value {
                Hidden::New(secret) => Some(Credential {
                    name: name.to_owned(),
                    value: header_value(kind, user, secret),
                    secret: secret.clone(),
                    fingerprint: "new".to_owned(),
                    used_from: None,
                    used_until: None,
                }),
                // The user's or the header's name may be another now.
                Hidden::Kept { .. } => kept.map(|kept| Credential {
                    name: name.to_owned(),
                    value: header_value(kind, user, &kept.secret),
                    ..kept.clone()
                }),
            };
        let authentication = &settings.authentication;
        let (kind, user) = (authentication.kind(), authentication.name());
        let authentication = match (authentication.header(), authentication.value()) {
            (Some(name), Some(value @ Hidden::New(_))) => {
                Vec::from_iter(header(kind, user, name, value, None))
            }
            (Some(name), Some(value)) => {
                let kept = self.authentication.iter();
                kept.filter_map(|kept| header(kind, user, name, value, Some(kept))).collect()
            }
            _ => Vec::new(),
        };
        let kept = |name: &str| self.headers.iter().find(|header| header.name == name);
        let headers = settings.headers.iter();
        let headers = headers.filter_map(|h| header(HEADER, "", &h.name, &h.value, kept(&h.name))).collect();
        let client_certificate = match &settings.client_certificate {
            Some(Hidden::New(pem)) => Some(pem.clone()),
            Some(Hidden::Kept { .. }) => self.client_certificate.clone(),
            None => None,
        };
        Self { authentication, headers, client_certificate, is_damaged: self.is_damaged }
    }

    /// The same without authentication.
    pub fn without_authentication(&self) -> Self {
        Self { authentication: Vec::new(), ..self.clone() }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// What may be read of a stored value.
#[derive(Queryable)]
struct Mark {
    webhook: WebhookId,
    kind: String,
    name: String,
    fingerprint: String,
}

/// Puts into settings what may be read of their stored values. `marks` are a project's, see [`marks`].
fn put(settings: &mut Settings, marks: Vec<Mark>) {
    for mark in marks {
        let value = Hidden::Kept { fingerprint: mark.fingerprint };
        match mark.kind.as_str() {
            HEADER => settings.headers.push(ExtraHeader { name: mark.name, value }),
            CLIENT_CERTIFICATE => settings.client_certificate = Some(value),
            kind => {
                settings.authentication = Authentication::of(kind, mark.name, value).unwrap_or_default();
            }
        }
    }
}

/// Fills what may be read of the stored values into a project's webhooks.
pub(super) fn fill(
    conn: &mut PgConnection,
    project: ProjectId,
    webhooks: &mut [super::Webhook],
) -> Result<(), DbError> {
    let ids: Vec<WebhookId> = webhooks.iter().map(|webhook| webhook.id).collect();
    let marks: Vec<Mark> = of_project(project)
        .filter(webhook_credentials::webhook_id.eq_any(ids))
        .select((
            webhook_credentials::webhook_id,
            webhook_credentials::kind,
            webhook_credentials::name,
            webhook_credentials::fingerprint,
        ))
        .load(conn)?;
    let mut by_webhook: HashMap<WebhookId, Vec<Mark>> = HashMap::new();
    for mark in marks {
        by_webhook.entry(mark.webhook).or_default().push(mark);
    }
    for webhook in webhooks {
        put(&mut webhook.settings, by_webhook.remove(&webhook.id).unwrap_or_default());
    }
    Ok(())
}

/// Makes the stored values those of `settings`: new ones are sealed, kept ones stay, others go.
pub(super) fn keep(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
    settings: &Settings,
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    let authentication = &settings.authentication;
    let mut wanted: Vec<(&str, &str, &Hidden)> = Vec::new();
    wanted.extend(authentication.value().map(|value| (authentication.kind(), authentication.name(), value)));
    wanted.extend(settings.headers.iter().map(|header| (HEADER, header.name.as_str(), &header.value)));
    wanted.extend(settings.client_certificate.iter().map(|value| (CLIENT_CERTIFICATE, "", value)));
    let stored: Vec<(Uuid, String, String)> = webhook_credentials::table
        .filter(webhook_credentials::project_id.eq(project))
        .filter(webhook_credentials::webhook_id.eq(webhook))
        .select((webhook_credentials::id, webhook_credentials::kind, webhook_credentials::name))
        .load(conn)?;
    // The user or the header of a kept authentication may have another name now.
    let kept = |kind: &str, name: &str| {
        wanted.iter().find(|(its_kind, its_name, value)| {
            let is_same = *its_kind == kind && (kind != HEADER || *its_name == name);
            is_same && matches!(value, Hidden::Kept { .. })
        })
    };
    for (id, kind, name) in &stored {
        let row = webhook_credentials::table.find((project, webhook, *id));
        match kept(kind, name) {
            None => diesel::delete(row).execute(conn)?,
            Some((_, new_name, _)) if new_name != name => {
                diesel::update(row).set(webhook_credentials::name.eq(new_name)).execute(conn)?
            }
            Some(_) => 0,
        };
    }
    for (kind, name, value) in wanted {
        let Some(text) = value.as_new() else { continue };
        let id = WebhookId::new(now).0;
        diesel::insert_into(webhook_credentials::table)
            .values((
                webhook_credentials::project_id.eq(project),
                webhook_credentials::webhook_id.eq(webhook),
                webhook_credentials::id.eq(id),
                webhook_credentials::kind.eq(kind),
                webhook_credentials::name.eq(name),
                webhook_credentials::sealed.eq(key.seal(text.as_bytes(), id.as_bytes())),
                webhook_credentials::fingerprint.eq(key.fingerprint(text.as_bytes())),
                webhook_credentials::created_at.eq(now),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Those of a webhook that is deleted are not kept.
pub(super) fn forget(conn: &mut PgConnection, project: ProjectId, webhook: WebhookId) -> QueryResult<()> {
    let its = webhook_credentials::table
        .filter(webhook_credentials::project_id.eq(project))
        .filter(webhook_credentials::webhook_id.eq(webhook));
    diesel::delete(its).execute(conn)?;
    Ok(())
}

/// A new generated key in the place of the present one, if that was generated too; requests carry it from `from` on.
pub(super) fn replace_key(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
    from: OffsetDateTime,
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<Option<String>, DbError> {
    let newest: Option<(Uuid, Vec<u8>)> = keys(project, webhook)
        .filter(webhook_credentials::used_until.is_null())
        .select((webhook_credentials::id, webhook_credentials::sealed))
        .first(conn)
        .optional()?;
    let newest = newest.and_then(|(id, sealed)| key.open(&sealed, id.as_bytes()).ok());
    if newest.is_some_and(|text| !Authentication::is_generated_api_key(&text)) {
        return Ok(None);
    }
    // One that is not used yet gives way, as does what is over; what is used goes on until then.
    diesel::delete(keys(project, webhook).filter(webhook_credentials::used_from.gt(now))).execute(conn)?;
    diesel::delete(keys(project, webhook).filter(webhook_credentials::used_until.le(now))).execute(conn)?;
    let name: Option<String> =
        keys(project, webhook).select(webhook_credentials::name).first(conn).optional()?;
    diesel::update(keys(project, webhook)).set(webhook_credentials::used_until.eq(from)).execute(conn)?;
    let generated = Authentication::generated_api_key();
    let text = generated.value().and_then(Hidden::as_new).unwrap_or_default().to_owned();
    let id = WebhookId::new(now).0;
    diesel::insert_into(webhook_credentials::table)
        .values((
            webhook_credentials::project_id.eq(project),
            webhook_credentials::webhook_id.eq(webhook),
            webhook_credentials::id.eq(id),
            webhook_credentials::kind.eq(API_KEY),
            webhook_credentials::name.eq(name.unwrap_or_else(|| generated.name().to_owned())),
            webhook_credentials::sealed.eq(key.seal(text.as_bytes(), id.as_bytes())),
            webhook_credentials::fingerprint.eq(key.fingerprint(text.as_bytes())),
            webhook_credentials::created_at.eq(now),
            webhook_credentials::used_from.eq((from > now).then_some(from)),
        ))
        .execute(conn)?;
    Ok(Some(text))
}

/// The key that is used now stays; one that was to take its place goes.
pub(super) fn restore_key(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    diesel::delete(keys(project, webhook).filter(webhook_credentials::used_from.gt(now))).execute(conn)?;
    diesel::update(keys(project, webhook).filter(webhook_credentials::used_until.gt(now)))
        .set(webhook_credentials::used_until.eq(None::<OffsetDateTime>))
        .execute(conn)?;
    Ok(())
}

/// The key that was to be used from later on is used from now on.
pub(super) fn end_key(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
) -> Result<(), DbError> {
    diesel::delete(keys(project, webhook).filter(webhook_credentials::used_until.is_not_null()))
        .execute(conn)?;
    diesel::update(keys(project, webhook))
        .set(webhook_credentials::used_from.eq(None::<OffsetDateTime>))
        .execute(conn)?;
    Ok(())
}

/// The newest last: of a rotation that is the one that stays.
#[diesel::dsl::auto_type(no_type_alias)]
fn of_project(project: ProjectId) -> _ {
    webhook_credentials::table.filter(webhook_credentials::project_id.eq(project)).order((
        webhook_credentials::name,
        webhook_credentials::used_from.asc().nulls_first(),
        webhook_credentials::id,
    ))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn keys(project: ProjectId, webhook: WebhookId) -> _ {
    webhook_credentials::table
        .filter(webhook_credentials::project_id.eq(project))
        .filter(webhook_credentials::webhook_id.eq(webhook))
        .filter(webhook_credentials::kind.eq("api_key"))
}

#[derive(Queryable)]
struct Row {
    webhook: WebhookId,
    id: Uuid,
    kind: String,
    name: String,
    sealed: Vec<u8>,
    fingerprint: String,
    used_from: Option<OffsetDateTime>,
    used_until: Option<OffsetDateTime>,
}

/// What the requests of every webhook of a project carry.
pub(super) fn open(
    conn: &mut PgConnection,
    project: ProjectId,
    key: &SealKey,
) -> Result<HashMap<WebhookId, Credentials>, DbError> {
    let rows: Vec<Row> = of_project(project)
        .select((
            webhook_credentials::webhook_id,
            webhook_credentials::id,
            webhook_credentials::kind,
            webhook_credentials::name,
            webhook_credentials::sealed,
            webhook_credentials::fingerprint,
            webhook_credentials::used_from,
            webhook_credentials::used_until,
        ))
        .load(conn)?;
    let mut found: HashMap<WebhookId, Credentials> = HashMap::new();
    for row in rows {
        let credentials = found.entry(row.webhook).or_default();
        let opened = key.open(&row.sealed, row.id.as_bytes()).ok();
        let Some(secret) = opened.and_then(|text| String::from_utf8(text.to_vec()).ok()).map(Zeroizing::new)
        else {
            tracing::error!(webhook = %row.webhook, kind = row.kind, "a sealed value cannot be used");
            credentials.is_damaged = true;
            continue;
        };
        let header = |name: &str| Credential {
            name: name.to_owned(),
            value: header_value(&row.kind, &row.name, &secret),
            secret: secret.clone(),
            fingerprint: row.fingerprint.clone(),
            used_from: row.used_from,
            used_until: row.used_until,
        };
        match row.kind.as_str() {
            HEADER => credentials.headers.push(header(&row.name)),
            API_KEY => credentials.authentication.push(header(&row.name)),
            CLIENT_CERTIFICATE => credentials.client_certificate = Some(secret),
            _ => credentials.authentication.push(header("authorization")),
        }
    }
    Ok(found)
}
