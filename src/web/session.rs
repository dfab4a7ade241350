//! Who is signed in: the session's store, its cookie, and the extractors that ask for a person.
use std::collections::HashMap;
use std::future::Future;

use actix_session::config::{CookieContentSecurity, PersistentSession, TtlExtensionPolicy};
use actix_session::storage::{
    LoadError, SaveError, SessionKey, SessionStore, UpdateError, generate_session_key,
};
use actix_session::{SessionExt, SessionMiddleware};
use actix_web::cookie::{CookieJar, Key, SameSite, time::Duration};
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::error::{PageError, SignInFirst};
use super::frame::Notice;
use super::page::Htmx;
use super::{Frame, Section, WebSettings};
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{ProjectId, UserId};
use crate::models::accounts::{self, User, sessions, token};
use crate::models::notices;
use crate::models::projects::{self, Project, Role};

pub use actix_session::Session;

const USER: &str = "user";
const NOTICE: &str = "notice";
const REFUSAL: &str = "refusal";
/// In the place of a state that could not be read: the session's store answers requests, not errors.
const AWAY: &str = "away";
const COOKIE: &str = "callout_session";

/// Loads and keeps sessions; their cookie is signed, for us only, and lives as long as they do.
pub fn middleware(settings: &WebSettings, db: &Db, clock: &Clock) -> SessionMiddleware<Store> {
    let store = Store { db: db.clone(), clock: clock.clone() };
    let life = PersistentSession::default()
        .session_ttl(Duration::seconds(sessions::IDLE_MAX.whole_seconds()))
        .session_ttl_extension_policy(TtlExtensionPolicy::OnEveryRequest);
    SessionMiddleware::builder(store, Key::from(&settings.cookie_key))
        .cookie_name(COOKIE.to_owned())
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_secure(settings.https)
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(life)
        .build()
}

/// Starts the session of a person anew: whatever key the browser had before opens nothing.
pub fn sign_in(session: &Session, user: UserId) -> Result<(), PageError> {
    session.clear();
    session.renew();
    keep(session, USER, &user.to_string())
}

/// Ends this session, here and in the database.
pub fn sign_out(session: &Session) {
    session.purge();
}

/// Says something on the next page that this person sees, e.g. "Saved.".
pub fn say(session: &Session, text: &str) -> Result<(), PageError> {
    keep(session, NOTICE, text)
}

/// Says on the next page that this person sees why something was not done.
pub fn say_refusal(session: &Session, text: &str) -> Result<(), PageError> {
    keep(session, REFUSAL, text)
}

fn keep(session: &Session, name: &str, text: &str) -> Result<(), PageError> {
    session.insert(name, text).map_err(|error| PageError::Internal(format!("writing the session: {error}")))
}

/// A person who is signed in, whatever they may do. Others are sent to the sign-in page.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub user: User,
    /// All projects they have a role in, by name.
    pub projects: Vec<(Project, Role)>,
    /// What [`say`] left for this page.
    pub notice: Option<Notice>,
    /// Notices that they have not seen.
    pub unseen: i64,
}

impl SignedIn {
    /// The projects whose notices are for them.
    pub fn told_of(&self) -> Vec<ProjectId> {
        told_of(&self.projects)
    }

    /// The frame of a page that belongs to no project.
    pub fn frame(&self, title: &str, section: Section) -> Frame {
        Frame::of_person(title, section, self)
    }
}

/// An owner of the installation. Others see a 403 page.
#[derive(Clone, Debug)]
pub struct Owner(pub SignedIn);

impl FromRequest for SignedIn {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move { signed_in(&req).await })
    }
}

impl FromRequest for Owner {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let person = signed_in(&req).await?;
            if person.user.is_owner {
                Ok(Self(person))
            } else {
                Err(PageError::Forbidden("Only an owner of this installation may do this."))
            }
        })
    }
}

/// Whoever is signed in, or None. For pages that strangers may see too.
pub async fn whoever(req: &HttpRequest) -> Result<Option<SignedIn>, PageError> {
    let session = req.get_session();
    if session.contains_key(AWAY) {
        return Err(PageError::Unavailable("the session could not be read".to_owned()));
    }
    let id: Option<UserId> = session.get::<String>(USER).ok().flatten().and_then(|id| id.parse().ok());
    let (Some(id), Some(db)) = (id, req.app_data::<Data<Db>>()) else { return Ok(None) };
    let found = db.run(move |conn| {
        let Some(user) = accounts::find(conn, id)? else { return Ok(None) };
        let projects = projects::list_for(conn, &user)?;
        let unseen = match user.webhook_notices {
            true => notices::count_since(conn, told_of(&projects), user.notices_seen_at)?,
            false => 0,
        };
        Ok::<_, DbError>(Some((user, projects, unseen)))
    });
    let Some((user, projects, unseen)) = found.await? else { return Ok(None) };
    let notice = if is_page_view(req) { take_notice(&session) } else { None };
    Ok(Some(SignedIn { user, projects, notice, unseen }))
}

