//! Secrets at rest, and the random texts that are secrets.
//!
//! What is sealed is encrypted and bound to its place: XChaCha20-Poly1305 with a random nonce, and the id of the row
//! as associated data, so that a value copied into another row does not open.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// First byte of everything sealed; another format would take another number.
const VERSION: u8 = 1;
const KEY_BYTES: usize = 32;
/// More of a key file is not read: a key in base64 and a few blanks fit.
const FILE_BYTES_MAX: u64 = 64;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// Version and key id.
const HEAD_BYTES: usize = 2;

/// The key that seals secrets at rest. Never printed; wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey(Zeroizing<[u8; KEY_BYTES]>);

/// Why something sealed does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealError {
    /// Sealed with another key than this one.
    OtherKey,
    /// Cut short, changed, moved from another row, or in a format this version does not know.
    Damaged,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherKey => {
                "a secret was sealed with another key: set CALLOUT_SECRET_KEY to the key it was sealed with"
            }
            Self::Damaged => "a sealed secret is damaged or belongs to another row",
        })
    }
}

impl std::error::Error for SealError {}

/// Why there is no key.
#[derive(Debug)]
pub enum KeyError {
    /// Not the base64 of 32 bytes.
    Malformed,
    /// The file is there but holds something else.
    FileContent(PathBuf),
    /// The file could not be read or made.
    File(PathBuf, io::Error),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("a secret key is 32 bytes in base64 (44 characters)"),
            Self::FileContent(path) => write!(
                f,
                "{} does not hold a secret key (32 bytes in base64): restore it from a backup. Only if there is \
                 none, remove it: what was sealed with it is lost then.",
                path.display()
            ),
            Self::File(path, error) => {
                write!(f, "the secret key's file {} can't be read or made: {error}", path.display())
            }
        }
    }
}

impl std::error::Error for KeyError {}

impl SealKey {
    /// A new key from the operating system's random numbers.
    pub fn generate() -> Self {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        fill_random(key.as_mut());
        Self(key)
    }

