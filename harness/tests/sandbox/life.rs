#![allow(unsafe_code)]
//! A sandbox changes nothing else: deadlines, leaks, limits, the harness's own death, and no descriptor stays.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hookproof_harness::{
    AttemptOutcome, Containment, Ending, Harness, HarnessError, HookCommand, Limits, MechanismChoice, Network, Sandbox,
};
use libtest_mimic::{Failed, Trial};

use crate::ensure;
use crate::scene::{MECHANISMS, Scene, each, me, refused, said};

pub(crate) fn add(trials: &mut Vec<Trial>) {
    each(trials, "who_asks_for_ever_is_killed", who_asks_for_ever_is_killed);
    each(trials, "what_is_left_behind_is_told", what_is_left_behind_is_told);
    each(trials, "what_is_left_in_shared_memory_is_removed", what_is_left_in_shared_memory_is_removed);
    each(trials, "few_descriptors_are_enough", few_descriptors_are_enough);
    each(trials, "who_cannot_start_did_not", who_cannot_start_did_not);
    each(trials, "without_a_sandbox_there_is_no_report", without_a_sandbox_there_is_no_report);
    each(trials, "what_is_not_asked_for_is_not_done", what_is_not_asked_for_is_not_done);
    trials.push(Trial::test("best::the_death_of_the_harness_leaves_nobody", the_death_of_the_harness_leaves_nobody));
    for (prefix, _) in MECHANISMS {
        trials.push(Trial::test(format!("{prefix}::no_descriptor_stays"), move || no_descriptor_stays(prefix)));
        trials.push(Trial::test(format!("{prefix}::any_user"), move || any_user(prefix)));
        trials.push(Trial::test(format!("{prefix}::within_a_sandbox"), move || within_a_sandbox(prefix)));
    }
}

fn who_asks_for_ever_is_killed(scene: &Scene) -> Result<(), Failed> {
    let path = scene.outside().join("new");
    let command = me("write-for-ever").arg(path).cwd(scene.inside());
    let command = command.deadline(Duration::from_millis(300)).sandbox(scene.sandbox());
    let begin = Instant::now();
    let observation = scene.harness.run(&command)?;
    ensure(matches!(observation.ending, Ending::TimedOut { .. }), || said(&observation))?;
    ensure(begin.elapsed() < Duration::from_secs(10), || format!("{:?}", begin.elapsed()))?;
    let attempts = observation.sandbox.ok_or("there is no report")?.attempts;
    ensure(attempts.len() == 1 && attempts[0].times > 10, || format!("{attempts:?}"))
}

fn what_is_left_behind_is_told(scene: &Scene) -> Result<(), Failed> {
    let (observation, _) = scene.shell("sleep 60 & exit 0")?;
    ensure(observation.leaks.descendants.len() == 1 && observation.leaks.stdout_held, || format!("{observation:?}"))
}

/// What is in no directory of the run is removed after it, and told with who has made it.
fn what_is_left_in_shared_memory_is_removed(scene: &Scene) -> Result<(), Failed> {
    let inside = scene.inside();
    let folder = inside.parent().and_then(|folder| folder.file_name()).map(std::ffi::OsStr::to_os_string);
    let name = format!("/dev/shm/hookproof-left-{}", folder.unwrap_or_default().display());
    let line = format!("echo x > {name} && echo x > {name}-gone && rm {name}-gone");
    let (observation, report) = scene.shell(&line)?;
    ensure(observation.ending == Ending::Exited { code: 0 }, || said(&observation))?;
    ensure(!std::path::Path::new(&name).exists(), || "it is still there".into())?;
    let [left] = &report.attempts[..] else {
        return Err(format!("{:?}", report.attempts).into());
    };
    ensure(left.outcome == AttemptOutcome::LeftBehind { removed: true } && left.target == name, || {
        format!("{left:?}")
    })?;
    ensure(left.to_string().ends_with("left behind, and removed by the harness"), || left.to_string())
}

