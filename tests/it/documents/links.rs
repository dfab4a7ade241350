//! Links lead somewhere.
use std::path::{Component, Path, PathBuf};

use super::{in_tree, pages, text_of};

/// Where `](…)`, `src="…"` and `srcset="…"` point to.
fn targets(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (start, end) in [("](", ')'), ("src=\"", '"'), ("srcset=\"", '"')] {
        found.extend(text.split(start).skip(1).filter_map(|rest| rest.split(end).next()));
    }
    found
}

/// A heading as an anchor, the way that code hosts make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(plain.pop(), "{} leads out of the tree", path.display()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_exist() {
    let mut all = pages();
    all.extend(
        ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|path| (path.to_owned(), text_of(path))),
    );
    let mut broken = Vec::new();
    for (page, text) in &all {
        for target in targets(text).into_iter().filter(|target| !target.contains("://")) {
            let (path, heading) =
                target.split_once('#').map_or((target, None), |(path, name)| (path, Some(name)));
            let folder = Path::new(page).parent().expect("a folder");
            let path = if path.is_empty() { PathBuf::from(page) } else { plain(&folder.join(path)) };
            if !in_tree(&path.to_string_lossy()).exists() {
                broken.push(format!("{page}: {target}: there is no such file"));
                continue;
            }
            let Some(heading) = heading else { continue };
            let text = text_of(&path.to_string_lossy());
            if !text.lines().any(|line| line.starts_with('#') && anchor(line) == heading) {
                broken.push(format!("{page}: {target}: there is no such heading"));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn every_page_can_be_reached_from_the_readme() {
    let mut reached = vec![PathBuf::from("README.md")];
    let mut next = 0;
    while let Some(page) = reached.get(next).cloned() {
        next += 1;
        let text = text_of(&page.to_string_lossy());
        for target in targets(&text).into_iter().filter(|target| !target.contains("://")) {
            let path =
                plain(&page.parent().expect("a folder").join(target.split('#').next().unwrap_or_default()));
            if path.extension().is_some_and(|kind| kind == "md") && !reached.contains(&path) {
                reached.push(path);
            }
        }
    }
    for (page, _) in pages() {
        assert!(reached.contains(&PathBuf::from(&page)), "no link leads to {page}");
    }
}
