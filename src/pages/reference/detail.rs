//! `/reference/{type}`: one event type, with its fields, a sample, and what a receiver gets.
use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;

use super::about::{About, Piece, SECRET};
use super::languages::{LANGUAGES, Language};
use super::tree;
use crate::rules::body::ENVELOPE_SCHEMA;
use crate::rules::catalogue::{self, EventType, fields};
use crate::web::page::{page, page_with};
use crate::web::{Frame, PageResult, Section, Visitor, WebSettings, filters};

/// Names that are suggested for one that is unknown.
const NEAREST_MAX: usize = 5;

#[derive(Template)]
#[template(path = "reference/detail.html")]
struct TypePage {
    frame: Frame,
    event_type: &'static EventType,
    told: &'static Told,
    envelope: &'static [Piece],
    languages: &'static [Language],
    secret: &'static str,
    post: String,
}

#[derive(Template)]
#[template(path = "reference/unknown.html")]
struct UnknownPage {
    frame: Frame,
    name: String,
    nearest: Vec<&'static str>,
    search: String,
}

/// What is the same at every look.
struct Told {
    about: About,
    related: Vec<&'static EventType>,
    before: Option<&'static EventType>,
    after: Option<&'static EventType>,
}

static TOLD: LazyLock<HashMap<&'static str, Told>> = LazyLock::new(|| {
    let all = catalogue::all();
    let neighbour = |at: Option<usize>| at.and_then(|at| all.get(at));
    let told = all.iter().enumerate().map(|(at, event_type)| {
        let (before, after) = (neighbour(at.checked_sub(1)), neighbour(Some(at + 1)));
        (event_type.name, Told::of(event_type, before, after))
    });
    told.collect()
});

static ENVELOPE: LazyLock<Vec<Piece>> = LazyLock::new(|| {
    let schema = serde_json::from_str(ENVELOPE_SCHEMA).unwrap_or_default();
    tree::of(&fields::of_schema(&schema, &serde_json::Value::Null))
});

/// The fields of the envelope, which are the same for every type.
pub fn envelope() -> &'static [Piece] {
    &ENVELOPE
}

/// Reads the catalogue for the pages of its types.
pub(super) fn prepare() {
    LazyLock::force(&TOLD);
    LazyLock::force(&ENVELOPE);
}

impl Told {
    fn of(
        event_type: &'static EventType,
        before: Option<&'static EventType>,
        after: Option<&'static EventType>,
    ) -> Self {
        let related = catalogue::all()
            .iter()
            .filter(|other| other.group == event_type.group && other.name != event_type.name);
        Self {
            about: About::of(event_type.name, event_type.sample(), catalogue::fields_of(event_type)),
            related: related.collect(),
            before,
            after,
        }
    }
}

/// GET /reference/{type}
pub async fn detail(visitor: Visitor, settings: Data<WebSettings>, name: Path<String>) -> PageResult {
    let Some(event_type) = catalogue::find(&name) else { return unknown(&visitor, &name) };
    let Some(told) = TOLD.get(event_type.name) else { return unknown(&visitor, &name) };
    page(&TypePage {
        frame: visitor.frame(event_type.name, Section::Reference).below("Reference", "/reference"),
        event_type,
        told,
        envelope: &ENVELOPE,
        languages: &LANGUAGES,
        secret: SECRET,
        post: About::post(event_type.name, event_type.sample(), &settings.public_url),
    })
}

/// 404, with what was probably meant.
fn unknown(visitor: &Visitor, name: &str) -> PageResult {
    let shown: String = name.chars().take(128).collect();
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", &shown).finish();
    let page = UnknownPage {
        frame: visitor.frame("No such event type", Section::Reference).below("Reference", "/reference"),
        nearest: catalogue::nearest(name, NEAREST_MAX),
        search: format!("/reference?{query}"),
        name: shown,
    };
    page_with(StatusCode::NOT_FOUND, &page)
}
