//! What changes from one event of a type to the next, and what stands there this time.
use time::{Duration, OffsetDateTime};

use super::draw::Draw;
use super::people::Person;
use crate::rules::body::iso_ms;

/// A place in a sample that each event fills anew. The first number is whose it is: 0 the customer whom the event is
/// about, 1 somebody else in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Name(usize),
    FirstName(usize),
    LastName(usize),
    Email(usize),
    Phone(usize),
    /// The same as digits only: a JSON number.
    Msisdn(usize),
    Birth(usize),
    Street(usize),
    City(usize),
    State(usize),
    PostalCode(usize),
    Country(usize),
    Customer(usize),
    Player(usize),
    /// In the shop's own system.
    Source(usize),
    /// The same in an address.
    SourceInLink(usize),
    /// A voucher's code: the same one for a customer and a campaign.
    Code(usize, String),
    /// The id of the voucher with that code.
    Voucher(usize, String),
    /// An id that belongs to one cause: what kind, which of them, how long, hex digits or letters.
    Fresh {
        prefix: String,
        index: u64,
        length: usize,
        is_hex: bool,
    },
    /// The shop's order number.
    Order,
    /// So many milliseconds after the event's own moment.
    Moment(i64),
    /// So many milliseconds after the day on which the whole sample was made.
    Dated(i64),
    /// The same in whole days, without a time.
    Day(i64),
    /// Money or points, as in the sample.
    Amount(i64),
}

/// What fills the slots of one event.
#[derive(Clone, Debug)]
pub(super) struct Scene<'a> {
    pub(super) people: [&'a Person; 2],
    /// Events of one cause share it, and with it the ids.
    pub(super) seed: u64,
    pub(super) at: OffsetDateTime,
    /// What [`Slot::Dated`] counts from.
    pub(super) base: OffsetDateTime,
    /// Amounts are multiplied by so many tenths.
    pub(super) tenths: i64,
}

impl Scene<'_> {
    /// The text for a slot; needs no escaping in JSON.
    pub(super) fn text(&self, slot: &Slot) -> String {
        let person = |whose: &usize| self.people[(*whose).min(1)];
        match slot {
            Slot::Name(whose) => person(whose).name.clone(),
            Slot::FirstName(whose) => person(whose).first.to_owned(),
            Slot::LastName(whose) => person(whose).last.to_owned(),
            Slot::Email(whose) => person(whose).email.clone(),
            Slot::Phone(whose) => person(whose).phone.clone(),
            Slot::Msisdn(whose) => person(whose).phone.chars().filter(char::is_ascii_digit).collect(),
            Slot::Birth(whose) => person(whose).birth.clone(),
            Slot::Street(whose) => person(whose).home.line.to_owned(),
            Slot::City(whose) => person(whose).home.city.to_owned(),
            Slot::State(whose) => person(whose).home.state.to_owned(),
            Slot::PostalCode(whose) => person(whose).home.postal_code.to_owned(),
            Slot::Country(whose) => person(whose).home.country.to_owned(),
            Slot::Customer(whose) => person(whose).customer.clone(),
            Slot::Player(whose) => person(whose).player.clone(),
            Slot::Source(whose) => person(whose).source.clone(),
            Slot::SourceInLink(whose) => person(whose).source.to_ascii_lowercase(),
            Slot::Code(whose, prefix) => {
                format!("{prefix}{}", Draw::of(person(whose).number, prefix).code(6))
            }
            Slot::Voucher(whose, prefix) => {
                let mut draw = Draw::of(person(whose).number + 1_000, prefix);
                format!("v_{}", draw.letters(32))
            }
            Slot::Fresh { prefix, index, length, is_hex } => {
                let mut draw = Draw::of(self.seed.wrapping_add(*index), prefix);
                let text = if *is_hex { draw.hex(*length) } else { draw.letters(*length) };
                format!("{prefix}{text}")
            }
            Slot::Order => order_number(self.seed),
            Slot::Moment(ms) => iso_ms(self.at + Duration::milliseconds(*ms)),
            Slot::Dated(ms) => iso_ms(self.base + Duration::milliseconds(*ms)),
            Slot::Day(days) => (self.base + Duration::days(*days)).date().to_string(),
            Slot::Amount(amount) => scaled(*amount, self.tenths).to_string(),
        }
    }
}

/// The order that a story is about.
pub(super) fn order_number(seed: u64) -> String {
    format!("LV-{:06}", 40_000 + Draw::of(seed, "order").below(900_000))
}

/// Whole where the sample's was; sums of scaled amounts stay sums as long as each divides.
fn scaled(amount: i64, tenths: i64) -> i64 {
    if amount % 10 == 0 { amount / 10 * tenths } else { amount * tenths / 10 }
}

#[cfg(test)]
mod tests {
    use super::super::people::everybody;
    use super::*;

    #[test]
    fn a_customer_keeps_codes_and_a_cause_keeps_its_ids() {
        let people = everybody();
        let scene = |person: usize, seed| Scene {
            people: [&people[person], &people[9]],
            seed,
            at: OffsetDateTime::UNIX_EPOCH,
            base: OffsetDateTime::UNIX_EPOCH,
            tenths: 15,
        };
        let code = Slot::Code(0, "LINEN-".to_owned());
        assert_eq!(scene(1, 1).text(&code), scene(1, 2).text(&code));
        assert_ne!(scene(1, 1).text(&code), scene(2, 1).text(&code));
        let order = Slot::Fresh { prefix: "ord_".to_owned(), index: 0, length: 24, is_hex: false };
        assert_eq!(scene(1, 1).text(&order), scene(2, 1).text(&order));
        assert_ne!(scene(1, 1).text(&order), scene(1, 2).text(&order));
        assert_eq!(scene(1, 1).text(&Slot::Amount(2_450)), "3675");
        assert_eq!(scene(1, 1).text(&Slot::Moment(1_500)), "1970-01-01T00:00:01.500Z");
        assert!(scene(1, 1).text(&Slot::Msisdn(0)).bytes().all(|byte| byte.is_ascii_digit()));
    }
}
