//! `/docs/api`: the API for people, from the same document that programs read.
mod operation;
mod schema;
mod text;

use std::sync::LazyLock;

use actix_web::web::Data;
use askama::Template;
use serde_json::Value;

use crate::rules::openapi::{document, resolved};
use crate::web::page::page;
use crate::web::{Frame, PageResult, Section, Visitor, WebSettings, filters};
use operation::Operation;
use schema::{Field, fields};
use text::{Line, Span, line, paragraphs};

/// Calls that belong together.
struct Group {
    anchor: String,
    name: &'static str,
    description: Line,
    operations: Vec<Operation>,
}

/// A kind of refusal.
struct ProblemKind {
    /// The end of its `type`, and where it stands in the page.
    anchor: &'static str,
    status: String,
    title: &'static str,
    description: Line,
}

/// A word and what it stands for.
struct Term {
    name: &'static str,
    /// The word as a sentence has it.
    label: Line,
    text: Line,
}

/// The document as the page has it. It is the same for everybody.
struct Docs {
    lead: Vec<Line>,
    key: Line,
    scopes: Vec<Term>,
    limits: Vec<Term>,
    problems: Vec<ProblemKind>,
    problem_fields: Vec<Field>,
    problem_example: String,
    groups: Vec<Group>,
}

static DOCS: LazyLock<Docs> = LazyLock::new(|| {
    let components = &document()["components"];
    let wrong = &components["responses"]["Wrong"]["content"]["application/problem+json"]["example"];
    Docs {
        lead: paragraphs(told(&document()["info"], "description")),
        key: line(told(&components["securitySchemes"]["key"], "description")),
        scopes: terms("x-scopes", "name", "description"),
        limits: terms("x-limits", "what", "limit"),
        problems: components["responses"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, of)| problem_kind(of))
            .collect(),
        problem_fields: fields(&components["schemas"]["Problem"]),
        problem_example: serde_json::to_string_pretty(wrong).unwrap_or_default(),
        groups: document()["tags"].as_array().into_iter().flatten().map(group).collect(),
    }
});

fn told(value: &'static Value, name: &str) -> &'static str {
    value[name].as_str().unwrap_or_default()
}

fn terms(list: &str, name: &str, text: &str) -> Vec<Term> {
    let rows = document()[list].as_array().into_iter().flatten();
    rows.map(|row| Term { name: told(row, name), label: line(told(row, name)), text: line(told(row, text)) })
        .collect()
}

fn problem_kind(of: &'static Value) -> ProblemKind {
    let example = &of["content"]["application/problem+json"]["example"];
    ProblemKind {
        anchor: told(example, "type").rsplit('#').next().unwrap_or_default(),
        status: example["status"].to_string(),
        title: told(example, "title"),
        description: line(told(of, "description")),
    }
}

fn group(tag: &'static Value) -> Group {
    let name = told(tag, "name");
    let paths = document()["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().map(move |(method, of)| (path.as_str(), method, of))
    });
    let mine = all.filter(|(_, _, of)| resolved(of)["tags"][0] == name);
    Group {
        anchor: name.to_lowercase().replace(' ', "-"),
        name,
        description: line(told(tag, "description")),
        operations: mine.map(|(path, method, of)| Operation::of(path, method, of)).collect(),
    }
}

#[derive(Template)]
#[template(path = "docs/api.html")]
struct ApiPage {
    frame: Frame,
    docs: &'static Docs,
    public_url: String,
    try_a_key: String,
    next_page: String,
}

/// GET /docs/api
pub async fn api(visitor: Visitor, settings: Data<WebSettings>) -> PageResult {
    let here = &settings.public_url;
    let with_key = "-H \"Authorization: Bearer $CALLOUT_KEY\"";
    page(&ApiPage {
        frame: visitor.frame("API", Section::ApiDocs),
        docs: &DOCS,
        try_a_key: format!("export CALLOUT_KEY=ck_…\ncurl {here}/v1/project \\\n  {with_key}"),
        next_page: format!("curl \"{here}/v1/deliveries?status=failed&cursor=whs_…\" \\\n  {with_key}"),
        public_url: here.clone(),
    })
}
