#![allow(unsafe_code, clippy::print_stdout)]
//! The torture suite: programs that try to get out of the sandbox, or to leave something behind.
//!
//! A *host* (this binary, with one harness) sets up a surrounding (root or a user without rights; with `/proc`, without it,
//! or in namespaces of its own as in a container), runs every attempt in it, and looks at what they could have reached. All of
//! that are canaries which the host has made itself: a test that fails does no harm.
//!
//! To add an attempt, add a line to [`attempts::ALL`]. `HOOKPROOF_ESCAPES=100` runs each so many times.

mod attempts;
mod canaries;

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{env, fs, thread};

use hookproof_harness::{Ending, Harness, HookCommand, MechanismChoice, Network, Observation, Sandbox};
use libtest_mimic::{Failed, Trial};

use self::attempts::{ALL, Attempt, Expected};
use self::canaries::Canaries;
use crate::ensure;

/// How often each attempt is made, if the environment says nothing else.
const TIMES: usize = 2;
/// Users who own nothing.
const NOBODY: u32 = 65534;
const SECRET: &str = "escape-canary-secret";

/// Where attempts are made.
const SURROUNDINGS: [&str; 3] = ["plain", "no-proc", "container"];

pub(crate) fn add(trials: &mut Vec<Trial>) {
    for user in ["root", "nobody"] {
        for surrounding in SURROUNDINGS {
            let test = move || all_attempts(user, surrounding);
            trials.push(Trial::test(format!("escapes::{user}::{surrounding}"), test));
        }
    }
}

fn all_attempts(user: &str, surrounding: &str) -> Result<(), Failed> {
    // SAFETY: answers with a number.
    let is_root = unsafe { libc::geteuid() } == 0;
    if user == "root" && !is_root {
        println!("escapes::{user}::{surrounding}: skipped, because this is not root");
        return Ok(());
    }
    // What one leaves behind, another would find.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir()?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777))?;
    // The binary is copied to where everybody finds it.
    let copy = folder.path().join("sandbox");
    fs::copy(env::current_exe()?, &copy)?;
    let mut host = Command::new(&copy);
    host.args(["--reach", "escapes", surrounding]).current_dir(folder.path());
    host.env("TMPDIR", folder.path()).env("HOOKPROOF_CANARY", SECRET);
    let becomes = (is_root && user == "nobody").then_some(NOBODY);
    // SAFETY: between fork and exec only the system is called.
    unsafe { host.pre_exec(move || if is_root { apart(becomes) } else { Ok(()) }) };
    // Others who are not root share what is in no directory.
    let _others = if is_root { None } else { Some(alone()?) };
    let mut output = host.output();
    // Another trial may just have started a program while the copy was being written.
    for _ in 0..100 {
        if !output.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::ExecutableFileBusy) {
            break;
        }
        thread::sleep(Duration::from_millis(20));
        output = host.output();
    }
    let output = output?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if let Some(because) = text.strip_prefix("skipped: ") {
        println!("escapes::{user}::{surrounding}: skipped, because {}", because.trim_end());
        return Ok(());
    }
    println!("{user}, {surrounding}:\n{text}");
    let whole =
        output.status.success() && text.lines().count() == ALL.len() && text.lines().all(|l| l.ends_with(" ok"));
    ensure(whole, || format!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// Gives the calling process objects and shared memory of its own, so that two suites at once find nothing of each other,
/// and lets it become another user.
fn apart(becomes: Option<u32>) -> io::Result<()> {
    // SAFETY: system calls; all texts end in NUL.
    unsafe {
        answer(libc::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWIPC))?;
        let (none, private) = (std::ptr::null(), libc::MS_REC | libc::MS_PRIVATE);
        answer(libc::mount(none, c"/".as_ptr(), none, private, std::ptr::null()))?;
        let (tmpfs, options) = (c"tmpfs".as_ptr(), c"mode=1777".as_ptr().cast());
        answer(libc::mount(tmpfs, c"/dev/shm".as_ptr(), tmpfs, libc::MS_NOSUID | libc::MS_NODEV, options))?;
        let Some(user) = becomes else {
            return Ok(());
        };
        answer(libc::setgroups(0, std::ptr::null()))?;
        answer(libc::setgid(user))?;
        answer(libc::setuid(user))
    }
}

/// Waits until no other suite runs, as long as the value is kept.
fn alone() -> io::Result<fs::File> {
    let file = fs::File::create(env::temp_dir().join("hookproof-escapes.lock"))?;
    // SAFETY: the descriptor is open.
    unsafe { answer(libc::flock(std::os::fd::AsRawFd::as_raw_fd(&file), libc::LOCK_EX))? };
    Ok(file)
}

/// Entry of the hosts: `escapes SURROUNDING`. Says a line for each attempt.
pub(crate) fn host(args: &[String]) -> ExitCode {
    if let Err(because) = surround(&args[1]) {
        println!("skipped: {because}");
        return ExitCode::SUCCESS;
    }
    let times = env::var("HOOKPROOF_ESCAPES").ok().and_then(|times| times.parse().ok()).unwrap_or(TIMES);
    let harness = Harness::with_mechanism(MechanismChoice::Best).expect("a harness");
    for attempt in ALL {
        let outcome = (0..times).try_for_each(|_| once(&harness, attempt));
        let word = outcome.map_or_else(|problem| problem, |()| "ok".to_owned());
        println!("{:<12} {:<28} x {times:>3} {word}", attempt.subject, attempt.name);
    }
    ExitCode::SUCCESS
}

