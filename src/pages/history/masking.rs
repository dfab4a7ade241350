//! What of an exchange a role may read: a viewer sees that something was sent, not what.
use crate::models::deliveries::AttemptRow;
use crate::models::projects::Role;
use crate::rules::masks::Veil;

/// Stands for a value that is not shown.
const MASK: &str = "••••";
/// Headers whose values say nothing about a customer or a secret.
const HARMLESS: [&str; 11] = [
    "content-type",
    "content-length",
    "date",
    "host",
    "user-agent",
    "accept-encoding",
    "webhook-id",
    "webhook-timestamp",
    "x-callout-event",
    "retry-after",
    "server",
];
/// Values that open something, whoever looks.
const CREDENTIALS: [&str; 3] = ["set-cookie", "authorization", "proxy-authorization"];

/// Whether bodies may be read: from support on.
pub fn shows_bodies(role: Role) -> bool {
    role >= Role::Support
}

/// Headers of a request, which were stored without secrets: a viewer reads the harmless ones only.
pub fn request_headers(role: Role, headers: &[(String, String)]) -> Vec<(String, String)> {
    masked(headers, |name| !shows_bodies(role) && !HARMLESS.contains(&name))
}

/// Headers of a response. Credentials that a receiver sent back are for nobody.
pub fn response_headers(role: Role, headers: &[(String, String)]) -> Vec<(String, String)> {
    masked(headers, |name| {
        let is_credential = CREDENTIALS.contains(&name) || name.contains("api-key");
        is_credential || !shows_bodies(role) && !HARMLESS.contains(&name)
    })
}

/// An address without its query, which often holds a key; admins, who set it, read it whole.
pub fn url(role: Role, url: &str) -> String {
    match url.split_once('?') {
        Some((before, _)) if role < Role::Admin => format!("{before}?•••"),
        _ => url.to_owned(),
    }
}

/// An attempt as a role may read it through a veil; what it sent is [`request_body`]'s.
pub fn attempt(role: Role, veil: &Veil, row: &AttemptRow) -> AttemptRow {
    let mut row = row.clone();
    let attempt = &mut row.attempt;
    attempt.url = veil.text(&url(role, &attempt.url)).into_owned();
    attempt.request_headers = veil.headers(request_headers(role, &attempt.request_headers));
    if let Some(failure) = &mut attempt.failure {
        failure.detail = veil.text(&failure.detail).into_owned();
    }
    if let Some(response) = &mut attempt.response {
        response.headers = veil.headers(response_headers(role, &response.headers));
        response.body = if shows_bodies(role) { veil.bytes(&response.body).to_vec() } else { Vec::new() };
    }
    row
}

/// A request's body, in whose envelope the address stands once more.
pub fn request_body(role: Role, address: &str, body: Vec<u8>) -> Vec<u8> {
    let shown = url(role, address);
    if shown == address {
        return body;
    }
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match String::from_utf8(body) {
        Ok(text) => text.replace(&quoted(address), &quoted(&shown)).into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

fn masked(headers: &[(String, String)], is_hidden: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let shown = |(name, value): &(String, String)| {
        let value = if is_hidden(&name.to_ascii_lowercase()) { MASK } else { value };
        (name.clone(), value.to_owned())
    };
    headers.iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(headers: Vec<(String, String)>) -> Vec<String> {
        headers.into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn credentials_in_a_response_are_masked_for_everyone_and_the_rest_for_viewers() {
        let headers =
            ["Set-Cookie", "X-Api-Key", "Location", "Server"].map(|name| (name.to_owned(), "v".to_owned()));
        assert_eq!(values(response_headers(Role::Admin, &headers)), [MASK, MASK, "v", "v"]);
        assert_eq!(values(response_headers(Role::Viewer, &headers)), [MASK, MASK, MASK, "v"]);
        assert_eq!(values(request_headers(Role::Support, &headers)), ["v"; 4]);
        assert_eq!(values(request_headers(Role::Viewer, &headers)), [MASK, MASK, MASK, "v"]);
    }

    #[test]
    fn the_query_of_an_address_is_for_admins() {
        let whole = "https://a.example/in?key=1";
        assert_eq!(url(Role::Admin, whole), whole);
        assert_eq!(url(Role::Support, whole), "https://a.example/in?•••");
        assert_eq!(url(Role::Viewer, "https://a.example/in"), "https://a.example/in");
    }
}
