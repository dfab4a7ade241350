//! What a receiver will see: a request as it would be sent, made of what the form says, a sample and a secret that is
//! thrown away.
use std::borrow::Cow;

use askama::Template;
use time::OffsetDateTime;

use super::form::{Fields, Kept};
use crate::base::db::{Db, DbError};
use crate::base::ids::{EventId, GroupId, ProjectId, WebhookId};
use crate::models::deliveries::{BodyKind, delivery_id, parts};
use crate::models::event_types::{self, TypeSample};
use crate::models::events::Payload;
use crate::models::webhooks::Settings;
use crate::pages::history::body::{Body, Layout};
use crate::rules::authentication::{API_KEY_HEADER, header_name};
use crate::rules::body::{BodyFormat, EventSource, canonical};
use crate::rules::catalogue::{self, own::OwnNames};
use crate::rules::request::{self, Head, METHOD};
use crate::rules::signing::{self, ExtraSignature, Secret};
use crate::rules::target::{Policy, Target, parse_allow_list, parse_target};
use crate::web::{Member, PageError, RawForm};

/// Shown until an address is typed that a request can be made for.
const EXAMPLE_URL: &str = "https://shop.example/webhooks";

/// A request, ready to print.
pub struct RequestPreview {
    /// Where it is made anew.
    pub link: String,
    /// Event types that may be looked at.
    pub types: Vec<String>,
    pub event_type: String,
    pub method: &'static str,
    pub path: String,
    /// Of an address in punycode: as it is called, and as people read it.
    pub host: Option<(String, String)>,
    /// The address is the example.
    pub is_example: bool,
    pub headers: Vec<Line>,
    pub body: Body,
}

/// A header, and what is to be said of it.
pub struct Line {
    pub name: String,
    pub value: String,
    pub note: &'static str,
}

/// The part of the page by itself.
#[derive(Template)]
#[template(path = "settings/webhooks/request_alone.html")]
pub struct RequestAlone {
    pub request: RequestPreview,
}

/// Who looks at it, and when.
#[derive(Clone, Copy)]
pub struct Looking<'a> {
    pub member: &'a Member,
    /// The event types of the project's own.
    pub own: &'a OwnNames,
    pub samples: &'a Samples,
    pub now: OffsetDateTime,
    /// The webhook, if it exists.
    pub webhook: Option<WebhookId>,
    /// What was typed beside the settings, such as which event to look at.
    pub raw: Option<&'a RawForm>,
}

impl<'a> Looking<'a> {
    /// A field of the form that is no setting; empty if it was not sent.
    pub fn typed(&self, name: &str) -> &'a str {
        self.raw.map(|raw| raw.text(name)).unwrap_or_default()
    }
}

impl RequestPreview {
    /// The request that these fields ask for.
    pub fn of(fields: &Fields, kept: &Kept, looking: Looking<'_>) -> Self {
        let (target, target_url, is_example) = target(&fields.target_url);
        let (payload, id, body) = body(fields, &target_url, looking);
        let headers = headers(fields, kept, &target, &payload, &id, &body);
        let encoded = target.as_ref().map(|target| target.host().to_owned());
        Self {
            link: looking.member.path("/settings/webhooks/preview-request"),
            types: offered(fields, looking.own).map(str::to_owned).collect(),
            event_type: looking.samples.shown.name.clone(),
            method: METHOD,
            path: target.as_ref().map(Target::path_and_query).unwrap_or_default(),
            host: encoded.zip(target.as_ref().and_then(Target::host_in_letters)),
            is_example,
            headers,
            body: Body::of(&body, Layout::Pretty),
        }
    }
}

/// The events that a form shows and tries.
pub struct Samples {
    /// What the receiver would see is shown of it: what was chosen, else the first that is offered.
    shown: TypeSample,
    /// It is tried with this one: what was chosen, else what is shown.
    pub tried: TypeSample,
}

impl Samples {
    /// Of a form as it stands.
    pub async fn of(
        db: &Db,
        project: ProjectId,
        fields: &Fields,
        own: &OwnNames,
        raw: Option<&RawForm>,
    ) -> Result<Self, PageError> {
        let typed = |name: &str| raw.map(|raw| raw.text(name)).unwrap_or_default();
        let wanted = offered(fields, own).find(|name| *name == typed("preview_type"));
        let shown = wanted.or(offered(fields, own).next()).unwrap_or_default().to_owned();
        let tried = typed("trial_type").to_owned();
        let load = db.run(move |conn| -> Result<_, DbError> {
            // An own type may have gone meanwhile.
            let shown = event_types::trial(conn, project, &shown)?
                .unwrap_or_else(|| TypeSample::of(catalogue::plain()));
            let tried = event_types::trial(conn, project, &tried)?;
            Ok(Self { tried: tried.unwrap_or_else(|| shown.clone()), shown })
        });
        Ok(load.await?)
    }
}

/// What the webhook subscribes to, or all.
fn offered<'a>(fields: &'a Fields, own: &'a OwnNames) -> impl Iterator<Item = &'a str> {
    let is_chosen = |name: &str| !fields.all_events && fields.events.contains(name);
    let is_any_chosen = all_types(own).any(is_chosen);
    all_types(own).filter(move |name| !is_any_chosen || is_chosen(name))
}