fn few_descriptors_are_enough(scene: &Scene) -> Result<(), Failed> {
    let command = HookCommand::shell("echo x > $IN/new && echo fine").limits(Limits::none().open_files(16));
    let (observation, _) = scene.run(command.clone(), scene.sandbox())?;
    ensure(observation.stdout.bytes == b"fine\n", || said(&observation))?;
    // Even none at all: the sandbox is there before the limit is.
    let (observation, _) = scene.run(command.limits(Limits::none().open_files(3)), scene.sandbox())?;
    ensure(!matches!(observation.ending, Ending::NotStarted { .. }), || said(&observation))
}

fn who_cannot_start_did_not(scene: &Scene) -> Result<(), Failed> {
    let (observation, report) = scene.run(HookCommand::new("surely-no-such-program"), scene.sandbox())?;
    ensure(matches!(observation.ending, Ending::NotStarted { .. }), || said(&observation))?;
    ensure(matches!(report.files, Containment::Enforced { .. }), || format!("{report:?}"))
}

fn without_a_sandbox_there_is_no_report(scene: &Scene) -> Result<(), Failed> {
    let observation = scene.harness.run(&HookCommand::shell("grep -E 'NoNewPrivs|Seccomp:' /proc/self/status"))?;
    ensure(observation.sandbox.is_none(), || format!("{:?}", observation.sandbox))?;
    let own = std::fs::read_to_string("/proc/self/status")?;
    let own: String = own
        .lines()
        .filter(|l| l.starts_with("NoNewPrivs") || l.starts_with("Seccomp:"))
        .map(|l| format!("{l}\n"))
        .collect();
    ensure(observation.stdout.bytes == own.as_bytes(), || said(&observation))
}

fn what_is_not_asked_for_is_not_done(scene: &Scene) -> Result<(), Failed> {
    let (observation, report) = scene.run(HookCommand::shell("echo x > $OUT/new"), Sandbox::open())?;
    ensure(observation.ending == Ending::Exited { code: 0 }, || said(&observation))?;
    let nothing = [&report.files, &report.network, &report.refusals].iter().all(|c| **c == Containment::NotAsked);
    ensure(nothing && report.gaps.is_empty(), || format!("{report:?}"))
}

/// This binary as a program that uses the harness itself.
fn as_host(what: &str, mechanism: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary has a path"));
    command.args(["--reach", "host", what, mechanism]);
    command
}

/// Entry of the hosts: `host NAME MECHANISM`, answers on stdout.
pub(crate) fn host(args: &[String]) -> ExitCode {
    let choice = if args[2] == "posix" { MechanismChoice::Posix } else { MechanismChoice::Best };
    let answer = match args[1].as_str() {
        "attempt" => {
            let scene = Scene::new(choice).expect("a scene");
            let (observation, report) = scene.shell("echo x > $IN/new; echo y > $OUT/new").expect("a run");
            let connect = scene.run(me("connect").arg("203.0.113.1:9"), scene.sandbox()).expect("a run").1;
            format!("{}{}{}", said(&observation), report.attempts.len(), connect.attempts.len())
        }
        "run" => {
            let scene = Scene::new(choice).expect("a scene");
            let _ = io::stdout().write_all(b"begins\n");
            let _ = scene.run(me("write-for-ever").arg("/surely/not"), scene.sandbox());
            String::new()
        }
        "descriptors" => {
            let scene = Scene::new(choice).expect("a scene");
            let count = || std::fs::read_dir("/proc/self/fd").expect("a list").count();
            some_runs(&scene, 8);
            let before = count();
            some_runs(&scene, 200);
            // And several at once, each with a harness of its own.
            thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| some_runs(&Scene::new(choice).expect("a scene"), 25));
                }
            });
            format!("{before} {}", count())
        }
        other => panic!("there is no host {other}"),
    };
    io::stdout().write_all(answer.as_bytes()).expect("writes");
    ExitCode::SUCCESS
}

