//! `/sign-in` and `/sign-out`.
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::setup;
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::models::accounts::password;
use crate::models::accounts::sign_in::{self, AdmitError, MustWait};
use crate::web::headers;
use crate::web::limits::hashing;
use crate::web::page::{go_to, own_path, page_with};
use crate::web::request::client_address;
use crate::web::session::{self, Session, whoever};
use crate::web::{FieldErrors, Form, Frame, Htmx, PageResult, Query, RawForm, filters};

/// The same for a wrong password and an unknown address, so that nobody learns who has an account.
const WRONG: &str = "This e-mail address and password do not belong together.";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    status: StatusCode,
    /// Nobody can sign in yet.
    is_pending: bool,
    raw: RawForm,
    errors: FieldErrors,
}

impl SignInPage {
    fn of(raw: RawForm, is_pending: bool) -> Self {
        let frame = Frame::bare("Sign in");
        Self { frame, status: StatusCode::OK, is_pending, raw, errors: FieldErrors::none() }
    }

    fn wrong(raw: RawForm) -> Self {
        let errors = FieldErrors::one("", WRONG);
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, errors, ..Self::of(raw, false) }
    }

    fn must_wait(raw: RawForm, wait: &MustWait) -> Self {
        let errors = FieldErrors::one("", &wait.message());
        Self { status: StatusCode::TOO_MANY_REQUESTS, errors, ..Self::of(raw, false) }
    }

    fn answer(&self) -> PageResult {
        page_with(self.status, self)
    }
}

/// GET /sign-in?next=…: the form; whoever is signed in goes on at once.
pub async fn show(req: HttpRequest, db: Data<Db>, Query(raw): Query) -> PageResult {
    if whoever(&req).await?.is_some() {
        return Ok(go_to(Htmx::of(&req), own_path(raw.text("next")).unwrap_or("/")));
    }
    let is_pending = setup::is_pending(&db).await?;
    SignInPage::of(raw, is_pending).answer()
}

/// POST /sign-in: starts a session and goes on to `next`.
pub async fn sign_in(
    req: HttpRequest,
    db: Data<Db>,
    clock: Data<Clock>,
    session: Session,
    Form(raw): Form,
) -> PageResult {
    let now = clock.now();
    let address = client_address(&req);
    let (email, typed) = (raw.text("email").to_owned(), raw.text("password").to_owned());
    let admitted = match db.transaction(move |conn| sign_in::admit(conn, &email, address, now)).await {
        Ok(admitted) => admitted,
        Err(AdmitError::MustWait(wait)) => {
            let mut answer = SignInPage::must_wait(raw, &wait).answer()?;
            headers::retry_after(answer.headers_mut(), wait.remaining);
            return Ok(answer);
        }
        Err(AdmitError::Db(error)) => return Err(error.into()),
    };
    let hash = admitted.candidate.as_ref().map(|(_, hash)| hash.clone());
    let is_right = hashing(move || password::verify(&typed, hash.as_ref())).await?;
    let Some((user, _)) = admitted.candidate.clone().filter(|_| is_right) else {
        return SignInPage::wrong(raw).answer();
    };
    db.transaction(move |conn| sign_in::succeeded(conn, &admitted)).await?;
    session::sign_in(&session, user.id)?;
    Ok(go_to(Htmx::of(&req), own_path(raw.text("next")).unwrap_or("/")))
}

/// POST /sign-out: ends this session.
pub async fn sign_out(htmx: Htmx, session: Session) -> PageResult {
    session::sign_out(&session);
    Ok(go_to(htmx, "/sign-in"))
}
