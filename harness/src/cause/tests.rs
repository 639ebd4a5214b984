//! Recorded endings: what programs really wrote when a limit stopped them (Debian 12: bash 5.2, dash 0.5.12,
//! perl 5.36, python 3.11, node 20; Rust 1.95; each under `prlimit`).

use std::time::Duration;

use super::*;
use crate::limits::LimitReport;
use crate::observation::{Capture, KillStep, Leaks, Mechanism, StartError, StdinReport};
use rstest::rstest;

fn observation(ending: Ending, stderr: &str, limits: &[Limit]) -> Observation {
    Observation {
        ending,
        stdout: Capture::default(),
        stderr: Capture {
            bytes: stderr.as_bytes().to_vec(),
            total: stderr.len() as u64,
            chunks: Vec::new(),
            eof: Some(Duration::ZERO),
            closed_by_us: None,
            full: None,
        },
        stdin: StdinReport::default(),
        wall: Duration::from_secs(1),
        cpu_user: Some(Duration::from_millis(900)),
        cpu_system: Some(Duration::from_millis(200)),
        peak_memory: None,
        leaks: Leaks::default(),
        mechanism: Mechanism { name: "posix".into(), ..Mechanism::default() },
        limits: limits.iter().map(|limit| LimitReport::enforced(*limit, 1, "a test")).collect(),
        watch: None,
        sandbox: None,
    }
}

fn exited(code: i32) -> Ending {
    Ending::Exited { code }
}

fn signaled(signal: i32) -> Ending {
    Ending::Signaled { signal, core_dumped: false }
}

fn timed_out() -> Ending {
    Ending::TimedOut { after: Duration::from_secs(1), killed_by: KillStep::Kill }
}

const LD_SO: &str =
    "/usr/bin/python3: error while loading shared libraries: libc.so.6: failed to map segment from shared object\n";
const LD_SO_FILES: &str =
    "/usr/bin/python3: error while loading shared libraries: libm.so.6: cannot open shared object file: Error 24\n";
const PYTHON: &str = "Traceback (most recent call last):\n  File \"<string>\", line 1, in <module>\nMemoryError\n";
const PYTHON_START: &str =
    "Fatal Python error: _PyErr_NoMemory: Out of memory and PyExc_MemoryError is not initialized yet\n";
const PYTHON_FILES: &str = "OSError: [Errno 24] Too many open files: '/dev/null'\n";
const PYTHON_LARGE: &str = "OSError: [Errno 27] File too large\n";
const PYTHON_FORK: &str = "BlockingIOError: [Errno 11] Resource temporarily unavailable\n";
const NODE_HEAP: &str = "\n<--- JS stacktrace --->\n\n\
    FATAL ERROR: Scavenger: semi-space copy Allocation failed - JavaScript heap out of memory\n";
const NODE_START: &str = "\n\n#\n# Fatal process OOM in Failed to reserve virtual memory for CodeRange\n#\n";
const NODE_BUFFER: &str = "node:internal/buffer:961\n\nRangeError: Array buffer allocation failed\n";
const BASH: &str = "bash: xrealloc: cannot allocate 45457408 bytes\n";
const BASH_FORK: &str = "bash: fork: retry: Resource temporarily unavailable\n";
const PERL: &str = "Out of memory!\npanic: fold_constants JMPENV_PUSH returned 2 at -e line 1.\n";
const RUST: &str = "memory allocation of 1073741824 bytes failed\n";
const RUST_STACK: &str =
    "\nthread 'main' (71) has overflowed its stack\nfatal runtime error: stack overflow, aborting\n";

use CauseKind as K;
use Limit as L;