fn some_runs(scene: &Scene, count: usize) {
    for place in 0..count {
        let command = match place % 4 {
            0 => HookCommand::shell("echo x > $OUT/new; exit 0"),
            1 => HookCommand::new("surely-no-such-program"),
            2 => me("write-for-ever").arg(scene.outside().join("new")).deadline(Duration::from_millis(20)),
            _ => HookCommand::shell("sleep 60 & exit 0").leak_grace(Duration::from_millis(5)),
        };
        let command = command.grace(Duration::from_millis(5)).cwd(scene.inside()).env("OUT", scene.outside());
        scene.harness.run(&command.sandbox(scene.sandbox())).expect("a run");
    }
}

fn no_descriptor_stays(mechanism: &str) -> Result<(), Failed> {
    let output = as_host("descriptors", mechanism).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (before, after) = text.split_once(' ').ok_or_else(|| format!("{output:?}"))?;
    ensure(before == after, || text.clone())
}

fn the_death_of_the_harness_leaves_nobody() -> Result<(), Failed> {
    let mut host = as_host("run", "best").stdout(Stdio::piped()).spawn()?;
    let mut first = [0; 7];
    io::Read::read_exact(host.stdout.as_mut().ok_or("has a stream")?, &mut first)?;
    thread::sleep(Duration::from_millis(300));
    let below = descendants(host.id());
    ensure(below.len() >= 3, || format!("{below:?}"))?;
    host.kill()?;
    host.wait()?;
    let begin = Instant::now();
    while below.iter().any(|pid| std::path::Path::new(&format!("/proc/{pid}")).exists()) {
        ensure(begin.elapsed() < Duration::from_secs(10), || format!("of {below:?} somebody is left"))?;
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn descendants(root: u32) -> Vec<u32> {
    let mut all = vec![root];
    let mut place = 0;
    while let Some(pid) = all.get(place) {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        all.extend(children.split_ascii_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        place += 1;
    }
    all.split_off(1)
}

/// A user without any rights, if this is root; otherwise the tests already run as one.
fn any_user(mechanism: &str) -> Result<(), Failed> {
    // SAFETY: answers with a number.
    if unsafe { libc::geteuid() } != 0 {
        return Ok(());
    }
    // The binary is copied to where everybody finds it.
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
    let copy = folder.path().join("sandbox");
    std::fs::copy(std::env::current_exe()?, &copy)?;
    let mut command = Command::new(&copy);
    command.args(["--reach", "host", "attempt", mechanism]).env("TMPDIR", folder.path()).uid(65534).gid(65534);
    let output = command.current_dir(folder.path()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure(text.contains("denied") && text.ends_with("11"), || format!("{output:?}"))
}

/// A contained program that contains another one: the inner harness has no listener of its own, and says so.
fn within_a_sandbox(mechanism: &str) -> Result<(), Failed> {
    let harness = Harness::new()?;
    let folder = tempfile::tempdir()?;
    let sandbox = Sandbox::open().writable(folder.path()).network(Network::Loopback).strict();
    let inner = me("host").arg("attempt").arg(mechanism).env("TMPDIR", folder.path()).sandbox(sandbox);
    let observation = harness.run(&inner)?;
    let text = said(&observation);
    ensure(text.contains("contain the program (network)") && text.contains("busy"), || text.clone())?;
    let attempts = observation.sandbox.ok_or("there is no report")?;
    ensure(refused(&attempts, hookproof_harness::AttemptKind::Write).is_empty(), || format!("{attempts:?}"))?;
    match harness.run(&HookCommand::shell("exit 0").sandbox(Sandbox::open().read_only().strict())) {
        Ok(_) => Ok(()),
        Err(HarnessError::NotContained { because, .. }) => Err(because.into()),
        Err(other) => Err(other.to_string().into()),
    }
}
