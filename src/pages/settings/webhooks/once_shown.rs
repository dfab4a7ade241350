//! Secrets made here, on their way to the one page that shows them.
use actix_session::Session;
use zeroize::Zeroizing;

use super::form::Fields;
use crate::base::seal::SealKey;
use crate::models::webhooks::Settings;
use crate::rules::authentication::{Authentication, Hidden};
use crate::web::{PageError, once};

/// What is shown once.
pub struct OnceShown {
    /// `whsec_…`, of a webhook that was just created.
    pub secret: Option<Zeroizing<String>>,
    /// An API key that nobody typed.
    pub api_key: Option<Zeroizing<String>>,
}

impl OnceShown {
    /// Keeps it for the page that shows it, and says where to go on: there, or to the webhook if there is nothing to show.
    pub fn kept_at(&self, session: &Session, seal: &SealKey, link: &str) -> Result<String, PageError> {
        if self.secret.is_none() && self.api_key.is_none() {
            return Ok(link.to_owned());
        }
        let place = format!("{link}/created");
        let line = |text: &Option<Zeroizing<String>>| text.clone().unwrap_or_default();
        let text = Zeroizing::new(format!("{}\n{}", *line(&self.secret), *line(&self.api_key)));
        once::keep(session, seal, &place, &text)?;
        Ok(place)
    }

    /// Reads what [`OnceShown::kept_at`] kept.
    pub fn of_text(text: &str) -> Self {
        let (secret, api_key) = text.split_once('\n').unwrap_or((text, ""));
        let read = |text: &str| (!text.is_empty()).then(|| Zeroizing::new(text.to_owned()));
        Self { secret: read(secret), api_key: read(api_key) }
    }
}

/// The API key that Callout made because none was typed and none is stored.
pub fn generated(fields: &Fields, settings: &Settings) -> Option<Zeroizing<String>> {
    match &settings.authentication {
        Authentication::ApiKey { value: Hidden::New(key), .. } if !fields.authentication.has_secret() => {
            Some(key.clone())
        }
        _ => None,
    }
}
