//! `/p/{project}/settings/webhooks/{webhook}/test`: one event to one webhook, and what its receiver says.
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{Bytes, Data, Path};
use askama::Template;

use super::{GONE, find, own_names};
use crate::base::db::Db;
use crate::base::ids::ProjectId;
use crate::dispatcher::probe::{TESTS_A_MINUTE_MAX, Test, TestError, TestSender, Tested, Trial};
use crate::models::event_types::{self, TypeSample};
use crate::models::webhooks::{Settings, Webhook, trial_of};
use crate::pages::history::body::Layout;
use crate::pages::history::exchange::Exchange;
use crate::pages::history::typed::checked;
use crate::rules::body::EventSource;
use crate::rules::catalogue;
use crate::rules::catalogue::own::OwnNames;
use crate::web::{
    Admin, FieldErrors, Form, Frame, Htmx, Member, PageError, PageResult, Query, RawForm, Section, filters,
    page,
};

#[derive(Template)]
#[template(path = "settings/webhooks/test.html", blocks = ["test", "form", "answer"])]
struct TestPage {
    frame: Frame,
    status: StatusCode,
    link: String,
    edit_link: String,
    overview_link: String,
    /// Says whether the data is JSON while it is typed.
    check_link: String,
    target_url: String,
    time_limit_s: String,
    /// Said of a webhook that is off.
    off: &'static str,
    /// Whether the page has just been opened: it begins at the event type.
    begins_here: bool,
    choices: Vec<Choices>,
    event_type: TypeSample,
    data: String,
    errors: FieldErrors,
    answer: Option<Answer>,
}

/// Event types under a title.
struct Choices {
    title: &'static str,
    types: Vec<String>,
}

/// What came of a test.
pub(super) struct Answer {
    pub(super) delivery_link: String,
    pub(super) exchange: Exchange,
}

impl Answer {
    pub(super) fn of(member: &Member, tested: &Tested) -> Self {
        let Tested { delivery, attempt, payload } = tested;
        let exchange =
            Exchange::of(delivery, attempt, Some(payload), Layout::Pretty, member.role, &member.sight.veil());
        Self { delivery_link: member.path(&format!("/history/{}", delivery.id)), exchange }
    }
}

impl TestPage {
    /// The form with a type's sample.
    fn of(member: &Member, webhook: &Webhook, event_type: TypeSample, own: &OwnNames) -> Self {
        let list_link = member.path("/settings/webhooks");
        let edit_link = format!("{list_link}/{}", webhook.id);
        let settings = &webhook.settings;
        Self {
            frame: member
                .frame("Send a test", Section::Webhooks)
                .below("Webhooks", &list_link)
                .below(&settings.name, &edit_link),
            status: StatusCode::OK,
            link: format!("{edit_link}/test"),
            edit_link,
            overview_link: member.path("/overview"),
            check_link: member.path("/settings/webhooks/check-data"),
            target_url: settings.target_url.clone(),
            time_limit_s: time_limit_s(settings),
            off: match (settings.active, &webhook.disabled) {
                (true, _) => "",
                (false, None) => "This webhook is paused. A test is sent all the same.",
                (false, Some(_)) => "This webhook is disabled. A test is sent all the same.",
            },
            begins_here: false,
            choices: choices(settings, own),
            data: event_type.sample.clone(),
            event_type,
            errors: FieldErrors::none(),
            answer: None,
        }
    }

    /// What was typed, and why it was not sent. 422.
    fn refused(self, data: &str, errors: FieldErrors) -> Self {
        Self { data: data.to_owned(), errors, status: StatusCode::UNPROCESSABLE_ENTITY, ..self }
    }

    /// What was typed, and what came of it.
    fn sent(self, member: &Member, data: &str, tested: &Tested) -> Self {
        Self { data: data.to_owned(), answer: Some(Answer::of(member, tested)), ..self }
    }

