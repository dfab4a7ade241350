//! What a form asks for before it is saved: a preset filled in, a look at the request.
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;

use super::create::NewPage;
use super::edit::EditPage;
use super::form::{Fields, Kept};
use super::preview::Shown;
use super::request::{Looking, RequestAlone, RequestPreview, Samples};
use super::stored::Found;
use super::{find, own_names};
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::base::ids::ProjectId;
use crate::base::seal::SealKey;
use crate::models::webhooks::{Settings, Webhook};
use crate::web::{Admin, Form, Htmx, Member, PageError, PageResult, RawForm, page};

/// The webhook whose settings a form is about, or that it copies; none for a new one, or once that is gone.
pub(super) async fn model_of(
    db: &Db,
    project: ProjectId,
    raw: &RawForm,
) -> Result<Option<Webhook>, PageError> {
    let id = [raw.text("webhook"), raw.text("from")].into_iter().find(|id| !id.is_empty());
    let Some(id) = id else { return Ok(None) };
    match find(db, project, id).await {
        Ok(webhook) => Ok(Some(webhook)),
        Err(PageError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// POST /p/{project}/settings/webhooks/new: nothing is saved. The form as it was typed, with what its preset fills in;
/// for htmx the part that changes.
pub async fn fill(
    admin: Admin,
    (db, clock, seal): (Data<Db>, Data<Clock>, Data<SealKey>),
    htmx: Htmx,
    Form(raw): Form,
) -> PageResult {
    answer(&admin, (&db, &clock, seal), &raw, htmx, None).await
}

/// POST /p/{project}/settings/webhooks/preview-request: what the receiver would see; without htmx within the page.
pub async fn preview_request(
    admin: Admin,
    (db, clock, seal): (Data<Db>, Data<Clock>, Data<SealKey>),
    htmx: Htmx,
    Form(raw): Form,
) -> PageResult {
    if !htmx.0 {
        return answer(&admin, (&db, &clock, seal), &raw, htmx, None).await;
    }
    let model = model_of(&db, admin.project.id, &raw).await?;
    let kept = Kept::of(model.as_ref().map(|webhook| &webhook.settings));
    let fields = Fields::typed(&raw).filled(&kept);
    let webhook = model.map(|webhook| webhook.id).filter(|id| raw.text("webhook") == id.to_string());
    let own = own_names(&db, admin.project.id).await?;
    let samples = Samples::of(&db, admin.project.id, &fields, &own, Some(&raw)).await?;
    let (now, raw) = (clock.now(), Some(&raw));
    let looking = Looking { member: &admin, own: &own, samples: &samples, now, webhook, raw };
    page::page(&RequestAlone { request: RequestPreview::of(&fields, &kept, looking) })
}

/// The form with what was typed into it, and what its events and filter would have sent, if that was asked.
pub(super) async fn answer(
    member: &Member,
    (db, clock, seal): (&Db, &Clock, Data<SealKey>),
    raw: &RawForm,
    htmx: Htmx,
    preview: Option<(Shown, StatusCode)>,
) -> Result<HttpResponse, PageError> {
    let now = clock.now();
    if !raw.text("webhook").is_empty() {
        let found = Found::by_path(member, db, clock, seal, raw.text("webhook")).await?;
        let fields = Fields::typed(raw).filled(&Kept::of(Some(&found.webhook.settings)));
        let samples = Samples::of(db, member.project.id, &fields, &found.own, Some(raw)).await?;
        let looking = found.looked_at_by(member, &samples, now, Some(raw));
        return EditPage::typed(member, &found, fields, looking).with_preview(preview).answer_filled(htmx);
    }
    let model: Option<Settings> = model_of(db, member.project.id, raw).await?.map(|model| model.settings);
    let fields = Fields::typed(raw).filled(&Kept::of(model.as_ref()));
    let own = own_names(db, member.project.id).await?;
    let samples = Samples::of(db, member.project.id, &fields, &own, Some(raw)).await?;
    let looking = Looking { member, own: &own, samples: &samples, now, webhook: None, raw: Some(raw) };
    NewPage::typed(member, fields, model.as_ref(), looking).with_preview(preview).answer_filled(htmx)
}
