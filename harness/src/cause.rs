//! What probably stands behind an ending that proves nothing by itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{Limit, LimitProof};
use crate::observation::{Ending, Observation};

/// A likely cause of an ending. A likelihood and never an [`Ending`]: texts can lie, and anybody can send a signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What it is.
    pub kind: CauseKind,
    /// The limit that was probably hit, if one was in force that fits.
    pub limit: Option<Limit>,
    /// What this rests on: a line of the program's own, or a fact in words.
    pub basis: String,
}

/// Kinds of likely causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CauseKind {
    /// The loader of shared libraries gave up (exit 127 with its message; a missing library on Windows).
    LoaderFailure,
    /// The runtime ended itself on purpose (SIGABRT, SIGTRAP; fast fail on Windows).
    RuntimeAbort,
    /// The program says that it had no memory left.
    OutOfMemory,
    /// The program says that it had no descriptor left.
    OutOfDescriptors,
    /// The program says that it could start no further process.
    OutOfProcesses,
    /// The program says that a file became too large.
    FileTooLarge,
    /// It had used up its CPU time and ended by itself, as one does that handles SIGXCPU.
    OutOfCpuTime,
    /// Its stack was full.
    StackOverflow,
    /// It crashed without a word under a limit on memory, stack or descriptors, or was never loaded.
    SilentCrash,
    /// It never came to an end under a limit on memory: some runtimes hang when they are starved.
    Starvation,
    /// A shell reports the signal that ended its child as exit code 128 + n.
    InnerSignal {
        /// The signal's number.
        signal: i32,
    },
    /// Somebody sent it a signal: a person, a supervisor, or the kernel of a machine that is out of memory.
    ForeignSignal {
        /// The signal's number.
        signal: i32,
    },
}

impl fmt::Display for CauseKind {
    /// As the end of "it ended so probably because ...".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CauseKind::LoaderFailure => "its libraries could not be loaded",
            CauseKind::RuntimeAbort => "its runtime gave up",
            CauseKind::OutOfMemory => "it had no memory left",
            CauseKind::OutOfDescriptors => "it had no descriptor left",
            CauseKind::OutOfProcesses => "it could start no further process",
            CauseKind::FileTooLarge => "a file became too large",
            CauseKind::OutOfCpuTime => "it had used up its CPU time",
            CauseKind::StackOverflow => "its stack was full",
            CauseKind::SilentCrash => "a limit left it no room",
            CauseKind::Starvation => "it was starved and hung",
            CauseKind::InnerSignal { signal } => return write!(f, "signal {signal} ended what its shell ran"),
            CauseKind::ForeignSignal { signal } => return write!(f, "somebody sent it signal {signal}"),
        })
    }
}

/// What a program writes when something ran out, in the order in which it is looked for: the more telling first. Each
/// was seen of a real program under that limit: ld.so, python3, node, perl, bash, dash, Rust.
const TELLING: &[(CauseKind, &[&str])] = &[
    (CauseKind::StackOverflow, &["has overflowed its stack", "Maximum call stack size exceeded"]),
    (
        CauseKind::OutOfMemory,
        &[
            "MemoryError",
            "Cannot allocate memory",
            "annot allocate ",
            "ut of memory",
            "Fatal process OOM",
            "memory allocation of ",
            "Array buffer allocation failed",
            "failed to map segment",
            "bad_alloc",
        ],
    ),
    (CauseKind::OutOfDescriptors, &["Too many open files", "shared object file: Error 24", "EMFILE"]),
    (CauseKind::FileTooLarge, &["File too large", "EFBIG"]),
    (CauseKind::OutOfProcesses, &["Resource temporarily unavailable", "annot fork", "can't fork", "EAGAIN"]),
];

/// Messages of loaders of shared libraries: glibc, musl, macOS.
const LOADERS: &[&str] = &["error while loading shared libraries", "Error loading shared library", "dyld["];

const SIGILL: i32 = 4;
const SIGTRAP: i32 = 5;
const SIGABRT: i32 = 6;
const SIGFPE: i32 = 8;
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
/// On Linux; macOS and the BSD family have it at 10.
const SIGBUS: [i32; 2] = [7, 10];
const LOADER_EXIT: i32 = 127;
/// Shells add the signal to this.
const SHELL_BASE: i32 = 128;
const LARGEST_SIGNAL: i32 = 31;

