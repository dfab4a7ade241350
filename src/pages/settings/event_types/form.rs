//! A new type, and a type described anew.
use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;

use super::{GONE, find};
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::models::event_types::{self, CreateError, OWN_TYPES_MAX};
use crate::rules::catalogue::own::{OwnType, PREFIX, Wrong};
use crate::web::{
    Admin, FieldErrors, Form, Frame, Htmx, Member, PageError, PageResult, RawForm, Section, filters, page,
    session,
};

/// The form's fields as text, typed or stored.
#[derive(Clone, Debug, Default)]
struct Fields {
    name: String,
    description: String,
    sample: String,
    schema: String,
}

impl Fields {
    fn of(own: OwnType) -> Self {
        let schema = own.typed_schema.unwrap_or_default();
        Self { name: own.name, description: own.description, sample: own.sample, schema }
    }

    fn typed(raw: &RawForm) -> Self {
        // Browsers send line breaks as CR LF.
        let text = |name: &str| raw.text(name).replace("\r\n", "\n");
        Self {
            name: text("name"),
            description: text("description"),
            sample: text("sample"),
            schema: text("schema"),
        }
    }

    fn checked(&self) -> Result<OwnType, Vec<Wrong>> {
        OwnType::checked(&self.name, &self.description, &self.sample, &self.schema)
    }
}

#[derive(Template)]
#[template(path = "settings/event_types/form.html")]
struct FormPage {
    frame: Frame,
    status: StatusCode,
    is_new: bool,
    /// Where the form is sent.
    link: String,
    /// Where one goes without saving.
    back_link: String,
    fields: Fields,
    errors: FieldErrors,
}

impl FormPage {
    fn of_new(member: &Member, fields: Fields) -> Self {
        let list_link = member.path("/settings/event-types");
        Self {
            frame: member.frame("New event type", Section::EventTypes).below("Event types", &list_link),
            status: StatusCode::OK,
            is_new: true,
            link: list_link.clone(),
            back_link: list_link,
            fields,
            errors: FieldErrors::none(),
        }
    }

    fn of(member: &Member, fields: Fields) -> Self {
        let list_link = member.path("/settings/event-types");
        let link = format!("{list_link}/{}", fields.name);
        let frame = member.frame("Edit", Section::EventTypes).below("Event types", &list_link);
        Self {
            frame: frame.below(&fields.name, &link),
            is_new: false,
            link: link.clone(),
            back_link: link,
            ..Self::of_new(member, fields)
        }
    }

    /// What was typed, and why it could not be saved. 422.
    fn refused(self, errors: FieldErrors) -> PageResult {
        Self { errors, status: StatusCode::UNPROCESSABLE_ENTITY, ..self }.answer()
    }

    fn answer(&self) -> PageResult {
        page::page_with(self.status, self)
    }
}

fn errors_of(wrongs: Vec<Wrong>) -> FieldErrors {
    let mut errors = FieldErrors::none();
    wrongs.into_iter().for_each(|wrong| errors.add(wrong.field, wrong.message));
    errors
}

/// GET /p/{project}/settings/event-types/new.
pub async fn new(admin: Admin) -> PageResult {
    FormPage::of_new(&admin, Fields { name: PREFIX.to_owned(), ..Fields::default() }).answer()
}

/// POST /p/{project}/settings/event-types: goes on to the type's page.
pub async fn create(
    admin: Admin,
    (db, clock): (Data<Db>, Data<Clock>),
    (session, htmx): (Session, Htmx),
    Form(raw): Form,
) -> PageResult {
    let form = FormPage::of_new(&admin, Fields::typed(&raw));
    let own = match form.fields.checked() {
        Ok(own) => own,
        Err(wrongs) => return form.refused(errors_of(wrongs)),
    };
    let (project, now, name) = (admin.project.id, clock.now(), own.name.clone());
    match db.transaction(move |conn| event_types::create(conn, project, &own, now)).await {
        Ok(()) => {
            session::say(&session, "Added. Events of this type are accepted from now on.")?;
            Ok(page::go_to(htmx, &admin.path(&format!("/settings/event-types/{name}"))))
        }
        Err(CreateError::NameTaken) => {
            form.refused(FieldErrors::one("name", "This project has an event type of this name already."))
        }
        Err(CreateError::TooMany) => {
            let text =
                format!("A project has at most {OWN_TYPES_MAX} event types of its own. Delete one first.");
            form.refused(FieldErrors::one("", &text))
        }
        Err(CreateError::Db(error)) => Err(error.into()),
    }
}

/// GET /p/{project}/settings/event-types/{type}/edit.
pub async fn edit(admin: Admin, db: Data<Db>, path: Path<(String, String)>) -> PageResult {
    let own = find(&db, admin.project.id, &path.1).await?;
    FormPage::of(&admin, Fields::of(own)).answer()
}

/// POST /p/{project}/settings/event-types/{type}.
pub async fn save(
    admin: Admin,
    (db, clock): (Data<Db>, Data<Clock>),
    (session, htmx): (Session, Htmx),
    path: Path<(String, String)>,
    Form(raw): Form,
) -> PageResult {
    let stored = find(&db, admin.project.id, &path.1).await?;
    // The name is the path's: it stays.
    let form = FormPage::of(&admin, Fields { name: stored.name, ..Fields::typed(&raw) });
    let own = match form.fields.checked() {
        Ok(own) => own,
        Err(wrongs) => return form.refused(errors_of(wrongs)),
    };
    let (project, now) = (admin.project.id, clock.now());
    if !db.transaction(move |conn| event_types::replace(conn, project, &own, now)).await.map_err(db_error)? {
        return Err(PageError::NotFound(GONE));
    }
    session::say(&session, "Saved.")?;
    Ok(page::go_to(htmx, &form.link))
}

fn db_error(error: crate::base::db::DbError) -> PageError {
    error.into()
}
