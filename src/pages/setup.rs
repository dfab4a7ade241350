//! `/setup`: the first owner, made with the one-time link that the program prints when nobody can sign in yet.
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::models::accounts::password::{self, PasswordHash};
use crate::models::accounts::setup::{self, SetupError};
use crate::models::accounts::{NewUser, UserFault};
use crate::web::limits::hashing;
use crate::web::page::{go_to, page_with};
use crate::web::session::{self, Session};
use crate::web::{FieldErrors, Form, Frame, Htmx, PageError, PageResult, Query, RawForm, filters};

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    frame: Frame,
    status: StatusCode,
    /// Whether the link works; else the page says what to do instead.
    is_open: bool,
    /// Whether somebody can sign in already.
    is_over: bool,
    raw: RawForm,
    errors: FieldErrors,
}

impl SetupPage {
    fn open(raw: RawForm) -> Self {
        Self {
            frame: Frame::bare("Create the owner"),
            status: StatusCode::OK,
            is_open: true,
            is_over: false,
            raw,
            errors: FieldErrors::none(),
        }
    }

    fn refused(raw: RawForm, errors: FieldErrors) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, errors, ..Self::open(raw) }
    }

    fn closed(is_over: bool) -> Self {
        Self {
            frame: Frame::bare("This link does not work"),
            status: StatusCode::NOT_FOUND,
            is_open: false,
            is_over,
            ..Self::open(RawForm::default())
        }
    }

    fn answer(&self) -> PageResult {
        page_with(self.status, self)
    }
}

/// GET /setup?token=…: the form, while the link works.
pub async fn show(db: Data<Db>, clock: Data<Clock>, Query(raw): Query) -> PageResult {
    match is_open(&db, &clock, raw.text("token")).await? {
        (true, _) => SetupPage::open(raw).answer(),
        (false, is_over) => SetupPage::closed(is_over).answer(),
    }
}

/// POST /setup: makes the owner, uses the link up and signs in.
pub async fn create(db: Data<Db>, clock: Data<Clock>, session: Session, Form(raw): Form) -> PageResult {
    let token = raw.text("token").to_owned();
    // Before the password is hashed: that is dear, and anybody may post.
    if let (false, is_over) = is_open(&db, &clock, &token).await? {
        return SetupPage::closed(is_over).answer();
    }
    let new = match parse(&raw) {
        Ok(new) => new,
        Err(errors) => return SetupPage::refused(raw, errors).answer(),
    };
    let typed = raw.text("password").to_owned();
    let hash = hashing(move || PasswordHash::of(&typed)).await?;
    let now = clock.now();
    match db.transaction(move |conn| setup::create_owner(conn, &token, &new, &hash, now)).await {
        Ok(user) => {
            session::sign_in(&session, user.id)?;
            session::say(&session, "Welcome. You are the owner of this installation.")?;
            Ok(go_to(Htmx(false), "/"))
        }
        Err(SetupError::LinkUsedUp) => SetupPage::closed(true).answer(),
        Err(SetupError::Db(error)) => Err(error.into()),
    }
}

async fn is_open(db: &Db, clock: &Clock, token: &str) -> Result<(bool, bool), PageError> {
    let (token, now) = (token.to_owned(), clock.now());
    db.run(move |conn| Ok((setup::is_open(conn, &token, now)?, setup::anybody(conn)?))).await
}

fn parse(raw: &RawForm) -> Result<NewUser, FieldErrors> {
    let mut errors = FieldErrors::none();
    let new = NewUser::new(raw.text("email"), raw.text("name"), true);
    for fault in new.as_ref().err().into_iter().flatten() {
        errors.add(if *fault == UserFault::Email { "email" } else { "name" }, fault.message());
    }
    if let Err(fault) = password::judge(raw.text("password")) {
        errors.add("password", fault.message());
    }
    match new {
        Ok(new) if errors.is_empty() => Ok(new),
        _ => Err(errors),
    }
}

/// Where the way begins while nobody can sign in: the sign-in page says so.
pub(super) async fn is_pending(db: &Db) -> Result<bool, PageError> {
    db.run(|conn| Ok(!setup::anybody(conn)?)).await
}
