//! Programs that do their worst, and what the harness reports of them.
//!
//! The misbehaving programs are this same binary, started as `torture --misbehave NAME ...`, so that the tests run
//! wherever the harness does. Bounds of time are generous: they tell "came back" from "hung", not fast from slow.

mod children;
mod cost;
mod hosts;
mod limits;
mod readers;
#[cfg(unix)]
mod situation;
mod start;
mod streams;
mod tree;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hookproof_harness::{
    Coverage, Ending, Harness, HarnessError, HookCommand, MechanismChoice, Network, Observation, Sandbox, Watch,
};
use libtest_mimic::{Arguments, Failed, Trial};

/// What nothing may take longer than: far above every deadline used here, far below "for ever".
const CAME_BACK: Duration = Duration::from_secs(30);

/// Trials that Wine cannot pass, and why.
const NOT_UNDER_WINE: [(&str, &str); 3] = [
    ("best::end_of_file_is_not_the_end", "Wine's conhost.exe inherits the streams of the program it serves"),
    ("best::plan_closed", "Wine puts a console in the place of a stdin that is not there"),
    ("best::peak_memory_is_told", "Wine does not count the memory of a process that has ended"),
];

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|first| first == "--misbehave") {
        let args: Vec<String> = args.map(|a| a.into_string().expect("arguments of our own")).collect();
        return children::misbehave(&args);
    }
    let mut suite = Suite::default();
    start::add(&mut suite);
    streams::add(&mut suite);
    readers::add(&mut suite);
    tree::add(&mut suite);
    cost::add(&mut suite);
    limits::add(&mut suite);
    #[cfg(unix)]
    situation::add(&mut suite);
    let trials = suite.trials.into_iter().map(|trial| {
        let known = under_wine() && NOT_UNDER_WINE.iter().any(|(name, _)| trial.name() == *name);
        trial.with_ignored_flag(known)
    });
    let args = Arguments::from_args();
    #[cfg(unix)]
    let trials = trials.chain(situation::soak::trials(&args));
    let conclusion = libtest_mimic::run(&args, trials.collect());
    #[cfg(unix)]
    situation::soak::print_table();
    conclusion.exit_code()
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

/// This binary as one of the misbehaving children.
fn me(behaviour: &str) -> HookCommand {
    HookCommand::new(std::env::current_exe().expect("this binary has a path")).arg("--misbehave").arg(behaviour)
}

/// One way of running programs, and a short name for trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mechanism {
    name: &'static str,
    choice: MechanismChoice,
    /// Whether descendants are seen and killed that have left everything (session, group, parents).
    sees_daemons: bool,
    /// Whether programs die with the harness.
    ties_to_harness: bool,
    /// Whether every run is watched, which must change nothing.
    watched: bool,
    /// Whether every program runs in a sandbox, which must not change any of this.
    contained: bool,
}

const BEST: Mechanism = Mechanism {
    name: "best",
    choice: MechanismChoice::Best,
    sees_daemons: cfg!(any(target_os = "linux", windows)),
    ties_to_harness: cfg!(any(target_os = "linux", windows)),
    watched: false,
    contained: false,
};
const POSIX: Mechanism = Mechanism {
    name: "posix",
    choice: MechanismChoice::Posix,
    sees_daemons: false,
    ties_to_harness: false,
    watched: false,
    contained: false,
};
const WATCHED: Mechanism = Mechanism { name: "watched", watched: true, ..BEST };
const CONTAINED: Mechanism = Mechanism { name: "contained", contained: true, ..BEST };
const POSIX_CONTAINED: Mechanism = Mechanism { name: "posix-contained", contained: true, ..POSIX };

/// What a trial works with.
struct Bench {
    harness: Harness,
    mechanism: Mechanism,
}

impl Bench {
    fn new(mechanism: Mechanism) -> Result<Self, HarnessError> {
        Ok(Bench { harness: Harness::with_mechanism(mechanism.choice)?, mechanism })
    }

    /// Runs a command, which must come back in time and must not be a failure of the harness.
    fn run(&self, command: &HookCommand) -> Result<Observation, Failed> {
        let begin = Instant::now();
        let observation = if self.mechanism.watched {
            let observation = self.harness.run(&command.clone().watch(Watch::default()))?;
            let coverage = observation.watch.as_ref().map(|report| &report.coverage);
            let nothing_ran = matches!(observation.ending, Ending::NotStarted { .. });
            ensure(nothing_ran || matches!(coverage, Some(Coverage::Complete { .. })), || format!("{coverage:?}"))?;
            observation
        } else if self.mechanism.contained {
            let sandbox = Sandbox::open().writable(std::env::temp_dir()).network(Network::Loopback).strict();
            self.harness.run(&command.clone().sandbox(sandbox))?
        } else {
            self.harness.run(command)?
        };
        ensure(begin.elapsed() < CAME_BACK, || format!("took {:?}", begin.elapsed()))?;
        Ok(observation)
    }
}

/// The trials of all mechanisms that this system has.
#[derive(Default)]
struct Suite {
    trials: Vec<Trial>,
}

impl Suite {
    /// Adds a trial for every mechanism.
    fn add(&mut self, name: &str, test: fn(&Bench) -> Result<(), Failed>) {
        self.add_if(name, |_| true, test);
    }

    /// Adds a trial for the mechanisms that promise what is tested.
    fn add_if(&mut self, name: &str, promises: fn(&Mechanism) -> bool, test: fn(&Bench) -> Result<(), Failed>) {
        let test = Arc::new(test);
        let mut mechanisms = vec![BEST];
        if cfg!(unix) {
            mechanisms.push(POSIX);
        }
        if cfg!(target_os = "linux") {
            mechanisms.extend([WATCHED, CONTAINED, POSIX_CONTAINED]);
        }
        for mechanism in mechanisms.into_iter().filter(promises) {
            let test = Arc::clone(&test);
            let name = format!("{}::{name}", mechanism.name);
            self.trials.push(Trial::test(name, move || test(&Bench::new(mechanism)?)));
        }
    }
}

fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(message().into()) }
}

fn ensure_eq<T: PartialEq + std::fmt::Debug>(what: &str, actual: &T, expected: &T) -> Result<(), Failed> {
    ensure(actual == expected, || format!("{what} is {actual:?}, expected {expected:?}"))
}
