//! The facts of one run.

use std::time::Duration;
use std::{fmt, io};

use serde::{Deserialize, Serialize};

use crate::limits::{Limit, LimitProof, LimitReport};
use crate::sandbox::SandboxReport;
use crate::watch::WatchReport;

/// How a run ended. Facts are never folded into one another: a signal is no exit code, and a program that could not
/// be started is no exit 127.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Ending {
    /// The process ended by itself with this code.
    Exited {
        /// The exit code.
        code: i32,
    },
    /// A signal that was not ours ended the process (Unix).
    Signaled {
        /// The signal's number.
        signal: i32,
        /// Whether the kernel says that it dumped core.
        core_dumped: bool,
    },
    /// The process ended by an exception (Windows NTSTATUS of severity error).
    Crashed {
        /// The status, for example `0xC0000005`.
        status: u32,
    },
    /// Our deadline passed and we killed the tree.
    TimedOut {
        /// Wall time from start to the first kill step.
        after: Duration,
        /// The step that ended the process.
        killed_by: KillStep,
    },
    /// A limit ended the process, and there is proof that it was the limit. A death that a limit only may have caused
    /// stays what it looks like; see [`likely_cause`](crate::likely_cause).
    LimitHit {
        /// The limit.
        limit: Limit,
        /// What shows that it was.
        proof: LimitProof,
        /// How it looks to a parent that does not know the proof.
        seen: Box<Ending>,
    },
    /// The program could not be started, or the system killed it while it was being loaded.
    NotStarted {
        /// The operating system's own answer.
        error: StartError,
    },
}

/// The step of the kill sequence that ended a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KillStep {
    /// It obeyed the polite signal (SIGTERM).
    Terminate,
    /// It had to be killed (SIGKILL; termination of the job object on Windows).
    Kill,
}

/// Why a program could not be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartError {
    /// The operating system's error number, if it gave one.
    pub os_error: Option<i32>,
    /// What was tried, for example `execute`, `change directory`.
    pub step: String,
    /// The operating system's message, with what could be found out beyond it.
    pub message: String,
}

impl StartError {
    /// Whether another attempt may succeed: the program file was open for writing somewhere (`ETXTBSY`), or the child
    /// was not let into its control group, and the next attempt does without.
    pub(crate) fn passes_by_itself(&self) -> bool {
        self.step == crate::platform::GROUP_STEP
            || self
                .os_error
                .is_some_and(|code| io::Error::from_raw_os_error(code).kind() == io::ErrorKind::ExecutableFileBusy)
    }
}

impl fmt::Display for StartError {
    /// Finishes the sentence "failed to ...".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.message)
    }
}

/// A piece of a stream and when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Time since the start of the run.
    pub at: Duration,
    /// Bytes in this piece, also those over the bound.
    pub len: usize,
}

/// One output stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// The bytes kept, at most the bound.
    #[serde(with = "crate::base64_bytes")]
    pub bytes: Vec<u8>,
    /// Bytes read in all.
    pub total: u64,
    /// When which amount arrived (neighbouring pieces are merged when there are very many).
    pub chunks: Vec<Chunk>,
    /// Time since the start of the run at which the stream ended; `None` if it was still open when the run was over, or
    /// if we had closed our end before.
    pub eof: Option<Duration>,
    /// Time since the start of the run at which we closed our end because the [`ReadPlan`](crate::ReadPlan) said so; zero
    /// if that was before the program started. What the program wrote after it is not in here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by_us: Option<Duration>,
    /// What became of a plan that wanted a stream without room ([`ReadPlan::Full`](crate::ReadPlan::Full)); `None` for all
    /// others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<FullDevice>,
}

/// What became of a stream that was to have no room for anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FullDevice {
    /// Every write failed for want of space.
    Full,
    /// This system cannot do that. The stream was read to its end.
    NotPossible {
        /// Why.
        because: String,
    },
}

/// What became of stdin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StdinReport {
    /// Bytes that the plan wanted to deliver.
    pub planned: u64,
    /// Bytes that the operating system took (they may not have been read by the child).
    pub written: u64,
    /// The child closed its end before all was written (EPIPE). A fact, not an error.
    pub refused: bool,
}

/// A process that outlived the hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descendant {
    /// Process id.
    pub pid: u32,
    /// Command line or name, as far as it could be read.
    pub name: String,
}

/// What outlived the hook process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaks {
    /// Descendants alive when the hook process had ended and `leak_grace` had passed. All were killed.
    pub descendants: Vec<Descendant>,
    /// stdout was still held open by somebody at that time. Never said of a stream that we had closed ourselves.
    pub stdout_held: bool,
    /// stderr was still held open by somebody at that time. Never said of a stream that we had closed ourselves.
    pub stderr_held: bool,
}

