//! `/p/{project}/settings/webhooks/try`: a test of what stands in a form, before it is saved.
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::filling::model_of;
use super::form::Fields;
use super::testing::{Answer, named, time_limit_s, why_not};
use super::{GONE, address, own_names};
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::dispatcher::probe::{Egress, Test, TestSender, Trial};
use crate::models::webhooks::{self, Settings, Webhook};
use crate::pages::history::typed::checked;
use crate::rules::body::EventSource;
use crate::web::{Admin, Form, Frame, Htmx, Member, PageError, PageResult, RawForm, Section, filters, page};

#[derive(Template)]
#[template(path = "settings/webhooks/try.html", blocks = ["tried"])]
struct TryPage {
    frame: Frame,
    status: StatusCode,
    overview_link: String,
    time_limit_s: String,
    /// What has to be corrected before anything can be sent.
    wrong: Vec<String>,
    answer: Option<Answer>,
}

impl TryPage {
    fn of(member: &Member, settings: &Settings) -> Self {
        let list_link = member.path("/settings/webhooks");
        Self {
            frame: member
                .frame("A test of what is not saved", Section::Webhooks)
                .below("Webhooks", &list_link),
            status: StatusCode::OK,
            overview_link: member.path("/overview"),
            time_limit_s: time_limit_s(settings),
            wrong: Vec::new(),
            answer: None,
        }
    }

    fn refused(member: &Member, wrong: Vec<String>) -> Self {
        let page = Self::of(member, &Settings::default());
        Self { wrong, status: StatusCode::UNPROCESSABLE_ENTITY, ..page }
    }
}

/// POST /p/{project}/settings/webhooks/try: the webhook's form with `type` and `data`; `webhook` where it exists, `from`
/// where it is a copy.
///
/// One that does not exist signs with a secret of the moment, and stands in the history as not saved yet.
pub async fn try_unsaved(
    admin: Admin,
    (db, clock): (Data<Db>, Data<Clock>),
    (egress, tests, htmx): (Data<Egress>, Data<TestSender>, Htmx),
    Form(raw): Form,
) -> PageResult {
    let model = model_of(&db, admin.project.id, &raw).await?;
    if model.is_none() && !raw.text("webhook").is_empty() {
        return Err(PageError::NotFound(GONE));
    }
    let page = match tried(&admin, &db, &clock, (&egress, &tests), &raw, model).await? {
        Ok((settings, answer)) => TryPage { answer: Some(answer), ..TryPage::of(&admin, &settings) },
        Err(wrong) => TryPage::refused(&admin, wrong),
    };
    page::page_or_block(htmx, page.status, &page, &page.as_tried())
}

async fn tried(
    member: &Member,
    db: &Db,
    clock: &Clock,
    (egress, tests): (&Egress, &TestSender),
    raw: &RawForm,
    model: Option<Webhook>,
) -> Result<Result<(Settings, Answer), Vec<String>>, PageError> {
    let mut wrong = Vec::new();
    let typed = Fields::typed(raw);
    let settings = model.as_ref().map(|webhook| &webhook.settings);
    let own = own_names(db, member.project.id).await?;
    let settings = match address::checked(&typed, settings, (&member.project, &own), egress).await {
        Ok(checked) => Some(checked.settings),
        Err(problems) => {
            wrong.extend(problems.into_iter().map(|problem| problem.message));
            None
        }
    };
    let event_type = named(db, member.project.id, raw.text("trial_type")).await?;
    if event_type.is_none() {
        wrong.push("Choose an event type to try it with.".to_owned());
    }
    let data = checked(&raw.text("trial_data").replace("\r\n", "\n"));
    let data = data.map_err(|why| wrong.push(format!("Data: {why}"))).ok();
    let (Some(settings), Some(event_type), Some(data)) = (settings, event_type, data) else {
        return Ok(Err(wrong));
    };
    let (project, now) = (member.project.id, clock.now());
    let model = model.map(|webhook| webhook.id);
    let webhook = match model.filter(|_| !raw.text("webhook").is_empty()) {
        Some(webhook) => webhook,
        None => db.transaction(move |conn| webhooks::draft(conn, project, now)).await?,
    };
    let test = Test {
        project,
        webhook,
        event_type: event_type.name,
        data,
        source: EventSource::UserPortal { user_id: member.user.id.to_string() }.to_json(),
        trial: Trial::Unsaved { settings: Box::new(settings.clone()), model },
    };
    match tests.send(test).await {
        Ok(tested) => Ok(Ok((settings, Answer::of(member, &tested)))),
        Err(error) => Ok(Err(vec![why_not(error)?])),
    }
}
