//! What must stay true of the sources. A failure names the line and says what to do instead.
mod glossary;
mod modules;
mod sources;
mod words;

use sources::{Source, in_tree, rust_sources, test_sources};

/// Lines of a source file; past it, split by verb.
const LINES_MAX: usize = 400;

/// Fails with every finding.
fn report(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn modules_import_only_what_stands_below_them() {
    report(rust_sources().iter().flat_map(modules::wrong_imports).collect());
}

#[test]
fn models_import_only_models_that_stand_below_them() {
    report(rust_sources().iter().flat_map(modules::wrong_imports_among_models).collect());
}

#[test]
fn a_table_is_used_only_by_the_noun_that_owns_it() {
    let mut findings: Vec<String> = rust_sources().iter().flat_map(modules::foreign_tables).collect();
    let schema = std::fs::read_to_string(in_tree("src/base/schema.rs")).expect("schema.rs");
    findings.extend(modules::tables_without_owner(&schema));
    report(findings);
}

/// What may be named only in some places: the text, where, and what to do instead.
const WALLS: &[(&str, &[&str], &str)] = &[
    (
        "actix_web",
        &["main.rs", "app", "cli/", "routes", "web/", "api/", "pages/", "embed/"],
        "keep HTTP in web and the flows",
    ),
    ("askama", &["web/", "pages/"], "render in pages, with the kit in web"),
    ("awc", &["dispatcher/http"], "call out through dispatcher"),
    ("now_utc", &["base/clock.rs"], "take a Clock"),
    ("Utc::now", &["base/clock.rs"], "take a Clock"),
    ("Instant::now", &["base/clock.rs"], "take a Clock and its stopwatch"),
    ("SystemTime::now", &["base/clock.rs"], "take a Clock"),
    ("Safe(", &["web/filters"], "let askama escape, or make a filter in web/filters"),
];

#[test]
fn walls_hold() {
    let mut findings = Vec::new();
    for source in rust_sources() {
        for (text, places, instead) in WALLS {
            if places.iter().any(|place| source.name.starts_with(place)) {
                continue;
            }
            for (number, line) in source.code_lines().filter(|(_, line)| names(line, text)) {
                findings.push(format!(
                    "src/{}:{number}: `{text}` in `{}`: {instead}",
                    source.name,
                    line.trim()
                ));
            }
        }
    }
    report(findings);
}

/// Whether the text stands there as a name of its own, not as a part of a longer one.
fn names(line: &str, text: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(text).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(is_name);
        let after = line[at + text.len()..].chars().next().is_some_and(is_name);
        !before && (!after || text.ends_with('('))
    })
}

#[test]
fn names_say_what_things_are() {
    let banned = rust_sources();
    report(banned.iter().flat_map(words::banned_names).collect());
}

#[test]
fn nothing_points_to_where_it_was_written() {
    report(words::workplace_words());
}

#[test]
fn files_are_short_enough_to_read() {
    let is_list = |source: &&Source| {
        !(source.name.ends_with("schema.rs") || source.name.starts_with("rules/catalogue/"))
    };
    let long = |source: &Source| {
        let lines = source.text.lines().count();
        (lines > LINES_MAX)
            .then(|| format!("src/{}: {lines} lines, at most {LINES_MAX}: split it by verb", source.name))
    };
    report(rust_sources().iter().filter(is_list).filter_map(long).collect());
}

#[test]
fn templates_hold_no_styles_scripts_or_handlers() {
    const BANNED: [(&str, &str); 8] = [
        (" style=", "use a class"),
        ("<style", "use a stylesheet in static/"),
        ("javascript:", "use a link or a form"),
        ("hx-on", "use a file in static/ and a data- attribute"),
        ("|safe", "let askama escape, or make a filter in web/filters"),
        ("| safe", "let askama escape, or make a filter in web/filters"),
        ("http://www.google", "serve it ourselves"),
        ("//cdn.", "serve it ourselves"),
    ];
    let mut findings = Vec::new();
    for (path, text) in sources::texts_below("templates", &["html", "txt", "xml"]) {
        for (number, line) in text.lines().enumerate().map(|(i, line)| (i + 1, line)) {
            for (banned, instead) in BANNED {
                if line.contains(banned) {
                    findings.push(format!("{path}:{number}: `{banned}`: {instead}"));
                }
            }
            if let Some(attribute) = handler_attribute(line) {
                findings.push(format!(
                    "{path}:{number}: `{attribute}`: use a file in static/ and a data- attribute"
                ));
            }
        }
        for (at, _) in text.match_indices("<script") {
            let tag = &text[at..text[at..].find('>').map_or(text.len(), |end| at + end)];
            if !tag.contains(" src=") && !tag.contains("type=\"application/json\"") {
                let number = text[..at].lines().count();
                findings.push(format!("{path}:{number}: a script in the page: put it into static/"));
            }
        }
    }
    report(findings);
}

/// An attribute such as `onclick=`, which a strict policy forbids.
fn handler_attribute(line: &str) -> Option<&str> {
    line.match_indices(" on").find_map(|(at, _)| {
        let rest = &line[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_lowercase())?;
        (end > 3 && rest[end..].starts_with("=\"")).then(|| &rest[..end])
    })
}

#[test]
fn every_migration_has_a_reason_and_a_way_back() {
    let mut findings = Vec::new();
    for entry in std::fs::read_dir(in_tree("migrations")).expect("migrations") {
        let folder = entry.expect("an entry").path();
        let up = std::fs::read_to_string(folder.join("up.sql")).unwrap_or_default();
        let down = std::fs::read_to_string(folder.join("down.sql")).unwrap_or_default();
        if !up.starts_with("-- ") {
            findings.push(format!("{}: up.sql must begin with `-- ` and why it is there", folder.display()));
        }
        if down.trim().is_empty() {
            findings.push(format!("{}: down.sql must take it back", folder.display()));
        }
    }
    report(findings);
}

#[test]
fn every_source_and_every_test_is_part_of_its_program() {
    // A file that no `mod` names compiles never and rots.
    for (folder, sources) in [("src", rust_sources()), ("tests/it", test_sources())] {
        let is_named = |source: &Source| {
            let Some((parent, name)) = source.parent_and_name() else { return true };
            let files = [format!("{parent}.rs"), format!("{parent}/mod.rs"), parent.clone()];
            let of_parent = |s: &&Source| match parent.as_str() {
                "" => s.name == "lib.rs" || s.name == "main.rs",
                _ => files.contains(&s.name),
            };
            sources.iter().filter(of_parent).any(|s| {
                s.text.lines().any(|line| {
                    line.trim_end().ends_with(&format!("mod {name};"))
                        || line.contains(&format!("mod {name} "))
                })
            })
        };
        let lost = sources.iter().filter(|source| !is_named(source));
        report(lost.map(|source| format!("{folder}/{}: no `mod` names it", source.name)).collect());
    }
}
