//! Names for webhooks that were given none.
use std::borrow::Cow;
use std::collections::HashSet;

use diesel::PgConnection;

use super::rows::list;
use super::{NAME_LENGTH_MAX, Settings};
use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};

/// A name for a webhook that was given none: its host; if another has that name, host and path; then with a number.
fn free_name(
    conn: &mut PgConnection,
    project: ProjectId,
    own: Option<WebhookId>,
    target_url: &str,
) -> Result<String, DbError> {
    // The query is not looked at: it may be secret.
    let url = url::Url::parse(target_url).ok();
    let short = |text: &str| -> String { text.chars().take(NAME_LENGTH_MAX - 5).collect() };
    let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or_default();
    let path = url.as_ref().map_or("", |url| url.path()).trim_end_matches('/');
    let (host, whole) = (short(host), short(&format!("{host}{path}")));
    let taken: HashSet<String> = list(conn, project)?
        .into_iter()
        .filter(|webhook| Some(webhook.id) != own)
        .map(|webhook| webhook.settings.name.to_lowercase())
        .collect();
    let numbered = (2..).map(|n| format!("{whole} {n}"));
    let mut names = [host.clone(), whole.clone()].into_iter().chain(numbered);
    Ok(names.find(|name| !taken.contains(&name.to_lowercase())).unwrap_or(host))
}

/// The settings with a name.
pub(super) fn named<'a>(
    conn: &mut PgConnection,
    project: ProjectId,
    own: Option<WebhookId>,
    settings: &'a Settings,
) -> Result<Cow<'a, Settings>, DbError> {
    if !settings.name.is_empty() {
        return Ok(Cow::Borrowed(settings));
    }
    let name = free_name(conn, project, own, &settings.target_url)?;
    Ok(Cow::Owned(Settings { name, ..settings.clone() }))
}
