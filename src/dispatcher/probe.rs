//! The door for whoever must know at once what an address leads to, or what a receiver says.
use std::net::{IpAddr, SocketAddr};

pub use super::http::Egress;
pub use super::testing::{TESTS_A_MINUTE_MAX, Test, TestError, TestSender, Tested, Trial};
use crate::rules::target::Target;

/// What saving a target address comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may be called.
    Fine,
    /// It may be saved, but something is worth saying.
    Warning(String),
    /// It may not be called. Says why without telling what it resolved to.
    Refused(String),
}

/// Judges a target address as of now. It is judged again at every connection.
pub async fn judge(egress: &Egress, target: &Target) -> Judgement {
    let host = target.host().trim_matches(['[', ']']);
    let addresses = match host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, target.port())],
        Err(_) => match egress.resolver.resolve(host, target.port()).await {
            Ok(found) if !found.is_empty() => found,
            _ => {
                return Judgement::Warning(format!(
                    "{host} does not resolve to an address at the moment. Deliveries fail until it does."
                ));
            }
        },
    };
    let permitted = addresses.iter().all(|address| egress.policy.permits(host, *address));
    if !permitted {
        return Judgement::Refused(
            "This host leads to an address that may not be called (private, local or reserved). Use a public address, \
             or have the operator allow it with CALLOUT_ALLOW_TARGETS."
                .to_owned(),
        );
    }
    let plain = target.is_plain_http()
        && !addresses.iter().all(|address| egress.policy.permits_http(host, target.port(), Some(*address)));
    if plain {
        return Judgement::Refused("Plain http may not be used to this address. Use https.".to_owned());
    }
    Judgement::Fine
}
