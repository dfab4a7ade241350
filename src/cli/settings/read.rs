//! From a file's fields to checked settings; all that is wrong at once.
use std::path::Path;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::file::Wrong;
use super::references::Reference;
use super::state::State;
use crate::api::settings_draft;
use crate::base::seal::SealKey;
use crate::models::webhooks::{self, Draft, Settings};
use crate::rules::authentication::{Authentication, Hidden, header_name};
use crate::rules::catalogue::own::{OwnNames, OwnType};
use crate::rules::filter::Filter;
use crate::rules::signing::Secret;
use crate::rules::target::{AllowedHosts, Policy, parse_allow_list};

/// Stands for a value that is looked at elsewhere, so that nobody asks for it.
const PLACEHOLDER: &str = "x";

/// What a file is read against.
pub(super) struct Ground<'a> {
    pub(super) state: &'a State,
    /// Which addresses this installation may call.
    pub(super) policy: &'a Policy,
    pub(super) key: &'a SealKey,
    /// Where relative paths begin.
    pub(super) folder: &'a Path,
    pub(super) now: OffsetDateTime,
}

/// What the file's other sections make of the project.
pub(super) struct Around<'a> {
    /// Hosts that the project will send to.
    pub(super) hosts: &'a AllowedHosts,
    /// Event types that it will have of its own.
    pub(super) own: &'a OwnNames,
}

/// A webhook of the file.
pub(super) struct ReadWebhook {
    pub(super) settings: Settings,
    /// Fields whose references lead nowhere, with what to call them: what is stored stays.
    pub(super) kept: Vec<(String, String)>,
    /// A key that is made because none is named.
    pub(super) generated: Option<String>,
    /// For one that is new.
    pub(super) signing_secret: Option<Secret>,
}

/// What became of a reference.
enum Taken {
    Text(String),
    Kept,
}

struct Secrets<'a> {
    ground: &'a Ground<'a>,
    is_new: bool,
    kept: Vec<(String, String)>,
    wrong: Vec<Wrong>,
}

impl Secrets<'_> {
    /// `stored` is what is kept where the reference leads nowhere, or to the same.
    fn take(&mut self, place: &str, value: &Value, stored: Option<&Hidden>) -> Taken {
        let read = Reference::parse(value).and_then(|reference| {
            let text = reference.read(self.ground.folder)?;
            Ok((reference, text))
        });
        let why = match (read, stored) {
            (Ok((_, Some(text))), Some(stored))
                if stored.fingerprint() == Some(&self.ground.key.fingerprint(text.as_bytes())) =>
            {
                return Taken::Kept;
            }
            (Ok((_, Some(text))), _) => return Taken::Text(text.to_string()),
            (Ok((reference, None)), Some(_)) => {
                self.kept.push((place.to_owned(), reference.words()));
                return Taken::Kept;
            }
            (Ok((reference, None)), None) => {
                let words = reference.words();
                let to_keep = if self.is_new { "" } else { ", and no value is stored that could stay" };
                format!("There is nothing in {words}{to_keep}. Set it and try again.")
            }
            (Err(why), _) => why,
        };
        self.wrong.push(Wrong::new(place, why));
        Taken::Text(PLACEHOLDER.to_owned())
    }
}

