//! The request as a command line, to try a receiver by hand.
use std::fmt::Write as _;

/// Set by curl itself, or wrong for a body that was edited.
const LEFT_TO_CURL: [&str; 6] =
    ["host", "content-length", "connection", "accept-encoding", "transfer-encoding", "date"];
/// They prove who sent the request; a copy in a shell's history should not.
const SIGNATURES: [&str; 2] = ["webhook-signature", "x-voucherify-signature"];

/// A command for a POSIX shell that sends the same request again, without signatures and without secrets.
///
/// Headers with a masked value are left out; none if the body is no text (a shell's argument cannot hold it).
pub fn command(url: &str, headers: &[(String, String)], body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok().filter(|text| !text.contains('\0'))?;
    let mut line = format!("curl -X POST {}", quoted(url));
    for (name, value) in headers.iter().filter(|(name, value)| is_copied(name, value)) {
        // Writing to a String cannot fail.
        let _ = write!(line, " \\\n  -H {}", quoted(&format!("{name}: {value}")));
    }
    let _ = write!(line, " \\\n  --data-raw {}", quoted(body));
    Some(line)
}

fn is_copied(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_credential = name.contains("authorization") || name.contains("cookie") || name.contains("api-key");
    let is_masked = value.contains('•') || value.contains("***") || value.contains('…');
    !LEFT_TO_CURL.contains(&&*name) && !SIGNATURES.contains(&&*name) && !is_credential && !is_masked
}

/// A text as one argument of a POSIX shell: single quotes keep everything but themselves.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_quote_in_the_body_cannot_leave_its_argument() {
        let line = command("https://a.example/'x", &[], b"{\"a\":\"it's; rm -rf $HOME `id`\"}").unwrap();
        assert!(line.contains(r"--data-raw '{"), "{line}");
        assert!(line.contains(r"it'\''s; rm -rf $HOME `id`"), "{line}");
        assert!(line.contains(r"'https://a.example/'\''x'"), "{line}");
    }

    #[test]
    fn signatures_and_masked_values_are_left_out() {
        let headers = [
            header("Content-Type", "application/json"),
            header("webhook-id", "whs_1"),
            header("webhook-signature", "v1,abc"),
            header("X-Voucherify-Signature", "00ff"),
            header("authorization", "Bearer abc"),
            header("x-shop", "••••"),
            header("content-length", "2"),
        ];
        let line = command("https://a.example/", &headers, b"{}").unwrap();
        assert!(line.contains("Content-Type") && line.contains("webhook-id"));
        for gone in ["webhook-signature", "Voucherify", "authorization", "x-shop", "content-length"] {
            assert!(!line.contains(gone), "{gone} in {line}");
        }
    }
}
