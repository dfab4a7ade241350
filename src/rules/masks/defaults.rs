//! What is masked in every project, until its admins say otherwise.
use std::sync::LazyLock;

use super::{Field, Kind, Rule};

/// A star stands for words before: `*email` is `email`, `customer_email`, `contactEmail`. `person` is any object with an
/// e-mail address, a phone number, a first name or a birthday of its own.
const DEFAULTS: &[(Kind, &[&str])] = &[
    (Kind::Email, &["*email", "*mail", "*email_address"]),
    (
        Kind::Phone,
        &[
            "*phone",
            "*phone_number",
            "*mobile",
            "*mobile_number",
            "*telephone",
            "*msisdn",
            "*whatsapp",
            "*fax",
        ],
    ),
    (
        Kind::Name,
        &[
            "*first_name",
            "*last_name",
            "*full_name",
            "*given_name",
            "*family_name",
            "*surname",
            "*middle_name",
            "*customer_name",
            "*contact_name",
            "*holder_name",
            "*recipient_name",
            "*customer.name",
            "*contact.name",
            "*holder.name",
            "*user.name",
            "*shopper.name",
            "*player.name",
            "*recipient.name",
            "*referrer.name",
            "*referee.name",
            "person.name",
        ],
    ),
    (
        Kind::Other,
        &[
            "*address",
            "*street",
            "*address_line",
            "line_1",
            "line_2",
            "*postal_code",
            "*postcode",
            "*zip",
            "*zip_code",
            "*birthday",
            "*birthdate",
            "*date_of_birth",
        ],
    ),
    (
        Kind::Code,
        &[
            "*voucher.code",
            "*voucher_code",
            "*coupon.code",
            "*coupon_code",
            "*promo_code",
            "*promotion_code",
            "*discount_code",
            "*referral.code",
            "*referral_code",
            "*loyalty.code",
            "*card.code",
            "*card_code",
            "*card_number",
            "*gift_code",
            "*prize.code",
            "*reward.code",
            "*token",
        ],
    ),
];

/// Every default, in the order of the settings page.
pub fn defaults() -> &'static [Rule] {
    static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
        let of = |(kind, fields): &(Kind, &'static [&'static str])| {
            let kind = *kind;
            // A test reads each of them.
            fields.iter().filter_map(move |field| Some(Rule { field: Field::parse(field).ok()?, kind }))
        };
        DEFAULTS.iter().flat_map(of).collect()
    });
    &RULES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_can_be_read() {
        let count: usize = DEFAULTS.iter().map(|(_, fields)| fields.len()).sum();
        assert_eq!(defaults().len(), count);
    }
}
