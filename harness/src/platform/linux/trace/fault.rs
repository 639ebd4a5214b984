#![allow(unsafe_code)]
//! The fault: choosing its target, and doing to it what the plan says.

use std::ffi::c_int;
use std::ptr;

use super::super::super::unix::{MOST_LIMITS, errno};
use super::super::helper_tree::monotonic_nanoseconds;
use super::super::proc_file::ProcStatus;
use super::area::{Action, Faulted, LONGEST_SHOWN, Plan, Stage};
use super::calls::{go_on, send, unblock};
use super::tracees::Tracee;
use crate::platform::program_name;

/// What becomes of a call of `execve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Made,
    /// It fails.
    Refused,
    /// The process ends in its place.
    ExitInstead,
    /// A shell is executed in its place, which says why the process fails.
    SayInstead,
}

/// What a start is told apart by: the file name of its program as the system runs it, and as it was called; 0 if that
/// is not known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub(super) run: u64,
    pub(super) called: u64,
}

impl Names {
    /// Of a start with these words, in both forms.
    pub(super) fn of(run: &[u8], called: &[u8]) -> Self {
        let name = |words: &[u8]| match words.split(|byte| *byte == 0).next() {
            Some(word) if !word.is_empty() => name_of(program_name(word)),
            _ => 0,
        };
        Names { run: name(run), called: name(called) }
    }
}

/// What a start matches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matched {
    /// Patterns that fit it as the system runs it, a bit each.
    pub(super) run: u64,
    /// Patterns that fit it as it was called.
    pub(super) called: u64,
    pub(super) names: Names,
}

impl Matched {
    pub(super) fn mask(&self) -> u64 {
        self.run | self.called
    }

    /// What names the program that the fault is about.
    fn program(&self, plan: &Plan) -> u64 {
        if self.run & plan.aim == 0 && self.called & plan.aim != 0 { self.names.called } else { self.names.run }
    }
}

impl Plan {
    fn is(&self, action: Action) -> bool {
        self.action == action as i32
    }

    /// Whether a process that starts a program is one that the target counts. `mask` is what the program matches.
    pub(super) fn counts(&self, tracee: &Tracee, mask: u64) -> bool {
        if self.below != 0 {
            tracee.above & self.aim != 0 && !tracee.has(Tracee::STARTED_BELOW)
        } else {
            mask & self.aim != 0 && (tracee.above | tracee.own) & self.aim == 0
        }
    }

    /// Whether programs are counted when they have started, as opposed to when they are about to.
    pub(super) fn counts_starts(&self) -> bool {
        self.is(Action::Kill)
    }
}

impl Faulted {
    fn is(&self, stage: Stage) -> bool {
        self.stage == stage as i32
    }

    /// Counts one more that fits. Whether it is the one that the plan means.
    fn count(&mut self, plan: &Plan) -> bool {
        self.counted = self.counted.saturating_add(1);
        self.is(Stage::Waiting) && self.counted == plan.nth.max(1)
    }

    /// Whether this is a later start of the program that was broken, which is to be broken as well.
    fn is_another(&self, plan: &Plan, matched: &Matched) -> bool {
        let names = matched.names;
        let same = self.program != 0 && [names.run, names.called].contains(&self.program);
        plan.every != 0 && self.is(Stage::Done) && same && (plan.below != 0 || matched.mask() & plan.aim != 0)
    }

    fn choose(&mut self, plan: &Plan, pid: c_int, matched: &Matched, line: &[u8]) {
        self.pid = pid;
        self.program = matched.program(plan);
        let length = line.len().min(LONGEST_SHOWN);
        if let (Some(room), Some(line)) = (self.line.get_mut(..length), line.get(..length)) {
            room.copy_from_slice(line);
        }
        self.length = length as u32;
    }

    fn done(&mut self) {
        self.stage = Stage::Done as i32;
        self.at = monotonic_nanoseconds();
    }

    /// A program has started, and has not run yet; `counts` if the target counts it. Whether it may run.
    pub(super) fn at_start(&mut self, plan: &Plan, pid: c_int, counts: bool, matched: &Matched, line: &[u8]) -> bool {
        if self.is_another(plan, matched) {
            // What has become the hook is no helper of its any more.
            if pid != self.hook {
                self.repeated = self.repeated.saturating_add(1);
                strike(pid, plan.number);
            }
            return true;
        }
        if !counts || !self.count(plan) {
            return true;
        }
        self.choose(plan, pid, matched, line);
        self.began = 1;
        if plan.held > 0 {
            self.stage = Stage::Held as i32;
            self.due = monotonic_nanoseconds().saturating_add(plan.held);
        } else if plan.after > 0 {
            self.stage = Stage::Chosen as i32;
            self.due = monotonic_nanoseconds().saturating_add(plan.after);
        } else {
            self.crash(plan);
        }
        !self.is(Stage::Held)
    }

