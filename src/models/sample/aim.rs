//! Points the sample's webhooks at a receiver that is there.
use diesel::PgConnection;
use time::OffsetDateTime;

use super::shop::TARGETS;
use super::{Sample, SampleError};
use crate::base::seal::SealKey;
use crate::models::webhooks::{self, Settings, UpdateError};

/// The paths under which [`aim`] expects a receiver: one for each webhook of the sample.
pub fn paths() -> impl Iterator<Item = &'static str> {
    TARGETS.iter().map(|(slug, _)| *slug)
}

/// Lets every webhook that came with the sample call `http://127.0.0.1:<port>/<path>`. Call it in a transaction.
///
/// Webhooks that people added, or pointed elsewhere, stay as they are. Answers how many were changed.
pub fn aim(
    conn: &mut PgConnection,
    sample: Sample,
    port: u16,
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<usize, SampleError> {
    let mut changed = 0;
    for webhook in webhooks::list(conn, sample.project)? {
        let Some(slug) = slug_of(&webhook.settings.target_url) else { continue };
        let target_url = format!("http://127.0.0.1:{port}/{slug}");
        if webhook.settings.target_url == target_url {
            continue;
        }
        let settings = Settings { target_url, ..webhook.settings };
        match webhooks::update(conn, sample.project, webhook.id, &settings, key, now) {
            // Somebody deleted it in this moment.
            Ok(_) | Err(UpdateError::Gone) => changed += 1,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(changed)
}

/// Which of the sample's webhooks has this address, in the sample or from an earlier demo.
fn slug_of(target_url: &str) -> Option<&'static str> {
    let (slug, _) = TARGETS.iter().find(|(slug, url)| {
        *url == target_url
            || url::Url::parse(target_url).is_ok_and(|url| {
                url.scheme() == "http"
                    && url.host_str() == Some("127.0.0.1")
                    && url.path().strip_prefix('/') == Some(slug)
                    && url.query().is_none()
            })
    })?;
    Some(slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_samples_own_addresses_are_known() {
        assert_eq!(slug_of("https://crm.larkspur-and-vale.example/webhooks/callout"), Some("crm"));
        assert_eq!(slug_of("http://127.0.0.1:40213/crm"), Some("crm"));
        for other in
            ["http://127.0.0.1:9000/", "http://127.0.0.1:9000/crm?x=1", "https://crm.example/crm", "x"]
        {
            assert_eq!(slug_of(other), None, "{other}");
        }
    }
}