/// Reads and checks a webhook, as it would be when it is saved in the pages.
pub(super) fn webhook(
    given: &Map<String, Value>,
    ground: &Ground<'_>,
    around: &Around<'_>,
) -> Result<ReadWebhook, Vec<Wrong>> {
    let name = given.get("name").and_then(Value::as_str).unwrap_or_default().trim();
    if name.is_empty() {
        let message = "Give every webhook a name: by it the file's webhooks are told from each other.";
        return Err(vec![Wrong::new("name", message)]);
    }
    let stored = ground.state.webhook(name).map(|webhook| &webhook.settings);
    let mut secrets = Secrets { ground, is_new: stored.is_none(), kept: Vec::new(), wrong: Vec::new() };
    let mut plain = given.clone();
    let named_key = authentication(&mut plain, stored, &mut secrets);
    let kept_headers = headers(&mut plain, stored, &mut secrets);
    let certificate = certificate(&mut plain, stored, &mut secrets);
    let signing_secret = signing_secret(&mut plain, &mut secrets);
    if let Some(Value::String(text)) = plain.get("filter") {
        match Filter::from_text(text).map(|filter| serde_json::to_value(filter).unwrap_or_default()) {
            Ok(filter) => drop(plain.insert("filter".to_owned(), filter)),
            Err(error) => {
                plain.shift_remove("filter");
                secrets.wrong.push(Wrong::new("filter", error.to_string()));
            }
        }
    }
    let mut wrong = std::mem::take(&mut secrets.wrong);
    let mut draft = typed(plain, &mut wrong);
    for (name, value) in draft.headers.iter_mut().flatten() {
        if header_name(name).is_ok_and(|name| kept_headers.contains(&name)) {
            *value = None;
        }
    }
    draft.client_certificate = certificate.or(draft.client_certificate);
    let mut settings = onto(draft, stored, ground, around).unwrap_or_else(|problems| {
        for problem in problems {
            note(&mut wrong, problem.field.to_owned(), problem.message);
        }
        Settings::default()
    });
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let made = settings.authentication.value().and_then(Hidden::as_new);
    let generated = made.filter(|_| !named_key).map(str::to_owned);
    if settings.all_events {
        settings.events = stored.filter(|stored| stored.all_events).map_or(Vec::new(), |s| s.events.clone());
    }
    Ok(ReadWebhook { settings, kept: secrets.kept, generated, signing_secret })
}

/// The first thing that is wrong with a field says enough.
fn note(wrong: &mut Vec<Wrong>, place: String, message: String) {
    let field = |place: &str| place.split('.').next().unwrap_or_default().to_owned();
    if wrong.iter().all(|one| field(&one.place) != field(&place)) || place == "events" || place == "headers" {
        wrong.push(Wrong { place, message });
    }
}

/// The fields by their types. Those that are of another type are told and left out, so that the others are judged too.
fn typed(mut plain: Map<String, Value>, wrong: &mut Vec<Wrong>) -> Draft {
    // As often as fields may be told anew: once.
    for _ in 0..2 {
        match settings_draft(&plain) {
            Ok(draft) => return draft,
            Err(problems) => {
                for problem in problems {
                    let path = problem.pointer.trim_start_matches('/').replace('/', ".");
                    let field = path.split('.').next().unwrap_or_default().to_owned();
                    plain.shift_remove(&field);
                    wrong.push(Wrong::new(path, problem.message));
                }
            }
        }
    }
    Draft::default()
}

fn onto(
    mut draft: Draft,
    stored: Option<&Settings>,
    ground: &Ground<'_>,
    around: &Around<'_>,
) -> Result<Settings, Vec<webhooks::Problem>> {
    // An address that stays was judged when it was saved, and is at every connection.
    let same_address =
        stored.is_some_and(|s| draft.target_url.as_deref().map(str::trim) == Some(&s.target_url));
    let same_hosts = around.hosts.as_slice() == ground.state.project.allowed_hosts;
    let anything = Policy { allow: parse_allow_list("0.0.0.0/0,::/0").unwrap_or_default(), allow_http: true };
    let any_host = AllowedHosts::default();
    // A window that is over is none, however long it stays in the file.
    if let Some(Some((_, until))) = &draft.maintenance
        && let Ok(until) = OffsetDateTime::parse(until.trim(), &Rfc3339)
        && until <= ground.now
        && stored.and_then(|stored| stored.maintenance).is_none_or(|window| window.until != until)
    {
        draft.maintenance = Some(None);
    }
    let now = ground.now;
    let ground = webhooks::Ground {
        now,
        policy: if same_address { &anything } else { ground.policy },
        hosts: if same_address && same_hosts { &any_host } else { around.hosts },
        own: around.own,
        stored,
        is_new: true,
    };
    // One whose types were all deleted is stored without any.
    let takes_nothing = stored.is_some_and(|stored| !stored.all_events && stored.events.is_empty());
    let names_nothing = draft.all_events != Some(true)
        && draft.events.as_ref().map_or(!names_preset(&draft), |events| events.is_empty());
    let stays_without = takes_nothing && names_nothing;
    if stays_without {
        draft.all_events = Some(true);
    }
    let mut settings = draft.onto(Settings::default(), &ground)?;
    if stays_without {
        settings.all_events = false;
        settings.events = Vec::new();
    }
    Ok(settings)
}