    /// Kills a process that stands still and has not run yet.
    fn crash(&mut self, plan: &Plan) {
        prepare(self.pid, plan.number);
        self.kill(plan);
    }

    /// Milliseconds until somebody is to be killed; -1 if nobody is.
    pub(super) fn due_in(&self) -> c_int {
        if !self.is(Stage::Chosen) && !self.is(Stage::Held) {
            return -1;
        }
        let left = self.due.saturating_sub(monotonic_nanoseconds()).max(0);
        // Rounded up, so that nobody turns in circles until the time has come.
        c_int::try_from((left + 999_999) / 1_000_000).unwrap_or(c_int::MAX)
    }

    /// Kills whose time has come.
    pub(super) fn when_due(&mut self, plan: &Plan) {
        if monotonic_nanoseconds() < self.due {
            return;
        }
        if self.is(Stage::Chosen) {
            self.kill(plan);
        } else if self.is(Stage::Held) {
            self.crash(plan);
            go_on(self.pid, 0);
        }
    }

    fn kill(&mut self, plan: &Plan) {
        if plan.number != libc::SIGKILL {
            self.disposition = disposition(self.pid, plan.number);
        }
        self.done();
        if plan.hook != 0 {
            send(self.hook, plan.number);
        }
        send(self.pid, plan.number);
    }

    /// Somebody is about to execute a program that exists. What becomes of the call.
    pub(super) fn at_entry(
        &mut self,
        plan: &Plan,
        tracee: Option<&mut Tracee>,
        matched: &Matched,
        line: &[u8],
    ) -> Entry {
        let refused = self.is_refused(plan, tracee, matched, line);
        match refused {
            false => Entry::Made,
            true if plan.is(Action::Exit) => Entry::ExitInstead,
            true if plan.is(Action::Say) => Entry::SayInstead,
            true => Entry::Refused,
        }
    }

    fn is_refused(&mut self, plan: &Plan, tracee: Option<&mut Tracee>, matched: &Matched, line: &[u8]) -> bool {
        let Some(tracee) = tracee else {
            return false;
        };
        let attempt = name_of(line);
        let again = tracee.attempt == attempt;
        if self.is_another(plan, matched) {
            if !again {
                tracee.attempt = attempt;
                self.repeated = self.repeated.saturating_add(1);
            }
            if plan.is(Action::Cap) {
                let pid = tracee.pid;
                cap(plan, pid);
                return false;
            }
            return true;
        }
        if self.is(Stage::Done) {
            return again && plan.is(Action::FailExec) && self.pid == tracee.pid && self.attempt == attempt;
        }
        // A search of PATH makes several attempts for one start.
        if again || !plan.counts(tracee, matched.mask()) {
            return false;
        }
        tracee.attempt = attempt;
        if !self.count(plan) {
            return false;
        }
        self.attempt = attempt;
        let pid = tracee.pid;
        self.choose(plan, pid, matched, line);
        self.done();
        if plan.is(Action::Cap) {
            self.answers = cap(plan, pid);
            return false;
        }
        plan.is(Action::FailExec) || plan.is(Action::Exit) || plan.is(Action::Say)
    }

    /// A program has been loaded into this process.
    pub(super) fn loaded(&mut self, plan: &Plan, pid: c_int) {
        // The shell that stands in for a program is not the program.
        if self.is(Stage::Done) && self.pid == pid && !plan.is(Action::Say) {
            self.began = 1;
        }
    }

    /// A process has ended.
    pub(super) fn end(&mut self, pid: c_int, status: c_int, at: i64) {
        if self.pid == pid && self.ended == 0 && !self.is(Stage::Waiting) {
            self.ended = 1;
            self.status = status;
            self.ended_at = at;
            if self.is(Stage::Chosen) || self.is(Stage::Held) {
                self.stage = Stage::TooLate as i32;
            }
        }
    }
}

/// Sets the limits of a process, and returns the system's answer to each.
fn cap(plan: &Plan, pid: c_int) -> [c_int; MOST_LIMITS] {
    let mut answers = [0; MOST_LIMITS];
    for (limit, answer) in plan.limits.iter().take(plan.limit_count as usize).zip(&mut answers) {
        let value = libc::rlimit { rlim_cur: limit.soft, rlim_max: limit.hard };
        // SAFETY: the kernel reads one structure; the process is a tracee that is stopped.
        let set = unsafe { libc::prlimit(pid, limit.resource as _, &raw const value, ptr::null_mut()) };
        *answer = if set < 0 { errno() } else { 0 };
    }
    answers
}

