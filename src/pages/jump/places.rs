//! The pages that a person may open, by the words they may think of.
use super::found::Item;
use crate::models::projects::{Project, Role};

/// A page of a project: symbol, name, further words, where below the project, and from which role on.
type Place = (&'static str, &'static str, &'static str, &'static str, Role);

const OF_A_PROJECT: &[Place] = &[
    ("layout-dashboard", "Overview", "start home dashboard", "/overview", Role::Viewer),
    ("history", "History", "deliveries attempts log", "/history", Role::Viewer),
    (
        "alert-triangle",
        "Failed deliveries",
        "history errors problems",
        "/history?status=failed",
        Role::Viewer,
    ),
    ("clock", "Retrying deliveries", "history waiting", "/history?status=retrying", Role::Viewer),
    ("bolt", "Events", "log", "/events", Role::Support),
    ("webhook", "Webhooks", "settings receivers", "/settings/webhooks", Role::Admin),
    ("plus", "Create a webhook", "new add settings", "/settings/webhooks/new", Role::Admin),
    ("file-code", "Event types", "settings own custom schema sample", "/settings/event-types", Role::Admin),
    ("key", "API keys", "settings token create", "/settings/keys", Role::Admin),
    ("eye-off", "Masking", "settings personal data mask privacy", "/settings/masking", Role::Admin),
    ("list-check", "Audit log", "settings who revealed changed", "/settings/audit", Role::Admin),
    (
        "settings",
        "General settings",
        "project name rename switch off on stop webhooks",
        "/settings/general",
        Role::Admin,
    ),
];

const OF_EVERYBODY: &[(&str, &str, &str, &str)] = &[
    ("folders", "All projects", "switch list", "/"),
    ("book-2", "Event reference", "types payload sample schema verify signature", "/reference"),
    ("api", "API", "documentation calls openapi", "/docs/api"),
    ("user", "Account", "name password sessions sign out", "/account"),
];

/// Pages for owners.
const OF_AN_OWNER: &[(&str, &str, &str, &str)] =
    &[("database", "Storage", "disk size growth full retention space", "/admin/storage")];

/// What an owner may do about the sample data: if there is none yet, and if there is.
const OF_THE_SAMPLE: [(&str, &str); 2] =
    [("Load sample data", "/#sample-title"), ("Remove sample data", "/sample/remove")];

/// Pages whose words hold everything that was typed; all of them if nothing was. Takes whether there is a sample, for
/// those whom it concerns.
pub fn matching(here: Option<&(Project, Role)>, has_sample: Option<bool>, q: &str) -> Vec<Item> {
    let mut items = Vec::new();
    for (icon, name, words, below, role) in OF_A_PROJECT {
        let Some((project, _)) = here.filter(|(_, has)| has >= role) else { continue };
        if holds(name, words, q) {
            let href = format!("/p/{}{below}", project.id);
            items.push(Item { icon, label: (*name).to_owned(), detail: String::new(), href });
        }
    }
    let of_owner = if has_sample.is_some() { OF_AN_OWNER } else { &[] };
    for (icon, name, _, path) in
        OF_EVERYBODY.iter().chain(of_owner).filter(|(_, name, words, _)| holds(name, words, q))
    {
        items.push(Item { icon, label: (*name).to_owned(), detail: String::new(), href: (*path).to_owned() });
    }
    if let Some((name, path)) = has_sample.map(|has| OF_THE_SAMPLE[usize::from(has)])
        && holds(name, "example demo", q)
    {
        let (label, href) = (name.to_owned(), path.to_owned());
        items.push(Item { icon: "flask", label, detail: String::new(), href });
    }
    // Those whose name begins so come first; else the order of the menu stays.
    items.sort_by_key(|item| !item.label.to_lowercase().starts_with(&q.to_lowercase()));
    items
}

/// Whether each word that was typed begins one of these words.
fn holds(name: &str, words: &str, q: &str) -> bool {
    let has = format!("{name} {words}").to_lowercase();
    q.to_lowercase()
        .split_whitespace()
        .all(|typed| has.split_whitespace().any(|word| word.starts_with(typed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_found_by_the_beginning_of_any_word() {
        let found = |q: &str| matching(None, None, q).into_iter().map(|item| item.label).collect::<Vec<_>>();
        assert_eq!(found("pass"), ["Account"]);
        assert_eq!(found("EVENT ref"), ["Event reference"]);
        assert_eq!(found("sig"), ["Event reference", "Account"]);
        assert_eq!(found("").len(), OF_EVERYBODY.len());
        assert!(found("overview").is_empty(), "no project, no page of one");
    }
}
