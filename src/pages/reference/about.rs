//! What the reference tells of an event type, whoever has it: the catalogue or one project.
use super::tree;
use super::wire::{self, Form, Wire};
use crate::pages::history::json;
use crate::rules::catalogue::Field;

pub use super::tree::Piece;

/// The secret that the requests are signed with. It opens nothing.
pub const SECRET: &str = wire::SECRET;

/// Fields, sample, and the request as a receiver gets it.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct About {
    pub fields: Vec<Piece>,
    pub field_count: usize,
    pub sample: Vec<json::Piece>,
    pub bodies: [Shown; 3],
}

/// A request in one of the forms of its body.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Shown {
    pub id: &'static str,
    pub label: &'static str,
    pub explained: &'static str,
    pub wire: Wire,
}

impl About {
    /// Of a type with its sample as text and the fields that are told of it.
    pub fn of(name: &str, sample: &str, fields: &[Field]) -> Self {
        Self {
            fields: tree::of(fields),
            field_count: fields.len(),
            sample: json::pretty(sample).unwrap_or_default(),
            bodies: [
                Shown {
                    id: "envelope",
                    label: "Envelope",
                    explained: "The data within an envelope that says where it comes from. New webhooks are set to it.",
                    wire: wire::of(name, sample, Form::Envelope),
                },
                Shown {
                    id: "older",
                    label: "Envelope 2018-08-01",
                    explained: "The older envelope, for receivers that were written for it. A webhook's version chooses it.",
                    wire: wire::of(name, sample, Form::OlderEnvelope),
                },
                Shown {
                    id: "flat",
                    label: "Flat",
                    explained: "The data alone. The type of the event is in the header x-callout-event.",
                    wire: wire::of(name, sample, Form::Flat),
                },
            ],
        }
    }

    /// A command line that posts the sample.
    pub fn post(name: &str, sample: &str, public_url: &str) -> String {
        wire::post(name, sample, public_url)
    }
}
