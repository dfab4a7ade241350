//! An address for a narrow place: the host stands out, and what is cut is cut in the middle.
//!
//! The style sheet cuts, not this: the parts add up to the whole address, so that it can be selected and copied.

/// So many characters at the end are never cut: a path's last word tells addresses of one host apart.
const TAIL_CHARS: usize = 14;

/// The parts of an address, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownUrl {
    /// `https://`.
    pub scheme: String,
    /// With the port, if one is named.
    pub host: String,
    /// Shortened where there is no room for it.
    pub path: String,
    /// Always in full; empty for a short path.
    pub tail: String,
}

impl ShownUrl {
    /// Takes an address apart; one that is none is all path.
    pub fn of(url: &str) -> Self {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Self {
                scheme: String::new(),
                host: String::new(),
                path: url.to_owned(),
                tail: String::new(),
            };
        };
        let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let cut = path.char_indices().rev().nth(TAIL_CHARS - 1).map_or(0, |(at, _)| at);
        // A path hardly longer than its tail is cut nowhere.
        let (path, tail) = if cut > TAIL_CHARS { path.split_at(cut) } else { (path, "") };
        Self {
            scheme: format!("{scheme}://"),
            host: host.to_owned(),
            path: path.to_owned(),
            tail: tail.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_add_up_to_the_address() {
        for url in [
            "https://shop.example",
            "http://127.0.0.1:9000/in",
            "https://shop.example/api/v2/integrations/webhooks/incoming/callout?token=ä1234567890123",
            "https://shop.example?a=1",
            "not an address",
        ] {
            let ShownUrl { scheme, host, path, tail } = ShownUrl::of(url);
            assert_eq!(format!("{scheme}{host}{path}{tail}"), url);
        }
    }

    #[test]
    fn the_host_and_the_end_of_a_long_path_stand_by_themselves() {
        let shown = ShownUrl::of("https://shop.example:8443/api/v2/integrations/webhooks/callout");
        assert_eq!((shown.host.as_str(), shown.tail.as_str()), ("shop.example:8443", "bhooks/callout"));
        assert_eq!(ShownUrl::of("https://shop.example/webhooks").tail, "");
    }
}
