//! `/p/{project}/settings/masking`: which personal data support and viewers do not see, tried on the newest event.
use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use diesel::PgConnection;

use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::ProjectId;
use crate::models::audit::{self, Action};
use crate::models::events;
use crate::models::projects::masking;
use crate::pages::history::body::{Body, Layout};
use crate::rules::catalogue;
use crate::rules::masks::{Field, Kind, OWN_RULES_MAX, Rule, Rules, Veil, defaults};
use crate::web::{
    Admin, FieldErrors, Form, Frame, Htmx, Member, PageResult, RawForm, Section, filters, page, session,
};

/// So many empty lines are offered for more fields.
const SPARE: usize = 2;
/// What is shown before there is an event.
const SAMPLE_TYPE: &str = "redemption.succeeded";

#[derive(Template)]
#[template(path = "settings/masking.html", blocks = ["preview"])]
struct MaskingPage {
    frame: Frame,
    link: String,
    defaults: Vec<DefaultRow>,
    own: Vec<OwnRow>,
    kinds: [Kind; 6],
    errors: FieldErrors,
    preview: Body,
    /// Of what the preview is.
    preview_of: String,
}

struct DefaultRow {
    field: &'static str,
    kind: Kind,
    is_on: bool,
}

#[derive(Clone, Default)]
struct OwnRow {
    field: String,
    kind: String,
}

/// The form as it was typed, or as it is stored.
struct Typed {
    on: Vec<&'static str>,
    own: Vec<OwnRow>,
}

impl Typed {
    fn stored(rules: &[Rule]) -> Self {
        let is_off = |rule: &Rule| rule.kind == Kind::Shown;
        let is_default = |rule: &&Rule| defaults().iter().any(|one| one.field.is_like(&rule.field));
        let on =
            defaults().iter().filter(|one| !rules.iter().any(|r| is_off(r) && r.field.is_like(&one.field)));
        let own = rules.iter().filter(|rule| !(is_off(rule) && is_default(rule)));
        let row = |rule: &Rule| OwnRow { field: rule.field.as_str().to_owned(), kind: rule.kind.to_string() };
        Self { on: on.map(|one| one.field.as_str()).collect(), own: own.map(row).collect() }
    }

    fn of(form: &RawForm) -> Self {
        let fields = form.all("field").zip(form.all("kind")).filter(|(field, _)| !field.trim().is_empty());
        let row = |(field, kind): (&str, &str)| OwnRow { field: field.to_owned(), kind: kind.to_owned() };
        let on = defaults().iter().map(|one| one.field.as_str()).filter(|field| form.has("on", field));
        Self { on: on.collect(), own: fields.map(row).collect() }
    }

    /// The rules, and what is wrong with those that are none, by place.
    fn rules(&self) -> (Vec<Rule>, FieldErrors) {
        let off = defaults().iter().filter(|one| !self.on.contains(&one.field.as_str()));
        let mut rules: Vec<Rule> =
            off.map(|one| Rule { field: one.field.clone(), kind: Kind::Shown }).collect();
        let mut errors = FieldErrors::none();
        for (n, row) in self.own.iter().enumerate() {
            match (Field::parse(&row.field), row.kind.parse()) {
                (Ok(field), Ok(kind)) => {
                    rules.retain(|rule| !rule.field.is_like(&field));
                    rules.push(Rule { field, kind });
                }
                (Err(wrong), _) => errors.add(&format!("field-{n}"), wrong.to_string()),
                (_, Err(())) => errors.add(&format!("field-{n}"), "Choose what the field holds."),
            }
        }
        if self.own.len() > OWN_RULES_MAX {
            errors.add("", format!("A project has at most {OWN_RULES_MAX} fields of its own."));
        }
        (rules, errors)
    }
}

