//! Who Postgres runs as. It refuses to be root; it has to enter its directory; and `initdb` wants a user with a name.
//!
//! As root it becomes the owner of an existing cluster, else `postgres`, else `nobody`. Where that user can't come to
//! the directory, and for users without a name (as containers have them), it runs in a user namespace in which *we*
//! look like `nobody`: the files stay ours.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// `nobody`, in the namespace.
const INSIDE: u32 = 65_534;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunAs {
    Ourselves,
    User(User),
    /// As we are, in a namespace where we are called nobody.
    Namespace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct User {
    pub uid: u32,
    pub gid: u32,
}

impl User {
    /// The user this program runs as.
    pub fn ourselves() -> Self {
        // SAFETY: both only read.
        unsafe { Self { uid: libc::geteuid(), gid: libc::getegid() } }
    }

    /// The owner of a file.
    pub fn owner_of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|found| Self { uid: found.uid(), gid: found.gid() })
    }

    fn of_name(name: &CStr) -> Option<Self> {
        passwd(|entry, room, size, found| {
            // SAFETY: all pointers are valid for the call, `size` is the room's.
            unsafe { libc::getpwnam_r(name.as_ptr(), entry, room, size, found) }
        })
    }

    fn has_name(self) -> bool {
        // SAFETY: as above.
        passwd(|entry, room, size, found| unsafe { libc::getpwuid_r(self.uid, entry, room, size, found) })
            .is_some()
    }

    /// Whether this user gets into a directory, going by its mode and those of all above it.
    fn can_enter(self, directory: &Path) -> bool {
        directory.ancestors().all(|directory| {
            fs::metadata(directory).is_ok_and(|found| {
                let bit = match () {
                    () if found.uid() == self.uid => 0o100,
                    () if found.gid() == self.gid => 0o010,
                    () => 0o001,
                };
                found.mode() & bit != 0
            })
        })
    }
}

fn passwd(
    look_up: impl Fn(*mut libc::passwd, *mut libc::c_char, usize, *mut *mut libc::passwd) -> libc::c_int,
) -> Option<User> {
    let mut room = vec![0; 16 * 1024];
    // SAFETY: a passwd is numbers and pointers, for which zeros are valid.
    let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
    let mut found = std::ptr::null_mut();
    look_up(&mut entry, room.as_mut_ptr(), room.len(), &mut found);
    (!found.is_null()).then_some(User { uid: entry.pw_uid, gid: entry.pw_gid })
}

impl RunAs {
    /// Who to run as, so that `directories` can be entered; `owner` is an existing cluster's.
    /// Namespaces may be switched off: see [`RunAs::works`].
    pub fn choose(directories: &[&Path], owner: Option<User>) -> Self {
        let ourselves = User::ourselves();
        if ourselves.uid != 0 {
            return if ourselves.has_name() { Self::Ourselves } else { Self::Namespace };
        }
        let user = match owner {
            Some(owner) => (owner.uid != 0).then_some(owner),
            None => User::of_name(c"postgres").or_else(|| User::of_name(c"nobody")),
        };
        match user {
            Some(user) if directories.iter().all(|directory| user.can_enter(directory)) => Self::User(user),
            _ => Self::Namespace,
        }
    }

    /// Who the cluster's files belong to, seen from here.
    pub fn owner(self) -> User {
        match self {
            Self::User(user) => user,
            Self::Ourselves | Self::Namespace => User::ourselves(),
        }
    }

    /// Whether a program runs so at all.
    pub fn works(self, program: &Path) -> bool {
        let mut command = Command::new(program);
        command.arg("-V").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.apply(&mut command);
        command.status().is_ok_and(|status| status.success())
    }

    /// Makes a command run so, in a process group of its own (Ctrl-C is for us) and, on Linux, interrupted as soon
    /// as the *thread* that starts it ends.
    pub fn apply(self, command: &mut Command) {
        if let Self::User(user) = self {
            command.uid(user.uid).gid(user.gid);
        }
        let parent = std::process::id();
        let user = User::ourselves();
        let uid_map = format!("{INSIDE} {} 1", user.uid);
        let gid_map = format!("{INSIDE} {} 1", user.gid);
        let prepare = move || {
            if self == Self::Namespace {
                enter_namespace(uid_map.as_bytes(), gid_map.as_bytes())?;
            }
            // After every change of user, which would clear it.
            interrupt_with_parent(parent)?;
            // SAFETY: no memory is involved.
            if unsafe { libc::setpgid(0, 0) } != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        };
        // SAFETY: between fork and exec only system calls are made; nothing is allocated and no lock is taken.
        unsafe { command.pre_exec(prepare) };
    }
}

#[cfg(target_os = "linux")]
fn enter_namespace(uid_map: &[u8], gid_map: &[u8]) -> io::Result<()> {
    // SAFETY: no memory is involved.
    if unsafe { libc::unshare(libc::CLONE_NEWUSER) } != 0 {
        return Err(io::Error::last_os_error());
    }
    write(c"/proc/self/setgroups", b"deny")?;
    write(c"/proc/self/uid_map", uid_map)?;
    write(c"/proc/self/gid_map", gid_map)
}

#[cfg(target_os = "linux")]
fn write(path: &CStr, text: &[u8]) -> io::Result<()> {
    // SAFETY: path and text are valid for the calls; the descriptor is ours.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if file < 0 {
            return Err(io::Error::last_os_error());
        }
        let written = libc::write(file, text.as_ptr().cast(), text.len());
        let outcome = if written < 0 { Err(io::Error::last_os_error()) } else { Ok(()) };
        libc::close(file);
        outcome
    }
}

#[cfg(target_os = "linux")]
fn interrupt_with_parent(parent: u32) -> io::Result<()> {
    // SAFETY: no memory is involved.
    unsafe {
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGINT) != 0 {
            return Err(io::Error::last_os_error());
        }
        // It may have ended before the line above.
        if libc::getppid() != parent as libc::pid_t {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn enter_namespace(_: &[u8], _: &[u8]) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(not(target_os = "linux"))]
fn interrupt_with_parent(_: u32) -> io::Result<()> {
    Ok(())
}