/// What probably stands behind an ending, judged by the signal, the exit code, the text on stderr and the limits in
/// force. `None` if nothing is known, and where nothing is left to guess: a normal exit, a proven limit, a program
/// that was not started.
///
/// ```
/// use hookproof_harness::{CauseKind, Harness, HookCommand, likely_cause};
///
/// # if cfg!(unix) {
/// let observation = Harness::new()?.run(&HookCommand::shell("sh -c 'kill -9 $$'; exit $?"))?;
/// let cause = likely_cause(&observation).expect("a guess");
/// assert_eq!(cause.kind, CauseKind::InnerSignal { signal: 9 });
/// # }
/// # Ok::<(), hookproof_harness::HarnessError>(())
/// ```
#[must_use]
pub fn likely_cause(observation: &Observation) -> Option<Cause> {
    match &observation.ending {
        Ending::NotStarted { .. } | Ending::LimitHit { .. } | Ending::Exited { code: 0 } => None,
        Ending::Exited { code } => by_proof(observation).or_else(|| by_exit(observation, *code)),
        Ending::Signaled { signal, .. } => by_proof(observation).or_else(|| by_signal(observation, *signal)),
        Ending::Crashed { status } => by_proof(observation).or_else(|| by_status(observation, *status)),
        Ending::TimedOut { .. } => by_proof(observation).or_else(|| by_silence(observation)),
    }
}

/// Somebody in the tree hit a limit, though the program itself ended in another way.
fn by_proof(observation: &Observation) -> Option<Cause> {
    let (limit, proof) = observation.limits.iter().find_map(|report| Some((report.limit, report.proof?)))?;
    let kind = match limit {
        Limit::Cpu => CauseKind::OutOfCpuTime,
        Limit::OpenFiles => CauseKind::OutOfDescriptors,
        Limit::FileSize => CauseKind::FileTooLarge,
        Limit::Processes => CauseKind::OutOfProcesses,
        Limit::Stack => CauseKind::StackOverflow,
        Limit::AddressSpace | Limit::Data | Limit::Memory => match proof {
            // The job object only says that an allocation failed; so does whoever asked for it.
            LimitProof::JobNotification { .. } | LimitProof::OomKill { .. } | LimitProof::Footprint { .. } => {
                CauseKind::OutOfMemory
            }
            LimitProof::Signal { .. } | LimitProof::CpuTime { .. } => return None,
        },
    };
    Some(Cause { kind, limit: Some(limit), basis: proof.to_string() })
}

fn by_exit(observation: &Observation, code: i32) -> Option<Cause> {
    if code == LOADER_EXIT
        && let Some(line) = line_with(observation, LOADERS)
    {
        let limit = telling(&line).and_then(|kind| in_force(observation, kind));
        return Some(Cause { kind: CauseKind::LoaderFailure, limit, basis: line });
    }
    let signal = code - SHELL_BASE;
    if (1..=LARGEST_SIGNAL).contains(&signal) && observation.mechanism.name != "job-object" {
        let limit = by_text(observation).and_then(|cause| cause.limit);
        let basis = format!("exit code {code} is {SHELL_BASE} + {signal}");
        return Some(Cause { kind: CauseKind::InnerSignal { signal }, limit, basis });
    }
    by_text(observation).or_else(|| by_cpu_time(observation))
}

fn by_signal(observation: &Observation, signal: i32) -> Option<Cause> {
    let text = by_text(observation);
    if signal == SIGABRT || signal == SIGTRAP {
        let limit = text.as_ref().and_then(|cause| cause.limit);
        let basis = text.map_or_else(|| format!("signal {signal}"), |cause| cause.basis);
        return Some(Cause { kind: CauseKind::RuntimeAbort, limit, basis });
    }
    let crash = [SIGILL, SIGFPE, SIGSEGV].contains(&signal) || SIGBUS.contains(&signal);
    if !crash {
        return Some(Cause {
            kind: CauseKind::ForeignSignal { signal },
            limit: None,
            basis: if signal == SIGKILL {
                "no limit of this run ends a program by SIGKILL without leaving a proof".into()
            } else {
                format!("signal {signal}")
            },
        });
    }
    text.or_else(|| {
        let silent = observation.stdout.total == 0 && observation.stderr.total == 0;
        let kinds = [CauseKind::OutOfMemory, CauseKind::StackOverflow, CauseKind::OutOfDescriptors];
        let limit = kinds.into_iter().find_map(|kind| in_force(observation, kind)).filter(|_| silent)?;
        let basis = format!("signal {signal} and not a byte of output under the limit `{limit}`");
        Some(Cause { kind: CauseKind::SilentCrash, limit: Some(limit), basis })
    })
}

