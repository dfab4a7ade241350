//! How much room a disk has.
use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// A disk, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// All that programs like ours can use, used or not.
    pub total: u64,
    /// Still free for programs that are not root.
    pub free: u64,
}

impl Disk {
    /// The one that a file or directory lies on.
    pub fn of(path: &Path) -> io::Result<Self> {
        let name = CString::new(path.as_os_str().as_bytes())?;
        let mut stat = MaybeUninit::<libc::statvfs>::uninit();
        // Sound: the name ends with a zero, and what is read afterwards was written if the call says so.
        let stat = unsafe {
            if libc::statvfs(name.as_ptr(), stat.as_mut_ptr()) != 0 {
                return Err(io::Error::last_os_error());
            }
            stat.assume_init()
        };
        // Their widths differ from system to system.
        #[allow(clippy::useless_conversion)]
        let (unit, all, kept_back, free) = (
            u64::from(stat.f_frsize),
            u64::from(stat.f_blocks),
            u64::from(stat.f_bfree.saturating_sub(stat.f_bavail)),
            u64::from(stat.f_bavail),
        );
        Ok(Self { total: all.saturating_sub(kept_back) * unit, free: free * unit })
    }

    /// What is free of all, 0 to 100; 100 for a disk of no size (some virtual ones say so).
    pub fn free_percent(&self) -> u8 {
        match self.total {
            0 => 100,
            total => u8::try_from(u128::from(self.free) * 100 / u128::from(total)).unwrap_or(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_no_more_free_than_it_has() {
        let disk = Disk::of(Path::new("/")).unwrap();
        assert!(disk.free <= disk.total, "{disk:?}");
        assert!(Disk::of(Path::new("/no/such/place")).is_err());
        assert_eq!(Disk { total: 1_000, free: 199 }.free_percent(), 19);
        assert_eq!(Disk { total: 0, free: 0 }.free_percent(), 100);
    }
}
