//! Random texts that open doors, and the digests that are stored in their place.
use crate::base::seal;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `prefix` and `chars` random letters and digits, 5.95 bits each: 40 of them are 238 bits.
pub fn random(prefix: &str, chars: usize) -> String {
    let mut text = String::with_capacity(prefix.len() + chars);
    text.push_str(prefix);
    let mut bytes = [0_u8; 64];
    while text.len() < prefix.len() + chars {
        // The system's source of randomness fails only where nothing could run safely.
        getrandom::fill(&mut bytes).expect("the system's source of randomness answers");
        // 248 is the largest multiple of 62 in a byte: what lies above would favour the first letters.
        let fair = bytes.iter().filter(|byte| **byte < 248).map(|byte| ALPHABET[usize::from(*byte % 62)]);
        text.extend(fair.take(prefix.len() + chars - text.len()).map(char::from));
    }
    text
}

/// The SHA-256 of a token. A plain digest is enough: nobody can guess 238 random bits from it.
pub fn digest(token: &str) -> [u8; 32] {
    seal::sha256(token.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_prefix_and_length_and_never_comes_twice() {
        let one = random("ck_", 40);
        assert_eq!(one.len(), 43);
        assert!(one.starts_with("ck_") && one[3..].bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(one, random("ck_", 40));
        assert_eq!(random("", 200).len(), 200);
    }
}