#[rstest]
#[case::ld_so(exited(127), LD_SO, L::AddressSpace, K::LoaderFailure, Some(L::AddressSpace))]
#[case::ld_so_without_descriptors(exited(127), LD_SO_FILES, L::OpenFiles, K::LoaderFailure, Some(L::OpenFiles))]
#[case::python(exited(1), PYTHON, L::AddressSpace, K::OutOfMemory, Some(L::AddressSpace))]
#[case::python_at_its_start(signaled(6), PYTHON_START, L::Data, K::RuntimeAbort, Some(L::Data))]
#[case::python_files(exited(1), PYTHON_FILES, L::OpenFiles, K::OutOfDescriptors, Some(L::OpenFiles))]
#[case::python_large_file(exited(1), PYTHON_LARGE, L::FileSize, K::FileTooLarge, Some(L::FileSize))]
#[case::python_fork(exited(1), PYTHON_FORK, L::Processes, K::OutOfProcesses, Some(L::Processes))]
#[case::node_heap(signaled(6), NODE_HEAP, L::AddressSpace, K::RuntimeAbort, Some(L::AddressSpace))]
#[case::node_at_its_start(signaled(5), NODE_START, L::AddressSpace, K::RuntimeAbort, Some(L::AddressSpace))]
#[case::node_buffer(exited(1), NODE_BUFFER, L::Memory, K::OutOfMemory, Some(L::Memory))]
#[case::bash(exited(2), BASH, L::AddressSpace, K::OutOfMemory, Some(L::AddressSpace))]
#[case::bash_fork(exited(254), BASH_FORK, L::Processes, K::OutOfProcesses, Some(L::Processes))]
#[case::perl(exited(12), PERL, L::AddressSpace, K::OutOfMemory, Some(L::AddressSpace))]
#[case::perl_without_a_limit_of_ours(exited(12), PERL, L::Cpu, K::OutOfMemory, None)]
#[case::rust(signaled(6), RUST, L::AddressSpace, K::RuntimeAbort, Some(L::AddressSpace))]
#[case::rust_stack(signaled(6), RUST_STACK, L::Stack, K::RuntimeAbort, Some(L::Stack))]
#[case::abort_without_a_word(signaled(6), "", L::AddressSpace, K::RuntimeAbort, None)]
#[case::dash(signaled(11), "", L::AddressSpace, K::SilentCrash, Some(L::AddressSpace))]
#[case::deep_recursion(signaled(11), "", L::Stack, K::SilentCrash, Some(L::Stack))]
#[case::node_without_descriptors(signaled(11), "", L::OpenFiles, K::SilentCrash, Some(L::OpenFiles))]
#[case::wrapped_kill(exited(137), "Killed\n", L::Cpu, K::InnerSignal { signal: 9 }, None)]
#[case::wrapped_crash(exited(139), "Segmentation fault\n", L::Cpu, K::InnerSignal { signal: 11 }, None)]
#[case::wrapped_file_size(exited(153), "", L::FileSize, K::InnerSignal { signal: 25 }, None)]
#[case::killed(signaled(9), "", L::AddressSpace, K::ForeignSignal { signal: 9 }, None)]
#[case::asked_to_end(signaled(15), "", L::AddressSpace, K::ForeignSignal { signal: 15 }, None)]
#[case::starved(timed_out(), "", L::AddressSpace, K::Starvation, Some(L::AddressSpace))]
#[case::time_used(exited(1), "", L::Cpu, K::OutOfCpuTime, Some(L::Cpu))]
#[case::windows_memory(Ending::Crashed { status: 0xC000_0017 }, "", L::Memory, K::OutOfMemory, Some(L::Memory))]
#[case::windows_stack(Ending::Crashed { status: 0xC000_00FD }, "", L::Memory, K::StackOverflow, None)]
#[case::windows_library(Ending::Crashed { status: 0xC000_0135 }, "", L::Memory, K::LoaderFailure, None)]
#[case::windows_abort(Ending::Crashed { status: 0xC000_0409 }, RUST, L::Memory, K::RuntimeAbort, Some(L::Memory))]
fn what_is_likely(
    #[case] ending: Ending,
    #[case] stderr: &str,
    #[case] in_force: Limit,
    #[case] kind: CauseKind,
    #[case] limit: Option<Limit>,
) {
    let cause = likely_cause(&observation(ending, stderr, &[in_force])).expect("a guess");
    assert_eq!((cause.kind, cause.limit), (kind, limit), "{cause:?}");
    assert!(!cause.basis.is_empty());
}

#[rstest]
#[case::success(exited(0), PYTHON, &[L::AddressSpace])]
#[case::an_ordinary_failure(exited(1), "no such file\n", &[L::AddressSpace])]
#[case::a_refusal(exited(2), "not allowed\n", &[])]
#[case::not_found(exited(127), "sh: 1: nothing: not found\n", &[])]
#[case::the_largest_code(exited(255), "", &[])]
#[case::not_a_signal(exited(200), "", &[])]
#[case::a_crash_of_its_own(signaled(11), "", &[])]
#[case::a_crash_with_output(signaled(11), "about to crash\n", &[L::AddressSpace])]
#[case::slow_without_a_limit(timed_out(), "", &[L::Cpu])]
#[case::time_left(exited(1), "", &[])]
#[case::exception(Ending::Crashed { status: 0xC000_0005 }, "", &[L::Memory])]
#[case::proven(
    Ending::LimitHit { limit: L::Cpu, proof: LimitProof::Signal { signal: 24 }, seen: Box::new(signaled(24)) },
    "", &[L::Cpu]
)]
#[case::not_started(
    Ending::NotStarted { error: StartError { os_error: None, step: "execute".into(), message: "no".into() } },
    "", &[L::Data]
)]
fn where_nothing_is_guessed(#[case] ending: Ending, #[case] stderr: &str, #[case] in_force: &[Limit]) {
    assert_eq!(likely_cause(&observation(ending, stderr, in_force)), None);
}

#[test]
fn a_limit_that_is_not_enforced_is_not_blamed() {
    let mut observation = observation(exited(1), PYTHON, &[]);
    observation.limits = vec![LimitReport::not_enforced(L::AddressSpace, 1, "no")];
    let cause = likely_cause(&observation).expect("the text is there");
    assert_eq!((cause.kind, cause.limit), (K::OutOfMemory, None));
}

#[test]
fn a_wrapper_that_survives_its_child_is_explained_by_the_proof() {
    let mut observation = observation(exited(137), "", &[L::Memory]);
    observation.limits[0].proof = Some(LimitProof::OomKill { count: 1 });
    let cause = likely_cause(&observation).expect("a proof");
    assert_eq!((cause.kind, cause.limit), (K::OutOfMemory, Some(L::Memory)));
    assert!(cause.basis.contains("memory.events"));
}

#[test]
fn on_windows_a_large_exit_code_is_no_signal() {
    let mut observation = observation(exited(137), "", &[]);
    observation.mechanism.name = "job-object".into();
    assert_eq!(likely_cause(&observation), None);
}
