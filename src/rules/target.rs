//! Which addresses may be called.
//!
//! A webhook's address is written by one person and called by this machine, from inside its network. So only public
//! addresses are called, unless the installation's allow list names others; and every address is judged when it is
//! connected to ([`Policy::permits`]), because a name may point elsewhere by then.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

mod allow;
mod hosts;

pub use allow::{AllowRule, parse_allow_list};
pub use hosts::{AllowedHosts, HOSTS_MAX};

/// Longest address of a webhook, in characters.
pub const TARGET_CHARS_MAX: usize = 2_048;

/// What the installation lets webhooks call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// What may be called although it is not public, and over plain http (`CALLOUT_ALLOW_TARGETS`).
    pub allow: Vec<AllowRule>,
    /// Whether plain http may be used to every permitted address (`CALLOUT_ALLOW_HTTP`).
    pub allow_http: bool,
}

impl Policy {
    /// Whether `addr`, which `host` resolved to (or is), may be connected to: it is public or in the allow list.
    /// To be asked about every address of a name, at the moment of connecting.
    pub fn permits(&self, host: &str, addr: SocketAddr) -> bool {
        is_public(addr.ip()) || self.allows(host, addr)
    }

    /// Whether plain http may be used to `host:port`.
    ///
    /// With the address that it resolved to, this is the verdict: the allow list names it, or http is allowed
    /// everywhere. Without, for a name not looked up yet, it says whether the verdict can still be yes.
    pub fn permits_http(&self, host: &str, port: u16, addr: Option<SocketAddr>) -> bool {
        if self.allow_http {
            return true;
        }
        let literal = bare(host).parse().ok().map(|ip| SocketAddr::new(ip, port));
        match addr.or(literal) {
            Some(addr) => self.allows(host, SocketAddr::new(addr.ip(), port)),
            None => self.allow.iter().any(|rule| rule.may_cover(bare(host), port)),
        }
    }

    fn allows(&self, host: &str, addr: SocketAddr) -> bool {
        self.allow.iter().any(|rule| rule.covers(bare(host), addr))
    }
}

/// A host as [`AllowRule`] compares it: no brackets of an IPv6 literal, no dot at the end.
fn bare(host: &str) -> &str {
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host)
}

/// Whether an address belongs to a host on the public internet, from what IANA's special-purpose registries say.
///
/// IPv4 within IPv6 (mapped, and NAT64's well-known prefix) is judged by the IPv4 address; of IPv6 only global
/// unicast is public, without 6to4, Teredo and its neighbours, and documentation.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    !matches!(
        ip.octets(),
        [0 | 10 | 127, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [224..=255, ..]
    )
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    match ip.segments() {
        // NAT64, RFC 6052: 64:ff9b::/96
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        // 2001::/23 protocol assignments (Teredo 2001::/32 among them), 2001:db8::/32 documentation
        [0x2001, 0..=0x1ff | 0xdb8, ..] => false,
        // 6to4, which would lead to whatever IPv4 address it names
        [0x2002, ..] => false,
        // 3fff::/20 documentation
        [0x3fff, 0..=0x0fff, ..] => false,
        // 2000::/3 global unicast
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

/// A webhook's address that may be saved: it keeps the text as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    text: String,
    url: Url,
}

impl Target {
    /// The address as a person wrote it, to be shown and to be told to receivers.
    pub fn as_text(&self) -> &str {
        &self.text
    }

    /// The address as it is called: host in lower case and punycode, literal addresses in their usual form.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host, IPv6 addresses in brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// What the `host` header says: the host, with the port if it is not the scheme's own.
    pub fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host()),
            None => self.host().to_owned(),
        }
    }

    /// What the request's first line asks for: path and query.
    pub fn path_and_query(&self) -> String {
        let query = self.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", self.url.path())
    }

    /// A host in punycode as people write it, if that differs.
    pub fn host_in_letters(&self) -> Option<String> {
        let decoded = url::quirks::domain_to_unicode(self.host());
        (!decoded.is_empty() && decoded != self.host()).then_some(decoded)
    }

    /// The port that is named, or the scheme's own.
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// Whether requests go without TLS.
    pub fn is_plain_http(&self) -> bool {
        self.url.scheme() == "http"
    }
}

