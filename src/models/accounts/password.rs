//! Passwords: the rules, argon2id, and a check that takes as long for a stranger as for a user.
use std::fmt;
use std::sync::OnceLock;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc};

/// Shortest password, in characters.
pub const CHARS_MIN: usize = 10;
/// Longest password, in bytes: hashing is paid for by the server.
pub const BYTES_MAX: usize = 128;

/// Why a password was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordFault {
    TooShort,
    TooLong,
    /// All one character, or among the first that anybody would try.
    TooCommon,
}

impl PasswordFault {
    /// What to tell the person who typed it.
    pub fn message(self) -> &'static str {
        match self {
            Self::TooShort => "Use at least 10 characters.",
            Self::TooLong => "Use at most 128 bytes (most letters are one byte each).",
            Self::TooCommon => "This password is among the first that anybody would try. Choose another.",
        }
    }
}

/// Judges a new password: length and the most obvious ones, no rules about kinds of characters.
pub fn judge(password: &str) -> Result<(), PasswordFault> {
    const OBVIOUS: [&str; 8] = [
        "0123456789",
        "1234567890",
        "12345678910",
        "qwertyuiop",
        "password12",
        "password123",
        "password1234",
        "letmein123",
    ];
    let first = password.chars().next();
    if password.len() > BYTES_MAX {
        Err(PasswordFault::TooLong)
    } else if password.chars().count() < CHARS_MIN {
        Err(PasswordFault::TooShort)
    } else if OBVIOUS.contains(&password.to_lowercase().as_str())
        || password.chars().all(|c| Some(c) == first)
    {
        Err(PasswordFault::TooCommon)
    } else {
        Ok(())
    }
}

/// An argon2id hash with its salt and parameters, as the PHC text that is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

impl PasswordHash {
    /// Hashes a password: about 30 ms and 19 MiB, so on a blocking thread and never inside a transaction.
    pub fn of(password: &str) -> Self {
        // Fails only for wrong parameters or lengths beyond 4 GiB; ours are the crate's defaults.
        let hash = Argon2::default().hash_password(password.as_bytes()).expect("default parameters hash");
        Self(hash.to_string())
    }

    pub(super) fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn matches(&self, password: &str) -> bool {
        phc::PasswordHash::new(&self.0)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    }
}

/// Whether `password` is the one of `hash`; as slow for `None` (nobody of that name), which is always wrong.
///
/// On a blocking thread and never inside a transaction, as [`PasswordHash::of`].
pub fn verify(password: &str, hash: Option<&PasswordHash>) -> bool {
    static NOBODY: OnceLock<PasswordHash> = OnceLock::new();
    if password.len() > BYTES_MAX {
        return false;
    }
    match hash {
        Some(hash) => hash.matches(password),
        None => {
            NOBODY.get_or_init(|| PasswordHash::of("nobody's password")).matches(password);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_judged_by_length_and_commonness_only() {
        assert_eq!(judge("123456789"), Err(PasswordFault::TooShort));
        assert_eq!(judge("äöüäöüäöüä"), Ok(()), "characters, not bytes");
        assert_eq!(judge(&"ab".repeat(64)), Ok(()));
        assert_eq!(judge(&"abc".repeat(43)), Err(PasswordFault::TooLong));
        assert_eq!(judge("Password123"), Err(PasswordFault::TooCommon));
        assert_eq!(judge("aaaaaaaaaaaa"), Err(PasswordFault::TooCommon));
    }

    #[test]
    fn only_the_right_password_fits_and_none_fits_nobody() {
        let hash = PasswordHash::of("correct horse");
        assert!(hash.as_str().starts_with("$argon2id$"));
        assert!(verify("correct horse", Some(&hash)));
        assert!(!verify("correct horsf", Some(&hash)));
        assert!(!verify("nobody's password", None));
    }
}
