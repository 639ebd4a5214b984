#![allow(unsafe_code)]
//! A time of day that is not the system's.
//!
//! Programs read the clock without the kernel, by code that the kernel puts into every process (vDSO), and no filter
//! sees that. But they only know where this code is because the kernel tells them at their start. A program that is not
//! told asks the kernel, and there a filter stops it: static programs and the built-in commands of shells as well. The
//! question is answered in the call's place, with the time of the moved clock.
//!
//! Whoever waits until a time of day means one of the moved clock. Such a wait is made with the system's time in the
//! place of the other, and what the caller had there is put back when the call is over.

use std::ffi::c_int;
use std::mem;

use super::area::Clock;
use super::call::{self, Call, KNOWN, NATIVE, exchange};
use super::calls::{read_exactly, write_exactly};
use super::filter::{
    self, ALLOW, AND, ARCHITECTURE_AT, FIRST_AT, JUMP_IF_ANY, JUMP_IF_EQUAL, LOAD, NUMBER_AT, RETURN, SECOND_AT, TRACE,
    step,
};

/// Tells our filter's stops from those of others.
pub(super) const MARK: u64 = 0x4B49;

/// Numbers of the calls. Where there is no `time`, that of another one stands for it.
mod numbers {
    pub(super) const GET_CLOCK: u32 = libc::SYS_clock_gettime as u32;
    pub(super) const GET_TIME_OF_DAY: u32 = libc::SYS_gettimeofday as u32;
    #[cfg(target_arch = "x86_64")]
    pub(super) const GET_SECONDS: u32 = libc::SYS_time as u32;
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) const GET_SECONDS: u32 = GET_TIME_OF_DAY;
    pub(super) const FUTEX: u32 = libc::SYS_futex as u32;
    pub(super) const SLEEP: u32 = libc::SYS_clock_nanosleep as u32;
}
use self::numbers::{FUTEX, GET_CLOCK, GET_SECONDS, GET_TIME_OF_DAY, SLEEP};

/// Clocks that tell the time of day: `CLOCK_REALTIME`, `_COARSE`, `_ALARM`, and `CLOCK_TAI`.
const CLOCKS: [u32; 4] = [0, 5, 8, 11];
/// `FUTEX_CLOCK_REALTIME`.
const BY_TIME_OF_DAY: u32 = 256;
/// The operation of a `futex`, without what it is for.
const OPERATION: u32 = 0x7F;
/// `FUTEX_LOCK_PI`, which waits until a time of day in any case.
const LOCK_PI: u32 = 6;
/// Operations that wait until a time if they wait at all: `FUTEX_WAIT_BITSET`, `_WAIT_REQUEUE_PI`, `_LOCK_PI2`.
const UNTIL: [u32; 3] = [9, 11, 13];
/// `TIMER_ABSTIME`.
const ABSOLUTE: u32 = 1;

const STEPS: usize = 21;

/// The filter: stop for questions after the time of day and for waits until one, else let the call through.
const fn filter() -> [libc::sock_filter; STEPS] {
    const PASS: u8 = 19;
    const STOP: u8 = 20;
    const AT_FUTEX: u8 = 8;
    const AT_SLEEP: u8 = 12;
    const AT_CLOCK: u8 = 14;
    /// A jump from one step to another.
    const fn to(from: u8, target: u8) -> u8 {
        target - from - 1
    }
    [
        step(LOAD, 0, 0, ARCHITECTURE_AT),
        step(JUMP_IF_EQUAL, 0, to(1, PASS), NATIVE),
        step(LOAD, 0, 0, NUMBER_AT),
        step(JUMP_IF_EQUAL, to(3, AT_CLOCK), 0, GET_CLOCK),
        step(JUMP_IF_EQUAL, to(4, STOP), 0, GET_TIME_OF_DAY),
        step(JUMP_IF_EQUAL, to(5, STOP), 0, GET_SECONDS),
        step(JUMP_IF_EQUAL, to(6, AT_FUTEX), 0, FUTEX),
        step(JUMP_IF_EQUAL, to(7, AT_SLEEP), to(7, PASS), SLEEP),
        step(LOAD, 0, 0, SECOND_AT),
        step(JUMP_IF_ANY, to(9, STOP), 0, BY_TIME_OF_DAY),
        step(AND, 0, 0, OPERATION),
        step(JUMP_IF_EQUAL, to(11, STOP), to(11, PASS), LOCK_PI),
        step(LOAD, 0, 0, SECOND_AT),
        step(JUMP_IF_ANY, 0, to(13, PASS), ABSOLUTE),
        step(LOAD, 0, 0, FIRST_AT),
        step(JUMP_IF_EQUAL, to(15, STOP), 0, CLOCKS[0]),
        step(JUMP_IF_EQUAL, to(16, STOP), 0, CLOCKS[1]),
        step(JUMP_IF_EQUAL, to(17, STOP), 0, CLOCKS[2]),
        step(JUMP_IF_EQUAL, to(18, STOP), to(18, PASS), CLOCKS[3]),
        step(RETURN, 0, 0, ALLOW),
        step(RETURN, 0, 0, TRACE | MARK as u32),
    ]
}