/// Makes an attempt, and looks at what became of it.
fn once(harness: &Harness, attempt: &Attempt) -> Result<(), String> {
    let canaries = Canaries::new().map_err(|error| format!("no canaries: {error}"))?;
    let before = canaries.state();
    let command = HookCommand::new(env::args_os().next().expect("this binary has a path"))
        .args(["--reach", "attempt", attempt.name])
        .env("HERE", canaries.inside())
        .env("THERE", canaries.outside())
        .env("TERMINAL", canaries.terminal())
        .env("SHARED_FILE", canaries.shared_file())
        .env("SHARED_MEMORY", canaries.shared_memory().to_string())
        .cwd(canaries.inside())
        .deadline(Duration::from_secs(20))
        .sandbox(Sandbox::open().writable(canaries.inside()).network(Network::Loopback));
    let observation = harness.run(&command).map_err(|error| error.to_string())?;
    let said = said(&observation);
    let right = match (attempt.expected, &observation.ending) {
        (Expected::Refused, Ending::Exited { code }) => *code == 1,
        (Expected::Works, Ending::Exited { code }) => *code == 0,
        (Expected::Anything, Ending::Exited { code }) => *code <= 1,
        _ => false,
    };
    if !right {
        return Err(format!("ended otherwise than {:?}: {said}", attempt.expected));
    }
    let after = canaries.state();
    if after != before {
        return Err(format!("something got out: {before:?}, then {after:?}; {said}"));
    }
    // SAFETY: asks whether somebody is there.
    let lives = |pid: u32| unsafe { libc::kill(pid.cast_signed(), 0) == 0 };
    if let Some(left) = observation.leaks.descendants.iter().find(|left| lives(left.pid)) {
        return Err(format!("somebody is left: {left:?}"));
    }
    canaries.left_behind().map_or(Ok(()), |left| Err(format!("left behind: {left}; {said}")))
}

fn said(observation: &Observation) -> String {
    let [out, err] = [&observation.stdout, &observation.stderr].map(|s| String::from_utf8_lossy(&s.bytes).into_owned());
    format!("{:?} {}{}", observation.ending, out.trim(), err.trim()).replace('\n', "; ")
}

/// Entry of the attempts: 0 if it worked, 1 if it was refused.
pub(crate) fn attempt(args: &[String]) -> ExitCode {
    let attempt = ALL.iter().find(|attempt| attempt.name == args[1]).expect("an attempt");
    match (attempt.act)() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::from(1)
        }
    }
}

/// Puts this process into its surrounding.
fn surround(name: &str) -> io::Result<()> {
    // SAFETY: system calls; this process has one thread.
    unsafe {
        let flags = match name {
            "no-proc" => libc::CLONE_NEWNS,
            "container" => libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS,
            _ => return Ok(()),
        };
        let (user, group) = (libc::geteuid(), libc::getegid());
        if user == 0 {
            answer(libc::unshare(flags))?;
        } else {
            answer(libc::unshare(libc::CLONE_NEWUSER | flags))?;
            fs::write("/proc/self/setgroups", "deny")?;
            fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
            fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
        }
        mount(None, "/", None, libc::MS_REC | libc::MS_PRIVATE)?;
        if name == "no-proc" {
            return mount(Some("none"), "/proc", Some("tmpfs"), libc::MS_RDONLY);
        }
        // The first process of the new namespace goes on; this one waits for it and ends like it.
        let child = libc::fork();
        answer(child)?;
        if child > 0 {
            let mut status = 0;
            libc::waitpid(child, &raw mut status, 0);
            libc::_exit(libc::WEXITSTATUS(status));
        }
        mount(Some("proc"), "/proc", Some("proc"), 0)
    }
}

/// # Safety
///
/// Changes the mounts of the process.
unsafe fn mount(source: Option<&str>, to: &str, kind: Option<&str>, flags: libc::c_ulong) -> io::Result<()> {
    let text = |text: &str| std::ffi::CString::new(text).expect("no NUL");
    let (source, to, kind) = (source.map(text), text(to), kind.map(text));
    let at = |text: &Option<std::ffi::CString>| text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
    // SAFETY: all texts live until the call returns.
    unsafe { answer(libc::mount(at(&source), to.as_ptr(), at(&kind), flags, std::ptr::null())) }
}

fn answer(number: libc::c_int) -> io::Result<()> {
    if number < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A path from the environment of an attempt.
fn variable(name: &str) -> PathBuf {
    env::var_os(name).map(PathBuf::from).expect("is set")
}

fn here() -> PathBuf {
    variable("HERE")
}

fn there() -> PathBuf {
    variable("THERE")
}

fn is_own(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    // SAFETY: answers with a number.
    path.symlink_metadata().is_ok_and(|facts| facts.uid() == unsafe { libc::geteuid() })
}
