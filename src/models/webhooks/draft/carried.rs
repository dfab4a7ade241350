//! What requests are to carry: authentication and extra headers, as they are named.
use super::{AuthenticationDraft, Problem};
use crate::models::webhooks::Settings;
use crate::rules::authentication::{
    self, Authentication, ExtraHeader, HEADERS_MAX, Hidden, header_name, header_text,
};

/// A preset's kind of authentication that is stored already keeps its value.
pub(super) fn keep_authentication(settings: &mut Settings, stored: Option<&Settings>) {
    if let Some(stored) = stored.filter(|s| s.authentication.kind() == settings.authentication.kind()) {
        settings.authentication = stored.authentication.clone();
    }
}

impl AuthenticationDraft {
    pub(super) fn onto(self, stored: Option<&Settings>) -> Result<Authentication, Vec<Problem>> {
        let stored = stored.map(|stored| &stored.authentication);
        let mut problems = Vec::new();
        let mut hidden = |given: Option<String>, kind: &str, field: &'static str, what: &str| {
            let kept = stored.filter(|stored| stored.kind() == kind).and_then(Authentication::value);
            match (given, kept) {
                (Some(text), _) => {
                    if let Err(why) = header_text(&text) {
                        problems.push(Problem::new(field, why));
                    }
                    Hidden::new(&text)
                }
                (None, Some(kept)) => kept.clone(),
                (None, None) if kind == "api_key" => generated(),
                (None, None) => {
                    problems.push(Problem::new(field, format!("Enter the {what}.")));
                    Hidden::new("")
                }
            }
        };
        let authentication = match self {
            Self::None => Authentication::None,
            Self::Bearer { token } => {
                Authentication::Bearer { token: hidden(token, "bearer", "authentication.token", "token") }
            }
            Self::Basic { username, password } => {
                let password = hidden(password, "basic", "authentication.password", "password");
                let kept = stored.filter(|stored| stored.kind() == "basic").map(Authentication::name);
                let username = username.unwrap_or_else(|| kept.unwrap_or_default().to_owned());
                // RFC 7617: the name ends at the first colon.
                if username.is_empty() || username.contains(':') || header_text(&username).is_err() {
                    let message = "Enter the username: ASCII, without a colon.";
                    problems.push(Problem::new("authentication.username", message));
                }
                Authentication::Basic { username, password }
            }
            Self::ApiKey { header, value } => {
                // A new key begins anew; one that stays does so where it is.
                let kept = stored.filter(|stored| value.is_none() && stored.kind() == "api_key");
                let kept = kept.map(Authentication::name);
                let value = hidden(value, "api_key", "authentication.value", "key");
                let header =
                    header.unwrap_or_else(|| kept.unwrap_or(authentication::API_KEY_HEADER).to_owned());
                let header = header_name(&header).unwrap_or_else(|why| {
                    problems.push(Problem::new("authentication.header", why));
                    header
                });
                Authentication::ApiKey { header, value }
            }
        };
        if problems.is_empty() { Ok(authentication) } else { Err(problems) }
    }
}

/// A key of ours, for whoever names none.
fn generated() -> Hidden {
    match Authentication::generated_api_key() {
        Authentication::ApiKey { value, .. } => value,
        _ => Hidden::new(""),
    }
}

/// Extra headers by name, those without a value as they are stored.
pub(super) fn headers(
    given: Vec<(String, Option<String>)>,
    stored: Option<&Settings>,
    problems: &mut Vec<Problem>,
) -> Vec<ExtraHeader> {
    let mut wrong = |message: String| problems.push(Problem::new("headers", message));
    if given.len() > HEADERS_MAX {
        wrong(format!("A webhook has at most {HEADERS_MAX} extra headers."));
        return Vec::new();
    }
    let mut headers: Vec<ExtraHeader> = Vec::new();
    for (name, value) in given {
        let name = match header_name(&name) {
            Ok(name) => name,
            Err(why) => {
                wrong(why);
                continue;
            }
        };
        let kept = || stored?.headers.iter().find(|header| header.name == name).map(|h| h.value.clone());
        let value = match value {
            Some(text) => header_text(&text).map(|()| Hidden::new(&text)),
            None => kept().ok_or_else(|| "Enter a value.".to_owned()),
        };
        match value {
            Ok(_) if headers.iter().any(|header| header.name == name) => {
                wrong(format!("{name}: it is named twice."));
            }
            Ok(value) => headers.push(ExtraHeader { name, value }),
            Err(why) => wrong(format!("{name}: {why}")),
        }
    }
    headers.sort_by(|a, b| a.name.cmp(&b.name));
    headers
}

/// An extra header of the name that the authentication takes.
pub(super) fn twice(settings: &Settings) -> Option<Problem> {
    let taken = settings.authentication.header()?;
    let is_twice = settings.headers.iter().any(|header| header.name == taken);
    is_twice.then(|| Problem::new("headers", format!("{taken} is the authentication's header already.")))
}
