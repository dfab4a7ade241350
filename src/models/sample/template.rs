//! The catalogue's samples, taken apart once so that each event is put together with other people, ids and moments.
use std::collections::HashMap;

use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::macros::{datetime, format_description};
use time::{Date, Duration, OffsetDateTime};

use super::slots::{Scene, Slot};
use crate::rules::body::push_json_string;
use crate::rules::catalogue;

/// The catalogue's samples tell of the weeks before this day.
const SAMPLE_DAY: OffsetDateTime = datetime!(2026-11-16 00:00 UTC);
/// What lies further from an event's moment belongs to its campaign and is the same in all events.
const NEAR: Duration = Duration::days(2);

/// The catalogue's shop under the name of ours.
const RENAMED: [(&str, &str); 8] = [
    ("Juniper &amp; Oak", "Larkspur &amp; Vale"),
    ("Juniper & Oak", "Larkspur & Vale"),
    ("juniper-and-oak", "larkspur-and-vale"),
    ("juniper_oak", "larkspur_vale"),
    ("Juniper", "Larkspur"),
    ("\"JO-", "\"LV-"),
    ("jo-c-", "lv-c-"),
    ("\"JC-", "\"LC-"),
];

/// Ids that belong to one cause; all others name what stays: campaigns, products, tiers, rewards.
const FRESH: [&str; 16] = [
    "r_", "rf_", "rr_", "rrf_", "ord_", "ordli_", "pub_", "vtx_", "lopp_", "lopb_", "rewr_", "rh_", "track_",
    "prize_", "play_", "distr_",
];
/// Fields that hold money or points of this very event.
const AMOUNTS: [&str; 16] = [
    "amount",
    "price",
    "subtotal_amount",
    "discount_amount",
    "applied_discount_amount",
    "total_discount_amount",
    "total_applied_discount_amount",
    "total_amount",
    "items_discount_amount",
    "items_applied_discount_amount",
    "initial_amount",
    "points",
    "ecom_total_order_amount",
    "value",
    "score",
    "redeemed_points",
];
/// What a campaign grants is not scaled.
const GRANTS: [&str; 6] = ["discount", "gift", "loyalty_card", "loyalty", "campaign", "loyalty_tier"];
/// Moments that lie ahead or long ago: they say nothing about when the event was.
const OFF_MOMENT: [&str; 5] = ["expir", "start_date", "end_date", "activates", "birth"];

#[derive(Debug)]
enum Piece {
    Text(String),
    Slot(Slot),
}

/// An event type's sample, ready to be filled.
#[derive(Debug)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    /// What the envelope calls `entity_id`.
    entity: Option<Slot>,
    entity_text: Option<String>,
}

impl Template {
    /// Of a type of the catalogue; none for a type that it does not have.
    pub(super) fn of(name: &str) -> Option<Self> {
        let event_type = catalogue::find(name)?;
        let mut text = event_type.sample().to_owned();
        for (old, new) in RENAMED {
            text = text.replace(old, new);
        }
        let sample: Value = serde_json::from_str(&text).ok()?;
        let mut reader = Reader::of(&sample);
        reader.value("", &sample, false);
        reader.flush();
        let entity_text = entity_of(name, &sample).map(str::to_owned);
        let entity = entity_text.as_deref().and_then(|id| reader.id_slot(id));
        Some(Self { pieces: reader.pieces, entity, entity_text })
    }

    /// The event's data in canonical form.
    pub(super) fn data(&self, scene: &Scene<'_>) -> Vec<u8> {
        let mut data = String::with_capacity(4_096);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => data.push_str(text),
                Piece::Slot(slot) => data.push_str(&scene.text(slot)),
            }
        }
        data.into_bytes()
    }

    /// The id of what the event is about.
    pub(super) fn entity(&self, scene: &Scene<'_>) -> Option<String> {
        self.entity.as_ref().map(|slot| scene.text(slot)).or_else(|| self.entity_text.clone())
    }
}

