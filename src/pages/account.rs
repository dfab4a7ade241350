//! `/account`: a person's own name, password, sessions and roles.
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::models::accounts::password::{self, PasswordHash};
use crate::models::accounts::sign_in::{self, AdmitError};
use crate::models::accounts::{self, UserFault, sessions};
use crate::models::projects::{Project, Role};
use crate::web::headers;
use crate::web::limits::hashing;
use crate::web::page::{go_to, page_with};
use crate::web::request::client_address;
use crate::web::session::{self, Session};
use crate::web::{
    FieldErrors, Form, Frame, Htmx, PageError, PageResult, RawForm, Section, SignedIn, filters,
};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    status: StatusCode,
    email: String,
    name: String,
    /// Live sessions besides this one.
    other_sessions: i64,
    is_owner: bool,
    is_told: bool,
    roles: Vec<RoleRow>,
    name_errors: FieldErrors,
    password_errors: FieldErrors,
}

/// A project that the person may open, and as what.
struct RoleRow {
    project: String,
    link: String,
    role: &'static str,
}

impl RoleRow {
    fn of((project, role): &(Project, Role), is_owner: bool) -> Self {
        let role = match role {
            _ if is_owner => "Owner",
            Role::Admin => "Admin",
            Role::Support => "Support",
            Role::Viewer => "Viewer",
        };
        Self { project: project.name.clone(), link: format!("/p/{}/overview", project.id), role }
    }
}

impl AccountPage {
    async fn of(person: &SignedIn, db: &Db, clock: &Clock) -> Result<Self, PageError> {
        let (id, now) = (person.user.id, clock.now());
        let sessions = db.run(move |conn| sessions::count(conn, id, now)).await?;
        Ok(Self {
            frame: person.frame("Account", Section::Account),
            status: StatusCode::OK,
            email: person.user.email.clone(),
            name: person.user.name.clone(),
            other_sessions: (sessions - 1).max(0),
            is_owner: person.user.is_owner,
            is_told: person.user.webhook_notices,
            roles: person.projects.iter().map(|row| RoleRow::of(row, person.user.is_owner)).collect(),
            name_errors: FieldErrors::none(),
            password_errors: FieldErrors::none(),
        })
    }

    fn name_refused(self, raw: &RawForm) -> Self {
        let name_errors = FieldErrors::one("name", UserFault::Name.message());
        let name = raw.text("name").to_owned();
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, name, name_errors, ..self }
    }

    fn password_refused(self, password_errors: FieldErrors) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, password_errors, ..self }
    }

    fn must_wait(self, message: &str) -> Self {
        let password_errors = FieldErrors::one("", message);
        Self { status: StatusCode::TOO_MANY_REQUESTS, password_errors, ..self }
    }

    fn answer(&self) -> PageResult {
        page_with(self.status, self)
    }
}

/// GET /account/password, which the browser shows after a refused form: the account.
pub async fn go_to_account(_: SignedIn, htmx: Htmx) -> PageResult {
    Ok(go_to(htmx, "/account"))
}

/// GET /account
pub async fn show(person: SignedIn, db: Data<Db>, clock: Data<Clock>) -> PageResult {
    AccountPage::of(&person, &db, &clock).await?.answer()
}

/// POST /account: changes the name.
pub async fn rename(
    person: SignedIn,
    db: Data<Db>,
    clock: Data<Clock>,
    htmx: Htmx,
    session: Session,
    Form(raw): Form,
) -> PageResult {
    let name = raw.text("name").trim().to_owned();
    if !accounts::is_name(&name) {
        return AccountPage::of(&person, &db, &clock).await?.name_refused(&raw).answer();
    }
    let id = person.user.id;
    db.transaction(move |conn| accounts::rename(conn, id, &name)).await?;
    session::say(&session, "Saved.")?;
    Ok(go_to(htmx, "/account"))
}

/// POST /account/notices: `told` says whether the person is told when a webhook is disabled.
pub async fn set_notices(
    person: SignedIn,
    db: Data<Db>,
    htmx: Htmx,
    session: Session,
    Form(raw): Form,
) -> PageResult {
    let (id, is_told) = (person.user.id, raw.text("told") == "yes");
    db.transaction(move |conn| accounts::set_webhook_notices(conn, id, is_told)).await?;
    session::say(&session, "Saved.")?;
    Ok(go_to(htmx, "/account"))
}

/// POST /account/password: changes the password, given the present one; all other sessions end.
pub async fn change_password(
    req: HttpRequest,
    person: SignedIn,
    db: Data<Db>,
    clock: Data<Clock>,
    session: Session,
    Form(raw): Form,
) -> PageResult {
    let page = AccountPage::of(&person, &db, &clock).await?;
    if let Err(fault) = password::judge(raw.text("new")) {
        return page.password_refused(FieldErrors::one("new", fault.message())).answer();
    }
    // Counted as a sign-in is: a session left open in a café must not be a way to guess the password.
    let (email, address, now) = (person.user.email.clone(), client_address(&req), clock.now());
    let admitted = match db.transaction(move |conn| sign_in::admit(conn, &email, address, now)).await {
        Ok(admitted) => admitted,
        Err(AdmitError::MustWait(wait)) => {
            let mut answer = page.must_wait(&wait.message()).answer()?;
            headers::retry_after(answer.headers_mut(), wait.remaining);
            return Ok(answer);
        }
        Err(AdmitError::Db(error)) => return Err(error.into()),
    };
    let old = admitted.candidate.as_ref().map(|(_, hash)| hash.clone());
    let (present, new) = (raw.text("present").to_owned(), raw.text("new").to_owned());
    let hashed = hashing(move || match old {
        Some(old) if password::verify(&present, Some(&old)) => Some((old, PasswordHash::of(&new))),
        _ => None,
    });
    let Some((old, new)) = hashed.await? else {
        return page
            .password_refused(FieldErrors::one("present", "This is not your present password."))
            .answer();
    };
    let id = person.user.id;
    let changed = db.transaction(move |conn| {
        sign_in::succeeded(conn, &admitted)?;
        accounts::change_password(conn, id, &old, &new)
    });
    if !changed.await? {
        let meanwhile = FieldErrors::one("", "The password was changed elsewhere meanwhile. Try again.");
        return page.password_refused(meanwhile).answer();
    }
    session::sign_in(&session, id)?;
    session::say(&session, "The password is changed. All other sessions have ended.")?;
    Ok(go_to(Htmx::of(&req), "/account"))
}

/// POST /account/sessions/end: signs the person out everywhere but here.
pub async fn end_other_sessions(person: SignedIn, db: Data<Db>, htmx: Htmx, session: Session) -> PageResult {
    let id = person.user.id;
    db.run(move |conn| sessions::end_all(conn, id)).await?;
    // This one ended with the others; it goes on under a new key.
    session::sign_in(&session, id)?;
    session::say(&session, "Everywhere else you are signed out.")?;
    Ok(go_to(htmx, "/account"))
}

/// POST /account/sign-out-everywhere: ends all sessions, this one too.
pub async fn sign_out_everywhere(person: SignedIn, db: Data<Db>, htmx: Htmx, session: Session) -> PageResult {
    let id = person.user.id;
    db.run(move |conn| sessions::end_all(conn, id)).await?;
    session::sign_out(&session);
    Ok(go_to(htmx, "/sign-in"))
}
