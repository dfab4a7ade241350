//! The shop: its webhooks, what each subscribes to, and what became of them.
use time::{Duration, OffsetDateTime};

use crate::models::webhooks::Settings;
use crate::rules::body::BodyFormat;
use crate::rules::catalogue;
use crate::rules::retry::{Retries, Success, WhenUsedUp};

/// The shop's name. Invented.
pub(super) const NAME: &str = "Larkspur & Vale";
/// What its own program calls itself.
pub(super) const BACKEND_KEY: &str = "Shop backend";

/// What ended a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Off {
    /// A person paused it.
    Paused,
    /// It answered 410.
    Gone,
    /// A person deleted it.
    Deleted,
}

/// A webhook of the sample.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    /// Names it in `receivers`, and the built-in receiver's path for it.
    pub(super) slug: &'static str,
    pub(super) settings: Settings,
    pub(super) made_at: OffsetDateTime,
    pub(super) off: Option<(Off, OffsetDateTime)>,
    /// Where its name led, from the ranges for documentation (RFC 5737).
    pub(super) address: &'static str,
}

/// Addresses in the sample lead nowhere: `.example` is reserved (RFC 2606).
pub(super) const TARGETS: [(&str, &str); 8] = [
    ("crm", "https://crm.larkspur-and-vale.example/webhooks/callout"),
    ("data-warehouse", "https://ingest.warehouse.example/v1/streams/larkspur"),
    ("loyalty-app", "https://api.loyalty-app.example/hooks/larkspur-and-vale"),
    ("email-platform", "https://hooks.email-platform.example/in/7f3c2a"),
    ("partner-portal", "https://partners.larkspur-and-vale.example/callout"),
    ("old-till", "https://till-bridge.larkspur-and-vale.example/events"),
    ("finance", "https://ledger.finance.larkspur-and-vale.example/api/reconcile"),
    ("pop-up", "https://popup.larkspur-and-vale.example/tills"),
];

/// All webhooks that the shop has or had, oldest first.
pub(super) fn webhooks(now: OffsetDateTime) -> Vec<Planned> {
    let ago = |days: i64, minutes: i64| now - Duration::days(days) - Duration::minutes(minutes);
    let mut all = vec![
        planned(
            "crm",
            "CRM",
            "Customers, orders and their rewards, for the service desk.",
            ago(40, 50),
            "203.0.113.24:443",
        ),
        planned(
            "data-warehouse",
            "Data warehouse",
            "Everything, for reports. Loads in the small hours.",
            ago(40, 44),
            "198.51.100.7:443",
        ),
        planned(
            "old-till",
            "Old till system (decommissioned)",
            "Bridge to the tills in Leeds, until the new ones came.",
            ago(40, 31),
            "203.0.113.81:443",
        ),
        planned(
            "pop-up",
            "Spring pop-up tills",
            "Two tills on the market.",
            ago(39, 300),
            "203.0.113.83:443",
        ),
        planned(
            "loyalty-app",
            "Loyalty app",
            "Push messages about points, missions and badges.",
            ago(38, 12),
            "192.0.2.61:443",
        ),
        planned(
            "email-platform",
            "Email platform",
            "Sends the codes and the welcome letters.",
            ago(37, 800),
            "192.0.2.140:443",
        ),
        planned(
            "partner-portal",
            "Partner portal",
            "Campaigns for the partner shops.",
            ago(36, 40),
            "203.0.113.30:443",
        ),
        planned(
            "finance",
            "Refunds and refused redemptions, for the nightly reconciliation with the finance team's ledger (do not remove)",
            "Ask finance before any change.",
            ago(15, 200),
            "203.0.113.44:443",
        ),
    ];
    for webhook in &mut all {
        adjust(webhook, now);
    }
    all
}

