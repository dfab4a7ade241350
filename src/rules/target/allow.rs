//! The allow list: what may be called although it is private.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::{IpNet, Ipv4Net};
use url::Host;

/// One entry of `CALLOUT_ALLOW_TARGETS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowRule {
    /// Every address in a network, on every port: `10.0.0.0/8`, or one address: `10.1.2.3`.
    Network(IpNet),
    /// One address and port: `127.0.0.1:9000`, `[::1]:9000`.
    Address(SocketAddr),
    /// A name and port, whatever it resolves to: `localhost:9000`. The name is in lower case, no dot at its end.
    Host { name: String, port: u16 },
}

impl AllowRule {
    /// Whether the rule is about this address, reached by this host (no brackets, no dot at the end).
    pub(super) fn covers(&self, host: &str, addr: SocketAddr) -> bool {
        let ip = addr.ip().to_canonical();
        match self {
            Self::Network(network) => network.contains(&ip),
            Self::Address(allowed) => allowed.ip() == ip && allowed.port() == addr.port(),
            Self::Host { name, port } => *port == addr.port() && name.eq_ignore_ascii_case(host),
        }
    }

    /// Whether the rule can be about a host whose addresses are not known yet.
    pub(super) fn may_cover(&self, host: &str, port: u16) -> bool {
        match self {
            Self::Network(_) => true,
            Self::Address(allowed) => allowed.port() == port,
            Self::Host { name, port: allowed } => *allowed == port && name.eq_ignore_ascii_case(host),
        }
    }

    fn parse(entry: &str) -> Option<Self> {
        if let Ok(network) = entry.parse::<IpNet>() {
            return Some(Self::Network(canonical(network.trunc())));
        }
        if let Ok(ip) = entry.parse::<IpAddr>() {
            return Some(Self::Network(ip.to_canonical().into()));
        }
        let (host, port) = entry.rsplit_once(':')?;
        // `+80` would be a number to the standard library.
        let port = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))?;
        let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
        match Host::parse(host).ok()? {
            Host::Ipv4(ip) => Some(Self::Address(SocketAddr::new(ip.into(), port))),
            Host::Ipv6(ip) => Some(Self::Address(SocketAddr::new(IpAddr::V6(ip).to_canonical(), port))),
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(&name);
                (!name.is_empty()).then(|| Self::Host { name: name.to_owned(), port })
            }
        }
    }
}

/// A network of IPv4 addresses mapped into IPv6 as the IPv4 network it means.
fn canonical(network: IpNet) -> IpNet {
    if let IpNet::V6(v6) = network
        && let Some(mapped) = v6.addr().to_ipv4_mapped()
        && let Some(prefix) = v6.prefix_len().checked_sub(96)
        && let Ok(v4) = Ipv4Net::new(mapped, prefix)
    {
        return v4.into();
    }
    network
}

/// As it may stand in the list again.
impl fmt::Display for AllowRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Host { name, port } => write!(f, "{name}:{port}"),
        }
    }
}

/// Reads a comma-separated list of networks, addresses, `address:port` and `host:port`. Empty entries are skipped;
/// the error names the entry at fault and what is accepted.
pub fn parse_allow_list(list: &str) -> Result<Vec<AllowRule>, String> {
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            AllowRule::parse(entry).ok_or_else(|| {
                format!(
                    "\"{entry}\" is not a network (10.0.0.0/8), an address (10.1.2.3), or a host or address \
                     with its port (localhost:9000, [::1]:9000)"
                )
            })
        })
        .collect()
}
