//! Named situations in which harnesses leave something behind or hang, each as one program of this binary.
//!
//! The tables (`families.rs`, `programs.rs`, `linux.rs`) say of each what its program does and what has to be seen of it.
//! A run counts only if everybody whom the situation is about has lived; after every run nobody of them may, the helpers
//! of the harness have no child but each other, and the folder of the run can be removed. The trials run each a few
//! times; the soak (`soak.rs`) a thousand times, with several harnesses at once.

mod families;
mod linux;
mod programs;
pub(crate) mod soak;
mod stage;
mod survivors;

use std::io;
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use hookproof_harness::{CaptureBounds, Ending, HookCommand, KillStep, Limit, Observation};
use libtest_mimic::{Failed, Trial};

use self::stage::{IMPOSSIBLE, births};
use self::survivors::{Birth, alive, carriers, children};
use crate::{BEST, Bench, Mechanism, POSIX, Suite, ensure, ensure_eq};

pub(crate) use self::stage::perform;

/// The file in the folder of a run in which processes write themselves down.
const BIRTHS: &str = "births";
/// Runs of each situation in the ordinary trials.
const A_FEW: usize = 3;
/// The first deadline of a program that never ends. A machine under load may need more until everybody is born: then
/// the run is repeated with a longer one.
const FIRST_DEADLINE: Duration = Duration::from_millis(40);
const LAST_DEADLINE: Duration = Duration::from_secs(20);
/// How long pipes and descendants may outlive a program. Nobody whom a situation is about ends by itself.
const LEAK_GRACE: Duration = Duration::from_millis(10);
/// The same for those who do, a moment after the program. None of it is waited for when they have.
const PATIENT: Duration = Duration::from_secs(20);
/// How often something is looked at that is about to happen.
const PAUSE: Duration = Duration::from_millis(1);
/// How much later than its deadline a run may come back. Far above what a busy machine costs, far below "for ever".
const LATE: Duration = Duration::from_secs(10);

/// How the program of a situation has to end.
#[derive(Debug, Clone, Copy)]
enum Ends {
    Exit(i32),
    Signal(i32),
    /// At our deadline, by whichever signal.
    Deadline,
    /// At our deadline, and only by the final signal.
    Killed,
    Hit(Limit),
}

/// What has to be told of descendants that outlived the program.
#[derive(Debug, Clone, Copy)]
enum Leaves {
    Anything,
    Nothing,
    AtLeast(usize),
}

/// One situation.
pub(crate) struct Situation {
    pub(crate) name: &'static str,
    /// What the program does, in its own process. Returning is exit code 0.
    act: fn(&stage::Stage),
    /// So many processes have lived, the program included.
    births: usize,
    ends: Ends,
    leaves: Leaves,
    /// Whether stdout was still held.
    held: Option<bool>,
    /// Whether it takes a mechanism that sees who has left session, group and parents.
    takes_sight: bool,
    /// Whether most of it happens only when the program is asked to end.
    waits_to_be_asked: bool,
    /// What is special about its command.
    prepare: fn(HookCommand, &Path) -> HookCommand,
    /// What else has to be seen, in the observation or in the folder of the run.
    check: fn(&Observation, &Path) -> Result<(), Failed>,
}

impl Situation {
    /// A program that ends with exit code 0 and leaves nothing.
    fn new(name: &'static str, births: usize, act: fn(&stage::Stage)) -> Self {
        Situation {
            name,
            act,
            births,
            ends: Ends::Exit(0),
            leaves: Leaves::Nothing,
            held: None,
            takes_sight: false,
            waits_to_be_asked: false,
            prepare: |command, _| command,
            check: |_, _| Ok(()),
        }
    }

    fn ends(self, ends: Ends) -> Self {
        Situation { ends, ..self }
    }

    /// It does not end by itself. Who of the others is left then depends on who obeys the polite signal.
    fn stays(self) -> Self {
        Situation { ends: Ends::Deadline, leaves: Leaves::Anything, ..self }
    }

    fn leaves(self, count: usize) -> Self {
        Situation { leaves: Leaves::AtLeast(count), ..self }
    }

    fn held(self, held: bool) -> Self {
        Situation { held: Some(held), ..self }
    }

    fn takes_sight(self) -> Self {
        Situation { takes_sight: true, ..self }
    }

    fn waits_to_be_asked(self) -> Self {
        Situation { waits_to_be_asked: true, ..self }
    }

    fn prepare(self, prepare: fn(HookCommand, &Path) -> HookCommand) -> Self {
        Situation { prepare, ..self }
    }

    fn check(self, check: fn(&Observation, &Path) -> Result<(), Failed>) -> Self {
        Situation { check, ..self }
    }

