//! `/p/{project}/settings/general`: name, id and public key.
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use crate::base::db::Db;
use crate::models::projects::{self, NameError, NotAName, Project, ProjectName};
use crate::pages::sample;
use crate::web::page::{go_to, page_with};
use crate::web::session::{self, Session};
use crate::web::{
    Admin, FieldErrors, Form, Frame, Htmx, Member, PageError, PageResult, RawForm, Section, filters,
};

#[derive(Template)]
#[template(path = "settings/general.html")]
struct GeneralPage {
    frame: Frame,
    status: StatusCode,
    project: Project,
    is_sample: bool,
    name: String,
    errors: FieldErrors,
}

impl GeneralPage {
    fn of(member: &Member, is_sample: bool) -> Self {
        Self {
            frame: member.frame("General", Section::General),
            status: StatusCode::OK,
            project: member.project.clone(),
            is_sample,
            name: member.project.name.clone(),
            errors: FieldErrors::none(),
        }
    }

    fn refused(member: &Member, is_sample: bool, raw: &RawForm, message: &str) -> Self {
        let (name, errors) = (raw.text("name").to_owned(), FieldErrors::one("name", message));
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, name, errors, ..Self::of(member, is_sample) }
    }

    fn answer(&self) -> PageResult {
        page_with(self.status, self)
    }
}

/// GET /p/{project}/settings: the first of them.
pub async fn go_to_general(member: Admin, htmx: Htmx) -> PageResult {
    Ok(go_to(htmx, &member.path("/settings/general")))
}

/// GET /p/{project}/settings/general
pub async fn show(member: Admin, db: Data<Db>) -> PageResult {
    let project = member.project.id;
    let is_sample = db.run(move |conn| sample::is_sample(conn, project)).await?;
    GeneralPage::of(&member, is_sample).answer()
}

/// POST /p/{project}/settings/general: gives the project another name.
pub async fn save(member: Admin, db: Data<Db>, htmx: Htmx, session: Session, Form(raw): Form) -> PageResult {
    let project = member.project.id;
    let is_sample = db.run(move |conn| sample::is_sample(conn, project)).await?;
    let Ok(name) = ProjectName::new(raw.text("name")) else {
        return GeneralPage::refused(&member, is_sample, &raw, NotAName::MESSAGE).answer();
    };
    match db.transaction(move |conn| projects::rename(conn, project, &name)).await {
        Ok(_) => {
            session::say(&session, "Saved.")?;
            Ok(go_to(htmx, &member.path("/settings/general")))
        }
        Err(NameError::NameTaken) => {
            GeneralPage::refused(&member, is_sample, &raw, "Another project has this name.").answer()
        }
        Err(NameError::Gone) => Err(PageError::NotFound("This project no longer exists.")),
        Err(NameError::Db(error)) => Err(error.into()),
    }
}
