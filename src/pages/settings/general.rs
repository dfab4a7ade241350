//! `/p/{project}/settings/general`: name, the switch of all webhooks, the hosts they may lead to, id and public key.
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::hosts;
use super::switch::Switched;
use crate::base::db::Db;
use crate::models::projects::{self, NameError, Project, ProjectName};
use crate::pages::sample::Standing;
use crate::web::page::{go_to, page_with};
use crate::web::session::{self, Session};
use crate::web::{
    Admin, FieldErrors, Form, Frame, Htmx, Member, PageError, PageResult, RawForm, Section, filters,
};

#[derive(Template)]
#[template(path = "settings/general.html")]
pub(super) struct GeneralPage {
    frame: Frame,
    status: StatusCode,
    project: Project,
    about: About,
    name: String,
    /// One a line.
    allowed_hosts: String,
    errors: FieldErrors,
}

/// What is looked up for the page.
struct About {
    sample: Standing,
    /// Deliveries that the switch holds back, and the history's query that lists them.
    held: i64,
    held_query: String,
    /// What is to be said of webhooks that lead to hosts that are not allowed; empty if none does.
    elsewhere: String,
}

impl About {
    async fn of(member: &Member, db: &Db) -> Result<Self, PageError> {
        let (project, is_on) = (member.project.id, member.project.webhooks_enabled);
        let allowed = member.project.hosts();
        db.run(move |conn| {
            let switched = if is_on { None } else { Some(Switched::load(conn, project)?) };
            let elsewhere = hosts::elsewhere(conn, project, &allowed)?;
            Ok(Self {
                elsewhere: hosts::elsewhere_words(&elsewhere),
                sample: Standing::of(conn, project)?,
                held: switched.as_ref().map_or(0, Switched::held),
                held_query: switched.map(|switched| switched.held_query()).unwrap_or_default(),
            })
        })
        .await
    }
}

impl GeneralPage {
    fn of(member: &Member, about: About) -> Self {
        Self {
            frame: member.frame("General", Section::General),
            status: StatusCode::OK,
            project: member.project.clone(),
            about,
            name: member.project.name.clone(),
            allowed_hosts: member.project.allowed_hosts.join("\n"),
            errors: FieldErrors::none(),
        }
    }

    fn refused(member: &Member, about: About, raw: &RawForm, message: &str) -> Self {
        let (name, errors) = (raw.text("name").to_owned(), FieldErrors::one("name", message));
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, name, errors, ..Self::of(member, about) }
    }

    /// Hosts that could not be saved: what was typed, and why.
    pub(super) async fn refused_hosts(
        member: &Member,
        db: &Db,
        raw: &RawForm,
        message: &str,
    ) -> Result<Self, PageError> {
        let page = Self::of(member, About::of(member, db).await?);
        let errors = FieldErrors::one("allowed_hosts", message);
        let allowed_hosts = raw.text("allowed_hosts").replace("\r\n", "\n");
        Ok(Self { status: StatusCode::UNPROCESSABLE_ENTITY, allowed_hosts, errors, ..page })
    }

    pub(super) fn answer(&self) -> PageResult {
        page_with(self.status, self)
    }
}

/// GET /p/{project}/settings: the first of them.
pub async fn go_to_general(member: Admin, htmx: Htmx) -> PageResult {
    Ok(go_to(htmx, &member.path("/settings/general")))
}

/// GET /p/{project}/settings/general
pub async fn show(member: Admin, db: Data<Db>) -> PageResult {
    GeneralPage::of(&member, About::of(&member, &db).await?).answer()
}

/// POST /p/{project}/settings/general: gives the project another name.
pub async fn save(member: Admin, db: Data<Db>, htmx: Htmx, session: Session, Form(raw): Form) -> PageResult {
    let project = member.project.id;
    let about = About::of(&member, &db).await?;
    let name = match ProjectName::new(raw.text("name")) {
        Ok(name) => name,
        Err(wrong) => return GeneralPage::refused(&member, about, &raw, &wrong.to_string()).answer(),
    };
    match db.transaction(move |conn| projects::rename(conn, project, &name)).await {
        Ok(_) => {
            session::say(&session, "Saved.")?;
            Ok(go_to(htmx, &member.path("/settings/general")))
        }
        Err(NameError::NameTaken) => {
            GeneralPage::refused(&member, about, &raw, "Another project has this name.").answer()
        }
        Err(NameError::Gone) => Err(PageError::NotFound("This project no longer exists.")),
        Err(NameError::Db(error)) => Err(error.into()),
    }
}
