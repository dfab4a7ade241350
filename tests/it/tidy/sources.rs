//! The sources as text, without tests and comments, and the paths that they name.
use std::path::{Path, PathBuf};

/// One file of the program, or of these tests.
pub(super) struct Source {
    /// Its path below `src` or `tests/it`.
    pub(super) name: String,
    pub(super) text: String,
}

impl Source {
    /// The module's path: `models/events/mod.rs` is `["models", "events"]`.
    pub(super) fn module(&self) -> Vec<String> {
        let path = self.name.trim_end_matches(".rs");
        let path = path.strip_suffix("/mod").unwrap_or(path);
        path.split('/').map(str::to_owned).collect()
    }

    /// The module that must declare it (its path without suffix, empty for the program itself) and its name there.
    pub(super) fn parent_and_name(&self) -> Option<(String, String)> {
        let mut module = self.module();
        let name = module.pop()?;
        match (module.is_empty(), name.as_str()) {
            (true, "main" | "lib") => None,
            (true, _) => Some((String::new(), name)),
            (false, _) => Some((module.join("/"), name)),
        }
    }

    /// Line numbers and lines, without tests and without comments.
    pub(super) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_tests = self.module().last().is_some_and(|name| name == "tests");
        let mut lines = self.text.lines().enumerate().map(|(i, line)| (i + 1, line));
        std::iter::from_fn(move || {
            if is_tests {
                return None;
            }
            loop {
                let (number, line) = lines.next()?;
                let trimmed = line.trim_start();
                if trimmed.starts_with("#[cfg(test)]") {
                    skip_item(&mut lines);
                } else if !trimmed.starts_with("//") {
                    return Some((number, line.split(" // ").next().unwrap_or(line)));
                }
            }
        })
    }

    /// Every path that the code names from the crate's root, `use` groups taken apart: `["models", "events", "find"]`.
    pub(super) fn named_paths(&self) -> Vec<(usize, Vec<String>)> {
        let lines: Vec<(usize, &str)> = self.code_lines().collect();
        let code: String = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
        let number_at = |at: usize| lines[code[..at].matches('\n').count()].0;
        let mut found = Vec::new();
        for root in ["crate::", "callout::"] {
            for (at, _) in code.match_indices(root).filter(|(at, _)| starts_a_path(&code, *at)) {
                expand(&code[at + root.len()..], &mut Vec::new(), &mut |path| {
                    found.push((number_at(at), path))
                });
            }
        }
        for (at, _) in code.match_indices("super::").filter(|(at, _)| starts_a_path(&code, *at)) {
            let mut base = self.module();
            let mut rest = &code[at..];
            while let Some(after) = rest.strip_prefix("super::") {
                base.pop();
                rest = after;
            }
            expand(rest, &mut base, &mut |path| found.push((number_at(at), path)));
        }
        found
    }
}

fn starts_a_path(code: &str, at: usize) -> bool {
    !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
}

/// Reads over one item: to the end of its line, or to the brace that closes it.
fn skip_item<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>) {
    for (_, line) in lines.by_ref() {
        let indent = line.len() - line.trim_start().len();
        if line.trim_start().starts_with("#[") {
            continue;
        }
        if line.trim_end().ends_with('{') {
            let closing = format!("{}}}", &line[..indent]);
            for (_, line) in lines.by_ref() {
                if line.starts_with(&closing) {
                    return;
                }
            }
        }
        return;
    }
}

/// Tells every path in `a::{b, c::d}`, given the text behind the part that is known. Returns what follows it.
fn expand<'a>(text: &'a str, base: &mut Vec<String>, tell: &mut impl FnMut(Vec<String>)) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start().trim_start_matches(',').trim_start();
            if rest.is_empty() || rest.starts_with('}') {
                return rest.get(1..).unwrap_or("");
            }
            let before = rest.len();
            rest = expand(rest, &mut base.clone(), tell);
            if rest.len() == before {
                return rest; // not a group of paths after all
            }
            if let Some(after) = rest.trim_start().strip_prefix("as ") {
                rest = after.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_' || c == ' ');
            }
        }
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*')).unwrap_or(text.len());
    if end == 0 {
        tell(base.clone());
        return text;
    }
    base.push(text[..end].to_owned());
    match text[end..].strip_prefix("::") {
        Some(rest) if rest.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '{' || c == '*') => {
            expand(rest, base, tell)
        }
        _ => {
            tell(base.clone());
            &text[end..]
        }
    }
}

/// A path in this repository.
pub(super) fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every Rust file below `src`, by name.
pub(super) fn rust_sources() -> Vec<Source> {
    sources_below("src")
}

/// Every Rust file below `tests/it`, by name.
pub(super) fn test_sources() -> Vec<Source> {
    sources_below("tests/it")
}

fn sources_below(folder: &str) -> Vec<Source> {
    let texts = texts_below(folder, &["rs"]);
    assert!(texts.len() > 20, "the sources were not found");
    let name = |path: String| path.trim_start_matches(folder).trim_start_matches('/').to_owned();
    texts.into_iter().map(|(path, text)| Source { name: name(path), text }).collect()
}

/// Every file of these kinds below a folder of the tree: its path in the tree and its text. No folder, no files.
pub(super) fn texts_below(folder: &str, kinds: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![in_tree(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() && name != "node_modules" && name != "shots" {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kinds.iter().any(|k| kind == *k))
                || kinds.contains(&"") && path.is_file() && path.extension().is_none()
            {
                let text = std::fs::read_to_string(&path).expect("a text file");
                let in_tree = path.strip_prefix(in_tree("")).expect("below the tree");
                found.push((in_tree.to_string_lossy().into_owned(), text));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn paths_are_taken_apart() {
    let source = Source {
        name: "models/events/history.rs".to_owned(),
        text: "use crate::base::{db::Db, ids::{EventId, ProjectId as P}, clock};\nuse super::super::webhooks;\n\
               fn a() { crate::rules::retry::next(1) }\n#[cfg(test)]\nmod tests {\n    use crate::cli::x;\n}\n\
               // crate::pages::x\nuse super::rows::{self, Row};\n"
            .to_owned(),
    };
    let paths: Vec<String> =
        source.named_paths().into_iter().map(|(line, path)| format!("{line} {}", path.join("::"))).collect();
    for expected in [
        "1 base::db::Db",
        "1 base::ids::EventId",
        "1 base::ids::ProjectId",
        "1 base::clock",
        "2 models::webhooks",
        "3 rules::retry::next",
        "9 models::events::rows::self",
        "9 models::events::rows::Row",
    ] {
        assert!(paths.iter().any(|path| path == expected), "{expected} not in {paths:#?}");
    }
    assert!(!paths.iter().any(|path| path.contains("cli") || path.contains("pages")), "{paths:#?}");
}