/// NTSTATUS values of Windows, from `ntstatus.h`.
fn by_status(observation: &Observation, status: u32) -> Option<Cause> {
    let kind = match status {
        // NO_MEMORY, COMMITMENT_LIMIT, QUOTA_EXCEEDED.
        0xC000_0017 | 0xC000_012D | 0xC000_0044 => CauseKind::OutOfMemory,
        // STACK_OVERFLOW.
        0xC000_00FD => CauseKind::StackOverflow,
        // DLL_NOT_FOUND, DLL_INIT_FAILED.
        0xC000_0135 | 0xC000_0142 => CauseKind::LoaderFailure,
        // STACK_BUFFER_OVERRUN, which is what a fast fail and abort() give.
        0xC000_0409 => CauseKind::RuntimeAbort,
        _ => return by_text(observation),
    };
    let text = by_text(observation);
    let limit = in_force(observation, kind).or_else(|| text.as_ref().and_then(|cause| cause.limit));
    let basis = text.map_or_else(|| format!("status {status:#010x}"), |cause| cause.basis);
    Some(Cause { kind, limit, basis })
}

fn by_silence(observation: &Observation) -> Option<Cause> {
    let limit = in_force(observation, CauseKind::OutOfMemory)?;
    if observation.stdout.total > 0 {
        return None;
    }
    let basis = format!("no output and no end under the limit `{limit}`");
    Some(Cause { kind: CauseKind::Starvation, limit: Some(limit), basis })
}

fn by_cpu_time(observation: &Observation) -> Option<Cause> {
    let limit = in_force(observation, CauseKind::OutOfCpuTime)?;
    let seconds = observation.limits.iter().find(|report| report.limit == limit)?.value;
    let used = observation.cpu_user? + observation.cpu_system?;
    (used.as_secs() >= seconds).then(|| Cause {
        kind: CauseKind::OutOfCpuTime,
        limit: Some(limit),
        basis: format!("{:.2} s of CPU time under a limit of {seconds} s", used.as_secs_f64()),
    })
}

fn by_text(observation: &Observation) -> Option<Cause> {
    TELLING.iter().find_map(|(kind, texts)| {
        let basis = line_with(observation, texts)?;
        Some(Cause { kind: *kind, limit: in_force(observation, *kind), basis })
    })
}

fn telling(line: &str) -> Option<CauseKind> {
    TELLING.iter().find(|(_, texts)| texts.iter().any(|text| line.contains(text))).map(|(kind, _)| *kind)
}

/// The first line of stderr that contains one of the texts.
fn line_with(observation: &Observation, texts: &[&str]) -> Option<String> {
    let stderr = String::from_utf8_lossy(&observation.stderr.bytes);
    let found = stderr.lines().find(|line| texts.iter().any(|text| line.contains(text)))?;
    Some(found.trim().to_owned())
}

/// The first limit in force that can have this effect.
fn in_force(observation: &Observation, kind: CauseKind) -> Option<Limit> {
    let fitting: &[Limit] = match kind {
        CauseKind::OutOfMemory => &[Limit::AddressSpace, Limit::Data, Limit::Memory],
        CauseKind::OutOfDescriptors => &[Limit::OpenFiles],
        CauseKind::OutOfProcesses => &[Limit::Processes],
        CauseKind::FileTooLarge => &[Limit::FileSize],
        CauseKind::OutOfCpuTime => &[Limit::Cpu],
        CauseKind::StackOverflow => &[Limit::Stack],
        _ => &[],
    };
    observation.limits.iter().find(|report| report.is_enforced() && fitting.contains(&report.limit)).map(|r| r.limit)
}

#[cfg(test)]
mod tests;