/// How the run was started and watched, and what could not be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mechanism {
    /// Name of the mechanism: `linux-spawner`, `posix`, `job-object`, ...
    pub name: String,
    /// What this mechanism cannot enforce or see here, in sentences.
    pub gaps: Vec<String>,
    /// Why it is this one and not the best that this system has, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// Whether processes that outlive the program cannot be seen here, so that none are in [`Leaks`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blind: bool,
}

/// Everything that is known of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// How it ended.
    pub ending: Ending,
    /// Standard output.
    pub stdout: Capture,
    /// Standard error.
    pub stderr: Capture,
    /// Standard input.
    pub stdin: StdinReport,
    /// Wall time from start to the end of the hook process itself.
    pub wall: Duration,
    /// User CPU time of the process and its reaped children, if known.
    pub cpu_user: Option<Duration>,
    /// System CPU time of the process and its reaped children, if known.
    pub cpu_system: Option<Duration>,
    /// Peak memory in bytes of the largest single process, if known: resident memory on Unix (of the program and the
    /// descendants it has waited for), committed memory on Windows (which is what job objects account for).
    pub peak_memory: Option<u64>,
    /// What outlived the hook.
    pub leaks: Leaks,
    /// How it was run.
    pub mechanism: Mechanism,
    /// What became of each limit that was asked for. Empty if there was none, or if the start failed before limits
    /// were set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitReport>,
    /// What the watch has brought, if the command has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<WatchReport>,
    /// What became of the sandbox, and what was tried beyond it. `None` if there was none, or if the start failed
    /// before it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxReport>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn observation(ending: Ending) -> Observation {
        let ms = Duration::from_millis;
        Observation {
            ending,
            stdout: Capture {
                bytes: (0..=255).collect(),
                total: 300,
                chunks: vec![Chunk { at: ms(1), len: 300 }],
                eof: None,
                closed_by_us: Some(ms(2)),
                full: Some(FullDevice::NotPossible { because: "no".into() }),
            },
            stderr: Capture { eof: Some(ms(3)), ..Capture::default() },
            stdin: StdinReport { planned: 5, written: 2, refused: true },
            wall: ms(4),
            cpu_user: Some(ms(1)),
            cpu_system: None,
            peak_memory: Some(1 << 40),
            leaks: Leaks {
                descendants: vec![Descendant { pid: 7, name: "sleep 9".into() }],
                stdout_held: true,
                stderr_held: false,
            },
            mechanism: Mechanism {
                name: "posix".into(),
                gaps: vec!["one".into()],
                instead: Some("no".into()),
                blind: false,
            },
            limits: vec![
                LimitReport::not_enforced(Limit::Stack, 1, "no"),
                LimitReport {
                    proof: Some(LimitProof::OomKill { count: 2 }),
                    ..LimitReport::enforced(Limit::Memory, 9, "x")
                },
            ],
            watch: Some(WatchReport::blind(&crate::Watch::default(), "nobody looks")),
            sandbox: Some(SandboxReport::default()),
        }
    }

    #[rstest]
    #[case(Ending::Exited { code: -1 }, "exited")]
    #[case(Ending::Signaled { signal: 9, core_dumped: true }, "signaled")]
    #[case(Ending::Crashed { status: 0xC000_0005 }, "crashed")]
    #[case(Ending::TimedOut { after: Duration::from_nanos(1_500_000_007), killed_by: KillStep::Kill }, "timed-out")]
    #[case(
        Ending::LimitHit {
            limit: Limit::Cpu,
            proof: LimitProof::CpuTime { used: Duration::from_millis(1001) },
            seen: Box::new(Ending::Signaled { signal: 24, core_dumped: false }),
        },
        "limit-hit"
    )]
    #[case(
        Ending::NotStarted {
            error: StartError { os_error: Some(2), step: "execute".into(), message: "no".into() },
        },
        "not-started"
    )]
    fn an_observation_survives_being_stored(#[case] ending: Ending, #[case] kind: &str) {
        let original = observation(ending);
        let text = serde_json::to_string(&original).expect("writes");
        let value: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
        assert_eq!(value["ending"]["kind"], kind);
        assert!(value["stdout"]["bytes"].as_str().is_some_and(|b| b.starts_with("AAECAw")), "base64");
        assert_eq!(serde_json::from_str::<Observation>(&text).expect("reads"), original);
    }

    #[test]
    fn bytes_that_are_no_base64_are_refused() {
        let text = r#"{"bytes":"?","total":0,"chunks":[],"eof":null}"#;
        assert!(serde_json::from_str::<Capture>(text).is_err());
    }
}
