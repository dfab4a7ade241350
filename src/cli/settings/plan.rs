//! What applying a file would do.
use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::Failure;
use super::compare;
use super::export::FORM;
use super::file::Wrong;
use super::read::{self, Around, Ground, ReadWebhook};
use crate::base::ids::WebhookId;
use crate::dispatcher::probe::{self, Egress};
use crate::models::event_types::OWN_TYPES_MAX;
use crate::models::webhooks::{Problem, Settings, WEBHOOKS_MAX, Webhook};
use crate::rules::catalogue::own::{OwnNames, OwnType};
use crate::rules::signing::Secret;
use crate::rules::target::AllowedHosts;

const SECTIONS: [&str; 4] = ["format", "project", "event_types", "webhooks"];

/// One thing to do. In the order in which they are done.
pub(super) enum Deed {
    AllowHosts(AllowedHosts),
    CreateType(OwnType),
    ReplaceType(OwnType),
    DeleteWebhook(WebhookId),
    SaveWebhook(WebhookId, Box<Settings>),
    CreateWebhook { settings: Box<Settings>, secret: Option<Box<Secret>>, generated: Option<String> },
    DeleteType(String),
    Switch(bool),
}

/// What would be done, and how to tell it.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) deeds: Vec<Deed>,
    /// `{kind, name, settings}` each.
    pub(super) create: Vec<Value>,
    /// `{kind, name, fields}` each.
    pub(super) change: Vec<Value>,
    /// `{kind, name}` each.
    pub(super) delete: Vec<Value>,
    /// Not in the file, and not to be deleted: `{kind, name}` each.
    pub(super) left_alone: Vec<Value>,
    /// Secrets that stay because their references lead nowhere: `{name, field, reference}` each.
    pub(super) kept: Vec<Value>,
    /// `{name, message}` each.
    pub(super) warnings: Vec<Value>,
    pub(super) unchanged: usize,
    /// Settings whose address or client certificate is not stored like this, with their place.
    to_judge: Vec<(String, Settings)>,
}

fn item(kind: &str, name: &str) -> Value {
    json!({ "kind": kind, "name": name })
}

impl Plan {
    /// Compares the file with what is stored; all that is wrong with the file at once.
    pub(super) fn of(document: &Value, ground: &Ground<'_>, delete: bool) -> Result<Self, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let mut plan = Self::default();
        let Some(document) = document.as_object() else {
            return Err(vec![Wrong::new("the file", "This must be an object with the project's settings.")]);
        };
        for name in document.keys().filter(|name| !SECTIONS.contains(&name.as_str())) {
            let message = format!("There is no section \"{name}\". Known are {}.", SECTIONS.join(", "));
            wrong.push(Wrong::new(name, message));
        }
        if document.get("format").is_some_and(|format| *format != FORM) {
            wrong.push(Wrong::new("format", format!("This Callout reads format {FORM}.")));
        }
        let hosts = plan.project(document.get("project"), ground, &mut wrong);
        let types = plan.types(list(document, "event_types", &mut wrong), ground, delete, &mut wrong);
        let own = OwnNames(types);
        let around = Around { hosts: &hosts, own: &own };
        plan.webhooks(list(document, "webhooks", &mut wrong), ground, &around, delete, &mut wrong);
        if wrong.is_empty() { Ok(plan) } else { Err(wrong) }
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.deeds.is_empty()
    }

    /// As JSON.
    pub(super) fn told(&self) -> Value {
        json!({
            "create": self.create,
            "change": self.change,
            "delete": self.delete,
            "left_alone": self.left_alone,
            "kept": self.kept,
            "warnings": self.warnings,
            "unchanged": self.unchanged,
        })
    }