/// All types that the project knows: the plain one first, then its own.
pub(super) fn all_types(own: &OwnNames) -> impl Iterator<Item = &str> {
    let plain = catalogue::plain().name;
    let others = catalogue::all().iter().map(|event_type| event_type.name).filter(move |name| *name != plain);
    std::iter::once(plain).chain(own.iter()).chain(others)
}

/// The address as it is called and as it was typed, or the example.
fn target(typed: &str) -> (Option<Target>, Cow<'_, str>, bool) {
    // Every address: whether it may be called is nothing to a look at the request.
    let allow = parse_allow_list("0.0.0.0/0,::/0").unwrap_or_default();
    let policy = Policy { allow, allow_http: true };
    let read = |text: &str| parse_target(text, &policy).ok();
    match read(typed) {
        Some(target) => (Some(target), typed.trim().into(), false),
        None => (read(EXAMPLE_URL), EXAMPLE_URL.into(), true),
    }
}

/// The body as it would be sent, with what it is made of.
fn body(fields: &Fields, target_url: &str, looking: Looking<'_>) -> (Payload, String, Vec<u8>) {
    let event = EventId::new(looking.now);
    let webhook = looking.webhook.unwrap_or_else(|| WebhookId::new(looking.now));
    let source = EventSource::UserPortal { user_id: looking.member.user.id.to_string() };
    let shown = &looking.samples.shown;
    // A sample is canonical JSON but for its line breaks.
    let data = canonical(shown.sample.as_bytes()).map(Cow::into_owned).unwrap_or_default();
    let payload = Payload {
        project: looking.member.project.id,
        id: event,
        event_type: shown.name.clone(),
        created_at: looking.now,
        entity_id: None,
        group: GroupId::of(event).to_string(),
        source: source.to_json(),
        data: data.into(),
    };
    let delivery = delivery_id(event, webhook);
    let format = BodyFormat::parse(&fields.body).unwrap_or_default();
    let version = fields.version.clone();
    let kind = BodyKind::of(&Settings { body: format, version, ..Settings::default() });
    let (before, after) = parts(&kind, delivery, webhook, target_url, &payload);
    let body = [&before[..], &payload.data[..], &after[..]].concat();
    (payload, delivery.to_string(), body)
}

/// In the order in which they are sent.
fn headers(
    fields: &Fields,
    kept: &Kept,
    target: &Option<Target>,
    payload: &Payload,
    id: &str,
    body: &[u8],
) -> Vec<Line> {
    let secret = Secret::generate();
    let at = payload.created_at;
    let signature = signing::sign([&secret], id, at.unix_timestamp(), &[body]);
    let host = target.as_ref().map(Target::authority).unwrap_or_default();
    let head = Head { host: &host, at, id, signature: &signature, event_type: &payload.event_type };
    let line = |name: &str, value: String, note| Line { name: name.to_owned(), value, note };
    let mut lines: Vec<Line> =
        head.headers().iter().map(|(name, value)| line(name, value.to_string(), note(name))).collect();
    if fields.extra_signature == ExtraSignature::Voucherify.as_str() {
        let value = secret.voucherify_signature(&[body]);
        lines.push(line(request::VOUCHERIFY_SIGNATURE, value, note(request::VOUCHERIFY_SIGNATURE)));
    }
    lines.extend(authentication(fields, kept));
    for row in fields.headers.iter().filter(|row| !row.is_empty()) {
        let Ok(name) = header_name(&row.name) else { continue };
        let value = masked(!row.value.is_empty(), kept.header(&name));
        lines.push(line(&name, value, ""));
    }
    lines.push(line("content-length", body.len().to_string(), ""));
    lines
}

fn note(name: &str) -> &'static str {
    match name {
        request::ID => "The same on every attempt.",
        request::SIGNATURE => "Signed with this webhook’s secret, of id, timestamp and body.",
        request::VOUCHERIFY_SIGNATURE => "Signed with the same secret, of the body alone.",
        _ => "",
    }
}

fn authentication(fields: &Fields, kept: &Kept) -> Option<Line> {
    let typed = &fields.authentication;
    let value = masked(typed.has_secret(), kept.secret(&typed.kind));
    let (name, value, note) = match typed.kind.as_str() {
        "bearer" => ("authorization".to_owned(), format!("Bearer {value}"), ""),
        "basic" => {
            ("authorization".to_owned(), format!("Basic {value}"), "Username and password, in base64.")
        }
        "api_key" => {
            let name = header_name(&typed.header).unwrap_or_else(|_| API_KEY_HEADER.to_owned());
            let is_made = !typed.has_secret() && kept.secret(&typed.kind).is_none();
            let value = if is_made { "[64 hex digits]".to_owned() } else { value };
            (
                name,
                value,
                if is_made { "Callout makes the key when you save, and shows it once." } else { "" },
            )
        }
        _ => return None,
    };
    Some(Line { name, value, note })
}

/// A secret's place: secrets are not shown, not even to who typed them.
fn masked(is_typed: bool, fingerprint: Option<&str>) -> String {
    match (is_typed, fingerprint) {
        (true, _) => "[hidden]".to_owned(),
        (false, Some(fingerprint)) => format!("[hidden {fingerprint}]"),
        (false, None) => "[nothing typed yet]".to_owned(),
    }
}
