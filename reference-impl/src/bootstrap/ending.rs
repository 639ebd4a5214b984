//! What the end of the builder means: who wanted it, and whether trying again at once would be a storm.

use std::io;

use crate::platform::{self, Ending, SignalMeaning};

/// The builder has built everything.
pub(crate) const DONE: u8 = 0;
/// The builder met an ordinary failure and said which on stderr.
pub(crate) const FAILED: u8 = 1;
/// The builder, or a process that it started, was killed or found no memory.
pub(crate) const KILLED: u8 = 80;
/// A process that the builder started was asked to end by a person.
pub(crate) const STOPPED: u8 = 81;
/// The process that started the builder has gone, so there is nobody to build for.
pub(crate) const ABANDONED: u8 = 82;

/// What a loader leaves that could not map a program. The builder is started directly and is a file that this process
/// was loaded from a moment ago, so nothing but a lack of memory explains it; a shell in between would make it ambiguous.
const NOT_LOADED: u32 = 127;
/// What a wrapper adds to the number of the signal that killed what it wrapped.
const WRAPPED: u32 = 128;
/// Numbers of signals that mean the death of a process on every Unix: ILL, TRAP, ABRT, FPE, KILL, SEGV.
const DEADLY_EVERYWHERE: [u32; 6] = [4, 5, 6, 8, 9, 11];

/// Windows: the bits of a status that is an error.
const ERROR_STATUS: u32 = 0xC000_0000;
/// Windows: ended by Ctrl-C, and by the end of the console or session. `STATUS_CONTROL_C_EXIT`, `DBG_TERMINATE_PROCESS`.
const ASKED_STATUSES: [u32; 2] = [0xC000_013A, 0x4001_0004];
/// Windows: a library, or something in one, is missing. `STATUS_DLL_NOT_FOUND`, `STATUS_ORDINAL_NOT_FOUND`,
/// `STATUS_ENTRYPOINT_NOT_FOUND`. That is a broken installation and no lack of memory.
const INCOMPLETE_STATUSES: [u32; 3] = [0xC000_0135, 0xC000_0138, 0xC000_0139];
/// What came of an attempt to run the builder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It says that it has built everything.
    Built,
    /// It was killed, or died for want of memory: the next attempt has to wait.
    Killed(Killed),
    /// A person asked it to end: nothing is wrong.
    Stopped,
    /// It failed in an ordinary way.
    Failed(Option<u32>),
}

/// How a killed builder died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Killed {
    /// By this signal.
    BySignal(i32),
    /// It says that a process it started was killed, or that there was no memory.
    Below,
    /// The loader could not map it, or the system had no memory to start it.
    WhileStarting,
    /// By a crash with this status.
    ByCrash(u32),
    /// A wrapper says that it was killed by this signal.
    Wrapped(u32),
}

impl Verdict {
    /// What this end means.
    pub(crate) fn of(ending: Ending) -> Self {
        match ending {
            Ending::Signaled { meaning: SignalMeaning::Wish, .. } => Self::Stopped,
            Ending::Signaled { signal, meaning: SignalMeaning::Death } => Self::Killed(Killed::BySignal(signal)),
            Ending::Signaled { meaning: SignalMeaning::Other, .. } => Self::Failed(None),
            Ending::Exited(code) => Self::of_code(code),
        }
    }

    fn of_code(code: u32) -> Self {
        match code {
            _ if code == u32::from(DONE) => Self::Built,
            _ if code == u32::from(KILLED) => Self::Killed(Killed::Below),
            _ if code == u32::from(STOPPED) || ASKED_STATUSES.contains(&code) => Self::Stopped,
            NOT_LOADED => Self::Killed(Killed::WhileStarting),
            _ if INCOMPLETE_STATUSES.contains(&code) => Self::Failed(Some(code)),
            _ if code & ERROR_STATUS == ERROR_STATUS => Self::Killed(Killed::ByCrash(code)),
            // The builder itself has no such code, so only something between it and this process can have made one.
            _ if DEADLY_EVERYWHERE.contains(&code.wrapping_sub(WRAPPED)) => {
                Self::Killed(Killed::Wrapped(code - WRAPPED))
            }
            _ => Self::Failed(Some(code)),
        }
    }

    /// What a start that the system refused means.
    pub(crate) fn of_start(error: &io::Error) -> Self {
        if platform::is_no_memory(error) { Self::Killed(Killed::WhileStarting) } else { Self::Failed(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn signaled(signal: i32, meaning: SignalMeaning) -> Ending {
        Ending::Signaled { signal, meaning }
    }

    #[rstest]
    #[case(signaled(9, SignalMeaning::Death), Verdict::Killed(Killed::BySignal(9)))]
    #[case(signaled(15, SignalMeaning::Wish), Verdict::Stopped)]
    #[case(signaled(13, SignalMeaning::Other), Verdict::Failed(None))]
    #[case(Ending::Exited(0), Verdict::Built)]
    #[case(Ending::Exited(1), Verdict::Failed(Some(1)))]
    #[case(Ending::Exited(3), Verdict::Failed(Some(3)))]
    #[case(Ending::Exited(80), Verdict::Killed(Killed::Below))]
    #[case(Ending::Exited(81), Verdict::Stopped)]
    #[case(Ending::Exited(101), Verdict::Failed(Some(101)))]
    #[case(Ending::Exited(126), Verdict::Failed(Some(126)))]
    #[case(Ending::Exited(127), Verdict::Killed(Killed::WhileStarting))]
    #[case(Ending::Exited(128), Verdict::Failed(Some(128)))]
    #[case(Ending::Exited(130), Verdict::Failed(Some(130)))]
    #[case(Ending::Exited(134), Verdict::Killed(Killed::Wrapped(6)))]
    #[case(Ending::Exited(137), Verdict::Killed(Killed::Wrapped(9)))]
    #[case(Ending::Exited(139), Verdict::Killed(Killed::Wrapped(11)))]
    #[case(Ending::Exited(143), Verdict::Failed(Some(143)))]
    #[case(Ending::Exited(0xC000_0005), Verdict::Killed(Killed::ByCrash(0xC000_0005)))]
    #[case(Ending::Exited(0xC000_0017), Verdict::Killed(Killed::ByCrash(0xC000_0017)))]
    #[case(Ending::Exited(0xC000_012D), Verdict::Killed(Killed::ByCrash(0xC000_012D)))]
    #[case(Ending::Exited(0xC000_00FD), Verdict::Killed(Killed::ByCrash(0xC000_00FD)))]
    #[case(Ending::Exited(0xC000_0409), Verdict::Killed(Killed::ByCrash(0xC000_0409)))]
    #[case(Ending::Exited(0xC000_013A), Verdict::Stopped)]
    #[case(Ending::Exited(0x4001_0004), Verdict::Stopped)]
    #[case(Ending::Exited(0xC000_0135), Verdict::Failed(Some(0xC000_0135)))]
    fn ends(#[case] ending: Ending, #[case] verdict: Verdict) {
        assert_eq!(Verdict::of(ending), verdict);
    }

    #[test]
    fn only_a_lack_of_memory_is_a_kill_among_refused_starts() {
        let refused = |kind: io::ErrorKind| Verdict::of_start(&kind.into());
        assert_eq!(refused(io::ErrorKind::OutOfMemory), Verdict::Killed(Killed::WhileStarting));
        for kind in [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied, io::ErrorKind::WouldBlock] {
            assert_eq!(refused(kind), Verdict::Failed(None));
        }
    }
}
