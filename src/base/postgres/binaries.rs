//! Finds Postgres's programs on this machine. They are not on the PATH where a distribution keeps several versions
//! beside each other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::PostgresError;

/// Oldest major version that works.
pub(super) const MAJOR_MIN: u32 = 14;

/// Directories that hold one directory a version, and where in those the programs are.
const VERSIONED: [(&str, &str, &str); 4] = [
    // Debian, Ubuntu
    ("/usr/lib/postgresql", "", "bin"),
    // Red Hat and kin
    ("/usr", "pgsql-", "bin"),
    // Homebrew on ARM and Intel
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
];

/// `postgres` and `initdb` of one version.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    pub directory: PathBuf,
}

impl Binaries {
    /// Those of a cluster's major version; for a new cluster the newest there are.
    pub fn find(major: Option<u32>) -> Result<Self, PostgresError> {
        let mut found: Vec<_> = candidates()
            .into_iter()
            .filter_map(|directory| Some((major_of(&directory)?, directory)))
            .filter(|(found, _)| major.map_or(*found >= MAJOR_MIN, |major| *found == major))
            .collect();
        // Stable: of the same version, the first place wins.
        found.sort_by_key(|(found, _)| std::cmp::Reverse(*found));
        let newest = found.into_iter().next().ok_or(PostgresError::NotInstalled { major })?;
        Ok(Self { directory: newest.1 })
    }

    pub fn postgres(&self) -> PathBuf {
        self.directory.join("postgres")
    }

    pub fn initdb(&self) -> PathBuf {
        self.directory.join("initdb")
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut directories = Vec::new();
    for (parent, prefix, rest) in VERSIONED {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(prefix));
            if version.is_some_and(|version| version.parse::<u32>().is_ok()) {
                directories.push(entry.path().join(rest));
            }
        }
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    for directory in std::env::split_paths(&path) {
        // What is on the PATH may be a link to where the programs stand together.
        if let Ok(program) = fs::canonicalize(directory.join("postgres")) {
            directories.extend(program.parent().map(Path::to_owned));
        }
    }
    directories
        .retain(|directory| directory.join("postgres").is_file() && directory.join("initdb").is_file());
    directories
}

/// Reads `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`.
fn major_of(directory: &Path) -> Option<u32> {
    let output = Command::new(directory.join("postgres")).arg("-V").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (_, version) = text.split_once("(PostgreSQL) ")?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
