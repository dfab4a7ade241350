//! The hosts that a project sends to, where it names them.
use super::bare;

/// A project names at most so many hosts.
pub const HOSTS_MAX: usize = 100;
/// Characters in one of them: as many as a name has in the DNS.
pub const HOST_CHARS_MAX: usize = 253;

/// A project's list of hosts; an empty one allows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// Reads names (`shop.example`), names with all below them (`*.shop.example`) and addresses (`203.0.113.7`,
    /// `[2001:db8::1]`); the error names the entry at fault.
    pub fn parse<T: AsRef<str>>(entries: &[T]) -> Result<Self, String> {
        let mut hosts: Vec<String> = Vec::new();
        for entry in entries.iter().map(|entry| entry.as_ref().trim()).filter(|entry| !entry.is_empty()) {
            let wrong = || {
                format!(
                    "\"{entry}\" is not a host. Write one such as shop.example, or *.shop.example for all below it."
                )
            };
            let name = entry.strip_prefix("*.").unwrap_or(entry);
            // Lower case and punycode, as the host of a parsed address; what has a port, path or scheme is no host.
            let host = url::Host::parse(name).map_err(|_| wrong())?.to_string();
            let is_address = host.parse::<std::net::Ipv4Addr>().is_ok() || host.starts_with('[');
            let host = bare(&host).to_owned();
            let is_wild = entry.starts_with("*.");
            if host.is_empty() || host.len() > HOST_CHARS_MAX || host.contains('*') || (is_address && is_wild)
            {
                return Err(wrong());
            }
            let host = if is_wild { format!("*.{host}") } else { host };
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        if hosts.len() > HOSTS_MAX {
            return Err(format!("A project names at most {HOSTS_MAX} hosts."));
        }
        Ok(Self(hosts))
    }

    /// As they were read before, from where they are stored.
    pub fn stored(entries: Vec<String>) -> Self {
        Self(entries)
    }

    /// In lower case and punycode, in the order given.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Whether a host, as a parsed address has it, may be sent to.
    pub fn allow(&self, host: &str) -> bool {
        let host = bare(host);
        self.0.is_empty()
            || self.0.iter().any(|allowed| match allowed.strip_prefix("*.") {
                Some(parent) => {
                    host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
                }
                None => host == allowed,
            })
    }

    /// What to say of an address that is not among them.
    pub fn refusal(&self) -> String {
        format!(
            "This project sends only to {}. Use one of these hosts, or add this one under Settings, General.",
            self.0.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_allows_what_it_names_and_an_empty_one_allows_all() {
        let hosts =
            AllowedHosts::parse(&["Shop.Example", " *.hooks.example ", "bücher.example", "[2001:DB8::1]"]);
        let hosts = hosts.expect("hosts");
        assert_eq!(
            hosts.as_slice(),
            ["shop.example", "*.hooks.example", "xn--bcher-kva.example", "2001:db8::1"]
        );
        for good in ["shop.example", "shop.example.", "a.hooks.example", "a.b.hooks.example", "[2001:db8::1]"]
        {
            assert!(hosts.allow(good), "{good}");
        }
        for bad in ["a.shop.example", "hooks.example", ".hooks.example", "evilhooks.example", "other.example"]
        {
            assert!(!hosts.allow(bad), "{bad}");
        }
        assert!(AllowedHosts::default().allow("any.example"));
    }

    #[test]
    fn what_is_no_host_is_told() {
        for wrong in
            ["https://shop.example", "shop.example/x", "shop.example:80", "*", "a.*.b", "*.203.0.113.7"]
        {
            let message = AllowedHosts::parse(&[wrong]).unwrap_err();
            assert!(message.contains(wrong), "{message}");
        }
        let many: Vec<String> = (0..=HOSTS_MAX).map(|n| format!("h{n}.example")).collect();
        assert!(AllowedHosts::parse(&many).unwrap_err().contains("100"));
    }
}