/// Why an address can't be a webhook's. None of the sentences tells what a name resolves to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetError {
    Empty,
    TooLong,
    Malformed,
    Scheme,
    UserInfo,
    Fragment,
    /// Plain http to what the installation wants called with https only.
    PlainHttp,
    /// A literal address, or `localhost`, that is neither public nor in the allow list.
    RefusedAddress,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Enter the address to send to, such as https://shop.example/webhooks.",
            Self::TooLong => "The address is too long: use at most 2,048 characters.",
            Self::Malformed => {
                "This is not an address that can be called: write it like https://shop.example/webhooks."
            }
            Self::Scheme => "The address has to start with https://.",
            Self::UserInfo => {
                "Leave user name and password out of the address: set them under authentication instead."
            }
            Self::Fragment => "Leave out the # and what follows it: it is never sent to a server.",
            Self::PlainHttp => {
                "Use https://: plain http is not allowed for this address. Whoever runs this installation can \
                 allow it with CALLOUT_ALLOW_TARGETS or CALLOUT_ALLOW_HTTP."
            }
            Self::RefusedAddress => {
                "This address is not on the public internet, so it is not called. Use a public one, or ask \
                 whoever runs this installation to allow it with CALLOUT_ALLOW_TARGETS."
            }
        })
    }
}

impl std::error::Error for TargetError {}

/// Reads a webhook's address: at most 2,048 characters, https (or http where `policy` lets it), a host, no user
/// information, no fragment; literal addresses and `localhost` are judged at once. A name is not looked up here:
/// where the caller does, [`Policy::permits`] and [`Policy::permits_http`] judge what was found.
pub fn parse_target(text: &str, policy: &Policy) -> Result<Target, TargetError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TargetError::Empty);
    }
    if text.chars().count() > TARGET_CHARS_MAX {
        return Err(TargetError::TooLong);
    }
    // The URL standard drops or rewrites these without a word; what is called should be what can be read.
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(TargetError::Malformed);
    }
    let Some((scheme, _)) = text.split_once("://") else {
        return Err(if text.contains(':') { TargetError::Malformed } else { TargetError::Scheme });
    };
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Err(TargetError::Scheme);
    }
    let url = Url::parse(text).map_err(|_| TargetError::Malformed)?;
    // `https://@host` is user information too, if an empty one.
    let authority = text[scheme.len() + 3..].split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(TargetError::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(TargetError::Fragment);
    }
    let target = Target { text: text.to_owned(), url };
    if authority.is_empty() || target.host().is_empty() || target.port() == 0 {
        return Err(TargetError::Malformed);
    }
    judge(&target, policy)?;
    Ok(target)
}

fn judge(target: &Target, policy: &Policy) -> Result<(), TargetError> {
    let (host, port) = (target.host(), target.port());
    let permits = |ip: IpAddr| policy.permits(host, SocketAddr::new(ip, port));
    let is_permitted = match target.url.host() {
        Some(Host::Ipv4(ip)) => permits(ip.into()),
        Some(Host::Ipv6(ip)) => permits(ip.into()),
        Some(Host::Domain(name)) if is_localhost(name) => {
            permits(Ipv4Addr::LOCALHOST.into()) || permits(Ipv6Addr::LOCALHOST.into())
        }
        _ => true,
    };
    if !is_permitted {
        return Err(TargetError::RefusedAddress);
    }
    if target.is_plain_http() && !policy.permits_http(host, port, None) {
        return Err(TargetError::PlainHttp);
    }
    Ok(())
}

/// Names that RFC 6761 keeps for the machine itself.
fn is_localhost(name: &str) -> bool {
    let name = bare(name);
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests;
