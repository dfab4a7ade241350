//! `/p/{project}/settings/keys`: API keys, each token shown once.
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::PgConnection;

use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{KeyId, ProjectId};
use crate::base::seal::SealKey;
use crate::models::audit::{self, Action};
use crate::models::event_types::TypeSample;
use crate::models::projects::keys::{self, CreateError, Key, Scope};
use crate::models::webhooks;
use crate::pages::overview::{first_event, taken_type};
use crate::web::api_keys::KeyCache;
use crate::web::page::{go_to, page_or_block};
use crate::web::session::{self, Session};
use crate::web::{
    Admin, FieldErrors, Form, Frame, Htmx, Member, PageError, PageResult, RawForm, Section, WebSettings,
    filters, once,
};

/// A key that was just made; its token is nowhere else.
struct Fresh {
    name: String,
    token: String,
    command: String,
    /// What the command does.
    command_title: &'static str,
}

impl Fresh {
    /// With a command that the key's scopes allow.
    fn of(key: Key, token: String, taken: &TypeSample, public_url: &str) -> Self {
        let (command_title, command) = if key.scopes.contains(&Scope::Events) {
            ("Post an event", first_event(public_url, &token, taken))
        } else {
            let line = format!("curl {public_url}/v1/project \\\n  -H \"Authorization: Bearer {token}\"");
            ("Read the project", line)
        };
        Self { name: key.name, token, command, command_title }
    }
}

#[derive(Template)]
#[template(path = "settings/keys.html", blocks = ["panel"])]
struct KeysPage {
    frame: Frame,
    status: StatusCode,
    base: String,
    overview_link: String,
    keys: Vec<Key>,
    fresh: Option<Fresh>,
    raw: RawForm,
    errors: FieldErrors,
}

impl KeysPage {
    fn of(member: &Member, keys: Vec<Key>) -> Self {
        Self {
            frame: member.frame("API keys", Section::Keys),
            status: StatusCode::OK,
            base: member.path("/settings/keys"),
            overview_link: member.path("/overview"),
            keys,
            fresh: None,
            raw: RawForm(Scope::OFFERED.map(|scope| ("scopes".to_owned(), scope.to_string())).to_vec()),
            errors: FieldErrors::none(),
        }
    }

    fn created(member: &Member, keys: Vec<Key>, fresh: Fresh) -> Self {
        Self { fresh: Some(fresh), ..Self::of(member, keys) }
    }

    fn refused(member: &Member, keys: Vec<Key>, raw: RawForm, errors: FieldErrors) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, raw, errors, ..Self::of(member, keys) }
    }

    fn answer(&self, htmx: Htmx) -> PageResult {
        page_or_block(htmx, self.status, self, &self.as_panel())
    }
}

/// GET /p/{project}/settings/keys: right after a key was created also its token, this once.
pub async fn list(
    member: Admin,
    (db, seal, settings): (Data<Db>, Data<SealKey>, Data<WebSettings>),
    (htmx, request): (Htmx, HttpRequest),
) -> PageResult {
    let project = member.project.id;
    let (keys, taken) =
        db.run(move |conn| Ok::<_, DbError>((keys::list(conn, project)?, taken(conn, project)?))).await?;
    let token = once::take(&request, &seal, &member.path("/settings/keys"));
    let fresh = token.and_then(|token| {
        let key = keys.iter().find(|key| key.revoked_at.is_none() && token.ends_with(&key.token_hint))?;
        Some(Fresh::of(key.clone(), token.to_string(), &taken, &settings.public_url))
    });
    KeysPage { fresh, ..KeysPage::of(&member, keys) }.answer(htmx)
}

