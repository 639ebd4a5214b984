#![allow(unsafe_code)]
//! Situations that every Unix can bring about.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use hookproof_harness::{HookCommand, Invocation, Limit, Limits, StdinPlan};

use super::stage::{
    Stage, await_end, close_streams, go_deaf, impossible, leave, on_terminate, quiet, raise, session, stay,
};
use super::{Ends, Situation};
use crate::{ensure, ensure_eq};

const MIB: u64 = 1024 * 1024;
/// For those who end by themselves, a moment after the program.
const PATIENT: Duration = Duration::from_secs(20);
/// How long a program file is kept open for writing.
const BUSY: Duration = Duration::from_millis(10);

/// Those that take some ten milliseconds each.
pub(super) fn quick() -> Vec<Situation> {
    [children(), sessions(), signals(), many(), programs(), streams()].into_iter().flatten().collect()
}

/// Children in the program's own session.
fn children() -> Vec<Situation> {
    vec![
        Situation::new("background child", 2, |stage| {
            stage.child(|| stay());
            stay()
        })
        .stays(),
        Situation::new("background child of a hook that is gone", 2, |stage| {
            stage.child(|| stay());
            stage.await_births(2);
        })
        .leaves(1)
        .held(true),
        Situation::new("grandchild holds the pipe", 3, |stage| {
            let between = stage.child(|| {
                stage.child(|| stay());
            });
            await_end(between);
            stage.await_births(3);
        })
        .leaves(1)
        .held(true),
        Situation::new("own process group", 2, |stage| {
            stage.child(|| {
                own_group();
                stay()
            });
            stage.await_births(2);
        })
        .leaves(1)
        .held(true),
        Situation::new("job control of a shell", 3, |stage| {
            let line = format!("set -m; {0} & {0} & disown -a; exit 0", stage.member_line());
            let status = Command::new("/bin/bash").args(["-c", &line]).status();
            let Ok(status) = status else { impossible("there is no /bin/bash") };
            assert!(status.success(), "the shell failed");
            stage.await_births(3);
        })
        .leaves(2)
        .held(true),
        Situation::new("nested shells", 2, |stage| {
            let script = format!("sh -c \"sh -c \\\"{} & wait\\\" & wait\" & wait", stage.member_line());
            let error = Command::new("/bin/sh").args(["-c", &script]).exec();
            panic!("{error}");
        })
        .stays(),
        Situation::new("from process group to process group", 4, |stage| {
            // SAFETY: plain call.
            let first = unsafe { libc::getpgid(0) };
            for _ in 0..3 {
                stage.child(|| {
                    loop {
                        own_group();
                        thread::sleep(Duration::from_millis(1));
                        // SAFETY: plain call. Nobody may be there any more; then it stays in its own.
                        unsafe { libc::setpgid(0, first) };
                        thread::sleep(Duration::from_millis(1));
                    }
                });
            }
            stage.await_births(4);
        })
        .leaves(3)
        .held(true),
    ]
}

/// Sessions of their own.
fn sessions() -> Vec<Situation> {
    vec![
        Situation::new("own session", 2, |stage| {
            stage.child(|| {
                session();
                stay()
            });
            stay()
        })
        .stays(),
        Situation::new("own session of a hook that is gone", 2, |stage| {
            stage.child(|| {
                session();
                stage.record();
                stay()
            });
            // The second line of the child: it has its session by then.
            stage.await_births(3);
        })
        .leaves(1)
        .held(true)
        .takes_sight(),
        Situation::new("daemon", 3, |stage| {
            stage.daemon(|| {
                close_streams();
                let _ = std::env::set_current_dir("/");
                stay()
            });
            stage.await_births(3);
        })
        .leaves(1)
        .takes_sight(),
        Situation::new("daemon that keeps the streams", 3, |stage| {
            stage.daemon(|| stay());
            stage.await_births(3);
        })
        .leaves(1)
        .held(true)
        .takes_sight(),
        Situation::new("wiped environment", 3, |stage| {
            stage.daemon(|| {
                let error = quiet(&mut Command::new("/bin/sleep")).arg("60").env_clear().current_dir("/").exec();
                panic!("{error}");
            });
            stage.await_births(3);
        })
        .leaves(1)
        .takes_sight(),
        Situation::new("new id and session every 3 ms", 4, |stage| {
            stage.child(|| hop(stage));
            stay()
        })
        .stays()
        .takes_sight(),
        Situation::new("new id and session every 3 ms, hook gone", 4, |stage| {
            stage.child(|| hop(stage));
            stage.await_births(4);
        })
        .leaves(1)
        .held(true)
        .takes_sight(),
        Situation::new("orphans of orphans", 16, |stage| {
            orphans(stage, 5);
            stage.await_births(16);
        })
        .leaves(5)
        .held(true)
        .takes_sight(),
    ]
}

