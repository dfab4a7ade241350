//! Who may import whom, as in ARCHITECTURE.md.
use super::sources::Source;

/// Each may use what stands after it, never what stands before or beside it.
const ORDER: &[&[&str]] = &[
    &["main", "lib"],
    &["cli"],
    &["app"],
    &["routes"],
    &["pages", "api", "embed", "ingest", "dispatcher"],
    &["export"],
    &["web"],
    &["models"],
    &["rules"],
    &["base"],
];

/// The same among models.
const MODELS: &[&[&str]] = &[
    &["sample"],
    &["replays"],
    &["resends"],
    &["figures"],
    &["deliveries"],
    &["notices"],
    &["search"],
    &["events"],
    &["distributions"],
    &["webhooks"],
    &["event_types"],
    &["campaigns", "contacts", "saved_views"],
    &["projects"],
    &["accounts"],
    &["audit"],
];

/// Who may write which tables.
const OWNERS: &[(&str, &[&str])] = &[
    ("accounts", &["users", "sessions", "sign_in_failures", "setup_links"]),
    ("audit", &["audit"]),
    ("projects", &["projects", "members", "api_keys", "mask_rules", "reveals"]),
    ("webhooks", &["webhooks", "webhook_credentials", "webhook_secrets", "webhook_rates"]),
    ("event_types", &["event_types"]),
    ("events", &["events", "external_ids"]),
    (
        "deliveries",
        &[
            "deliveries",
            "attempts",
            "hand_overs",
            "webhook_pace",
            "emptied_days",
            "unfinished_switches",
            "missed_events",
            "delivery_notes",
        ],
    ),
    ("replays", &["replays", "replay_items"]),
    ("resends", &["resends"]),
    ("figures", &["delivery_figures", "failure_groups", "failure_counts", "counted_since"]),
    ("notices", &["notices"]),
    ("saved_views", &["saved_views", "hidden_views"]),
    ("search", &["search_segments", "search_blocks", "search_progress"]),
    ("sample", &["sample_projects"]),
];

fn rank(order: &[&[&str]], name: &str) -> Option<usize> {
    order.iter().position(|level| level.contains(&name))
}

/// Flows that stand beside each other meet at two doors: the face of `ingest` (accept and what goes in and comes out)
/// and `dispatcher::probe`.
fn is_door(path: &[String]) -> bool {
    let second = path.get(1).map_or("", String::as_str);
    match path[0].as_str() {
        "ingest" => second == "accept" || second.starts_with(char::is_uppercase),
        "dispatcher" => second == "probe" || second == "Probe",
        _ => false,
    }
}

pub(super) fn wrong_imports(source: &Source) -> Vec<String> {
    let own = &source.module()[0];
    if own == "lib" {
        return Vec::new();
    }
    let Some(own_rank) = rank(ORDER, own) else {
        return vec![format!("src/{}: `{own}` has no place in the import order: give it one", source.name)];
    };
    let is_wrong = |path: &[String]| match path.first() {
        Some(first) if first != own => {
            rank(ORDER, first).is_some_and(|r| r < own_rank || (r == own_rank && !is_door(path)))
        }
        _ => false,
    };
    let wrong = source.named_paths().into_iter().filter(|(_, path)| is_wrong(path));
    wrong
        .map(|(line, path)| {
            format!(
                "src/{}:{line}: {own} may not use `{}`: move what both need further down, or go through \
                 ingest::accept, clock::Wakeup or dispatcher::probe",
                source.name,
                path.join("::")
            )
        })
        .collect()
}

pub(super) fn wrong_imports_among_models(source: &Source) -> Vec<String> {
    let module = source.module();
    let [first, own, ..] = module.as_slice() else { return Vec::new() };
    if first != "models" {
        return Vec::new();
    }
    let Some(own_rank) = rank(MODELS, own) else {
        return vec![format!("src/{}: `{own}` has no place among the models: give it one", source.name)];
    };
    let is_wrong = |path: &[String]| match path {
        [first, second, ..] if first == "models" && second != own => {
            rank(MODELS, second).is_some_and(|r| r <= own_rank)
        }
        _ => false,
    };
    let wrong = source.named_paths().into_iter().filter(|(_, path)| is_wrong(path));
    wrong
        .map(|(line, path)| {
            format!(
                "src/{}:{line}: {own} may not use `{}`: let the flow that opens the transaction call both",
                source.name,
                path.join("::")
            )
        })
        .collect()
}

pub(super) fn foreign_tables(source: &Source) -> Vec<String> {
    let module = source.module();
    if source.name == "base/schema.rs" {
        return Vec::new();
    }
    let own = if module[0] == "models" { module.get(1).map_or("", String::as_str) } else { "" };
    let tables = OWNERS.iter().find(|(noun, _)| *noun == own).map_or(&[][..], |(_, tables)| tables);
    let is_foreign = |path: &[String]| match path {
        [base, schema, table, ..] if base == "base" && schema == "schema" => {
            !tables.contains(&table.as_str())
        }
        _ => false,
    };
    let foreign = source.named_paths().into_iter().filter(|(_, path)| is_foreign(path));
    foreign
        .map(|(line, path)| {
            let owner =
                OWNERS.iter().find(|(_, tables)| tables.contains(&path[2].as_str())).map_or("?", |o| o.0);
            format!(
                "src/{}:{line}: the table `{}` belongs to models/{owner}: call a function there",
                source.name, path[2]
            )
        })
        .collect()
}

pub(super) fn tables_without_owner(schema: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut lines = schema.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "diesel::table! {" {
            continue;
        }
        let table = lines.next().unwrap_or("").split_whitespace().next().unwrap_or("");
        if !OWNERS.iter().any(|(_, tables)| tables.contains(&table)) {
            findings.push(format!("the table `{table}` has no owner: name one in tests/it/tidy/modules.rs"));
        }
    }
    findings
}

#[test]
fn what_is_forbidden_is_found() {
    let source = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
    assert_eq!(wrong_imports(&source("models/x.rs", "use crate::web::page;")).len(), 1);
    assert_eq!(wrong_imports(&source("api/x.rs", "use crate::{pages::a, models::b};")).len(), 1);
    assert_eq!(wrong_imports(&source("api/x.rs", "use crate::ingest::writer;")).len(), 1);
    assert!(wrong_imports(&source("api/x.rs", "use crate::ingest::{accept, Posted};")).is_empty());
    assert!(wrong_imports(&source("pages/x.rs", "use crate::dispatcher::probe::send;")).is_empty());
    assert_eq!(
        wrong_imports_among_models(&source("models/webhooks/a.rs", "use super::super::events;")).len(),
        1
    );
    assert!(
        wrong_imports_among_models(&source("models/events/a.rs", "use crate::models::webhooks;")).is_empty()
    );
    assert_eq!(foreign_tables(&source("pages/x.rs", "use crate::base::schema::{users, events};")).len(), 2);
    assert!(
        foreign_tables(&source("models/accounts/a.rs", "use crate::base::schema::users::dsl;")).is_empty()
    );
    assert_eq!(tables_without_owner("diesel::table! {\n    nobody (id) {\n").len(), 1);
}