/// Those of the projects in which somebody is an admin or support.
fn told_of(projects: &[(Project, Role)]) -> Vec<ProjectId> {
    projects.iter().filter(|(_, role)| *role >= Role::Support).map(|(project, _)| project.id).collect()
}

fn take_notice(session: &Session) -> Option<Notice> {
    // Removing what is not there would write the session back, over what another request has put into it meanwhile.
    let take = |name: &str| {
        session.contains_key(name).then(|| session.remove_as::<String>(name)).flatten().and_then(Result::ok)
    };
    let (said, refused) = (take(NOTICE), take(REFUSAL));
    let is_refusal = refused.is_some();
    refused.or(said).map(|text| Notice { text, is_refusal })
}

pub(super) async fn signed_in(req: &HttpRequest) -> Result<SignedIn, PageError> {
    let Some(person) = whoever(req).await? else {
        return Err(PageError::SignIn(SignInFirst::for_request(req)));
    };
    // For the error page, should there be one: it is drawn outside the handler.
    req.extensions_mut().insert(person.frame("", Section::None));
    Ok(person)
}

/// Whether a person will see the answer as a page: a notice belongs there, not into a fragment or a download.
pub(super) fn is_page_view(req: &HttpRequest) -> bool {
    let header = |name: &str| req.headers().get(name).and_then(|value| value.to_str().ok());
    *req.method() == Method::GET
        && !Htmx::of(req).0
        && header("sec-fetch-dest").is_none_or(|dest| dest == "document")
        && header("sec-purpose").is_none()
}

/// The hash under which the session of a request is kept; none without a cookie of ours.
pub(super) fn key_hash(req: &HttpRequest) -> Option<[u8; 32]> {
    let settings = req.app_data::<Data<WebSettings>>()?;
    let mut cookies = CookieJar::new();
    cookies.add_original(req.cookie(COOKIE)?);
    let cookie = cookies.signed(&Key::from(&settings.cookie_key)).get(COOKIE)?;
    Some(token::digest(cookie.value()))
}

/// Keeps sessions in Postgres, under the SHA-256 of their key.
#[derive(Clone)]
pub struct Store {
    db: Db,
    clock: Clock,
}

type State = HashMap<String, String>;

impl Store {
    /// Runs one statement of the sessions' noun.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut diesel::PgConnection, time::OffsetDateTime) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, anyhow::Error> {
        let now = self.clock.now();
        Ok(self.db.run(move |conn| work(conn, now)).await?)
    }
}

/// Whose session it is, for the column by which all of a person's sessions are ended. The value is JSON text.
fn user_of(state: &State) -> Option<UserId> {
    serde_json::from_str::<String>(state.get(USER)?).ok()?.parse().ok()
}

fn written(state: &State) -> Result<String, anyhow::Error> {
    anyhow::ensure!(!state.contains_key(AWAY), "a session that could not be read is not written");
    Ok(serde_json::to_string(state)?)
}

impl SessionStore for Store {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let hash = token::digest(key.as_ref());
        let state = match self.run(move |conn, now| sessions::load(conn, hash, now)).await {
            Ok(state) => state,
            // An error here would end the request before anything could draw a page about it.
            Err(error) => {
                tracing::warn!(%error, "a session could not be read");
                return Ok(Some(State::from([(AWAY.to_owned(), String::new())])));
            }
        };
        let read = |text: String| serde_json::from_str(&text);
        state.map(read).transpose().map_err(|error| LoadError::Deserialization(error.into()))
    }

    async fn save(&self, state: State, _: &Duration) -> Result<SessionKey, SaveError> {
        let key = generate_session_key();
        let hash = token::digest(key.as_ref());
        let text = written(&state).map_err(SaveError::Serialization)?;
        let user = user_of(&state);
        self.run(move |conn, now| sessions::start(conn, hash, user, &text, now))
            .await
            .map_err(SaveError::Other)?;
        Ok(key)
    }

    async fn update(&self, key: SessionKey, state: State, _: &Duration) -> Result<SessionKey, UpdateError> {
        let hash = token::digest(key.as_ref());
        let text = written(&state).map_err(UpdateError::Serialization)?;
        let user = user_of(&state);
        self.run(move |conn, now| sessions::change(conn, hash, user, &text, now))
            .await
            .map_err(UpdateError::Other)?;
        Ok(key)
    }

    fn update_ttl(&self, _: &SessionKey, _: &Duration) -> impl Future<Output = Result<(), anyhow::Error>> {
        // Loading has moved the end on already.
        std::future::ready(Ok(()))
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let hash = token::digest(key.as_ref());
        self.run(move |conn, _| sessions::end(conn, hash)).await
    }
}