    fn is_for(&self, mechanism: &Mechanism) -> bool {
        mechanism.sees_daemons || !self.takes_sight
    }

    /// What a trial of it is called.
    fn trial(&self, of: &str, mechanism: &Mechanism) -> String {
        format!("{}::{of}::{}", mechanism.name, self.name.replace(", ", "_").replace(' ', "_"))
    }

    fn command(&self, folder: &Path, token: &str, deadline: Duration) -> HookCommand {
        let command = crate::me("situation")
            .arg(self.name)
            .arg(folder.join(BIRTHS))
            .arg(token)
            .env("TORTURE", token)
            .cwd(folder)
            .capture(CaptureBounds { stdout: 64 * 1024, stderr: 64 * 1024 })
            .leak_grace(LEAK_GRACE)
            .deadline(deadline)
            .grace(deadline / 4);
        (self.prepare)(command, folder)
    }

    /// Whether the observation is what the situation has to look like.
    fn judge(&self, observation: &Observation, born: &[Birth], folder: &Path) -> Result<(), Failed> {
        ensure(born.len() >= self.births, || format!("only {} were born", born.len()))?;
        let ending = &observation.ending;
        let fits = match self.ends {
            Ends::Exit(code) => *ending == Ending::Exited { code },
            Ends::Signal(signal) => matches!(ending, Ending::Signaled { signal: found, .. } if *found == signal),
            Ends::Deadline => matches!(ending, Ending::TimedOut { .. }),
            Ends::Killed => matches!(ending, Ending::TimedOut { killed_by: KillStep::Kill, .. }),
            Ends::Hit(limit) => matches!(ending, Ending::LimitHit { limit: found, .. } if *found == limit),
        };
        ensure(fits, || format!("it did not end by {:?}", self.ends))?;
        let count = observation.leaks.descendants.len();
        let fits = match self.leaves {
            Leaves::Anything => true,
            Leaves::Nothing => count == 0,
            Leaves::AtLeast(least) => count >= least,
        };
        ensure(fits, || format!("{count} descendants were left, not {:?}", self.leaves))?;
        if let Some(held) = self.held {
            ensure_eq("whether stdout was held", &observation.leaks.stdout_held, &held)?;
        }
        (self.check)(observation, folder)
    }
}

/// All situations of this system, the expensive ones last.
pub(crate) fn all() -> Vec<Situation> {
    let tables = [
        families::children(),
        families::sessions(),
        families::signals(),
        programs::many(),
        programs::programs(),
        programs::streams(),
        linux::all(),
        programs::expensive(),
    ];
    tables.into_iter().flatten().collect()
}

fn named(name: &str) -> Option<Situation> {
    all().into_iter().find(|situation| situation.name == name)
}

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    AsExpected,
    /// The program could not bring the situation about here, because of this.
    Impossible(String),
}

/// How thoroughly survivors are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// By id, and among the children of the helpers.
    Near,
    /// In the whole process table, too.
    Everywhere,
}

/// A harness, and what it takes to see that it left nothing. Belongs to the thread that made it.
struct Ward {
    bench: Bench,
    /// The helpers between this thread and the programs, outermost first. Each has only the next one as a child.
    helpers: Vec<i32>,
}

impl Ward {
    fn new(mechanism: Mechanism) -> Result<Self, Failed> {
        let before = children("thread-self");
        let bench = Bench::new(mechanism)?;
        let mut helpers = Vec::new();
        let mut next = children("thread-self").into_iter().find(|pid| !before.contains(pid));
        while let Some(pid) = next {
            helpers.push(pid);
            next = children(&pid.to_string()).first().copied();
        }
        let expected = if cfg!(target_os = "linux") && mechanism == BEST { 2 } else { 0 };
        ensure_eq("the number of helpers", &helpers.len(), &expected)?;
        Ok(Ward { bench, helpers })
    }

    /// Nobody of a run is left, not even a zombie of the helpers.
    fn nobody_is_left(&self, born: &[Birth], token: &str, look: Look) -> Result<(), Failed> {
        let survivors: Vec<_> = born.iter().filter(|birth| alive(birth)).collect();
        ensure(survivors.is_empty(), || format!("who was written down lives: {survivors:?}"))?;
        for (place, helper) in self.helpers.iter().enumerate() {
            let expected: Vec<i32> = self.helpers.get(place + 1).copied().into_iter().collect();
            ensure_eq("the children of a helper", &children(&helper.to_string()), &expected)?;
        }
        if look == Look::Everywhere {
            ensure_eq("who carries the token", &carriers(token), &Vec::new())?;
        }
        Ok(())
    }

