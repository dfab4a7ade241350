//! The door for whoever must know at once what an address leads to, or what a receiver says.
use std::net::{IpAddr, SocketAddr};

pub use super::http::Egress;
pub use super::testing::{TESTS_A_MINUTE_MAX, Test, TestError, TestSender, Tested, Trial};
use crate::models::webhooks::{Problem, Settings};
use crate::rules::authentication::Hidden;
use crate::rules::target::{Target, TargetError, parse_target};

/// Judges what settings need to be sent with: the address, by what it leads to now (and again at every connection), and
/// a new client certificate, whether it can be shown. Tells what is worth saying although it may be saved.
///
/// Whatever an address leads to, it is refused in the same words. One that is `stored` like that was taken before: what
/// is wrong with it by now is a warning.
pub async fn judge(
    egress: &Egress,
    settings: &Settings,
    stored: Option<&Settings>,
) -> Result<Vec<String>, Vec<Problem>> {
    let is_stored = stored.is_some_and(|stored| stored.target_url == settings.target_url);
    let refused = |why: String| vec![Problem::new("target_url", why)];
    let target = match parse_target(&settings.target_url, &egress.policy) {
        Ok(target) => target,
        Err(error) if is_stored => return Ok(vec![error.to_string()]),
        Err(error) => return Err(refused(error.to_string())),
    };
    let mut warnings = certificate(egress, settings, &target)
        .map_err(|why| vec![Problem::new("client_certificate", why)])?;
    match address(egress, &target).await {
        Ok(warning) => warnings.extend(warning),
        Err(error) if is_stored => warnings.push(error.to_string()),
        Err(error) => return Err(refused(error.to_string())),
    }
    Ok(warnings)
}

fn certificate(egress: &Egress, settings: &Settings, target: &Target) -> Result<Vec<String>, String> {
    let Some(certificate) = &settings.client_certificate else { return Ok(Vec::new()) };
    let mut warnings = Vec::new();
    if let Hidden::New(pem) = certificate {
        let judged = egress.tls.judge_certificate(pem, egress.clock.now());
        warnings.extend(judged.map_err(|error| error.to_string())?);
    }
    if target.is_plain_http() {
        warnings.push("Over plain http the client certificate is shown to nobody. Use https.".to_owned());
    }
    Ok(warnings)
}

async fn address(egress: &Egress, target: &Target) -> Result<Option<String>, TargetError> {
    let host = target.host().trim_matches(['[', ']']);
    let addresses = match host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, target.port())],
        Err(_) => match egress.resolver.resolve(host, target.port()).await {
            Ok(found) if !found.is_empty() => found,
            _ => {
                return Ok(Some(format!(
                    "{host} does not resolve to an address at the moment. Deliveries fail until it does."
                )));
            }
        },
    };
    if !addresses.iter().all(|address| egress.policy.permits(host, *address)) {
        return Err(TargetError::RefusedAddress);
    }
    let may_be_plain = |address: &SocketAddr| egress.policy.permits_http(host, target.port(), Some(*address));
    if target.is_plain_http() && !addresses.iter().all(may_be_plain) {
        return Err(TargetError::PlainHttp);
    }
    Ok(None)
}