/// POST /p/{project}/settings/keys: creates a key. Only its answer to htmx, or for a browser the page that it leads to,
/// ever shows the token.
pub async fn create(
    member: Admin,
    (db, clock, seal): (Data<Db>, Data<Clock>, Data<SealKey>),
    (settings, session): (Data<WebSettings>, Session),
    htmx: Htmx,
    Form(raw): Form,
) -> PageResult {
    let (name, scopes) = match parse(&raw) {
        Ok(parsed) => parsed,
        Err(errors) => {
            let keys = all(&member, &db).await?;
            return KeysPage::refused(&member, keys, raw, errors).answer(htmx);
        }
    };
    let (project, now) = (member.project.id, clock.now());
    let audited = member.clone();
    let made = db
        .transaction(move |conn| {
            let (key, token) = keys::create(conn, project, &name, &scopes, now)?;
            audit::write(conn, &audited.entry(Action::KeyCreated, key.id, &key.name), now)?;
            Ok::<_, CreateError>((key, token, keys::list(conn, project)?, taken(conn, project)?))
        })
        .await;
    match made {
        Ok((_, token, ..)) if !htmx.0 => {
            let place = member.path("/settings/keys");
            once::keep(&session, &seal, &place, &token)?;
            Ok(go_to(htmx, &place))
        }
        Ok((key, token, keys, taken)) => {
            let fresh = Fresh::of(key, token, &taken, &settings.public_url);
            KeysPage::created(&member, keys, fresh).answer(htmx)
        }
        Err(CreateError::Db(error)) => Err(error.into()),
        Err(CreateError::Gone) => Err(PageError::NotFound("This project no longer exists.")),
        Err(CreateError::Name | CreateError::NoScopes) => {
            Err(PageError::BadRequest("This key cannot be created."))
        }
    }
}

/// POST /p/{project}/settings/keys/{key}/revoke: ends a key; on this node at once, on others within a second.
pub async fn revoke(
    member: Admin,
    db: Data<Db>,
    clock: Data<Clock>,
    cache: Data<KeyCache>,
    htmx: Htmx,
    session: Session,
    path: Path<(String, KeyId)>,
) -> PageResult {
    let (_, id) = path.into_inner();
    let (project, now) = (member.project.id, clock.now());
    let entry = member.entry(Action::KeyRevoked, id, "");
    let (was_live, keys) = db
        .transaction(move |conn| {
            let was_live = keys::revoke(conn, project, id, now)?;
            if was_live {
                audit::write(conn, &entry, now)?;
            }
            Ok::<_, PageError>((was_live, keys::list(conn, project)?))
        })
        .await?;
    cache.forget();
    if !keys.iter().any(|key| key.id == id) {
        return Err(PageError::NotFound("There is no such key."));
    }
    if htmx.0 {
        return KeysPage::of(&member, keys).answer(htmx);
    }
    session::say(&session, if was_live { "The key is revoked." } else { "The key was revoked before." })?;
    Ok(go_to(htmx, &member.path("/settings/keys")))
}

/// A type that one of the webhooks takes, for the command that posts an event.
fn taken(conn: &mut PgConnection, project: ProjectId) -> Result<TypeSample, DbError> {
    let webhooks = webhooks::list(conn, project)?;
    taken_type(conn, project, &webhooks)
}

async fn all(member: &Member, db: &Db) -> Result<Vec<Key>, PageError> {
    let project = member.project.id;
    db.run(move |conn| Ok(keys::list(conn, project)?)).await
}

fn parse(raw: &RawForm) -> Result<(String, Vec<Scope>), FieldErrors> {
    let mut errors = FieldErrors::none();
    if !keys::is_name(raw.text("name")) {
        errors.add("name", "Enter a name of at most 80 characters.");
    }
    let scopes: Result<Vec<Scope>, _> = raw.all("scopes").map(str::parse).collect();
    match scopes {
        Ok(scopes) if !scopes.is_empty() && errors.is_empty() => {
            return Ok((raw.text("name").trim().to_owned(), scopes));
        }
        Ok(scopes) if scopes.is_empty() => errors.add("scopes", "Tick at least one."),
        Ok(_) => {}
        Err(_) => errors.add("scopes", "Tick some of these three."),
    }
    Err(errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_needs_a_name_and_a_scope_and_both_are_said_at_once() {
        let parsed = |text: &[u8]| parse(&RawForm::parse(text).expect("a form"));
        assert_eq!(
            parsed(b"name=+Shop+&scopes=events&scopes=deliveries"),
            Ok(("Shop".to_owned(), vec![Scope::Events, Scope::Deliveries]))
        );
        let both = parsed(b"name=").expect_err("two faults");
        assert!(both.get("name").is_some() && both.get("scopes").is_some());
        assert!(parsed(b"name=a&scopes=everything").is_err());
    }
}