/// Where the envelope's `entity_id` comes from.
fn entity_of<'a>(name: &str, sample: &'a Value) -> Option<&'a str> {
    let object = match name.split('.').next()? {
        noun @ ("redemption" | "customer" | "voucher" | "campaign" | "publication") => noun,
        "prize" | "gameplay" | "player" => "player",
        _ => return None,
    };
    let rolled_back = sample.get(format!("{object}_rollback"));
    rolled_back.or_else(|| sample.get(object))?.get("id")?.as_str()
}

/// Walks through a sample and tells what changes from what stays.
struct Reader {
    pieces: Vec<Piece>,
    text: String,
    /// The event's own moment.
    moment: OffsetDateTime,
    /// What people of the sample are known by.
    whose: HashMap<String, Slot>,
    /// Voucher ids, with what their code begins with.
    vouchers: HashMap<String, String>,
    fresh: HashMap<String, u64>,
}

impl Reader {
    fn of(sample: &Value) -> Self {
        let mut emails = Vec::new();
        objects(sample, &mut |object| {
            let email = object.get("email").or(object.get("ecom_email")).and_then(Value::as_str);
            if let Some(email) = email.filter(|email| !emails.iter().any(|known| known == email)) {
                emails.push(email.to_owned());
            }
        });
        let mut reader = Self {
            pieces: Vec::new(),
            text: String::new(),
            moment: moment_of(sample),
            whose: HashMap::new(),
            vouchers: HashMap::new(),
            fresh: HashMap::new(),
        };
        objects(sample, &mut |object| reader.learn(object, &emails));
        reader
    }

