//! Forms: what was typed, kept as typed, and what is wrong with it, field by field.
use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web::Bytes};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use url::form_urlencoded;

use super::error::PageError;
use super::limits::{FIELDS_MAX, FORM_BYTES_MAX, FORM_WAIT_MAX};

/// The fields of a form or a query, in order, repeated ones included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawForm(pub Vec<(String, String)>);

impl RawForm {
    /// Reads `a=1&b=2`.
    ///
    /// # Errors
    /// [`PageError::BadRequest`] for NUL characters, which Postgres cannot store, or more than 2,000 fields.
    pub fn parse(encoded: &[u8]) -> Result<Self, PageError> {
        let fields: Vec<(String, String)> =
            form_urlencoded::parse(encoded).into_owned().take(FIELDS_MAX + 1).collect();
        if fields.len() > FIELDS_MAX {
            return Err(PageError::BadRequest("This form has too many fields."));
        }
        if fields.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(PageError::BadRequest("This form has a character that no text can hold."));
        }
        Ok(Self(fields))
    }

    /// The first value of a field as it was typed, empty when it is missing.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// The first value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a field: check boxes of one name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// Whether a check box was ticked: browsers send only those that are.
    pub fn is_checked(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether the box of this name and value was ticked.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|given| given == value)
    }

    /// This query with one field changed, for links that keep the rest, e.g. to the next page. Empty fields go.
    pub fn link(&self, path: &str, name: &str, value: &str) -> String {
        let kept = self.0.iter().filter(|(field, text)| field != name && !text.is_empty());
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept);
        if !value.is_empty() {
            query.append_pair(name, value);
        }
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

/// The body of a posted form, up to 512 KiB.
pub struct Form(pub RawForm);

impl FromRequest for Form {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;
    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_form = req
            .headers()
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let payload = payload.take();
        Box::pin(async move {
            let body = read_within(FORM_WAIT_MAX, payload).await?;
            if !is_form && !body.is_empty() {
                return Err(PageError::BadRequest("This is not a form that a browser would send."));
            }
            RawForm::parse(&body).map(Self)
        })
    }
}

/// The whole body, which has to arrive within `wait_max`.
async fn read_within(wait_max: Duration, payload: Payload) -> Result<Vec<u8>, PageError> {
    tokio::time::timeout(wait_max, read(payload)).await.unwrap_or(Err(PageError::TooSlow))
}

async fn read(mut payload: Payload) -> Result<Vec<u8>, PageError> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk: Bytes =
            chunk.map_err(|_| PageError::BadRequest("The form did not arrive whole. Try again."))?;
        if body.len() + chunk.len() > FORM_BYTES_MAX {
            return Err(PageError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The query of the address, e.g. the filters of a list.
pub struct Query(pub RawForm);

impl FromRequest for Query {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(RawForm::parse(req.query_string().as_bytes()).map(Self))
    }
}

/// What is wrong, field by field; the empty name stands for the form as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<(String, String)>);

impl FieldErrors {
    /// Nothing wrong yet.
    pub fn none() -> Self {
        Self::default()
    }

    /// One thing wrong.
    pub fn one(field: &str, message: &str) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// Adds something wrong; the first message of a field is the one that is shown.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push((field.to_owned(), message.into()));
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, message)| message.as_str())
    }

    /// Every field and its message.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, message)| (field.as_str(), message.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_keeps_what_was_typed_and_every_tick() {
        let form = RawForm::parse(b"name=+A%26B+&events=a&events=b&on=").unwrap();
        assert_eq!(form.text("name"), " A&B ");
        assert_eq!(form.all("events").collect::<Vec<_>>(), ["a", "b"]);
        assert!(form.is_checked("on") && !form.is_checked("off"));
        assert!(form.has("events", "b") && !form.has("events", "c"));
        assert_eq!(form.text("missing"), "");
    }

    #[test]
    fn a_form_with_nul_or_too_many_fields_is_refused() {
        assert!(RawForm::parse(b"a=%00").is_err());
        assert!(RawForm::parse("a&".repeat(2_001).as_bytes()).is_err());
        assert!(RawForm::parse("a&".repeat(2_000).as_bytes()).is_ok());
    }

    #[test]
    fn a_form_that_never_comes_is_not_waited_for() {
        actix_rt::System::new().block_on(async {
            let never: Payload = Payload::Stream { payload: Box::pin(futures_util::stream::pending()) };
            let read = read_within(Duration::from_millis(1), never).await;
            assert!(matches!(read, Err(PageError::TooSlow)));
        });
    }

    #[test]
    fn a_link_keeps_the_other_filters() {
        let query = RawForm::parse(b"status=failed&q=&cursor=1&status=held").unwrap();
        assert_eq!(query.link("/h", "cursor", "2"), "/h?status=failed&status=held&cursor=2");
        assert_eq!(query.link("/h", "status", ""), "/h?cursor=1");
        assert_eq!(RawForm::default().link("/h", "cursor", ""), "/h");
    }
}
