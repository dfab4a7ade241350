//! What is written for people holds: the README, the pages in docs/, the examples in deploy/, and ./start.
mod deploying;
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