    fn learn(&mut self, object: &serde_json::Map<String, Value>, emails: &[String]) {
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        if let (Some(id), Some(code)) = (text("id"), text("code"))
            && let Some((prefix, _)) = code.split_once('-')
            && id.starts_with("v_")
        {
            self.vouchers.insert(id.to_owned(), format!("{prefix}-"));
        }
        let Some(email) = text("email").or(text("ecom_email")) else { return };
        let whose = emails.iter().position(|known| known == email).unwrap_or_default().min(1);
        let mut know = |text: Option<&str>, slot: Slot| {
            if let Some(text) = text {
                self.whose.entry(text.to_owned()).or_insert(slot);
            }
        };
        know(Some(email), Slot::Email(whose));
        know(text("name"), Slot::Name(whose));
        know(text("first_name"), Slot::FirstName(whose));
        know(text("last_name"), Slot::LastName(whose));
        know(text("id").filter(|id| id.starts_with("cust_")), Slot::Customer(whose));
        know(text("source_id").filter(|id| id.starts_with("LV-C-")), Slot::Source(whose));
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.text)));
        }
    }

    fn slot(&mut self, slot: Slot) {
        self.flush();
        self.pieces.push(Piece::Slot(slot));
    }

    fn value(&mut self, key: &str, value: &Value, is_grant: bool) {
        match value {
            Value::Object(object) => {
                let is_grant = is_grant || GRANTS.contains(&key);
                self.text.push('{');
                for (n, (name, value)) in object.iter().enumerate() {
                    self.text.push_str(if n == 0 { "" } else { "," });
                    push_json_string(&mut self.text, name);
                    self.text.push(':');
                    self.value(name, value, is_grant);
                }
                self.text.push('}');
            }
            Value::Array(list) => {
                self.text.push('[');
                for (n, value) in list.iter().enumerate() {
                    self.text.push_str(if n == 0 { "" } else { "," });
                    self.value(key, value, is_grant);
                }
                self.text.push(']');
            }
            Value::Number(number) => match number.as_i64() {
                Some(_) if key == "msisdn" => self.slot(Slot::Msisdn(0)),
                Some(amount) if AMOUNTS.contains(&key) && !is_grant => self.slot(Slot::Amount(amount)),
                _ => self.text.push_str(&number.to_string()),
            },
            Value::String(text) => self.string(key, text),
            other => self.text.push_str(&other.to_string()),
        }
    }

    fn string(&mut self, key: &str, text: &str) {
        if let Some(slot) = self.string_slot(key, text) {
            self.text.push('"');
            self.slot(slot);
            self.text.push('"');
        } else if let Some((before, after)) = around_source(text) {
            let mut quoted = String::new();
            push_json_string(&mut quoted, before);
            self.text.push_str(quoted.trim_end_matches('"'));
            self.slot(Slot::SourceInLink(0));
            self.text.push_str(after);
            self.text.push('"');
        } else {
            push_json_string(&mut self.text, text);
        }
    }

    fn string_slot(&mut self, key: &str, text: &str) -> Option<Slot> {
        match key {
            "phone" | "phone_number" => return Some(Slot::Phone(0)),
            "birthdate" => return Some(Slot::Birth(0)),
            "line_1" => return Some(Slot::Street(0)),
            "line_2" if text == "Flat 3" => return None,
            "city" | "home_store" => return Some(Slot::City(0)),
            "state" if text == "England" => return Some(Slot::State(0)),
            "postal_code" => return Some(Slot::PostalCode(0)),
            "country" => return Some(Slot::Country(0)),
            "code" | "coupon_code" => {
                let (prefix, _) = text.split_once('-')?;
                return Some(Slot::Code(0, format!("{prefix}-")));
            }
            _ => {}
        }
        if let Some(slot) = self.whose.get(text) {
            return Some(slot.clone());
        }
        if text.starts_with("LV-C-") {
            return Some(Slot::Source(0));
        }
        if text.starts_with("LV-2026-") {
            return Some(Slot::Order);
        }
        if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
            let is_near = (at - self.moment).abs() < NEAR && !is_off_moment(key);
            let ms = |span: Duration| i64::try_from(span.whole_milliseconds()).unwrap_or_default();
            return Some(if is_near {
                Slot::Moment(ms(at - self.moment))
            } else {
                Slot::Dated(ms(at - SAMPLE_DAY))
            });
        }
        if let Ok(day) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
            return Some(Slot::Day((day - SAMPLE_DAY.date()).whole_days()));
        }
        self.id_slot(text)
    }

    fn id_slot(&mut self, text: &str) -> Option<Slot> {
        if let Some(slot) = self.whose.get(text) {
            return Some(slot.clone());
        }
        let (noun, rest) = text.split_once('_')?;
        let is_id = (12..=36).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let prefix = format!("{noun}_");
        match prefix.as_str() {
            "cust_" if is_id => Some(Slot::Customer(0)),
            "player_" if is_id => Some(Slot::Player(0)),
            "v_" if is_id => {
                let code = self.vouchers.get(text).cloned().unwrap_or_else(|| "LINEN-".to_owned());
                Some(Slot::Voucher(0, code))
            }
            _ if is_id && FRESH.contains(&prefix.as_str()) => {
                let of_its_kind = self.fresh.keys().filter(|id| id.starts_with(&prefix)).count() as u64;
                let index = *self.fresh.entry(text.to_owned()).or_insert(of_its_kind);
                let is_hex = rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                Some(Slot::Fresh { prefix, index, length: rest.len(), is_hex })
            }
            _ => None,
        }
    }
}

/// What stands around a customer's number in a link.
fn around_source(text: &str) -> Option<(&str, &str)> {
    let at = text.find("lv-c-")?;
    let digits = text[at + 5..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |n| at + 5 + n);
    Some((&text[..at], &text[digits..]))
}

fn is_off_moment(key: &str) -> bool {
    OFF_MOMENT.iter().any(|word| key.contains(word))
}

/// The latest moment that a sample tells, as far as it is one of the event itself.
fn moment_of(sample: &Value) -> OffsetDateTime {
    let mut latest = None;
    objects(sample, &mut |object| {
        for (key, value) in object.iter().filter(|(key, _)| !is_off_moment(key)) {
            let at = value.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
            if let (Some(at), false) = (at, key.contains("order_date") || key.contains("click_date")) {
                latest = latest.max(Some(at));
            }
        }
    });
    latest.unwrap_or(SAMPLE_DAY)
}

fn objects(value: &Value, tell: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            tell(object);
            object.values().for_each(|value| objects(value, tell));
        }
        Value::Array(list) => list.iter().for_each(|value| objects(value, tell)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
