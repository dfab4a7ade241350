//! One word for each thing, in all that people read on the pages.
use super::sources::{Source, rust_sources, texts_below};

/// What pages do not say, and what they say instead. Lower case; whole words.
const UNSAID: &[(&str, &str)] = &[
    ("endpoint", "webhook"),
    ("endpoints", "webhooks"),
    ("hook", "webhook"),
    ("hooks", "webhooks"),
    ("callback", "webhook"),
    ("message", "delivery, or event"),
    ("messages", "deliveries, or events"),
    ("notification", "delivery, or event"),
    ("notifications", "deliveries, or events"),
    ("job", "delivery"),
    ("jobs", "deliveries"),
    ("dispatched", "sent"),
    ("subscriber", "webhook, or receiver"),
    ("consumer", "receiver"),
    ("login", "sign in"),
    ("log in", "sign in"),
    ("logout", "sign out"),
    ("log out", "sign out"),
    ("user", "person, or who it is: owner, admin, support, viewer"),
    ("users", "people"),
    ("email", "e-mail"),
    ("emails", "e-mails"),
    ("dashboard", "overview"),
    ("api token", "API key"),
    ("access token", "API key"),
    ("eventtype", "event type"),
    // What is destroyed is deleted; what is taken out of a list, and goes on elsewhere, is removed.
    ("remove webhook", "delete webhook"),
    ("remove the webhook", "delete the webhook"),
    ("remove project", "delete project"),
    ("delete filter", "remove filter"),
    // What begins to be is created; what is put to others is added.
    ("add webhook", "create webhook"),
    ("add a webhook", "create a webhook"),
    ("add key", "create key"),
    ("add project", "create project"),
    ("please", "nothing: say what to do"),
    ("sorry", "what happened and what to do"),
    ("oops", "what happened and what to do"),
    ("successfully", "nothing: say what is so now"),
    ("invalid", "what is wrong with it"),
    ("click here", "where the link leads"),
    ("whitelist", "allowed"),
    ("blacklist", "refused"),
];

/// What keeps its capital inside a sentence, besides what has capitals all over.
const NAMES: &[&str] = &[
    "Callout",
    "Node",
    "Python",
    "Go",
    "Rust",
    "Postgres",
    "Standard",
    "Webhooks",
    "Voucherify",
    "Ctrl",
    "Esc",
    "Enter",
];

/// Attributes that people read or hear.
const READ_ALOUD: &[&str] = &["aria-label=\"", "title=\"", "placeholder=\"", "alt=\"", "data-busy=\""];

#[test]
fn pages_have_one_word_for_each_thing() {
    let mut findings = Vec::new();
    for (path, text) in texts_below("templates", &["html"]) {
        for (line, words) in told_in(&text) {
            findings.extend(faults(&words).into_iter().map(|fault| format!("{path}:{line}: {fault}")));
            findings.extend(false_capital(&words).into_iter().map(|fault| format!("{path}:{line}: {fault}")));
        }
    }
    for source in rust_sources().iter().filter(|source| source.name.starts_with("pages/")) {
        for (line, words) in sentences(source) {
            findings.extend(
                faults(&words).into_iter().map(|fault| format!("src/{}:{line}: {fault}", source.name)),
            );
        }
    }
    super::report(findings);
}

/// What is wrong with a text, each with what to say instead.
fn faults(text: &str) -> Vec<String> {
    let spaced: String = text.to_lowercase().chars().map(|c| if is_of_a_word(c) { c } else { ' ' }).collect();
    let spaced = format!(" {} ", spaced.split_whitespace().collect::<Vec<_>>().join(" "));
    let unsaid = UNSAID.iter().filter(|(word, _)| spaced.contains(&format!(" {word} ")));
    let mut faults: Vec<String> =
        unsaid.map(|(word, instead)| format!("`{word}` in “{text}”: say {instead}")).collect();
    if text.contains('!') {
        faults.push(format!("“{text}”: no exclamation marks: say it calmly"));
    }
    if text.split(|c: char| !c.is_alphanumeric()).any(|word| matches!(word, "Api" | "api"))
        && text.contains(' ')
    {
        faults.push(format!("“{text}”: it is API"));
    }
    faults
}

fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Headings, labels and buttons are written like sentences: only names have capitals.
fn false_capital(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() > 7 || text.contains(['.', ':', ';', '?', '…', BREAK]) {
        return None;
    }
    let is_capital = |word: &&str| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let mut letters = bare.chars();
        letters.next().is_some_and(char::is_uppercase)
            && letters.clone().next().is_some()
            && letters.all(char::is_lowercase)
            && !NAMES.contains(&bare)
    };
    let word = words.iter().skip(1).copied().find(|word| is_capital(word))?;
    Some(format!("`{word}` in “{text}”: write it small, as in a sentence"))
}