/// The newest event's data, or a sample.
fn document(
    conn: &mut PgConnection,
    project: ProjectId,
    clock: &Clock,
) -> Result<(String, Vec<u8>), DbError> {
    let newest = events::list(conn, project, &events::Filter::default(), 1, clock.now())?.events;
    if let Some(event) = newest.first()
        && let Some(found) =
            events::find(conn, project, event.id)?.filter(|found| !found.payload.is_emptied())
    {
        return Ok((format!("the newest event, {}", event.event_type), found.payload.data.to_vec()));
    }
    let sample = catalogue::all().iter().find(|one| one.name == SAMPLE_TYPE).map_or("{}", |one| one.sample());
    Ok((format!("a sample, {SAMPLE_TYPE}"), sample.as_bytes().to_vec()))
}

impl MaskingPage {
    fn of(member: &Member, typed: Typed, errors: FieldErrors, (name, data): (String, Vec<u8>)) -> Self {
        let (rules, _) = typed.rules();
        let mut veil = Veil::over(Rules::with(rules).into());
        veil.learn(&data);
        let row = |one: &'static Rule| DefaultRow {
            field: one.field.as_str(),
            kind: one.kind,
            is_on: typed.on.contains(&one.field.as_str()),
        };
        let spare = std::iter::repeat_n(OwnRow { field: String::new(), kind: "other".to_owned() }, SPARE);
        Self {
            frame: member.frame("Masking", Section::Masking),
            link: member.path("/settings/masking"),
            defaults: defaults().iter().map(row).collect(),
            preview: Body::of(&veil.bytes(&data), Layout::Pretty),
            preview_of: name,
            own: typed.own.into_iter().chain(spare).collect(),
            kinds: Kind::ALL,
            errors,
        }
    }
}

/// GET /p/{project}/settings/masking.
pub async fn show(admin: Admin, db: Data<Db>, clock: Data<Clock>) -> PageResult {
    let project = admin.project.id;
    let load = db.run(move |conn| -> Result<_, DbError> {
        Ok((masking::own_rules(conn, project)?, document(conn, project, &clock)?))
    });
    let (rules, document) = load.await?;
    page::page(&MaskingPage::of(&admin, Typed::stored(&rules), FieldErrors::none(), document))
}

/// POST /p/{project}/settings/masking/preview: the page with what was typed, saved not.
pub async fn preview(
    admin: Admin,
    (db, clock): (Data<Db>, Data<Clock>),
    htmx: Htmx,
    Form(form): Form,
) -> PageResult {
    let project = admin.project.id;
    let document = db.run(move |conn| document(conn, project, &clock)).await?;
    let typed = Typed::of(&form);
    let (_, errors) = typed.rules();
    let view = MaskingPage::of(&admin, typed, errors, document);
    page::page_or_block(htmx, StatusCode::OK, &view, &view.as_preview())
}

/// POST /p/{project}/settings/masking.
pub async fn save(
    admin: Admin,
    (db, clock): (Data<Db>, Data<Clock>),
    (session, htmx): (Session, Htmx),
    Form(form): Form,
) -> PageResult {
    let (project, now, typed) = (admin.project.id, clock.now(), Typed::of(&form));
    let (rules, errors) = typed.rules();
    if !errors.is_empty() {
        let document = db.run(move |conn| document(conn, project, &clock)).await?;
        let view = MaskingPage::of(&admin, typed, errors, document);
        return page::page_with(StatusCode::UNPROCESSABLE_ENTITY, &view);
    }
    let entry = admin.entry(Action::MaskingChanged, project, told(&rules));
    let saved = db.transaction(move |conn| -> Result<_, DbError> {
        masking::set_rules(conn, project, &rules)?;
        audit::write(conn, &entry, now)
    });
    saved.await?;
    session::say(&session, "Saved. Every page masks by it from now on.")?;
    Ok(page::go_to(htmx, &admin.path("/settings/masking")))
}

/// The rules in words, for the audit log.
pub fn told(rules: &[Rule]) -> String {
    let one = |rule: &Rule| format!("{}: {}", rule.field.as_str(), rule.kind);
    let words = rules.iter().map(one).collect::<Vec<_>>().join(", ");
    if words.is_empty() { "The defaults".to_owned() } else { words }
}
