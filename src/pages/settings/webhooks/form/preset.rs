//! Presets in the form: each as a card, and what choosing one fills in.
use super::{AuthenticationFields, Fields, Kept};
use crate::models::webhooks::Settings;
use crate::rules::authentication::{Authentication, Hidden};
use crate::rules::preset::Preset;

/// A choice among the presets.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct PresetCard {
    /// Empty for none.
    pub word: &'static str,
    pub title: &'static str,
    pub description: &'static str,
}

/// None, then every preset.
pub fn cards() -> Vec<PresetCard> {
    let none = PresetCard {
        word: "",
        title: "None",
        description: "Your own settings: the Standard Webhooks signature, and whatever you choose below.",
    };
    let of = |preset: Preset| PresetCard {
        word: preset.as_str(),
        title: preset.title(),
        description: preset.description(),
    };
    std::iter::once(none).chain(Preset::ALL.map(of)).collect()
}

impl Fields {
    /// Whether another preset was chosen than the one whose settings stand in the fields.
    pub fn is_to_fill(&self) -> bool {
        self.preset != self.applied && Preset::parse(&self.preset).is_some()
    }

    /// With what the chosen preset says, if it has not been filled in yet. What was typed as text stays: name,
    /// description, address, tokens, headers, own waits, a time limit that is not the last preset's.
    pub fn filled(self, kept: &Kept) -> Self {
        let Some(preset) = Preset::parse(&self.preset).filter(|_| self.is_to_fill()) else {
            return Self { applied: self.preset.clone(), ..self };
        };
        let mut settings =
            Settings { authentication: self.named_authentication(kept), ..Settings::default() };
        settings.apply(preset);
        let said = Self::of(&settings);
        let timeout_s =
            if self.timeout_s == self.timeout_s_of_last() { said.timeout_s } else { self.timeout_s };
        let header = match self.authentication.header.trim() {
            "" => said.authentication.header,
            _ => self.authentication.header,
        };
        Self {
            all_events: said.all_events,
            events: said.events,
            body: said.body,
            timeout_s,
            retries: said.retries,
            success: said.success,
            when_used_up: said.when_used_up,
            extra_signature: said.extra_signature,
            authentication: AuthenticationFields {
                kind: said.authentication.kind,
                header,
                ..self.authentication
            },
            applied: self.preset.clone(),
            ..self
        }
    }

    /// The time limit that the preset before, or none, filled in.
    fn timeout_s_of_last(&self) -> String {
        let mut last = Settings::default();
        if let Some(preset) = Preset::parse(&self.applied) {
            last.apply(preset);
        }
        Self::of(&last).timeout_s
    }

    /// The kind of authentication that is chosen, but for one that only the last preset chose: the next need not have it.
    fn named_authentication(&self, kept: &Kept) -> Authentication {
        let typed = &self.authentication;
        let last = Preset::parse(&self.applied).map(|last| last.authentication());
        let is_of_last = last.is_some_and(|last| last.kind() == typed.kind && last.name() == typed.header);
        if is_of_last && !typed.has_secret() && kept.secret(&typed.kind).is_none() {
            return Authentication::None;
        }
        let name = if typed.kind == "basic" { &typed.username } else { &typed.header };
        Authentication::of(&typed.kind, name.clone(), Hidden::new("")).unwrap_or_default()
    }
}
