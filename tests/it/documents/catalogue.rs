//! What the pages say of event types is what the catalogue has.
use callout::rules::catalogue::{self, Family};

use super::{pages, text_of};

#[test]
fn the_numbers_of_event_types_in_the_pages_are_the_catalogues() {
    let count = |family| catalogue::of(family).count();
    assert!(text_of("README.md").contains(&format!("**{} event types**", catalogue::all().len())));
    let project = text_of("docs/migrating/voucherify-project.md");
    assert!(project.contains(&format!("all {} of the published list, and 4 ", count(Family::Project) - 4)));
    let distributions = text_of("docs/migrating/voucherify-distributions.md");
    assert!(distributions.contains(&format!("The {} event types", count(Family::Distribution))));
    let gamify = text_of("docs/migrating/optimove-gamify.md");
    assert!(gamify.contains(&format!("The {} events", count(Family::Gamify))));
    assert_eq!((count(Family::Shopper), count(Family::Contact), count(Family::Loyalty)), (2, 2, 3));
}

#[test]
fn every_event_type_in_the_pages_exists() {
    let groups =
        ["customer", "redemption", "voucher", "campaign", "shopper", "contact", "segment", "player", "prize"];
    let mut count = 0;
    for (page, text) in pages() {
        for word in text.split(|c: char| !(c.is_ascii_lowercase() || c == '.' || c == '_')) {
            let word = word.trim_end_matches('.');
            let Some((group, _)) = word.split_once('.') else { continue };
            if groups.contains(&group) {
                assert!(catalogue::find(word).is_some(), "{page}: {word}");
                count += 1;
            }
        }
    }
    assert!(count > 20);
}
