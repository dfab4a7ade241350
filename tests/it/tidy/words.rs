//! Words that say nothing, words that mean something else here, and words that only its writers understand.
use super::sources::{Source, in_tree, texts_below};

/// A declared name may not contain these words, and what to call it instead.
const BANNED: &[(&str, &str)] = &[
    ("util", "what it does"),
    ("utils", "what it does"),
    ("helper", "what it does"),
    ("helpers", "what it does"),
    ("common", "what its parts have in common"),
    ("manager", "what it owns"),
    ("service", "what it does"),
    ("misc", "its parts, one by one"),
    ("endpoint", "webhook"),
    ("endpoints", "webhooks"),
    ("job", "delivery"),
    ("jobs", "deliveries"),
    ("hook", "webhook"),
    ("hooks", "webhooks"),
];

const DECLARERS: &[&str] =
    &["fn", "struct", "enum", "trait", "mod", "type", "const", "static", "let", "macro_rules!"];

pub(super) fn banned_names(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in source.code_lines() {
        let mut before = "";
        for token in line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '!')) {
            if DECLARERS.contains(&before)
                && let Some(instead) = verdict(token)
            {
                findings.push(format!("src/{}:{number}: `{token}`: name it after {instead}", source.name));
            }
            // `let mut x`, `const fn x` and the like
            if !matches!(token, "" | "mut" | "ref") {
                before = token;
            }
        }
    }
    for part in source.name.trim_end_matches(".rs").split('/') {
        if let Some(instead) = verdict(part) {
            findings.push(format!("src/{}: `{part}`: name it after {instead}", source.name));
        }
    }
    findings
}

fn verdict(name: &str) -> Option<&'static str> {
    if name.starts_with("process_") || name.starts_with("do_") {
        return Some("what it does");
    }
    let words = words_of(name);
    BANNED.iter().find(|(banned, _)| words.iter().any(|word| word == banned)).map(|(_, instead)| *instead)
}

/// `WebhookManager` and `webhook_manager` are both `["webhook", "manager"]`.
fn words_of(name: &str) -> Vec<String> {
    let is_shouted = !name.chars().any(char::is_lowercase);
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c == '_' || (c.is_uppercase() && !is_shouted) {
            words.push(String::new());
        }
        if c != '_'
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words
}

/// Files and folders that only existed where this was written.
pub(super) fn workplace_words() -> Vec<String> {
    // Put together here, so that this file does not find itself.
    let banned: Vec<String> = [
        ["..", "/shared"],
        ["CONTRACT", ".md"],
        ["STACK", ".md"],
        ["BENCH", ".md"],
        ["HELPERS", ".md"],
        ["/wo", "rk/"],
        ["wt", "-cli"],
        ["registry.npm", "js.org"],
        ["static.crates", ".io"],
        ["pypi", ".org"],
    ]
    .iter()
    .map(|parts| parts.concat())
    .collect();
    let mut texts = Vec::new();
    for folder in ["src", "tests", "templates", "migrations", "benches", "docs", ".ci"] {
        texts.extend(texts_below(
            folder,
            &["rs", "sql", "html", "md", "json", "mjs", "js", "toml", "sh", "txt", "css", ""],
        ));
    }
    for entry in std::fs::read_dir(in_tree("")).expect("the tree") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|kind| kind == "md" || kind == "toml") {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            texts.push((name, std::fs::read_to_string(&path).unwrap_or_default()));
        }
    }
    let mut findings = Vec::new();
    for (path, text) in texts {
        for (number, line) in text.lines().enumerate() {
            for word in banned.iter().filter(|word| line.contains(word.as_str())) {
                findings.push(format!(
                    "{path}:{}: `{word}` means nothing to a newcomer: say it here",
                    number + 1
                ));
            }
        }
    }
    findings
}

#[test]
fn banned_words_are_found_in_declarations_only() {
    let findings =
        |text: &str| banned_names(&Source { name: "web/x.rs".to_owned(), text: text.to_owned() }).len();
    assert_eq!(findings("struct WebhookManager;"), 1);
    assert_eq!(findings("pub(crate) async fn do_it() {"), 1);
    assert_eq!(findings("let mut hook = 1;"), 1);
    assert_eq!(findings("const MAX_JOBS: u8 = 1;"), 1);
    assert_eq!(findings("fn webhook(service: Rc<dyn Service>) { std::process::exit(1) }"), 0);
}