    /// Judges new addresses and client certificates, as when they are saved in the pages.
    pub(super) fn judge(&mut self, egress: &Egress) -> Result<(), Vec<Wrong>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| vec![Wrong::new("the file", error.to_string())])?;
        let mut wrong = Vec::new();
        for (place, settings) in std::mem::take(&mut self.to_judge) {
            match runtime.block_on(probe::judge(egress, &settings, None)) {
                Ok(warnings) => {
                    let told = |message| json!({ "name": settings.name, "message": message });
                    self.warnings.extend(warnings.into_iter().map(told));
                }
                Err(problems) => {
                    let placed = |p: Problem| Wrong::new(format!("{place}.{}", p.field), p.message);
                    wrong.extend(problems.into_iter().map(placed));
                }
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn project(
        &mut self,
        section: Option<&Value>,
        ground: &Ground<'_>,
        wrong: &mut Vec<Wrong>,
    ) -> AllowedHosts {
        let project = &ground.state.project;
        let mut hosts = project.hosts();
        let Some(section) = section else { return hosts };
        let Some(given) = section.as_object() else {
            wrong.push(Wrong::new("project", "This must be an object."));
            return hosts;
        };
        let mut fields = Map::new();
        for (field, value) in given {
            let place = format!("project.{field}");
            let strings = || value.as_array()?.iter().map(Value::as_str).collect::<Option<Vec<&str>>>();
            match (field.as_str(), value.as_bool(), strings()) {
                ("webhooks_enabled", Some(on), _) if on != project.webhooks_enabled => {
                    self.deeds.push(Deed::Switch(on));
                    fields.insert(field.clone(), json!({ "from": !on, "to": on }));
                }
                ("webhooks_enabled", Some(_), _) => {}
                ("webhooks_enabled", None, _) => wrong.push(Wrong::new(place, "This must be true or false.")),
                ("allowed_hosts", _, Some(entries)) => match AllowedHosts::parse(&entries) {
                    Ok(read) => hosts = read,
                    Err(why) => wrong.push(Wrong::new(place, why)),
                },
                ("allowed_hosts", ..) => wrong.push(Wrong::new(place, "This must be an array of strings.")),
                _ => {
                    let message = "There is no such setting. Known are allowed_hosts, webhooks_enabled.";
                    wrong.push(Wrong::new(place, message));
                }
            }
        }
        if hosts.as_slice() != project.allowed_hosts {
            let change = json!({ "from": project.allowed_hosts, "to": hosts.as_slice() });
            fields.insert("allowed_hosts".to_owned(), change);
            self.deeds.push(Deed::AllowHosts(hosts.clone()));
        }
        if fields.is_empty() {
            self.unchanged += 1;
        } else {
            self.change.push(json!({ "kind": "project", "name": project.name, "fields": fields }));
        }
        hosts
    }

    /// The names and descriptions of all types that there will be.
    fn types(
        &mut self,
        given: Option<&[Value]>,
        ground: &Ground<'_>,
        delete: bool,
        wrong: &mut Vec<Wrong>,
    ) -> Vec<(String, String)> {
        let stored = &ground.state.types;
        let mut known: Vec<(String, String)> = Vec::new();
        let mut named = HashSet::new();
        for (at, value) in given.unwrap_or_default().iter().enumerate() {
            let place = format!("event_types[{at}]");
            // Also of one that is wrong, so that nobody is told of its webhooks as well.
            let name = value.get("type").and_then(Value::as_str).unwrap_or_default().trim();
            known.push((name.to_owned(), String::new()));
            let read = fields(value).and_then(read::own_type);
            if !named.insert(name) && !name.is_empty() {
                wrong.push(Wrong::new(format!("{place}.type"), format!("\"{name}\" is named twice.")));
            }
            match read {
                Ok(own) => self.own_type(own, stored.iter().find(|one| one.name == name)),
                Err(problems) => wrong.extend(problems.into_iter().map(|one| within(&place, one))),
            }
        }
        for one in stored.iter().filter(|one| !named.contains(one.name.as_str())) {
            let goes = given.is_some() && delete;
            if goes {
                self.deeds.push(Deed::DeleteType(one.name.clone()));
                self.delete.push(item("event_type", &one.name));
                continue;
            }
            known.push((one.name.clone(), one.description.clone()));
            if given.is_some() {
                self.left_alone.push(item("event_type", &one.name));
            }
        }
        if given.is_some() && i64::try_from(known.len()).is_ok_and(|count| count > OWN_TYPES_MAX) {
            let message = format!("A project has at most {OWN_TYPES_MAX} event types of its own.");
            wrong.push(Wrong::new("event_types", message));
        }
        known
    }

    fn own_type(&mut self, own: OwnType, stored: Option<&OwnType>) {
        let Some(stored) = stored else {
            self.create.push(json!({
                "kind": "event_type",
                "name": own.name,
                "settings": { "description": own.description },
            }));
            self.deeds.push(Deed::CreateType(own));
            return;
        };
        let fields = compare::own_type(stored, &own);
        if fields.is_empty() {
            self.unchanged += 1;
            return;
        }
        self.change.push(json!({ "kind": "event_type", "name": own.name, "fields": fields }));
        self.deeds.push(Deed::ReplaceType(own));
    }

    fn webhooks(
        &mut self,
        given: Option<&[Value]>,
        ground: &Ground<'_>,
        around: &Around<'_>,
        delete: bool,
        wrong: &mut Vec<Wrong>,
    ) {
        let Some(given) = given else { return };
        let mut named = HashSet::new();
        for (at, value) in given.iter().enumerate() {
            let place = format!("webhooks[{at}]");
            let name = value.get("name").and_then(Value::as_str).unwrap_or_default().trim();
            if !named.insert(name.to_lowercase()) && !name.is_empty() {
                let message = format!("Another webhook of the file is called \"{name}\".");
                wrong.push(Wrong::new(format!("{place}.name"), message));
            }
            match fields(value).and_then(|fields| read::webhook(fields, ground, around)) {
                Ok(read) => self.webhook(&place, read, ground),
                Err(problems) => wrong.extend(problems.into_iter().map(|one| within(&place, one))),
            }
        }
        let others = ground.state.webhooks.iter();
        let others: Vec<&Webhook> =
            others.filter(|one| !named.contains(&one.settings.name.to_lowercase())).collect();
        for other in &others {
            let told = item("webhook", &other.settings.name);
            if delete {
                self.deeds.push(Deed::DeleteWebhook(other.id));
                self.delete.push(told);
            } else {
                self.left_alone.push(told);
            }
        }
        let count = given.len() + if delete { 0 } else { others.len() };
        if i64::try_from(count).is_ok_and(|count| count > WEBHOOKS_MAX) {
            let message = format!("A project has at most {WEBHOOKS_MAX} webhooks; these would be {count}.");
            wrong.push(Wrong::new("webhooks", message));
        }
    }

    fn webhook(&mut self, place: &str, read: ReadWebhook, ground: &Ground<'_>) {
        let ReadWebhook { settings, kept, generated, signing_secret } = read;
        let name = settings.name.clone();
        let reference =
            |(field, words): (String, String)| json!({ "name": name, "field": field, "reference": words });
        self.kept.extend(kept.into_iter().map(reference));
        let stored = ground.state.webhook(&name);
        let is_new = |stored: &Webhook| {
            stored.settings.target_url != settings.target_url
                || stored.settings.client_certificate != settings.client_certificate
        };
        if stored.is_none_or(is_new) {
            self.to_judge.push((place.to_owned(), settings.clone()));
        }
        let Some(stored) = stored else {
            let created_at = ground.state.project.created_at;
            let like = Webhook::unsaved(ground.state.project.id, WebhookId::new(created_at), created_at);
            let mut told = compare::told(&settings, &like, ground.key, generated.is_some());
            told.retain(|_, value| !value.is_null());
            self.create.push(json!({ "kind": "webhook", "name": name, "settings": told }));
            let settings = Box::new(settings);
            self.deeds.push(Deed::CreateWebhook {
                settings,
                secret: signing_secret.map(Box::new),
                generated,
            });
            return;
        };
        let told = compare::told(&settings, stored, ground.key, generated.is_some());
        let fields = compare::webhook(stored, &settings, &told);
        if fields.is_empty() {
            self.unchanged += 1;
            return;
        }
        self.change.push(json!({ "kind": "webhook", "name": stored.settings.name, "fields": fields }));
        let mut settings = settings;
        // Saved as on, the window that it is in would end.
        let stays_away = stored.in_maintenance && settings.maintenance == stored.settings.maintenance;
        settings.active &= !stays_away;
        self.deeds.push(Deed::SaveWebhook(stored.id, Box::new(settings)));
    }
}

/// A section that is a list; none where the file does not have it, and what it has elsewhere is left alone then.
fn list<'a>(document: &'a Map<String, Value>, name: &str, wrong: &mut Vec<Wrong>) -> Option<&'a [Value]> {
    let section = document.get(name)?;
    let list = section.as_array().map(Vec::as_slice);
    if list.is_none() {
        wrong.push(Wrong::new(name, "This must be a list."));
    }
    list
}

fn fields(value: &Value) -> Result<&Map<String, Value>, Vec<Wrong>> {
    value.as_object().ok_or_else(|| vec![Wrong::new("", "This must be an object.")])
}

fn within(place: &str, wrong: Wrong) -> Wrong {
    let dot = if wrong.place.is_empty() { "" } else { "." };
    Wrong { place: format!("{place}{dot}{}", wrong.place), message: wrong.message }
}

/// The error of a plan that is out of date.
pub(super) fn out_of_date() -> Failure {
    Failure::new(
        "somebody changed the project's settings meanwhile",
        "nothing was changed; plan and apply again",
    )
}
