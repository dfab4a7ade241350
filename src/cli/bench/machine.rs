//! What processes use, as Linux tells it under /proc.
use std::collections::HashMap;

/// CPU seconds and memory of a run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    /// Seconds of both kinds, user and system.
    pub(super) program_cpu_s: f64,
    /// The same of Postgres and all its processes, those that ended included.
    pub(super) postgres_cpu_s: f64,
    /// Largest resident memory of the program so far, in MiB.
    pub(super) program_peak_mib: f64,
}

impl Usage {
    /// CPU seconds since `before`; memory as it is.
    pub(super) fn since(self, before: &Self) -> Self {
        Self {
            program_cpu_s: (self.program_cpu_s - before.program_cpu_s).max(0.0),
            postgres_cpu_s: (self.postgres_cpu_s - before.postgres_cpu_s).max(0.0),
            ..self
        }
    }
}

/// What these two processes have used, Postgres with its children. A process that is gone has used nothing.
pub(super) fn usage(program: u32, postgres: u32) -> Usage {
    let children = children();
    let mut of_postgres = vec![postgres];
    let mut next = 0;
    while let Some(parent) = of_postgres.get(next) {
        of_postgres.extend(children.get(parent).into_iter().flatten().copied().collect::<Vec<_>>());
        next += 1;
    }
    Usage {
        program_cpu_s: cpu_s(program, false),
        postgres_cpu_s: of_postgres.iter().map(|pid| cpu_s(*pid, true)).sum(),
        program_peak_mib: peak_mib(program),
    }
}

/// The fields of /proc/PID/stat behind the name, which may hold blanks: the first is the state (proc(5), field 3).
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split(' ').map(str::to_owned).collect())
}

/// User and system time (fields 14 and 15), with that of children that were waited for (16 and 17) if wanted.
fn cpu_s(pid: u32, with_ended_children: bool) -> f64 {
    let Some(fields) = stat(pid) else { return 0.0 };
    let last = if with_ended_children { 15 } else { 13 };
    let ticks: f64 =
        fields.get(11..last).into_iter().flatten().filter_map(|field| field.parse::<f64>().ok()).sum();
    // SAFETY: asks for a constant of the system.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    ticks / per_second.max(1) as f64
}

fn peak_mib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 =
        line.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or_default();
    kib / 1024.0
}

/// Lets the largest memory count anew from now on (proc(5), clear_refs). Where that is not allowed it counts from the start.
pub(super) fn forget_peak(pid: u32) {
    let _ = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// Every process's children.
fn children() -> HashMap<u32, Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let parent = stat(pid).and_then(|fields| fields.get(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(pid);
        }
    }
    children
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_time_and_memory() {
        let own = std::process::id();
        while cpu_s(own, false) == 0.0 {
            std::hint::black_box(own);
        }
        assert!(peak_mib(own) > 1.0);
        assert_eq!(cpu_s(u32::MAX, true), 0.0);
    }
}
