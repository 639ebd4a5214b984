#![allow(unsafe_code)]
//! What the programs of the situations are made of.
//!
//! Every process that such a program starts writes itself down in a file before it does anything else. So whoever looks
//! afterwards knows that it lived, and finds it again whatever it has done to its name, environment or parents.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::survivors::{Birth, own_birth};

/// How long who stays stays. Nobody is meant to wait for it.
const LONG: Duration = Duration::from_secs(60);
/// How long a program waits for the processes that it has started to write themselves down.
const BORN_WITHIN: Duration = Duration::from_secs(20);
/// How often it looks.
const LOOK: Duration = Duration::from_micros(500);
/// The exit code of a program that cannot bring its situation about on this system; stderr says why.
pub(crate) const IMPOSSIBLE: i32 = 77;

/// A running program of a situation, and everybody whom it starts.
pub(crate) struct Stage {
    births: PathBuf,
    token: String,
}

impl Stage {
    /// Takes the file of births and the token from the arguments of the program, and writes the program down.
    pub(crate) fn enter(args: &[String]) -> Self {
        let [births, token] = args else { panic!("a file and a token, not {args:?}") };
        let stage = Stage { births: births.into(), token: token.clone() };
        stage.record();
        stage
    }

    /// Writes the calling process down.
    pub(crate) fn record(&self) {
        let line = own_birth().to_string();
        let mut file = OpenOptions::new().create(true).append(true).open(&self.births).expect("opens");
        // One write, so that lines of several processes do not mix.
        file.write_all(line.as_bytes()).expect("writes");
    }

    /// Waits until so many processes, the program included, have written themselves down.
    pub(crate) fn await_births(&self, count: usize) {
        let begin = Instant::now();
        while births(&self.births).len() < count {
            assert!(begin.elapsed() < BORN_WITHIN, "fewer than {count} were born");
            sleep(LOOK);
        }
    }

    /// Forks a process that writes itself down, does its work and ends.
    pub(crate) fn child(&self, work: impl FnOnce()) -> libc::pid_t {
        // SAFETY: the programs have one thread, or forking beside other threads is what they are about: then the C
        // library keeps its own locks in order, and nobody else holds one.
        match unsafe { libc::fork() } {
            0 => {
                self.record();
                work();
                leave(0)
            }
            pid => {
                assert!(pid > 0, "cannot fork");
                pid
            }
        }
    }

    /// A daemon as the books have it: session of its own, parents gone. Its streams are those of the program.
    pub(crate) fn daemon(&self, work: impl FnOnce()) {
        let between = self.child(|| {
            session();
            self.child(work);
        });
        await_end(between);
    }

    /// This binary once more, as a process that writes itself down and stays.
    pub(crate) fn member(&self) -> Command {
        self.again("stay")
    }

    /// This binary once more, as the program `name`.
    pub(crate) fn again(&self, name: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("this binary has a path"));
        command.args(["--misbehave", "situation", name]).arg(&self.births).arg(&self.token);
        command
    }

    /// The same as a line for a shell.
    pub(crate) fn member_line(&self) -> String {
        let command = self.member();
        let words = [command.get_program()].into_iter().chain(command.get_args());
        let quoted: Vec<_> = words.map(|w| format!("'{}'", w.to_str().expect("paths of our own"))).collect();
        quoted.join(" ")
    }
}

/// Programs that other programs of situations execute.
pub(crate) fn bit_part(name: &str) -> Option<fn(&Stage)> {
    Some(match name {
        "stay" => |_| stay(),
        "exit-7" => |_| leave(7),
        _ => return None,
    })
}

/// Entry of the programs: `situation NAME BIRTHS TOKEN`.
pub(crate) fn perform(args: &[String]) -> ExitCode {
    let act = bit_part(&args[1]).or_else(|| super::named(&args[1]).map(|situation| situation.act));
    let act = act.unwrap_or_else(|| panic!("there is no situation {}", args[1]));
    act(&Stage::enter(&args[2..]));
    ExitCode::SUCCESS
}

/// Everybody who has been written down.
pub(crate) fn births(file: &Path) -> Vec<Birth> {
    let text = fs::read_to_string(file).unwrap_or_default();
    // A line that is being written has no end yet.
    text.split_inclusive('\n').filter(|line| line.ends_with('\n')).filter_map(|line| line.trim().parse().ok()).collect()
}

/// Does nothing for a long time.
pub(crate) fn stay() -> ! {
    sleep(LONG);
    leave(0)
}

/// Ends without running anything that was meant for the end of the program.
pub(crate) fn leave(code: i32) -> ! {
    // SAFETY: plain call.
    unsafe { libc::_exit(code) }
}

/// Says why the situation cannot be brought about here.
pub(crate) fn impossible(why: &str) -> ! {
    let _ = std::io::stderr().write_all(why.as_bytes());
    leave(IMPOSSIBLE)
}

/// Starts a session of its own.
pub(crate) fn session() {
    // SAFETY: plain call.
    assert!(unsafe { libc::setsid() } > 0, "is no group leader");
}

/// Waits for a child.
pub(crate) fn await_end(child: libc::pid_t) {
    // SAFETY: a child of this process, whose status nobody wants.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
}

/// Sends a signal to the calling process.
pub(crate) fn raise(signal: i32) {
    // SAFETY: plain call.
    unsafe { libc::kill(libc::getpid(), signal) };
}

/// Ignores every signal that can be ignored, and blocks every one that can be blocked.
pub(crate) fn go_deaf() {
    // SAFETY: plain calls and data that they fill.
    unsafe {
        for signal in 1..32 {
            libc::signal(signal, libc::SIG_IGN);
        }
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
    }
}

/// Calls `work` whenever somebody asks the process to end by SIGTERM.
pub(crate) fn on_terminate(mut work: impl FnMut()) -> ! {
    // SAFETY: plain calls and data that they fill.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        loop {
            let mut signal = 0;
            if libc::sigwait(&raw const set, &raw mut signal) == 0 {
                work();
            }
        }
    }
}

/// Closes stdin, stdout and stderr.
pub(crate) fn close_streams() {
    for descriptor in 0..3 {
        // SAFETY: nothing uses the streams afterwards.
        unsafe { libc::close(descriptor) };
    }
}

/// Lets a command use none of the streams.
pub(crate) fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}