    /// Whether the data is no longer the type's sample.
    fn is_edited(&self) -> bool {
        self.data.trim_end() != self.event_type.sample.trim_end()
    }

    /// The page, or for htmx the form: all but a test's answer concerns only that.
    fn answer(&self, htmx: Htmx) -> PageResult {
        if !htmx.0 {
            return page::page_with(self.status, self);
        }
        Ok(aimed_at("#test-form", page::page_with(self.status, &self.as_form())?))
    }

    /// The page, or for htmx the answer; all of it where the form still tells what was wrong before.
    fn answer_sent(&self, htmx: Htmx, raw: &RawForm) -> PageResult {
        match (htmx.0, raw.is_checked("refused")) {
            (false, _) => page::page_with(self.status, self),
            (true, false) => page::page_with(self.status, &self.as_answer()),
            (true, true) => Ok(aimed_at("#test", page::page_with(self.status, &self.as_test())?)),
        }
    }
}

/// Tells htmx where to put an answer that concerns another part than the one the request named.
fn aimed_at(place: &'static str, mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(HeaderName::from_static("hx-retarget"), HeaderValue::from_static(place));
    response
}

/// GET /p/{project}/settings/webhooks/{webhook}/test?type=: the form with a sample.
pub async fn show_test(
    admin: Admin,
    db: Data<Db>,
    htmx: Htmx,
    (path, query): (Path<(String, String)>, Query),
) -> PageResult {
    let webhook = find(&db, admin.project.id, &path.1).await?;
    let own = own_names(&db, admin.project.id).await?;
    let chosen = named(&db, webhook.project, query.0.text("type")).await?;
    let chosen = match chosen {
        Some(chosen) => chosen,
        None => first(&db, &webhook).await?,
    };
    let page = TestPage::of(&admin, &webhook, chosen, &own);
    TestPage { begins_here: query.0.get("type").is_none(), ..page }.answer(htmx)
}

/// POST /p/{project}/settings/webhooks/{webhook}/test: sends it and shows what the receiver said. With `load`, only
/// goes back to the sample.
pub async fn send_test(
    admin: Admin,
    (db, tests): (Data<Db>, Data<TestSender>),
    htmx: Htmx,
    path: Path<(String, String)>,
    Form(raw): Form,
) -> PageResult {
    let webhook = find(&db, admin.project.id, &path.1).await?;
    let typed = raw.text("data").replace("\r\n", "\n");
    let own = own_names(&db, admin.project.id).await?;
    let Some(event_type) = named(&db, webhook.project, raw.text("type")).await? else {
        let errors = FieldErrors::one("type", "Choose an event type.");
        let form = TestPage::of(&admin, &webhook, first(&db, &webhook).await?, &own);
        return form.refused(&typed, errors).answer(htmx);
    };
    let form = TestPage::of(&admin, &webhook, event_type.clone(), &own);
    if raw.is_checked("load") {
        // Without a script; at an address that can be loaded again.
        return Ok(page::go_to(htmx, &format!("{}?type={}", form.link, event_type.name)));
    }
    let data = match checked(&typed) {
        Ok(data) => data,
        Err(message) => return form.refused(&typed, FieldErrors::one("data", &message)).answer(htmx),
    };
    match tests.send(test(&admin, &webhook, &event_type, data)).await {
        Ok(tested) => form.sent(&admin, &typed, &tested).answer_sent(htmx, &raw),
        Err(error) => form.refused(&typed, FieldErrors::one("", &why_not(error)?)).answer(htmx),
    }
}

/// The type of that name, if the project knows it.
pub(super) async fn named(db: &Db, project: ProjectId, name: &str) -> Result<Option<TypeSample>, PageError> {
    let name = name.to_owned();
    Ok(db.run(move |conn| event_types::trial(conn, project, &name)).await?)
}

/// The first type that the webhook takes.
pub(super) async fn first(db: &Db, webhook: &Webhook) -> Result<TypeSample, PageError> {
    let (project, settings) = (webhook.project, webhook.settings.clone());
    Ok(db.run(move |conn| trial_of(conn, project, &settings)).await?)
}

