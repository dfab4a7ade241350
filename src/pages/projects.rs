//! `/`: all projects of a person; an owner creates new ones here.
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::models::projects::{self, NameError, Project, ProjectName, Role};
use crate::models::sample;
use crate::web::page::{go_to, page_with};
use crate::web::session::{self, Session};
use crate::web::{
    FieldErrors, Form, Frame, Htmx, Owner, PageError, PageResult, RawForm, Section, SignedIn, filters,
};

#[derive(Template)]
#[template(path = "projects.html")]
struct ProjectsPage {
    frame: Frame,
    status: StatusCode,
    projects: Vec<(Project, Role)>,
    is_owner: bool,
    has_sample: bool,
    raw: RawForm,
    errors: FieldErrors,
}

impl ProjectsPage {
    fn of(person: SignedIn, has_sample: bool) -> Self {
        Self {
            frame: person.frame("Projects", Section::Projects),
            status: StatusCode::OK,
            has_sample,
            is_owner: person.user.is_owner,
            projects: person.projects,
            raw: RawForm::default(),
            errors: FieldErrors::none(),
        }
    }

    fn refused(person: SignedIn, has_sample: bool, raw: RawForm, message: &str) -> Self {
        let errors = FieldErrors::one("name", message);
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, raw, errors, ..Self::of(person, has_sample) }
    }

    fn answer(&self) -> PageResult {
        page_with(self.status, self)
    }
}

/// GET /: the projects.
pub async fn list(person: SignedIn, db: Data<Db>) -> PageResult {
    let has_sample = has_sample(&db).await?;
    ProjectsPage::of(person, has_sample).answer()
}

async fn has_sample(db: &Db) -> Result<bool, DbError> {
    // One whose removal was cut short is not there any more: loading finishes it.
    Ok(db.run(sample::find).await?.is_some_and(|sample| sample.removal_began_at.is_none()))
}

/// GET /projects, which the browser shows after a refused form: the projects.
pub async fn go_to_list(_: SignedIn, htmx: Htmx) -> PageResult {
    Ok(go_to(htmx, "/"))
}

/// POST /projects: creates one and goes to its overview.
pub async fn create(
    Owner(person): Owner,
    db: Data<Db>,
    clock: Data<Clock>,
    htmx: Htmx,
    session: Session,
    Form(raw): Form,
) -> PageResult {
    let has_sample = has_sample(&db).await?;
    let name = match ProjectName::new(raw.text("name")) {
        Ok(name) => name,
        Err(wrong) => return ProjectsPage::refused(person, has_sample, raw, &wrong.to_string()).answer(),
    };
    let now = clock.now();
    match db.transaction(move |conn| projects::create(conn, &name, now)).await {
        Ok(project) => {
            session::say(&session, "The project is ready.")?;
            Ok(go_to(htmx, &format!("/p/{}/overview", project.id)))
        }
        Err(NameError::NameTaken) => {
            ProjectsPage::refused(person, has_sample, raw, "Another project has this name.").answer()
        }
        Err(NameError::Gone) => Err(PageError::NotFound("This project no longer exists.")),
        Err(NameError::Db(error)) => Err(error.into()),
    }
}