/// Nothing can block a crash.
fn prepare(pid: c_int, signal: c_int) {
    if matches!(signal, libc::SIGSEGV | libc::SIGABRT) {
        unblock(pid, signal);
    }
}

/// Sends a signal to a process that stands still and has not run yet.
fn strike(pid: c_int, signal: c_int) {
    prepare(pid, signal);
    send(pid, signal);
}

/// What a process does with a signal, as [`Faulted::disposition`] numbers it.
fn disposition(pid: c_int, signal: c_int) -> i32 {
    let Some(status) = ProcStatus::of(pid) else {
        return 0;
    };
    let among = |name: &[u8]| status.number(name, 16).is_some_and(|set| set & (1 << (signal - 1)) != 0);
    if among(b"SigBlk:") {
        4
    } else if among(b"SigIgn:") {
        3
    } else if among(b"SigCgt:") {
        2
    } else {
        1
    }
}

/// A number that tells arguments apart (FNV-1a). Never 0, which stands for no attempt.
fn name_of(line: &[u8]) -> u64 {
    let mut hash: u64 = 0xCBF2_9CE4_8422_2325;
    for byte in line {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    }
    hash.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(unsafe_code)]
    fn parts(action: Action, nth: u32, below: bool) -> (Box<Plan>, Box<Faulted>) {
        // SAFETY: plain numbers, for which zero is a value.
        let (mut plan, faulted) =
            unsafe { (Box::<Plan>::new_zeroed().assume_init(), Box::<Faulted>::new_zeroed().assume_init()) };
        plan.action = action as i32;
        plan.aim = 0b10;
        plan.nth = nth;
        plan.below = u32::from(below);
        (plan, faulted)
    }

    fn tracee(own: u64, above: u64) -> Tracee {
        Tracee { own, above, ..Tracee::new(50, 1) }
    }

    fn of(run: u64, line: &[u8]) -> Matched {
        Matched { run, called: 0, names: Names::of(line, b"") }
    }

    #[test]
    fn every_later_start_of_the_program_is_broken_whoever_starts_it() {
        let (mut plan, mut faulted) = parts(Action::FailExec, 2, false);
        plan.every = 1;
        let (mut own, mut below) = (tracee(0, 0), tracee(0, 0b10));
        below.pid = 51;
        assert!(!faulted.is_refused(&plan, Some(&mut own), &of(0b10, b"/bin/a\0x"), b"/bin/a\0x"), "the first");
        assert!(faulted.is_refused(&plan, Some(&mut own), &of(0b10, b"/bin/a\0y"), b"/bin/a\0y"), "the second");
        assert!(faulted.is_refused(&plan, Some(&mut below), &of(0b10, b"/usr/bin/a\0y"), b"/usr/bin/a\0y"));
        assert!(faulted.is_refused(&plan, Some(&mut below), &of(0b10, b"/usr/bin/a\0y"), b"/usr/bin/a\0y"), "PATH");
        assert!(!faulted.is_refused(&plan, Some(&mut own), &of(0b10, b"/bin/b\0y"), b"/bin/b\0y"), "another program");
        assert_eq!((faulted.pid, faulted.repeated), (50, 1));
    }

    #[test]
    fn of_a_script_the_name_counts_that_the_pattern_has_matched() {
        let (mut plan, mut faulted) = parts(Action::FailExec, 1, false);
        plan.every = 1;
        let script = |run, called| Matched { run, called, names: Names::of(b"/bin/node\0/bin/npx", b"/bin/npx") };
        assert!(faulted.is_refused(&plan, Some(&mut tracee(0, 0)), &script(0, 0b10), b"/bin/node\0/bin/npx"));
        let mut other = Tracee { pid: 51, ..tracee(0, 0) };
        assert!(!faulted.is_refused(&plan, Some(&mut other), &of(0b10, b"/bin/node\0x"), b"/bin/node\0x"));
        assert!(faulted.is_refused(&plan, Some(&mut other), &script(0, 0b10), b"/bin/node\0/bin/npx\0x"));
    }

    #[test]
    fn who_is_counted() {
        let (plan, _) = parts(Action::Kill, 1, false);
        assert!(plan.counts(&tracee(0, 0), 0b10) && plan.counts(&tracee(0b01, 0b01), 0b11));
        assert!(!plan.counts(&tracee(0, 0), 0b01), "another pattern");
        assert!(!plan.counts(&tracee(0b10, 0), 0b10), "the same process once more");
        assert!(!plan.counts(&tracee(0, 0b10), 0b10), "below one that matches");
        let (plan, _) = parts(Action::Kill, 1, true);
        assert!(plan.counts(&tracee(0, 0b10), 0));
        assert!(!plan.counts(&tracee(0b10, 0), 0b10), "it is the one that matches");
        assert!(!plan.counts(&Tracee { flags: Tracee::STARTED_BELOW, ..tracee(0, 0b10) }, 0));
    }

    #[test]
    fn all_attempts_of_the_nth_start_are_refused_and_no_others() {
        let (plan, mut faulted) = parts(Action::FailExec, 2, false);
        let (mut first, mut second, mut third) = (tracee(0, 0), tracee(0, 0), tracee(0, 0));
        (second.pid, third.pid) = (51, 52);
        assert!(!faulted.is_refused(&plan, Some(&mut first), &of(0b10, b"a\0b"), b"a\0b"));
        assert!(!faulted.is_refused(&plan, Some(&mut first), &of(0b10, b"a\0b"), b"a\0b"), "the next folder of PATH");
        assert!(!faulted.is_refused(&plan, Some(&mut second), &of(0b01, b"c"), b"c"), "another pattern");
        assert!(faulted.is_refused(&plan, Some(&mut second), &of(0b10, b"a\0b"), b"a\0b"));
        assert!(faulted.is_refused(&plan, Some(&mut second), &of(0b10, b"a\0b"), b"a\0b"), "the next folder of PATH");
        assert!(!faulted.is_refused(&plan, Some(&mut second), &of(0b10, b"a\0c"), b"a\0c"), "something else instead");
        assert!(!faulted.is_refused(&plan, Some(&mut third), &of(0b10, b"a\0b"), b"a\0b"), "another process");
        assert_eq!((faulted.counted, faulted.pid, &faulted.line[..3]), (2, 51, b"a\0b".as_slice()));
    }

    #[test]
    fn who_ends_before_its_time_was_not_killed() {
        let (mut plan, mut faulted) = parts(Action::Kill, 1, false);
        plan.after = i64::MAX;
        plan.number = libc::SIGKILL;
        assert_eq!(faulted.due_in(), -1);
        faulted.at_start(&plan, 50, true, &of(0b10, b"x"), b"x");
        assert_eq!(faulted.due_in(), c_int::MAX);
        faulted.when_due(&plan);
        faulted.end(51, 9, 1);
        assert_eq!(faulted.stage, Stage::Chosen as i32);
        faulted.end(50, 3 << 8, 77);
        assert_eq!((faulted.stage, faulted.status, faulted.ended_at), (Stage::TooLate as i32, 3 << 8, 77));
        assert_eq!(faulted.due_in(), -1);
    }

    #[test]
    fn whom_it_is_that_ends_instead() {
        let (plan, mut faulted) = parts(Action::Exit, 1, false);
        assert_eq!(faulted.at_entry(&plan, Some(&mut tracee(0, 0)), &of(0b01, b"c"), b"c"), Entry::Made);
        assert_eq!(faulted.at_entry(&plan, Some(&mut tracee(0, 0)), &of(0b10, b"a"), b"a"), Entry::ExitInstead);
        let (plan, mut faulted) = parts(Action::Say, 1, false);
        assert_eq!(faulted.at_entry(&plan, Some(&mut tracee(0, 0)), &of(0b10, b"a"), b"a"), Entry::SayInstead);
        faulted.loaded(&plan, 50);
        assert_eq!((faulted.stage, faulted.pid, faulted.began), (Stage::Done as i32, 50, 0));
        let (plan, mut faulted) = parts(Action::Cap, 1, false);
        assert_eq!(faulted.at_entry(&plan, Some(&mut tracee(0, 0)), &of(0b10, b"a"), b"a"), Entry::Made);
    }

    #[test]
    fn who_is_held_does_not_run_until_its_time_comes() {
        let (mut plan, mut faulted) = parts(Action::Kill, 1, false);
        plan.held = i64::MAX;
        plan.number = libc::SIGKILL;
        assert!(!faulted.at_start(&plan, 50, true, &of(0b10, b"x"), b"x"));
        assert_eq!(faulted.due_in(), c_int::MAX);
        faulted.when_due(&plan);
        assert_eq!(faulted.stage, Stage::Held as i32);
        faulted.end(50, 9, 77);
        assert_eq!((faulted.stage, faulted.due_in()), (Stage::TooLate as i32, -1));
    }
}
