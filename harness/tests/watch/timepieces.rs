#![allow(unsafe_code)]
//! Programs that ask for the time of day, or wait until one.

use std::io::Write;
use std::ptr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn say(text: &str) {
    std::io::stdout().write_all(text.as_bytes()).expect("writes");
}

fn clock(id: libc::clockid_t) -> libc::timespec {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one structure.
    assert_eq!(unsafe { libc::clock_gettime(id, &raw mut time) }, 0);
    time
}

/// A time of day that comes soon.
fn soon() -> libc::timespec {
    let mut time = clock(libc::CLOCK_REALTIME);
    time.tv_nsec += 200_000_000;
    if time.tv_nsec >= 1_000_000_000 {
        (time.tv_sec, time.tv_nsec) = (time.tv_sec + 1, time.tv_nsec - 1_000_000_000);
    }
    time
}

/// Every way to ask, a line each: seconds since 1970, or since the start of the system.
pub(crate) fn ask() {
    let day = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    say(&format!("std {day}\n"));
    for (name, id) in [
        ("realtime", libc::CLOCK_REALTIME),
        ("coarse", libc::CLOCK_REALTIME_COARSE),
        ("tai", libc::CLOCK_TAI),
        ("monotonic", libc::CLOCK_MONOTONIC),
        ("boottime", libc::CLOCK_BOOTTIME),
    ] {
        say(&format!("{name} {}\n", clock(id).tv_sec));
    }
    let mut value = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let mut told: libc::time_t = 0;
    // SAFETY: each writes one number or structure, or nothing.
    let (answers, wrong, seconds) = unsafe {
        (
            [libc::gettimeofday(&raw mut value, ptr::null_mut()), libc::gettimeofday(ptr::null_mut(), ptr::null_mut())],
            // By its number, because the C library would write itself.
            libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_REALTIME, 8),
            libc::time(&raw mut told),
        )
    };
    say(&format!("gettimeofday {}\ntime {seconds}\ntold {told}\n", value.tv_sec));
    say(&format!("answers {answers:?} {wrong}\n"));
}

/// Several threads do nothing else.
pub(crate) fn ask_for_ever() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(|| {
                loop {
                    std::hint::black_box(SystemTime::now());
                }
            })
        })
        .collect();
    for thread in threads {
        let _ = thread.join();
    }
}

/// Waits until a time of day that comes soon, in every way that there is, and says that it was no long wait.
pub(crate) fn wait() {
    let begin = Instant::now();
    let until = soon();
    // SAFETY: the structures live; nobody else has the lock.
    unsafe {
        let mut lock = libc::PTHREAD_MUTEX_INITIALIZER;
        let mut condition = libc::PTHREAD_COND_INITIALIZER;
        libc::pthread_mutex_lock(&raw mut lock);
        let answer = libc::pthread_cond_timedwait(&raw mut condition, &raw mut lock, &raw const until);
        say(&format!("condition {}\n", answer == libc::ETIMEDOUT));
        // The time has come, and what waits for it is over at once.
        let answer =
            libc::clock_nanosleep(libc::CLOCK_REALTIME, libc::TIMER_ABSTIME, &raw const until, ptr::null_mut());
        say(&format!("again {answer}\n"));
        let later = soon();
        let answer =
            libc::clock_nanosleep(libc::CLOCK_REALTIME, libc::TIMER_ABSTIME, &raw const later, ptr::null_mut());
        say(&format!("sleep {answer}\n"));
    }
    let waited = begin.elapsed();
    say(&format!("waited {}\n", waited >= Duration::from_millis(390) && waited < Duration::from_secs(10)));
}

/// Waits until a time of day, and is disturbed by a signal meanwhile.
pub(crate) fn wait_disturbed() {
    extern "C" fn nothing(_: libc::c_int) {}
    let mut until = soon();
    until.tv_sec += 2;
    let begin = Instant::now();
    // SAFETY: the handler does nothing; the structure lives.
    unsafe {
        libc::signal(libc::SIGALRM, nothing as extern "C" fn(libc::c_int) as libc::sighandler_t);
        libc::alarm(1);
        let mut answers = Vec::new();
        loop {
            let answer =
                libc::clock_nanosleep(libc::CLOCK_REALTIME, libc::TIMER_ABSTIME, &raw const until, ptr::null_mut());
            answers.push(answer);
            if answer != libc::EINTR {
                break;
            }
        }
        say(&format!("{answers:?} {}", begin.elapsed() >= Duration::from_secs(2)));
    }
}