fn names_preset(draft: &Draft) -> bool {
    matches!(draft.preset, Some(Some(_)))
}

/// Puts values in the place of references; whether the secret part is named.
fn authentication(
    plain: &mut Map<String, Value>,
    stored: Option<&Settings>,
    secrets: &mut Secrets<'_>,
) -> bool {
    let Some(Value::Object(fields)) = plain.get_mut("authentication") else { return false };
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let stored = stored.map(|stored| &stored.authentication).filter(|stored| stored.kind() == kind);
    let mut is_named = false;
    for member in ["token", "password", "value"] {
        let Some(value) = fields.get(member).filter(|value| !value.is_null()) else { continue };
        is_named = true;
        match secrets.take(&format!("authentication.{member}"), value, stored.and_then(Authentication::value))
        {
            Taken::Text(text) => drop(fields.insert(member.to_owned(), text.into())),
            Taken::Kept => drop(fields.shift_remove(member)),
        }
    }
    is_named
}

/// Puts values in the place of references; the names of those that stay as they are stored.
fn headers(
    plain: &mut Map<String, Value>,
    stored: Option<&Settings>,
    secrets: &mut Secrets<'_>,
) -> Vec<String> {
    let Some(Value::Object(headers)) = plain.get_mut("headers") else { return Vec::new() };
    let mut kept = Vec::new();
    for (name, value) in headers.iter_mut() {
        let small = name.trim().to_ascii_lowercase();
        let stored = stored.and_then(|stored| stored.headers.iter().find(|header| header.name == small));
        *value = match secrets.take(&format!("headers.{name}"), value, stored.map(|header| &header.value)) {
            Taken::Text(text) => text.into(),
            Taken::Kept => {
                kept.push(small);
                PLACEHOLDER.into()
            }
        };
    }
    kept
}

/// Chain and key in one text.
fn certificate(
    plain: &mut Map<String, Value>,
    stored: Option<&Settings>,
    secrets: &mut Secrets<'_>,
) -> Option<Option<Option<String>>> {
    let value = plain.get("client_certificate").filter(|value| !value.is_null()).cloned()?;
    plain.shift_remove("client_certificate");
    let stored = stored.and_then(|stored| stored.client_certificate.as_ref());
    Some(Some(match secrets.take("client_certificate", &value, stored) {
        Taken::Text(text) => Some(text),
        Taken::Kept => None,
    }))
}

/// Taken only where a webhook is new: later on secrets are rotated.
fn signing_secret(plain: &mut Map<String, Value>, secrets: &mut Secrets<'_>) -> Option<Secret> {
    let value = plain.shift_remove("signing_secret")?;
    if !secrets.is_new {
        return None;
    }
    let before = secrets.wrong.len();
    match secrets.take("signing_secret", &value, None) {
        Taken::Text(text) if secrets.wrong.len() == before => match Secret::parse(&text) {
            Ok(secret) => Some(secret),
            Err(error) => {
                secrets.wrong.push(Wrong::new("signing_secret", error.to_string()));
                None
            }
        },
        _ => None,
    }
}

/// Reads and checks an event type of the project's own; sample and schema are objects or texts of JSON.
pub(super) fn own_type(given: &Map<String, Value>) -> Result<OwnType, Vec<Wrong>> {
    let known = ["type", "description", "sample", "schema"];
    let mut wrong = Vec::new();
    for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
        let message = format!("There is no setting \"{name}\" here. Known are {}.", known.join(", "));
        wrong.push(Wrong::new(name, message));
    }
    let mut text = |name: &str, takes_json: bool| match given.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) if takes_json => serde_json::to_string_pretty(value).unwrap_or_default(),
        Some(_) => {
            wrong.push(Wrong::new(name, "This must be a string."));
            String::new()
        }
    };
    let (name, description) = (text("type", false), text("description", false));
    let (sample, schema) = (text("sample", true), text("schema", true));
    match OwnType::checked(&name, &description, &sample, &schema) {
        Ok(own) if wrong.is_empty() => Ok(own),
        Ok(_) => Err(wrong),
        Err(problems) => {
            for problem in problems {
                let place = if problem.field == "name" { "type" } else { problem.field };
                if wrong.iter().all(|one| one.place != place) {
                    wrong.push(Wrong::new(place, problem.message));
                }
            }
            Err(wrong)
        }
    }
}
