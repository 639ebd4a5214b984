#![allow(unsafe_code)]
//! The CPU time of one other process, without its children.

use std::time::Duration;

/// `PID_MAX_LIMIT` of the kernel.
#[cfg(any(target_os = "linux", target_os = "android"))]
const LARGEST_ID: libc::pid_t = 4 << 20;

/// CPU time of a process that is alive, or has ended and was not waited for. `None` where it cannot be had.
///
/// This is the sum of user and system time that the kernel compares with `RLIMIT_CPU`: the process's clock of the kind
/// `CPUCLOCK_PROF`, whose id is made as in the kernel's `posix-timers_types.h`.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn cpu_time(pid: libc::pid_t) -> Option<Duration> {
    const PROF: libc::clockid_t = 0;
    // Larger ids than the kernel ever gives out would turn into ordinary clocks.
    if !(1..=LARGEST_ID).contains(&pid) {
        return None;
    }
    let clock = (!pid << 3) | PROF;
    // SAFETY: clock_gettime writes a plain structure.
    let (answer, time) = unsafe {
        let mut time: libc::timespec = std::mem::zeroed();
        (libc::clock_gettime(clock, &raw mut time), time)
    };
    let seconds = u64::try_from(time.tv_sec).ok()?;
    (answer == 0).then(|| Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0)))
}

/// Cannot be had here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn cpu_time(_pid: libc::pid_t) -> Option<Duration> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_this_process_runs() {
        let own = i32::try_from(std::process::id()).expect("a process id");
        let begin = std::time::Instant::now();
        let before = cpu_time(own).expect("has a clock");
        while begin.elapsed() < Duration::from_millis(300) {
            std::hint::black_box(own);
        }
        assert!(cpu_time(own).expect("has a clock") > before);
        assert_eq!([0, -1, LARGEST_ID, i32::MAX].map(cpu_time), [None; 4]);
    }
}