/// Signals that do not do what they usually do.
fn signals() -> Vec<Situation> {
    vec![
        Situation::new("stopped children", 4, |stage| {
            for _ in 0..3 {
                stage.child(|| raise(libc::SIGSTOP));
            }
            stay()
        })
        .stays(),
        Situation::new("stopped hook", 2, |stage| {
            stage.child(|| stay());
            stage.await_births(2);
            raise(libc::SIGSTOP);
            stay()
        })
        .stays(),
        Situation::new("deaf to every signal but two", 3, |stage| {
            go_deaf();
            stage.child(|| stay());
            // Whoever counts births must not see the last one before we are deaf.
            stage.child(|| stay());
            stay()
        })
        .ends(Ends::Killed)
        .leaves(0),
        Situation::new("breeds when it is asked to end", 2, |stage| {
            on_terminate(|| {
                stage.child(|| {
                    session();
                    stay()
                });
            })
        })
        .ends(Ends::Killed)
        .leaves(0),
        Situation::new("leaves a daemon when it is asked to end", 3, |stage| {
            on_terminate(|| {
                stage.daemon(|| stay());
                stage.await_births(3);
                leave(0)
            })
        })
        .stays()
        .prepare(|command, _| command.grace(PATIENT))
        .leaves(1)
        .takes_sight(),
    ]
}

/// Very many processes.
fn many() -> Vec<Situation> {
    vec![
        Situation::new("zombies", 101, |stage| {
            for _ in 0..100 {
                stage.child(|| ());
            }
            stage.await_births(101);
        })
        .prepare(|command, _| command.leak_grace(PATIENT)),
        Situation::new("zombies of a hook that stays", 101, |stage| {
            for _ in 0..100 {
                stage.child(|| ());
            }
            stay()
        })
        .stays(),
        Situation::new("chain of forks", 51, |stage| {
            chain(stage, 50);
            stay()
        })
        .stays(),
        Situation::new("tree of forks", 63, |stage| {
            tree(stage, 5);
            stage.await_births(63);
        })
        .leaves(62)
        .held(true),
        Situation::new("two hundred children", 201, |stage| {
            for _ in 0..200 {
                stage.child(|| stay());
            }
            stage.await_births(201);
        })
        .leaves(200)
        .held(true),
        Situation::new("children of threads", 17, |stage| {
            thread::scope(|scope| {
                for _ in 0..16 {
                    scope.spawn(|| {
                        stage.child(|| stay());
                        stay()
                    });
                }
            });
        })
        .stays(),
    ]
}

/// What is executed, and when.
fn programs() -> Vec<Situation> {
    vec![
        Situation::new("executes another program over itself", 3, |stage| {
            stage.child(|| stay());
            let error = stage.member().exec();
            panic!("{error}");
        })
        .stays(),
        Situation::new("executes twice", 3, |stage| {
            stage.child(|| stay());
            stage.await_births(2);
            let last = stage.again("exit-7");
            let error = Command::new("/bin/sh")
                .args(["-c", "exec /bin/sh -c 'exec \"$@\"' again \"$@\"", "once"])
                .arg(last.get_program())
                .args(last.get_args())
                .exec();
            panic!("{error}");
        })
        .ends(Ends::Exit(7))
        .leaves(1)
        .held(true),
        Situation::new("deleted executable", 2, |stage| {
            stage.child(|| stay());
            stage.await_births(2);
            fs::remove_file("hook").expect("is there");
        })
        .prepare(as_a_file_of_its_own)
        .check(|_, folder| ensure(!folder.join("hook").exists(), || "the program is still there".into()))
        .leaves(1)
        .held(true),
        // The program is a script, so nobody of ours is born.
        Situation::new("executable that is being written", 0, |_| ()).prepare(being_written).ends(Ends::Exit(3)),
        Situation::new("files held open and locked", 2, |stage| {
            let file = File::create("lock").expect("creates");
            assert!(lock(&file), "nobody else has it");
            // The lock belongs to what is open, so the child has it, too.
            stage.child(|| stay());
            stage.await_births(2);
        })
        .check(|_, folder| {
            let file = OpenOptions::new().write(true).open(folder.join("lock"))?;
            ensure(lock(&file), || "somebody still has the lock".into())
        })
        .leaves(1)
        .held(true),
    ]
}

