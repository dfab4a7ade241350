//! What the events and the filter in a form would have sent of the last events: beside the form, before it is saved.
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use time::OffsetDateTime;

use super::form::Fields;
use super::{filling, find};
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::base::seal::SealKey;
use crate::models::events::{self, Looked, Preview};
use crate::models::webhooks::Settings;
use crate::rules::catalogue;
use crate::web::{Admin, Form, Htmx, Member, PageResult, filters, page};

/// Characters of a value that are shown.
const FOUND_LENGTH_MAX: usize = 60;

/// The preview, ready to print. Empty where nobody has asked for one.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Why nothing can be said.
    pub error: String,
    /// The comparison in a sentence.
    pub words: String,
    /// The newest events of the chosen types, where a filter judges them.
    pub rows: Vec<Row>,
}

/// An event, and what the filter makes of it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Row {
    pub link: String,
    pub event_type: String,
    pub created_at: OffsetDateTime,
    pub is_taken: bool,
    /// The conditions that failed, and what was found; empty where it is taken.
    pub why: Vec<String>,
}

#[derive(Template)]
#[template(path = "settings/webhooks/preview.html")]
struct Fragment {
    preview: Option<Shown>,
}

impl Shown {
    fn of(member: &Member, preview: Preview, draft: &Settings, has_stored: bool) -> Self {
        let rows = if draft.filter.is_some() { preview.sample.iter() } else { [].iter() };
        Self {
            error: String::new(),
            words: words(&preview, has_stored),
            rows: rows.map(|looked| Row::of(member, looked)).collect(),
        }
    }

    fn error(error: String) -> Self {
        Self { error, ..Self::default() }
    }
}

impl Row {
    fn of(member: &Member, looked: &Looked) -> Self {
        let id = looked.id.with_prefix(catalogue::id_prefix(&looked.event_type));
        let failed = looked.findings.iter().filter(|finding| !finding.holds);
        Self {
            link: member.path(&format!("/events/{id}")),
            event_type: looked.event_type.clone(),
            created_at: looked.created_at,
            is_taken: looked.is_taken,
            why: failed.map(|f| format!("{}: {}", f.condition, found(f.found.as_deref()))).collect(),
        }
    }
}

fn found(value: Option<&str>) -> String {
    match value {
        None => "there is nothing".to_owned(),
        Some(value) if value.chars().count() > FOUND_LENGTH_MAX => {
            format!("found {}…", value.chars().take(FOUND_LENGTH_MAX).collect::<String>())
        }
        Some(value) => format!("found {value}"),
    }
}

fn words(preview: &Preview, has_stored: bool) -> String {
    // At most a thousand and its comma.
    let grouped = |number: usize| match (number / 1_000, number % 1_000) {
        (0, small) => small.to_string(),
        (thousands, rest) => format!("{thousands},{rest:03}"),
    };
    let Preview { looked_at, before, after, .. } = *preview;
    let after_words = grouped(after);
    let among = match looked_at {
        0 => return "No event has arrived yet that could be compared with.".to_owned(),
        1 => "Of the last event".to_owned(),
        many => format!("Of the last {} events", grouped(many)),
    };
    match (has_stored, before == after) {
        (false, _) => format!("{among} this would have sent {after_words}."),
        (true, true) => format!("{among} this would have sent {after_words}, as many as the saved settings."),
        (true, false) => {
            format!("{among} this would have sent {after_words} instead of {}.", grouped(before))
        }
    }
}

/// POST /p/{project}/settings/webhooks/preview: takes the fields of a webhook's form, and in `webhook` the id of one that
/// exists. For htmx the preview; without it the form again, as it was typed, with the preview in it. Saves nothing.
pub async fn preview(
    admin: Admin,
    (db, clock, seal): (Data<Db>, Data<Clock>, Data<SealKey>),
    htmx: Htmx,
    Form(raw): Form,
) -> PageResult {
    let fields = Fields::typed(&raw);
    let id = Some(raw.text("webhook")).filter(|id| !id.is_empty());
    let stored = match id {
        Some(id) => Some(find(&db, admin.project.id, id).await?.settings),
        None => None,
    };
    let (shown, status) = match fields.choice() {
        Ok(draft) => (compared(&admin, &db, draft, stored, clock.now()).await?, StatusCode::OK),
        Err(why) => (Shown::error(why), StatusCode::UNPROCESSABLE_ENTITY),
    };
    if htmx.0 {
        // A form that is not filled in yet is no mistake while somebody types.
        return page::page(&Fragment { preview: Some(shown) });
    }
    filling::answer(&admin, (&db, &clock, seal), &raw, htmx, Some((shown, status))).await
}

async fn compared(
    member: &Member,
    db: &Db,
    draft: Settings,
    stored: Option<Settings>,
    now: OffsetDateTime,
) -> Result<Shown, crate::web::PageError> {
    let (project, has_stored) = (member.project.id, stored.is_some());
    let looked = db.run(move |conn| {
        let preview = events::preview(conn, project, &draft, stored.as_ref(), now)?;
        Ok::<_, crate::base::db::DbError>((preview, draft))
    });
    let (preview, draft) = looked.await?;
    Ok(Shown::of(member, preview, &draft, has_stored))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_what_changes() {
        let told = |looked_at, before, after, has_stored| {
            words(&Preview { looked_at, before, after, sample: Vec::new() }, has_stored)
        };
        assert_eq!(
            told(1_000, 540, 312, true),
            "Of the last 1,000 events this would have sent 312 instead of 540."
        );
        assert_eq!(told(1_000, 0, 1_000, false), "Of the last 1,000 events this would have sent 1,000.");
        assert_eq!(
            told(1, 1, 1, true),
            "Of the last event this would have sent 1, as many as the saved settings."
        );
        assert!(told(0, 0, 0, true).starts_with("No event has arrived yet"));
    }
}