    /// Runs a situation once and looks at everything that can be seen of it.
    fn run(&self, situation: &Situation, look: Look) -> Result<Outcome, Failed> {
        let mut deadline = match situation.ends {
            Ends::Deadline | Ends::Killed => FIRST_DEADLINE,
            _ => LAST_DEADLINE,
        };
        loop {
            let token = new_token();
            let folder = tempfile::Builder::new().prefix(&token).tempdir()?;
            let command = situation.command(folder.path(), &token, deadline);
            let latest = command.deadline + command.grace + command.leak_grace + LATE;
            let begin = Instant::now();
            let observation = self.bench.harness.run(&command)?;
            let took = begin.elapsed();
            let born = births(&folder.path().join(BIRTHS));
            let facts = |failed: Failed| -> Failed {
                let stderr = String::from_utf8_lossy(&observation.stderr.bytes);
                let why = failed.message().unwrap_or_default();
                let facts = (&observation.ending, &observation.leaks, observation.wall);
                format!("{}: {why}\n{facts:?}, {} were born, stderr: {stderr}", situation.name, born.len()).into()
            };
            ensure(took < latest, || format!("took {took:?}")).map_err(facts)?;
            self.nobody_is_left(&born, &token, look).map_err(facts)?;
            if (observation.ending == Ending::Exited { code: IMPOSSIBLE }) {
                return Ok(Outcome::Impossible(String::from_utf8_lossy(&observation.stderr.bytes).into_owned()));
            }
            let too_early = matches!(observation.ending, Ending::TimedOut { .. }) && born.len() < situation.births;
            if too_early && deadline < LAST_DEADLINE {
                deadline *= 2;
                continue;
            }
            situation.judge(&observation, &born, folder.path()).map_err(facts)?;
            folder.close()?;
            return Ok(Outcome::AsExpected);
        }
    }
}

/// Beginning of all tokens of a process.
fn tokens_of(pid: u32) -> String {
    format!("torture-{pid}-")
}

/// A text that occurs nowhere else. It ends in something that no number goes on with.
fn new_token() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("{}{}.", tokens_of(process::id()), NUMBER.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn add(suite: &mut Suite) {
    for mechanism in [BEST, POSIX] {
        for situation in all().into_iter().filter(|situation| situation.is_for(&mechanism)) {
            let name = situation.trial("situation", &mechanism);
            suite.trials.push(Trial::test(name, move || {
                let ward = Ward::new(mechanism)?;
                for _ in 0..A_FEW {
                    // That this system does not have it is said by the soak, which makes a table.
                    ward.run(&situation, Look::Everywhere)?;
                }
                Ok(())
            }));
        }
    }
    #[cfg(target_os = "linux")]
    linux::add_proofs(suite);
    for situation in all().into_iter().filter(|_| BEST.ties_to_harness) {
        let name = situation.trial("harness_is_killed", &BEST);
        suite.trials.push(Trial::test(name, move || dies_with_the_harness(&situation)));
    }
}

/// Whoever is alive when the harness is killed dies, too.
fn dies_with_the_harness(situation: &Situation) -> Result<(), Failed> {
    let token = new_token();
    let folder = tempfile::Builder::new().prefix(&token).tempdir()?;
    let mut host = Command::new(std::env::current_exe()?)
        .args(["--misbehave", "host-situation", BEST.name, situation.name, &token])
        .arg(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let born = || births(&folder.path().join(BIRTHS));
    let begin = Instant::now();
    while born().len() < situation.births && begin.elapsed() < LATE && host.try_wait()?.is_none() {
        sleep(PAUSE);
    }
    host.kill()?;
    host.wait()?;
    // The helpers notice it when their socket closes.
    let begin = Instant::now();
    let alive = || born().iter().any(alive) || !carriers(&token).is_empty();
    while alive() && begin.elapsed() < LATE {
        sleep(PAUSE);
    }
    ensure(!alive(), || format!("somebody lives: {:?}, {:?}", born(), carriers(&token)))?;
    let impossible = io::read_to_string(host.stdout.take().ok_or("a pipe")?)?.contains(&IMPOSSIBLE.to_string());
    ensure(impossible || born().len() >= situation.births, || format!("{} were born", born().len()))
}

/// Entry of a host that runs a situation until somebody kills it: `SITUATION TOKEN FOLDER`.
pub(crate) fn host(mechanism: Mechanism, args: &[String]) -> String {
    let situation = named(&args[0]).expect("a situation of this system");
    let deadline = if situation.waits_to_be_asked { FIRST_DEADLINE * 5 } else { LAST_DEADLINE };
    let command =
        situation.command(args[2].as_ref(), &args[1], deadline).grace(LAST_DEADLINE).leak_grace(LAST_DEADLINE);
    let bench = Bench::new(mechanism).expect("a harness");
    let ending = bench.harness.run(&command).map(|observation| observation.ending);
    format!("{ending:?}")
}