fn test(member: &Member, webhook: &Webhook, event_type: &TypeSample, data: Bytes) -> Test {
    Test {
        project: webhook.project,
        webhook: webhook.id,
        event_type: event_type.name.clone(),
        data,
        source: EventSource::UserPortal { user_id: member.user.id.to_string() }.to_json(),
        trial: Trial::Stored,
    }
}

/// Why no test was sent, for the person who wanted it.
pub(super) fn why_not(error: TestError) -> Result<String, PageError> {
    match error {
        TestError::Gone => Err(PageError::NotFound(GONE)),
        TestError::SecretGone => Ok("That secret signs no more. Load the page again.".to_owned()),
        TestError::Db(error) => Err(error.into()),
        TestError::Address => Ok("The webhook's address cannot be used. Change it first.".to_owned()),
        TestError::Busy(wait) => {
            Ok(format!("Many tests are under way at the moment. Try again in {} s.", wait.whole_seconds()))
        }
        TestError::Throttled(wait) => Ok(format!(
            "A webhook is tested at most {TESTS_A_MINUTE_MAX} times a minute. Try again in {} s.",
            wait.whole_seconds() + 1
        )),
    }
}

/// POST /p/{project}/settings/webhooks/check-data: what is wrong with `data` and where, while it is typed.
pub async fn check_data(_: Admin, Form(raw): Form) -> PageResult {
    let typed = raw.get("trial_data").unwrap_or(raw.text("data"));
    let wrong = checked(&typed.replace("\r\n", "\n")).err();
    page::page(&CheckPart { wrong })
}

/// GET /p/{project}/settings/webhooks/sample?trial_type=: the sample of a type as a field to edit.
pub async fn trial_sample(admin: Admin, db: Data<Db>, query: Query) -> PageResult {
    let found = named(&db, admin.project.id, query.0.text("trial_type")).await?;
    let found = found.unwrap_or_else(|| TypeSample::of(catalogue::plain()));
    page::page(&SamplePart {
        trial_data: found.sample.trim_end().to_owned(),
        check_link: admin.path("/settings/webhooks/check-data"),
    })
}

#[derive(Template)]
#[template(path = "settings/webhooks/trial_data.html")]
struct SamplePart {
    trial_data: String,
    check_link: String,
}

#[derive(Template)]
#[template(path = "settings/webhooks/check_data.html")]
struct CheckPart {
    wrong: Option<String>,
}

pub(super) fn time_limit_s(settings: &Settings) -> String {
    (f64::from(settings.timeout_ms) / 1000.0).to_string()
}

/// What the webhook subscribes to, then the rest; own types first.
fn choices(settings: &Settings, own: &OwnNames) -> Vec<Choices> {
    let names = own.iter().chain(catalogue::all().iter().map(|event_type| event_type.name));
    let (taken, others): (Vec<_>, Vec<_>) = names.map(str::to_owned).partition(|name| settings.takes(name));
    let all = [("This webhook’s event types", taken), ("Other event types", others)];
    all.into_iter()
        .filter(|(_, types)| !types.is_empty())
        .map(|(title, types)| Choices { title, types })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_can_be_chosen_and_the_webhooks_own_come_first() {
        let some = Settings { events: vec!["voucher.created".to_owned()], ..Settings::default() };
        let offered = choices(&some, &OwnNames::default());
        assert_eq!(offered[0].types, ["voucher.created"]);
        assert_eq!(offered.iter().map(|group| group.types.len()).sum::<usize>(), catalogue::all().len());
        assert_eq!(
            choices(&Settings { all_events: true, ..Settings::default() }, &OwnNames::default()).len(),
            1
        );
    }

    #[test]
    fn every_sample_may_be_sent_as_it_stands() {
        for event_type in catalogue::all() {
            assert!(checked(event_type.sample()).is_ok(), "{}", event_type.name);
        }
    }
}