/// Lets the calling process and all that it starts stop for its tracer where the time of day matters. As
/// [`install`](filter::install).
///
/// # Safety
///
/// Only in a child, between fork and exec, that is traced.
pub(super) unsafe fn install_filter() -> Result<bool, c_int> {
    static FILTER: [libc::sock_filter; STEPS] = filter();
    // SAFETY: by the contract.
    unsafe { filter::install(&FILTER) }
}

/// Whether a tracee goes on to the end of its call only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes {
    On,
    ToTheEndOfTheCall,
}

impl Clock {
    /// A program has been loaded and has not run yet. Lets it ask the kernel for the time.
    pub(super) fn loaded(&mut self, pid: c_int) {
        if self.shift == 0 {
            return;
        }
        let native = call::kind_and_stack(pid).filter(|(architecture, _)| KNOWN && *architecture == NATIVE);
        if !native.is_some_and(|(_, stack)| hide_clock_code(pid, stack)) {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// A call that has to do with the time of day is about to be made.
    pub(super) fn enter(&mut self, tid: c_int, call: &Call) -> Goes {
        let [first, second, third, fourth, ..] = call.arguments;
        let Ok(number) = u32::try_from(call.number) else {
            return Goes::On;
        };
        if number == GET_CLOCK {
            let time = self.now(first as libc::clockid_t);
            self.tell(tid, 0, &[(second, &bytes_of([time.tv_sec, time.tv_nsec]))]);
        } else if number == GET_TIME_OF_DAY {
            let time = self.now(libc::CLOCK_REALTIME);
            let time = bytes_of([time.tv_sec, time.tv_nsec / 1000]);
            // The zone is not in use any more (`gettimeofday(2)`).
            self.tell(tid, 0, &[(first, &time), (second, &[0; 8])]);
        } else if number == GET_SECONDS {
            let seconds = self.now(libc::CLOCK_REALTIME).tv_sec;
            self.tell(tid, seconds, &[(first, &seconds.to_ne_bytes())]);
        } else if number == SLEEP {
            return self.wait(tid, call.stack, SLEEP_UNTIL, third);
        } else if number == FUTEX {
            let operation = second as u32 & OPERATION;
            if operation == LOCK_PI || UNTIL.contains(&operation) {
                return self.wait(tid, call.stack, FUTEX_UNTIL, fourth);
            }
        }
        Goes::On
    }

    /// The moved clock.
    fn now(&self, clock: libc::clockid_t) -> libc::timespec {
        // SAFETY: the kernel writes one structure. It knows the clocks that the filter stops for.
        let mut time = unsafe {
            let mut time: libc::timespec = mem::zeroed();
            libc::clock_gettime(clock, &raw mut time);
            time
        };
        time.tv_sec = time.tv_sec.saturating_add(self.shift).max(0);
        time
    }

    /// Answers a question: writes what is asked for to where it is wanted, and makes the call none.
    fn tell(&mut self, tid: c_int, result: i64, wanted: &[(u64, &[u8])]) {
        let written = wanted.iter().all(|(address, bytes)| *address == 0 || write_exactly(tid, *address, bytes));
        let result = if written { result } else { -i64::from(libc::EFAULT) };
        if call::answer(tid, result) {
            self.answered += 1;
        }
    }

    /// A wait until the time at an address, which is the argument in this place.
    fn wait(&mut self, tid: c_int, stack: u64, place: usize, address: u64) -> Goes {
        let mut time = [0; TIME];
        // Without a time it waits for ever; what cannot be read is refused by the kernel.
        if address == 0 || !read_exactly(tid, address, &mut time) {
            return Goes::On;
        }
        let Some(base) = stack.checked_sub(RED_ZONE + SLIP as u64).map(|end| end & !15) else {
            return Goes::On;
        };
        if write_exactly(tid, base, &slip(&time, self.shift, place, address)) && exchange(tid, place, base).is_some() {
            self.waits += 1;
            return Goes::ToTheEndOfTheCall;
        }
        Goes::On
    }
}

/// A call is over that waited until a time. Puts back what its caller had there.
pub(super) fn leave(tid: c_int) {
    for place in [SLEEP_UNTIL, FUTEX_UNTIL] {
        // What is there instead is found by exchanging it.
        let Some(base) = exchange(tid, place, 0) else {
            return;
        };
        let mut slip = [0; SLIP];
        let ours = base != 0 && base % 16 == 0 && read_exactly(tid, base, &mut slip);
        let before = if ours { before(&slip, place) } else { None };
        exchange(tid, place, before.unwrap_or(base));
        if before.is_some() {
            return;
        }
    }
}

/// Where the time stands among the arguments of `clock_nanosleep`, and of `futex`.
const SLEEP_UNTIL: usize = 2;
const FUTEX_UNTIL: usize = 3;
/// Bytes of a time: seconds and nanoseconds.
const TIME: usize = 16;
/// What is put on the stack of somebody who waits: the time, what stood in its place among the arguments, and a mark.
const SLIP: usize = TIME + 16;
/// Functions that call no others may use so much below the end of their stack.
const RED_ZONE: u64 = 128;
/// So that nothing else is taken for a slip.
const OURS: u64 = 0x686F_6F6B_7072_6600;

/// What is put on the stack: a time of the moved clock as one of the system's, and what leads back.
fn slip(time: &[u8; TIME], shift: i64, place: usize, address: u64) -> [u8; SLIP] {
    let seconds = i64::from_ne_bytes(word(time, 0)).saturating_sub(shift).max(0);
    let mut slip = [0; SLIP];
    let words = [seconds.to_ne_bytes(), word(time, 1), address.to_ne_bytes(), (OURS | place as u64).to_ne_bytes()];
    for (room, word) in slip.chunks_exact_mut(8).zip(words) {
        room.copy_from_slice(&word);
    }
    slip
}

/// What stood there before, if it is a slip for this place.
fn before(slip: &[u8; SLIP], place: usize) -> Option<u64> {
    (u64::from_ne_bytes(word(slip, 3)) == OURS | place as u64).then(|| u64::from_ne_bytes(word(slip, 2)))
}

fn word(bytes: &[u8], index: usize) -> [u8; 8] {
    let mut word = [0; 8];
    if let Some(found) = bytes.chunks_exact(8).nth(index) {
        word.copy_from_slice(found);
    }
    word
}

fn bytes_of(numbers: [i64; 2]) -> [u8; TIME] {
    let mut bytes = [0; TIME];
    for (room, number) in bytes.chunks_exact_mut(8).zip(numbers) {
        room.copy_from_slice(&number.to_ne_bytes());
    }
    bytes
}

/// Takes the place of the kernel's code out of what a program is told at its start: behind the arguments and the
/// environment stand pairs of a kind and a value. Whether that is done, or there is no such pair.
fn hide_clock_code(pid: c_int, stack: u64) -> bool {
    const END: u64 = 0;
    const NOTHING: u64 = 1;
    const CLOCK_CODE: u64 = libc::AT_SYSINFO_EHDR;
    let mut words = Words::at(pid, stack);
    let Some(arguments) = words.next() else {
        return false;
    };
    // Behind the arguments stands a zero, and behind the environment as well.
    words.skip(arguments.saturating_add(1));
    loop {
        match words.next() {
            Some(0) => break,
            Some(_) => {}
            None => return false,
        }
    }
    loop {
        let at = words.address();
        let (Some(kind), Some(_)) = (words.next(), words.next()) else {
            return false;
        };
        match kind {
            END => return true,
            CLOCK_CODE => return write_exactly(pid, at, &NOTHING.to_ne_bytes()),
            _ => {}
        }
    }
}

/// Words in the memory of a tracee, one after the other.
struct Words {
    pid: c_int,
    /// Where the next one that is not in the buffer stands.
    next: u64,
    buffer: [u8; Self::ROOM],
    /// Bytes in the buffer, and how many of them have been taken.
    filled: usize,
    taken: usize,
}

impl Words {
    const ROOM: usize = 512;

    fn at(pid: c_int, address: u64) -> Self {
        Words { pid, next: address, buffer: [0; Self::ROOM], filled: 0, taken: 0 }
    }

    /// Where the next word stands.
    fn address(&self) -> u64 {
        self.next - (self.filled - self.taken) as u64
    }

    fn skip(&mut self, count: u64) {
        self.next = self.address().saturating_add(count.saturating_mul(8));
        (self.filled, self.taken) = (0, 0);
    }

    fn next(&mut self) -> Option<u64> {
        if self.taken == self.filled {
            self.filled = super::calls::read_page(self.pid, self.next, &mut self.buffer) & !7;
            self.next = self.next.checked_add(self.filled as u64)?;
            self.taken = 0;
        }
        let found = self.buffer.get(self.taken..self.filled)?.first_chunk::<8>()?;
        self.taken += 8;
        Some(u64::from_ne_bytes(*found))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const STOP: u32 = TRACE | MARK as u32;

    #[rstest]
    #[case(GET_CLOCK, [0, 0], STOP)]
    #[case(GET_CLOCK, [5, 0], STOP)]
    #[case(GET_CLOCK, [8, 0], STOP)]
    #[case(GET_CLOCK, [11, 0], STOP)]
    #[case::monotonic(GET_CLOCK, [1, 0], ALLOW)]
    #[case::since_the_start(GET_CLOCK, [7, 0], ALLOW)]
    #[case::of_a_process(GET_CLOCK, [0xFFFF_FFFA, 0], ALLOW)]
    #[case(GET_TIME_OF_DAY, [1, 1], STOP)]
    #[case(GET_SECONDS, [1, 1], STOP)]
    #[case::until(FUTEX, [0, 9 | 256], STOP)]
    #[case::private(FUTEX, [0, 9 | 128 | 256], STOP)]
    #[case::lock(FUTEX, [0, 6 | 128], STOP)]
    #[case::monotonic(FUTEX, [0, 9 | 128], ALLOW)]
    #[case::wake(FUTEX, [0, 129], ALLOW)]
    #[case::until(SLEEP, [0, 1], STOP)]
    #[case::some_time(SLEEP, [0, 0], ALLOW)]
    #[case::monotonic(SLEEP, [1, 1], ALLOW)]
    #[case::others(libc::SYS_read as u32, [0, 256], ALLOW)]
    fn the_filter_stops_where_the_time_of_day_matters(
        #[case] number: u32,
        #[case] arguments: [u32; 2],
        #[case] expected: u32,
    ) {
        assert_eq!(filter::decide(&filter(), NATIVE, number, arguments), expected);
        assert_eq!(filter::decide(&filter(), NATIVE ^ 1, number, arguments), ALLOW);
    }

    #[test]
    fn a_slip_leads_back() {
        let time = bytes_of([1000, 7]);
        let ahead = slip(&time, 400, FUTEX_UNTIL, 0x7FFF_1234);
        assert_eq!((word(&ahead, 0), word(&ahead, 1)), (600_i64.to_ne_bytes(), 7_i64.to_ne_bytes()));
        assert_eq!((before(&ahead, FUTEX_UNTIL), before(&ahead, SLEEP_UNTIL)), (Some(0x7FFF_1234), None));
        assert_eq!(word(&slip(&time, 4000, SLEEP_UNTIL, 0), 0), [0; 8], "no time before 1970");
        assert_eq!(word(&slip(&time, -400, SLEEP_UNTIL, 0), 0), 1400_i64.to_ne_bytes());
    }
}
