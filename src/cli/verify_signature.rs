//! `callout verify-signature`: tells a receiver's developer whether a request is signed as it should be, and if not, why.
use std::io::Read as _;
use std::path::PathBuf;

use serde_json::json;

use super::{Failure, print_json};
use crate::base::clock::Clock;
use crate::rules::signing::{self, Received, Secret, TOLERANCE_S};

/// Far more than any body that is sent.
const BODY_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Check the signature of a received request; tells {"valid": true} or fails with the reason.
///
/// The body must be exactly the bytes that came: save it before anything parses it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The webhook's secret, whsec_…
    #[arg(long, env = "CALLOUT_WEBHOOK_SECRET", hide_env_values = true)]
    secret: String,
    /// The header webhook-id
    #[arg(long, required_unless_present = "voucherify")]
    id: Option<String>,
    /// The header webhook-timestamp, seconds since 1970
    #[arg(long, required_unless_present = "voucherify")]
    timestamp: Option<String>,
    /// The header webhook-signature
    #[arg(long, required_unless_present = "voucherify")]
    signature: Option<String>,
    /// The header x-voucherify-signature, to check instead
    #[arg(long, value_name = "HEX", conflicts_with_all = ["id", "timestamp", "signature"])]
    voucherify: Option<String>,
    /// How many seconds the timestamp may lie from now; 0 for any
    #[arg(long, value_name = "N", default_value_t = TOLERANCE_S as u64)]
    tolerance_s: u64,
    /// A file with the body [default: stdin]
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
}

/// Prints `{"valid": true}`, or fails with the reason.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let secret = Secret::parse(args.secret.trim()).map_err(|error| {
        Failure::new(format!("that is no webhook secret: {error}"), "copy it from the webhook's page")
    })?;
    let body = body(args)?;
    match &args.voucherify {
        Some(signature) => check_voucherify(&secret, signature.trim(), &body),
        None => check_standard(args, &secret, &body),
    }?;
    print_json(&json!({ "valid": true }));
    Ok(())
}

fn check_standard(args: &Args, secret: &Secret, body: &[u8]) -> Result<(), Failure> {
    let text = |given: &Option<String>| given.as_deref().unwrap_or("").trim().to_owned();
    let (id, timestamp, signature) = (text(&args.id), text(&args.timestamp), text(&args.signature));
    let timestamp: i64 = timestamp.parse().map_err(|_| {
        Failure::new(
            format!("--timestamp is `{timestamp}`, not seconds since 1970"),
            "copy the header webhook-timestamp",
        )
    })?;
    let received = Received { id: &id, timestamp, signature: &signature };
    let (now, tolerance_s) = match args.tolerance_s {
        0 => (timestamp, 0),
        seconds => (Clock::system().now().unix_timestamp(), i64::try_from(seconds).unwrap_or(i64::MAX)),
    };
    signing::verify(secret, &received, &[body], now, tolerance_s).map_err(|error| {
        Failure::new(
            format!("not valid: {error}"),
            "check that secret, headers and body are of the same request, and that the body is byte for byte what came",
        )
    })
}

fn check_voucherify(secret: &Secret, signature: &str, body: &[u8]) -> Result<(), Failure> {
    // Whoever runs this knows the secret, so there is nothing to learn from how long the comparison takes.
    if secret.voucherify_signature(&[body]).eq_ignore_ascii_case(signature) {
        return Ok(());
    }
    Err(Failure::new(
        "not valid: the signature is not this secret's for this body",
        "check that the body is byte for byte what came, and that the secret includes its whsec_",
    ))
}

fn body(args: &Args) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let (read, name) = match &args.body {
        Some(path) => (
            std::fs::File::open(path).and_then(|file| file.take(BODY_BYTES_MAX).read_to_end(&mut bytes)),
            path.display().to_string(),
        ),
        None => (std::io::stdin().lock().take(BODY_BYTES_MAX).read_to_end(&mut bytes), "stdin".to_owned()),
    };
    read.map_err(|error| Failure::new(format!("{name} cannot be read: {error}"), "name a file with --body"))?;
    Ok(bytes)
}
