//! Watched runs: everything that starts is seen, exactly what is asked for is broken, and nothing else changes.
//!
//! The programs that are watched are shells, this same binary (`watch --as NAME ...`) and files that are made here.
//! Bounds of time are generous: they tell "came back" from "hung", not fast from slow.

#[cfg(target_os = "linux")]
mod alike;
#[cfg(target_os = "linux")]
mod children;
#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
mod counting;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod files;
#[cfg(windows)]
mod jobs;
#[cfg(target_os = "linux")]
mod later;
#[cfg(target_os = "linux")]
mod seeing;
#[cfg(target_os = "linux")]
mod timepieces;

use std::process::ExitCode;

#[cfg(unix)]
use hookproof_harness::Coverage;
#[cfg(unix)]
use hookproof_harness::MechanismChoice;
use hookproof_harness::{FaultAction, FaultReport, FaultSignal, Harness, HookCommand, Observation, Watch, WatchReport};
use libtest_mimic::{Arguments, Failed, Trial};

/// Wine does not tell the command line of another process.
const NOT_UNDER_WINE: &str = "what_is_started_is_seen";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    if args.next().is_some_and(|first| first == "--as") {
        return be(&args.collect::<Vec<_>>());
    }
    let mut trials = Vec::new();
    #[cfg(unix)]
    add(&mut trials, "who_cannot_see_says_so", who_cannot_see_says_so);
    add(&mut trials, "who_was_not_started_has_a_report", who_was_not_started_has_a_report);
    add(&mut trials, "no_watch_no_report", || {
        let observation = Harness::new()?.run(&HookCommand::shell("exit 0"))?;
        ensure_eq("watch", &observation.watch, &None)
    });
    #[cfg(target_os = "linux")]
    {
        seeing::add_all(&mut trials);
        counting::add_all(&mut trials);
        faults::add_all(&mut trials);
        later::add_all(&mut trials);
        alike::add_all(&mut trials);
        clock::add_all(&mut trials);
    }
    #[cfg(windows)]
    jobs::add_all(&mut trials);
    let trials = trials.into_iter().map(|trial| {
        let known = under_wine() && trial.name() == NOT_UNDER_WINE;
        trial.with_ignored_flag(known)
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Whether this is Wine, which says so by a function that Windows does not have.
#[cfg(windows)]
#[allow(unsafe_code)]
fn under_wine() -> bool {
    use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
    // SAFETY: both names end in NUL, and the library is loaded into every process.
    unsafe {
        let library = GetModuleHandleW(windows_sys::w!("ntdll.dll"));
        GetProcAddress(library, c"wine_get_version".as_ptr().cast()).is_some()
    }
}

#[cfg(not(windows))]
fn under_wine() -> bool {
    false
}

#[cfg(target_os = "linux")]
fn be(args: &[String]) -> ExitCode {
    children::be(args)
}

#[cfg(windows)]
fn be(args: &[String]) -> ExitCode {
    jobs::be(args)
}

#[cfg(not(any(target_os = "linux", windows)))]
fn be(args: &[String]) -> ExitCode {
    panic!("nobody is {args:?}")
}

fn add(trials: &mut Vec<Trial>, name: &str, test: fn() -> Result<(), Failed>) {
    trials.push(Trial::test(name, test));
}

fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(message().into()) }
}

fn ensure_eq<T: PartialEq + std::fmt::Debug>(what: &str, actual: &T, expected: &T) -> Result<(), Failed> {
    ensure(actual == expected, || format!("{what} is {actual:?}, expected {expected:?}"))
}

fn kill() -> FaultAction {
    FaultAction::Kill { signal: FaultSignal::Kill, after: std::time::Duration::ZERO }
}

fn report(observation: &Observation) -> Result<WatchReport, Failed> {
    observation.watch.clone().ok_or_else(|| "there is no report".into())
}

/// Whatever runs, and by whatever mechanism: what could not be done is told.
#[cfg(unix)]
fn who_cannot_see_says_so() -> Result<(), Failed> {
    let harness = Harness::with_mechanism(MechanismChoice::Posix)?;
    let watch = Watch::for_patterns(["true".parse()?]).fault(kill());
    let observation = harness.run(&HookCommand::shell("true; /bin/ls / >/dev/null; echo on").watch(watch))?;
    ensure_eq("stdout", &observation.stdout.bytes.as_slice(), &b"on\n".as_slice())?;
    let report = report(&observation)?;
    let blind = matches!(&report.coverage, Coverage::None { because } if !because.is_empty());
    let unbroken = matches!(&report.fault, Some(FaultReport::Impossible { because }) if !because.is_empty());
    ensure(blind && unbroken && report.seen.is_empty() && report.created.is_none(), || format!("{report:?}"))
}

fn who_was_not_started_has_a_report() -> Result<(), Failed> {
    let watch = Watch::for_patterns(["*".parse()?]).fault(kill());
    let observation = Harness::new()?.run(&HookCommand::new("surely-no-such-program").watch(watch))?;
    ensure(matches!(observation.ending, hookproof_harness::Ending::NotStarted { .. }), || format!("{observation:?}"))?;
    let report = report(&observation)?;
    ensure(report.seen.is_empty() && !matches!(report.fault, Some(FaultReport::Done(_)) | None), || {
        format!("{report:?}")
    })
}
