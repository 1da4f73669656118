//! Runs a program and measures it from outside: wall time, CPU time with that of its children, peak of resident memory.

use std::fs;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// One run.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub wall: Duration,
    /// User and system.
    pub cpu: Duration,
    /// Bytes; of the program itself.
    pub peak: u64,
    /// It took longer than it was given, and was ended.
    pub was_ended: bool,
}

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// The kernel's unit of CPU time towards programs.
const TICKS_PER_SECOND: u64 = 100;

/// Runs `command` to its end, or ends it after `limit`. A failure is told with what the program said.
pub fn run(command: &mut Command, limit: Duration) -> Result<Sample, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let begun = Instant::now();
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0).spawn();
    let mut child = child.map_err(|error| format!("{name}: {error}"))?;
    let id = Pid::from_raw(child.id() as i32).ok_or("no process id")?;
    let (peak, over, was_ended) = (AtomicU64::new(0), AtomicBool::new(false), AtomicBool::new(false));
    let mut stderr = child.stderr.take().ok_or("no stderr")?;
    let (wall, ticks, said) = thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                peak.fetch_max(resident_peak(id), Ordering::Relaxed);
                if begun.elapsed() > limit && !was_ended.swap(true, Ordering::Relaxed) {
                    kill_process_group(id, Signal::KILL).unwrap_or_else(|error| eprintln!("  it cannot be ended: {error}"));
                }
                thread::sleep(LOOK);
            }
        });
        let said = scope.spawn(move || {
            let mut said = Vec::new();
            drop(stderr.read_to_end(&mut said));
            String::from_utf8_lossy(&said).into_owned()
        });
        // It ended, and is still there to be asked what it used.
        let ended = waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        let wall = begun.elapsed();
        over.store(true, Ordering::Relaxed);
        let ticks = ended.map_err(|error| error.to_string()).and_then(|_| cpu_ticks(id));
        (wall, ticks, said.join().unwrap_or_default())
    });
    let status = child.wait().map_err(|error| error.to_string())?;
    let was_ended = was_ended.into_inner();
    if !status.success() && !was_ended {
        let last: Vec<_> = said.lines().rev().take(5).collect();
        return Err(format!("{name} ended with {status}: {}", last.into_iter().rev().collect::<Vec<_>>().join(" | ")));
    }
    Ok(Sample { wall, cpu: Duration::from_millis(ticks? * 1000 / TICKS_PER_SECOND), peak: peak.into_inner(), was_ended })
}

/// The most memory a process ever had, in bytes.
pub fn resident_peak(id: Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", id.as_raw_nonzero())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kib| kib << 10)
}

/// User and system time of a process and of its children that ended.
fn cpu_ticks(id: Pid) -> Result<u64, String> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero())).map_err(|error| error.to_string())?;
    // The name in brackets may hold anything; utime to cstime are fields 14 to 17 of all.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    Ok(fields.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum())
}