fn planned(
    slug: &'static str,
    name: &str,
    description: &str,
    made_at: OffsetDateTime,
    address: &'static str,
) -> Planned {
    let target = TARGETS.iter().find(|(known, _)| *known == slug).map_or("", |(_, url)| url);
    let settings = Settings {
        name: name.to_owned(),
        description: description.to_owned(),
        target_url: target.to_owned(),
        ..Settings::default()
    };
    Planned { slug, settings, made_at, off: None, address }
}

/// What distinguishes one webhook from the next.
fn adjust(webhook: &mut Planned, now: OffsetDateTime) {
    let settings = &mut webhook.settings;
    match webhook.slug {
        "crm" => settings.events = types(&["customer.", "contact.", "redemption.succeeded"]),
        "data-warehouse" => settings.all_events = true,
        "loyalty-app" => {
            settings.events = types(&[
                "voucher.loyalty_card",
                "customer.loyalty",
                "mission_",
                "reward_",
                "badge_",
                "prize.",
            ]);
            settings.retries = Retries::Three;
            settings.timeout_ms = 5_000;
        }
        "email-platform" => {
            settings.events =
                types(&["publication.", "voucher.published", "contact.", "customer.created", "shopper."]);
            settings.body = BodyFormat::Flat;
            settings.timeout_ms = 6_000;
            settings.retries = Retries::custom(vec![30, 120, 600, 3_600]).unwrap_or_default();
        }
        "partner-portal" => {
            settings.events = types(&["campaign.", "redemption.succeeded", "customer.segment"]);
            webhook.off = Some((Off::Paused, now - Duration::minutes(3 * 1_440 + 250)));
        }
        "old-till" => {
            settings.events = types(&["redemption.", "voucher.gift"]);
            settings.when_used_up = WhenUsedUp::Disable;
            webhook.off = Some((Off::Gone, now - Duration::minutes(12 * 1_440 + 95)));
        }
        "finance" => {
            settings.events = types(&["redemption.failed", "redemption.rollback", "customer.order.canceled"]);
            settings.success = Success::Only200;
            settings.timeout_ms = 15_000;
        }
        "pop-up" => {
            settings.events = types(&["redemption.succeeded", "voucher.gift"]);
            webhook.off = Some((Off::Deleted, now - Duration::minutes(20 * 1_440 + 500)));
        }
        _ => {}
    }
}

/// The types of the catalogue whose names begin so, sorted as settings have them.
fn types(beginnings: &[&str]) -> Vec<String> {
    let names = catalogue::all().iter().map(|event_type| event_type.name);
    let mut chosen: Vec<String> = names
        .filter(|name| beginnings.iter().any(|beginning| name.starts_with(beginning)))
        .map(str::to_owned)
        .collect();
    chosen.sort();
    chosen
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::models::webhooks::{Draft, Ground};
    use crate::rules::catalogue::own::OwnNames;
    use crate::rules::target::{AllowedHosts, Policy};

    #[test]
    fn every_webhook_could_have_been_saved_by_a_person() {
        for webhook in webhooks(datetime!(2031-03-05 17:20 UTC)) {
            let settings = &webhook.settings;
            let draft = Draft {
                name: Some(settings.name.clone()),
                target_url: Some(settings.target_url.clone()),
                all_events: Some(settings.all_events),
                events: Some(settings.events.clone()),
                timeout_ms: Some(settings.timeout_ms.into()),
                ..Draft::default()
            };
            let saved = draft.onto(
                settings.clone(),
                &Ground {
                    policy: &Policy::default(),
                    hosts: &AllowedHosts::default(),
                    own: &OwnNames::default(),
                    stored: None,
                    is_new: true,
                    now: time::OffsetDateTime::UNIX_EPOCH,
                },
            );
            assert_eq!(saved.as_ref(), Ok(settings), "{}", webhook.slug);
            let host = settings.target_url.split('/').nth(2).unwrap_or_default();
            assert!(host.ends_with(".example"), "{host}");
        }
    }
}
