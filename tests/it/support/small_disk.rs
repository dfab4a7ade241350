//! A disk that is soon full: a file system in memory, mounted where only one test sees it.
//!
//! Whoever may mount (root) or may have a namespace of their own (`unshare -Urm`) can run it; nobody else's view of the
//! machine changes, and the disk is gone with the test.
use std::ffi::CString;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set for the test that runs within.
const WITHIN: &str = "CALLOUT_TEST_WITHIN";

/// Runs `work`, the body of the test of this name (`file::name`), where it may mount.
pub fn where_mounts_are_its_own(test: &str, work: impl FnOnce()) {
    if std::env::var(WITHIN).is_ok_and(|name| name == test) {
        return work();
    }
    // SAFETY: reads a number.
    let flags = if unsafe { libc::geteuid() } == 0 { "-m" } else { "-Urm" };
    let own = std::env::current_exe().expect("the test's program");
    let status = Command::new("unshare")
        .arg(flags)
        .arg(own)
        .args(["--exact", test, "--nocapture"])
        .env(WITHIN, test)
        .status()
        .expect("unshare, of util-linux");
    assert!(status.success(), "`unshare {flags}`: {status}; the test needs root or user namespaces");
}

/// A file system of its own.
pub struct SmallDisk {
    /// Where it is mounted.
    pub path: PathBuf,
}

impl SmallDisk {
    /// Of so many bytes, at a folder that is made for it.
    pub fn mount(at: &Path, size: u64) -> Self {
        std::fs::create_dir_all(at).expect("a folder");
        let text = |text: &str| CString::new(text).expect("no zero");
        let (kind, place) = (text("tmpfs"), text(at.to_str().expect("a path")));
        let options = text(&format!("size={size},mode=0711"));
        // SAFETY: all strings live through the call.
        let failed = unsafe {
            libc::mount(kind.as_ptr(), place.as_ptr(), kind.as_ptr(), 0, options.as_ptr().cast()) != 0
        };
        assert!(!failed, "mount: {}", std::io::Error::last_os_error());
        Self { path: at.to_owned() }
    }

    /// Takes all of its room.
    pub fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.ballast()).expect("a file");
        for size in [1 << 16, 1 << 12, 1] {
            let part = vec![1; size];
            while file.write_all(&part).is_ok() {}
        }
    }

    /// Gives that room back.
    pub fn make_room(&self) {
        std::fs::remove_file(self.ballast()).expect("it was full");
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}