/// The three streams.
fn streams() -> Vec<Situation> {
    vec![
        Situation::new("closed streams", 2, |stage| {
            close_streams();
            stage.child(|| stay());
            stay()
        })
        .stays()
        .held(false),
        Situation::new("never reads its stdin", 1, |_| ())
            .prepare(|command, _| command.stdin(StdinPlan::Whole(vec![b'x'; 1 << 20])))
            .check(|observation, _| {
                let stdin = observation.stdin;
                ensure(stdin.refused && stdin.written < stdin.planned, || format!("{stdin:?}"))
            }),
        Situation::new("never reads its stdin and stays", 2, |stage| {
            stage.child(|| stay());
            stay()
        })
        .prepare(|command, _| command.stdin(StdinPlan::Whole(vec![b'x'; 1 << 20])))
        .stays(),
        Situation::new("late bytes", 3, |stage| {
            let between = stage.child(|| {
                stage.child(|| {
                    thread::sleep(Duration::from_millis(20));
                    io::stdout().write_all(b"late").expect("somebody reads");
                    io::stdout().flush().expect("somebody reads");
                });
            });
            await_end(between);
            stage.await_births(3);
        })
        .prepare(|command, _| command.leak_grace(PATIENT))
        .check(|observation, _| ensure_eq("stdout", &observation.stdout.bytes, &b"late".to_vec()))
        .held(false),
    ]
}

/// Those that need a processor for longer.
pub(super) fn expensive() -> Vec<Situation> {
    vec![
        Situation::new("too much memory in all", 4, |stage| {
            for _ in 0..3 {
                stage.child(|| {
                    stage.await_births(4);
                    occupy(48 * MIB);
                });
            }
            stay()
        })
        .prepare(|command, _| command.limits(Limits::none().memory(80 * MIB)))
        .ends(Ends::Hit(Limit::Memory))
        .leaves(0),
        Situation::new("too large an address space", 2, |stage| {
            stage.child(|| stay());
            stage.await_births(2);
            occupy(1 << 40);
        })
        // What aborts has no core to dump.
        .prepare(|command, _| command.limits(Limits::none().address_space(1 << 30)))
        .ends(Ends::Signal(libc::SIGABRT))
        .leaves(1),
        Situation::new("spins until its time is up", 2, |stage| {
            stage.child(|| stay());
            stage.await_births(2);
            loop {
                std::hint::black_box(stage);
            }
        })
        .prepare(|command, _| command.limits(Limits::none().cpu_seconds(1)))
        .ends(Ends::Hit(Limit::Cpu))
        .leaves(1),
        Situation::new("a gibibyte of stdout", 1, |_| {
            let block = [b'x'; 256 * 1024];
            for _ in 0..(1 << 30) / block.len() {
                io::stdout().write_all(&block).expect("somebody reads");
            }
        })
        .check(|observation, _| ensure_eq("stdout", &observation.stdout.total, &(1 << 30))),
    ]
}

fn own_group() {
    // SAFETY: plain call. A group leader is one already.
    unsafe { libc::setpgid(0, 0) };
}

fn hop(stage: &Stage) {
    loop {
        thread::sleep(Duration::from_millis(3));
        // SAFETY: this process has one thread.
        if unsafe { libc::fork() } != 0 {
            leave(0);
        }
        session();
        stage.record();
    }
}

/// Each generation is two processes: one that stays, and one that goes on in a session of its own.
fn orphans(stage: &Stage, generations: u32) {
    if generations > 0 {
        stage.daemon(|| {
            stage.child(|| stay());
            orphans(stage, generations - 1);
        });
    }
}

fn chain(stage: &Stage, length: u32) {
    if length > 0 {
        stage.child(|| {
            chain(stage, length - 1);
            stay()
        });
    }
}

fn tree(stage: &Stage, height: u32) {
    for _ in 0..2 {
        if height > 0 {
            stage.child(|| {
                tree(stage, height - 1);
                stay()
            });
        }
    }
}

fn occupy(bytes: u64) {
    let memory = vec![1_u8; usize::try_from(bytes).expect("fits")];
    std::hint::black_box(&memory);
    stay()
}

/// Locks a file that nobody else has locked.
fn lock(file: &File) -> bool {
    // SAFETY: a descriptor that is open.
    unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) == 0 }
}

/// The program gets a name of its own, which can be removed without doing the others any harm.
fn as_a_file_of_its_own(mut command: HookCommand, folder: &Path) -> HookCommand {
    let file = folder.join("hook");
    if let Invocation::Program { program, .. } = &mut command.invocation {
        if fs::hard_link(&program, &file).is_err() {
            fs::copy(&program, &file).expect("copies");
        }
        *program = file;
    }
    command
}

/// A script that somebody still has open for writing when it is started, and for a moment after.
fn being_written(command: HookCommand, folder: &Path) -> HookCommand {
    let path = folder.join("script");
    let released = folder.join("released");
    let mut file = File::create(&path).expect("creates");
    let line = format!("#!/bin/sh\nif test -e '{}'; then exit 3; else exit 4; fi\n", released.display());
    file.write_all(line.as_bytes()).expect("writes");
    file.set_permissions(fs::Permissions::from_mode(0o755)).expect("changes");
    thread::spawn(move || {
        thread::sleep(BUSY);
        // Who runs before this is seen by its exit code.
        fs::write(released, "").expect("writes");
        drop(file);
    });
    HookCommand { invocation: Invocation::Program { program: path, args: Vec::new() }, ..command }
}
