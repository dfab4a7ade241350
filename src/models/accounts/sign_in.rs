//! Signing in, and the growing waits after wrong passwords, per account and per address.
use std::net::IpAddr;

use diesel::prelude::*;
use diesel::upsert::excluded;
use time::{Duration, OffsetDateTime};

use super::password::PasswordHash;
use super::{User, by_email, token};
use crate::base::db::DbError;
use crate::base::schema::sign_in_failures;

/// Wrong passwords for one account before it has to wait.
const ACCOUNT_FREE: i32 = 5;
/// Wrong passwords from one address before it has to wait: an office may share one.
const ADDRESS_FREE: i32 = 20;
/// The longest wait.
const WAIT_MAX: Duration = Duration::minutes(15);
/// Failures are forgotten after so long without another.
const FORGET_AFTER: Duration = Duration::hours(24);

/// Too many wrong passwords: none is looked at before this has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MustWait {
    pub remaining: Duration,
}

impl MustWait {
    /// What to tell the person, e.g. "Too many failed attempts. Try again in 32 seconds."
    pub fn message(&self) -> String {
        let seconds = self.remaining.whole_seconds().max(1);
        let (number, unit) = if seconds < 90 { (seconds, "second") } else { ((seconds + 59) / 60, "minute") };
        let plural = if number == 1 { "" } else { "s" };
        format!("Too many failed attempts. Try again in {number} {unit}{plural}.")
    }
}

/// Why no password will be looked at.
#[derive(Debug)]
pub enum AdmitError {
    MustWait(MustWait),
    Db(DbError),
}

impl From<DbError> for AdmitError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<diesel::result::Error> for AdmitError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// One try to sign in that was let through; hand it back to [`succeeded`] if the password was right.
#[derive(Clone, Debug)]
pub struct Admitted {
    account: String,
    address: String,
    /// The account and its hash, if there is one of that e-mail address.
    pub candidate: Option<(User, PasswordHash)>,
}

/// Lets a try through, counted as a failure in advance, so that many at once cannot slip past the count.
///
/// The same for addresses that belong to nobody. In a transaction: the row's lock is what makes the count exact.
///
/// # Errors
/// [`AdmitError::MustWait`] after 5 failures for an account or 20 from an address: 2, 4, 8 … seconds up to 15 minutes
/// from the last failure. Failures are forgotten after 24 hours without another.
pub fn admit(
    conn: &mut PgConnection,
    email: &str,
    address: Option<IpAddr>,
    now: OffsetDateTime,
) -> Result<Admitted, AdmitError> {
    let account = account_subject(email);
    let address = address_subject(address);
    // Always in this order, so that two tries cannot wait for each other.
    count_failure(conn, &account, ACCOUNT_FREE, now)?;
    count_failure(conn, &address, ADDRESS_FREE, now)?;
    let candidate = by_email(conn, email)?;
    Ok(Admitted { account, address, candidate })
}

/// The password was right: the account's failures are forgotten, and the try no longer counts against the address.
pub fn succeeded(conn: &mut PgConnection, admitted: &Admitted) -> Result<(), DbError> {
    diesel::delete(sign_in_failures::table.find(&admitted.account)).execute(conn)?;
    diesel::update(sign_in_failures::table.find(&admitted.address))
        .filter(sign_in_failures::failures.gt(0))
        .set(sign_in_failures::failures.eq(sign_in_failures::failures - 1))
        .execute(conn)?;
    Ok(())
}

/// Deletes counts that no longer matter; answers how many.
pub fn forget_old(conn: &mut PgConnection, now: OffsetDateTime) -> Result<usize, DbError> {
    let old = sign_in_failures::table.filter(sign_in_failures::last_failed_at.lt(now - FORGET_AFTER));
    Ok(diesel::delete(old).execute(conn)?)
}

fn count_failure(
    conn: &mut PgConnection,
    subject: &str,
    free: i32,
    now: OffsetDateTime,
) -> Result<(), AdmitError> {
    // Takes the row's lock whether or not the row was there; the count itself follows under it.
    let (failures, last): (i32, OffsetDateTime) = diesel::insert_into(sign_in_failures::table)
        .values((
            sign_in_failures::subject.eq(subject),
            sign_in_failures::failures.eq(0),
            sign_in_failures::last_failed_at.eq(now),
        ))
        .on_conflict(sign_in_failures::subject)
        .do_update()
        .set(sign_in_failures::subject.eq(excluded(sign_in_failures::subject)))
        .returning((sign_in_failures::failures, sign_in_failures::last_failed_at))
        .get_result(conn)?;
    let failures = if last < now - FORGET_AFTER { 0 } else { failures };
    let remaining = last + wait_after(failures, free) - now;
    if remaining.is_positive() {
        return Err(AdmitError::MustWait(MustWait { remaining }));
    }
    diesel::update(sign_in_failures::table.find(subject))
        .set((
            sign_in_failures::failures.eq(failures.saturating_add(1)),
            sign_in_failures::last_failed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// How long after the last of so many failures nothing is looked at.
fn wait_after(failures: i32, free: i32) -> Duration {
    let over = failures - free;
    if over < 0 { Duration::ZERO } else { Duration::seconds(1 << (over + 1).min(16)).min(WAIT_MAX) }
}

/// A digest, because what was typed as an address may be a password.
fn account_subject(email: &str) -> String {
    let digest = token::digest(&email.trim().to_lowercase());
    let hex: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("account:{hex}")
}

/// One subscriber has a /64 of IPv6, so that is what counts.
fn address_subject(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(v4)) => format!("address:{v4}"),
        Some(IpAddr::V6(v6)) => {
            let s = v6.segments();
            format!("address:{:x}:{:x}:{:x}:{:x}::/64", s[0], s[1], s[2], s[3])
        }
        None => "address:unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_the_fifth_failure_up_to_a_quarter_of_an_hour() {
        let waits: Vec<i64> = (0..8).map(|n| wait_after(n, 5).whole_seconds()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 2, 4, 8]);
        assert_eq!(wait_after(13, 5).whole_seconds(), 512);
        assert_eq!(wait_after(14, 5), WAIT_MAX);
        assert_eq!(wait_after(i32::MAX, 5), WAIT_MAX);
    }

    #[test]
    fn a_wait_is_told_in_seconds_or_minutes() {
        let told = |seconds| MustWait { remaining: Duration::seconds(seconds) }.message();
        assert_eq!(told(1), "Too many failed attempts. Try again in 1 second.");
        assert_eq!(told(64), "Too many failed attempts. Try again in 64 seconds.");
        assert_eq!(told(512), "Too many failed attempts. Try again in 9 minutes.");
    }

    #[test]
    fn an_account_counts_in_any_capitals_and_a_subscriber_with_its_whole_network() {
        assert_eq!(account_subject(" Ada@Example.com"), account_subject("ada@example.com"));
        let subject = |text: &str| address_subject(text.parse().ok());
        assert_eq!(subject("2001:db8:1:2:3::4"), subject("2001:db8:1:2:ffff::1"));
        assert_ne!(subject("2001:db8:1:2::1"), subject("2001:db8:1:3::1"));
        assert_eq!(subject("::ffff:192.0.2.1"), "address:192.0.2.1");
    }
}
