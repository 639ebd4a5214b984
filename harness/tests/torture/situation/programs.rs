#![allow(unsafe_code)]
//! Situations about what programs do: how many they are, what they execute, read, write and use up.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use hookproof_harness::{HookCommand, Invocation, Limit, Limits, StdinPlan};

use super::stage::{Stage, await_end, close_streams, stay};
use super::{Ends, PATIENT, Situation};
use crate::{ensure, ensure_eq};

const MIB: u64 = 1024 * 1024;

/// Very many processes.
pub(super) fn many() -> Vec<Situation> {
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
pub(super) fn programs() -> Vec<Situation> {
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
pub(super) fn streams() -> Vec<Situation> {
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

pub(super) fn occupy(bytes: u64) {
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
