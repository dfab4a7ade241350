//! Keeps the server running: a thread that starts it, waits for its end and starts it again.
//!
//! The thread lives as long as the server should: the system interrupts the server when the thread that started it
//! ends, and so when this program does.

use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::binaries::Binaries;
use super::cluster::Cluster;
use crate::base::clock::Clock;
use crate::base::db::is_of_full_disk;
use crate::base::disk::Disk;

/// A fast stop lets a last checkpoint be written; after this, an immediate one is asked for.
const FAST_STOP_MAX: Duration = Duration::from_secs(20);
/// After this, the server is killed. It recovers at the next start.
const IMMEDIATE_STOP_MAX: Duration = Duration::from_secs(10);
/// One that ran for longer is started again at once, else after a wait that doubles up to the maximum.
const SOUND_RUN_MIN: Duration = Duration::from_secs(10);
const RESTART_WAIT_MIN: Duration = Duration::from_millis(250);
const RESTART_WAIT_MAX: Duration = Duration::from_secs(30);

/// Bytes of a piece of its log, which it must be able to write. One that ended for want of room is started at once when
/// there is so much more.
const ROOM_MIN: u64 = 16 * 1024 * 1024;
const LOOK_FOR_ROOM: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Supervisor {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The server's process, not yet collected: while the state is locked, the number is surely its.
    pid: Option<u32>,
    /// It has answered once, so its end is a mishap and not a reason to give up.
    is_kept_running: bool,
    is_stopping: bool,
    /// The thread is done; the server is gone.
    has_ended: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No state is left half changed by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change that ends `while_true`, or the time; gives whether it ended.
    fn wait(&self, time: Duration, while_true: impl FnMut(&mut State) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), time, while_true);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl Supervisor {
    /// Starts the server; until [`Supervisor::keep_running`] its end is final.
    pub fn start(cluster: &Cluster, binaries: &Binaries) -> Self {
        let shared = Arc::new(Shared::default());
        let (cluster, binaries) = (cluster.clone(), binaries.clone());
        let theirs = Arc::clone(&shared);
        let watch = move || {
            watch(&theirs, &cluster, &binaries);
            theirs.lock().has_ended = true;
            theirs.changed.notify_all();
        };
        let thread = std::thread::Builder::new().name("postgres".to_owned()).spawn(watch);
        if thread.is_err() {
            shared.lock().has_ended = true;
        }
        Self { shared, thread: thread.ok() }
    }

    /// From now on, the server is started again whenever it ends.
    pub fn keep_running(&self) {
        self.shared.lock().is_kept_running = true;
    }

    pub fn has_ended(&self) -> bool {
        self.shared.lock().has_ended
    }

    pub fn pid(&self) -> Option<u32> {
        self.shared.lock().pid
    }

    /// Stops the server for good and waits until it is gone. Happens on drop at the latest.
    pub fn stop(&mut self) {
        if self.thread.is_none() {
            return;
        }
        self.shared.lock().is_stopping = true;
        self.shared.changed.notify_all();
        self.signal(libc::SIGINT);
        if !self.shared.wait(FAST_STOP_MAX, |state| !state.has_ended) {
            self.signal(libc::SIGQUIT);
            if !self.shared.wait(IMMEDIATE_STOP_MAX, |state| !state.has_ended) {
                self.signal(libc::SIGKILL);
            }
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    fn signal(&self, signal: libc::c_int) {
        let state = self.shared.lock();
        if let Some(pid) = state.pid {
            // SAFETY: no memory is involved; the process is our child and not collected yet.
            unsafe { libc::kill(pid as libc::pid_t, signal) };
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.stop();
    }
}

fn watch(shared: &Shared, cluster: &Cluster, binaries: &Binaries) {
    let mut restart_wait = RESTART_WAIT_MIN;
    loop {
        let ran = Clock::system().stopwatch();
        let ended = match spawn(shared, cluster, binaries) {
            Ok(Some(child)) => {
                collect(shared, child).map_or_else(|error| error.to_string(), |status| status.to_string())
            }
            Ok(None) => return,
            Err(error) => error.to_string(),
        };
        {
            let state = shared.lock();
            if state.is_stopping || !state.is_kept_running {
                return;
            }
        }
        // It can say so only if its messages are kept on another disk.
        let is_for_room =
            free(cluster) < ROOM_MIN || cluster.last_log_lines().is_some_and(|said| is_of_full_disk(&said));
        let room = is_for_room.then(|| free(cluster));
        match is_for_room {
            true => tracing::error!(
                directory = %cluster.data_dir.display(),
                "the private Postgres ended because its disk is full: free space on it or enlarge it, everything goes on \
                 by itself then"
            ),
            false => tracing::error!(ended, "the private Postgres ended by itself and is started again"),
        }
        restart_wait = match ran.elapsed() > SOUND_RUN_MIN {
            true => RESTART_WAIT_MIN,
            false => (restart_wait * 2).min(RESTART_WAIT_MAX),
        };
        let waited = Clock::system().stopwatch();
        // Somebody made room: no reason to wait any longer.
        while waited.elapsed() < restart_wait && room.is_none_or(|room| free(cluster) < room + ROOM_MIN) {
            let left = restart_wait.saturating_sub(waited.elapsed()).min(LOOK_FOR_ROOM);
            if shared.wait(left, |state| !state.is_stopping) {
                return;
            }
        }
        if let Err(error) = cluster.clear_left_overs() {
            tracing::error!(%error, "what the private Postgres left behind is in the way");
        }
    }
}

/// Bytes on the disk of its log, which may be another than that of its tables; as many as there are where nobody knows.
fn free(cluster: &Cluster) -> u64 {
    Disk::of(&cluster.directory().join("pg_wal")).map_or(u64::MAX / 2, |disk| disk.free)
}

/// None when it was told to stop meanwhile.
fn spawn(shared: &Shared, cluster: &Cluster, binaries: &Binaries) -> std::io::Result<Option<Child>> {
    let mut command = cluster.server(binaries)?;
    let mut state = shared.lock();
    if state.is_stopping {
        return Ok(None);
    }
    let child = command.spawn()?;
    state.pid = Some(child.id());
    Ok(Some(child))
}

/// Waits for the child's end, and collects it under the lock, so that nobody signals a number that is free again.
fn collect(shared: &Shared, mut child: Child) -> std::io::Result<ExitStatus> {
    loop {
        // SAFETY: a siginfo_t is numbers, for which zeros are valid; it is valid for the call.
        let outcome = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            libc::waitid(libc::P_PID, child.id(), &mut info, libc::WEXITED | libc::WNOWAIT)
        };
        let is_interrupted =
            outcome != 0 && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted;
        if !is_interrupted {
            break;
        }
    }
    let mut state = shared.lock();
    state.pid = None;
    child.wait()
}
