//! What is written for people holds: the README, the pages in docs/, the examples in deploy/, and ./start.
mod catalogue;
mod deploying;
mod facts;
mod following;
mod links;
mod restoring;
mod starting;
mod words;

use std::path::{Path, PathBuf};

/// A path in this repository.
fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A file of this repository.
fn text_of(path: &str) -> String {
    std::fs::read_to_string(in_tree(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The README and every page below docs/, by path.
fn pages() -> Vec<(String, String)> {
    let mut found = vec![("README.md".to_owned(), text_of("README.md"))];
    let mut folders = vec!["docs".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(in_tree(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.ends_with(".md") {
                let text = text_of(&path);
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

/// A fenced block of a page.
struct Block {
    /// What stands behind the fence: `sh` is run by tests, `console` is not.
    language: String,
    /// The heading that it stands under.
    heading: String,
    text: String,
}

/// All fenced blocks of a page, those within lists too.
fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut heading = "";
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(text) = line.strip_prefix('#') {
            heading = text.trim_start_matches('#').trim();
        }
        let Some(language) = line.trim_start().strip_prefix("```") else { continue };
        let indent = line.len() - line.trim_start().len();
        let inside = lines.by_ref().take_while(|line| line.trim() != "```");
        let text = inside.map(|line| format!("{}\n", line.get(indent..).unwrap_or(""))).collect();
        found.push(Block { language: language.to_owned(), heading: heading.to_owned(), text });
    }
    found
}