/// In the place of what a template fills in, and of code.
const BREAK: char = '\u{1}';

/// The texts of a template with their lines: between the tags, in attributes that are read aloud, and in the arguments
/// of macros. Symbols' names and the like, one small word, are left out.
fn told_in(template: &str) -> Vec<(usize, String)> {
    let mut told = Vec::new();
    let mut bare = String::new();
    let mut rest = template;
    // Comments go, expressions and statements leave a gap; lines stay counted.
    while let Some(at) = rest.find('{').filter(|_| !rest.is_empty()) {
        let closing = match rest.as_bytes()[at..].get(1) {
            Some(b'#') => "#}",
            Some(b'%') => "%}",
            Some(b'{') => "}}",
            _ => "",
        };
        let Some(end) = rest[at..].find(closing).filter(|_| !closing.is_empty()).map(|end| at + end + 2)
        else {
            bare.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            continue;
        };
        bare.push_str(&rest[..at]);
        let inside = &rest[at..end];
        if closing == "%}" && inside.contains(" call ") {
            let line = bare.matches('\n').count() + 1;
            told.extend(inside.split('"').skip(1).step_by(2).map(|text| (line, text.to_owned())));
        }
        bare.extend(inside.chars().filter(|c| *c == '\n'));
        if closing == "}}" {
            bare.push(BREAK);
        }
        rest = &rest[end..];
    }
    bare.push_str(rest);
    let line_at = |at: usize| bare[..at].matches('\n').count() + 1;
    for name in READ_ALOUD {
        for (at, _) in bare.match_indices(name) {
            let text = bare[at + name.len()..].split('"').next().unwrap_or_default();
            told.push((line_at(at), text.to_owned()));
        }
    }
    told.extend(between_tags(&bare));
    told.retain(|(_, text)| text.contains(|c: char| c == ' ' || c.is_uppercase()));
    told
}

/// What stands between tags; tags inside a sentence do not end it, buttons do; code is left out.
fn between_tags(html: &str) -> Vec<(usize, String)> {
    const WITHIN: [&str; 7] = ["a", "strong", "em", "span", "b", "small", "time"];
    const NOT_READ: [&str; 4] = ["code", "pre", "kbd", "script"];
    let (mut told, mut text, mut skipped) = (Vec::new(), String::new(), "");
    let mut line = 1;
    for piece in html.split_inclusive(['<', '>', '\n']) {
        let content = piece.trim_end_matches(['<', '>', '\n']);
        if piece.ends_with('>') {
            let name =
                content.trim_start_matches('/').split(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
            if let Some(known) = NOT_READ.iter().find(|known| **known == name) {
                skipped = if content.starts_with('/') { "" } else { known };
                text.push(BREAK);
            } else if !WITHIN.contains(&name) || content.contains("\"btn") {
                told.push((line, std::mem::take(&mut text)));
            }
            continue;
        }
        if skipped.is_empty() {
            text.push_str(content);
        }
        if piece.ends_with('\n') {
            told.push((line, std::mem::take(&mut text)));
            line += 1;
        }
    }
    told.push((line, text));
    told.into_iter().map(|(line, text)| (line, text.trim().to_owned())).collect()
}

/// The sentences among a source's texts: a capital first, and more than one word.
fn sentences(source: &Source) -> Vec<(usize, String)> {
    let is_sentence = |text: &&str| text.starts_with(char::is_uppercase) && text.contains(' ');
    let texts = |(number, line): (usize, &str)| {
        let texts = line.split('"').skip(1).step_by(2).filter(is_sentence);
        texts.map(|text| (number, text.to_owned())).collect::<Vec<_>>()
    };
    source.code_lines().flat_map(texts).collect()
}

#[test]
fn words_that_are_not_ours_are_found_where_people_read_them() {
    let found = |template: &str| -> usize {
        told_in(template)
            .iter()
            .map(|(_, text)| faults(text).len() + usize::from(false_capital(text).is_some()))
            .sum()
    };
    assert_eq!(found("<p>Add an <b>endpoint</b> here.</p>"), 1);
    assert_eq!(found("<button aria-label=\"Log in\">{{ x }}</button>"), 1);
    assert_eq!(found("{% call ui::input(\"email\", \"Your email\", raw) %}{% endcall %}"), 1);
    assert_eq!(found("<h2>Event Types</h2>\n<p>Done!</p>"), 2);
    assert_eq!(found("<h2>API keys of <code>hooks</code></h2><a href=\"/login\">Sign in</a>{# hook #}"), 0);
    assert_eq!(found("{% if a != b %}<p>Standard Webhooks {{ user }}. Then more.</p>{% endif %}"), 0);
}
