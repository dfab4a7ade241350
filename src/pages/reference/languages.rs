//! The code that verifies a signature, as the files of `docs/verify` have it. Tests run each of them.

/// One file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Language {
    /// In ids.
    pub(super) id: &'static str,
    /// For people.
    pub(super) name: &'static str,
    /// What it is called in `docs/verify`.
    pub(super) file: &'static str,
    /// The whole of it.
    pub(super) code: &'static str,
    /// What it needs beside the language.
    pub(super) needs: &'static str,
}

macro_rules! language {
    ($id:literal, $name:literal, $file:literal, $needs:literal) => {
        Language {
            id: $id,
            name: $name,
            file: $file,
            code: include_str!(concat!("../../../docs/verify/", $file)),
            needs: $needs,
        }
    };
}

/// In the order of the tabs.
pub(super) const LANGUAGES: [Language; 5] = [
    language!("node", "Node", "verify.mjs", "Nothing beyond Node 18 or newer."),
    language!("python", "Python", "verify.py", "Nothing beyond Python 3.9 or newer."),
    language!("php", "PHP", "verify.php", "Nothing beyond PHP 8.0 or newer."),
    language!("go", "Go", "verify.go", "Nothing beyond Go's standard library."),
    language!("rust", "Rust", "verify.rs", "The crates base64, hmac and sha2."),
];