    /// A key read elsewhere.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads 32 bytes in base64, blanks around them ignored.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| KeyError::Malformed)?);
        let key: &[u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| KeyError::Malformed)?;
        Ok(Self(Zeroizing::new(*key)))
    }

    /// The key itself, to derive others from, such as the one that signs cookies.
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Reads the key from a file, or generates one into it: base64, readable by its owner only. Two programs that
    /// start at once get the same key. A file that holds something else is an error and stays as it is.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        let text = Self::read_or_create(path).map_err(|error| KeyError::File(path.to_owned(), error))?;
        let text = std::str::from_utf8(&text).map_err(|_| KeyError::FileContent(path.to_owned()))?;
        Self::from_base64(text).map_err(|_| KeyError::FileContent(path.to_owned()))
    }

    fn read_or_create(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::generate().create(path)?;
                // Whoever was first, that file counts.
                File::open(path)?
            }
            opened => opened?,
        };
        // A copied or restored file may have come out readable by others.
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        let mut text = Zeroizing::new(Vec::with_capacity(64));
        file.take(FILE_BYTES_MAX).read_to_end(&mut text)?;
        Ok(text)
    }

    /// Writes the key where there is none yet; the file appears with all its content or not at all.
    fn create(&self, path: &Path) -> io::Result<()> {
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(directory)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let unfinished = directory.join(format!(".{name}.{}", random_token(8)));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        let text = Zeroizing::new(STANDARD.encode(self.as_bytes()) + "\n");
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        // A link, unlike a rename, never replaces what another program put there meanwhile.
        let linked = written.and_then(|()| fs::hard_link(&unfinished, path));
        fs::remove_file(&unfinished)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => File::open(directory)?.sync_all(),
        }
    }

    /// Encrypts, bound to `aad`: version, key id, nonce, ciphertext; 42 bytes longer than `plaintext`.
    pub fn seal(&self, plaintext: &[u8], aad: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_BYTES];
        fill_random(&mut nonce);
        let ciphertext = self
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: plaintext, aad })
            .expect("only a text of 256 GiB is too long to encrypt");
        let mut sealed = Vec::with_capacity(HEAD_BYTES + NONCE_BYTES + ciphertext.len());
        sealed.extend_from_slice(&[VERSION, self.id()]);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        sealed
    }

    /// Decrypts what [`SealKey::seal`] made with the same `aad`. The plaintext is wiped when dropped.
    ///
    /// A key is told by one byte of its hash: one foreign key in 256 goes for [`SealError::Damaged`].
    pub fn open(&self, sealed: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (head, rest) = sealed.split_at_checked(HEAD_BYTES).ok_or(SealError::Damaged)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Damaged)?;
        if head[0] != VERSION || ciphertext.len() < TAG_BYTES {
            return Err(SealError::Damaged);
        }
        if head[1] != self.id() {
            return Err(SealError::OtherKey);
        }
        self.cipher()
            .decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad })
            .map(Zeroizing::new)
            .map_err(|_| SealError::Damaged)
    }

    /// Tells sealed values apart without giving them away: 12 hex digits of the keyed hash, so that nobody without the
    /// key can try guesses against it. Another key gives another one.
    pub fn fingerprint(&self, plaintext: &[u8]) -> String {
        let keyed = Sha256::new_with_prefix(self.as_bytes()).chain_update(b"fingerprint");
        let inner = keyed.clone().chain_update(plaintext).finalize();
        let outer = keyed.chain_update(inner).finalize();
        outer[..6].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Tells keys apart without telling the key.
    fn id(&self) -> u8 {
        sha256(self.as_bytes())[0]
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.as_bytes().into())
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

/// A random text of letters and digits that is as hard to guess as `bytes` random bytes, such as an API key's.
pub fn random_token(bytes: usize) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // A character holds log2(62) = 5.95 bits.
    let length = (bytes * 8 * 100).div_ceil(595);
    let mut token = String::with_capacity(length);
    while token.len() < length {
        let mut drawn = Zeroizing::new([0u8; 64]);
        fill_random(drawn.as_mut());
        // 248 is the largest multiple of 62 in a byte; what lies above would favour the first letters.
        let fair = drawn.iter().filter(|byte| **byte < 248).take(length - token.len());
        token.extend(fair.map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
    }
    token
}

/// The SHA-256 of `data`: how tokens are stored that only have to be recognised.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}

/// # Panics
/// When the operating system has no random numbers to give; nothing safe could be done then.
fn fill_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_key_and_row_only() {
        let key = SealKey::generate();
        for plaintext in [&b""[..], b"whsec_abc", &[7; 10_000]] {
            let sealed = key.seal(plaintext, b"row 1");
            assert_eq!(sealed.len(), plaintext.len() + 42);
            assert_eq!(*key.open(&sealed, b"row 1").unwrap(), plaintext);
            assert_eq!(key.open(&sealed, b"row 2"), Err(SealError::Damaged));
        }
        assert_ne!(key.seal(b"same", b""), key.seal(b"same", b""));
    }

    #[test]
    fn another_key_is_told_apart_from_damage() {
        let key = SealKey::from_bytes([1; 32]);
        let sealed = key.seal(b"secret", b"");
        assert_eq!(SealKey::from_bytes([2; 32]).open(&sealed, b""), Err(SealError::OtherKey));
        for at in [0, 2, 26, sealed.len() - 1] {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(key.open(&damaged, b""), Err(SealError::Damaged), "byte {at}");
        }
        for length in [0, 1, 2, 25, 41] {
            assert_eq!(key.open(&sealed[..length], b""), Err(SealError::Damaged), "{length} bytes");
        }
    }

    #[test]
    fn a_key_is_generated_once_and_only_its_owner_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/secret.key");
        let key = SealKey::load_or_create(&path).unwrap();
        assert_eq!(mode_of(&path), 0o600);
        assert!(SealKey::load_or_create(&path).unwrap() == key);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
        let text = fs::read_to_string(&path).unwrap();
        assert!(SealKey::from_base64(&text).unwrap() == key);

        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(SealKey::load_or_create(&path).unwrap() == key);
        assert_eq!(mode_of(&path), 0o600);
    }

    #[test]
    fn programs_that_start_at_once_get_the_same_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret.key");
        let keys: Vec<SealKey> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| SealKey::load_or_create(&path).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_file_with_something_else_is_an_error_and_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret.key");
        for content in [&b""[..], b"not a key", b"c2hvcnQ=", b"\xff\xfe"] {
            fs::write(&path, content).unwrap();
            let error = SealKey::load_or_create(&path).unwrap_err();
            assert!(matches!(&error, KeyError::FileContent(named) if *named == path), "{error}");
            assert_eq!(fs::read(&path).unwrap(), content);
        }
    }

    #[test]
    fn tokens_are_letters_and_digits_and_long_enough() {
        for (bytes, length) in [(0, 0), (1, 2), (16, 22), (24, 33), (32, 44), (200, 269)] {
            let token = random_token(bytes);
            assert_eq!(token.len(), length);
            assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        assert_ne!(random_token(16), random_token(16));
    }

    #[test]
    fn a_key_hides_in_debug_and_the_hash_is_sha_256() {
        assert_eq!(format!("{:?}", SealKey::generate()), "SealKey(…)");
        assert_eq!(sha256(b"abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
