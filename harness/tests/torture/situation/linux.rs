#![allow(unsafe_code)]
//! Situations that only Linux knows, and proofs that its survivors would be found.

#[cfg(target_os = "linux")]
pub(super) use self::only_here::{add_proofs, all};
use super::Situation;

/// There are none elsewhere.
#[cfg(not(target_os = "linux"))]
pub(super) fn all() -> Vec<Situation> {
    Vec::new()
}

#[cfg(target_os = "linux")]
mod only_here {
    use std::ffi::{c_int, c_void};
    use std::fs::{self, File};
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::{Child, Command};
    use std::sync::atomic::{AtomicI32, Ordering};
    use std::time::{Duration, Instant};
    use std::{mem, ptr, thread};

    use hookproof_harness::{HookCommand, Invocation, Limits};
    use libtest_mimic::{Failed, Trial};

    use super::super::stage::{Stage, impossible, quiet, raise, session, stay};
    use super::super::survivors::{Birth, alive, carriers};
    use super::super::{Ends, Look, Ward, new_token};
    use super::Situation;
    use crate::{BEST, CAME_BACK, Suite, ensure, ensure_eq};

    /// A stack for a process that does nothing but be there.
    const STACK: usize = 256 * 1024;
    /// How long a program file is kept open for writing.
    const BUSY: Duration = Duration::from_millis(10);

    pub(in super::super) fn all() -> Vec<Situation> {
        vec![
            Situation::new("child that has not executed yet (vfork)", 2, suspended_by_a_child).stays(),
            Situation::new("child of the starter (CLONE_PARENT)", 2, |stage| {
                become_parent_of_a_sibling(stage);
                stage.await_births(2);
            })
            .leaves(1)
            .held(true)
            .takes_sight(),
            Situation::new("subreaper of its own", 6, |stage| {
                stage.child(|| {
                    // SAFETY: plain call.
                    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
                    stage.daemon(|| stay());
                    stage.daemon(|| stay());
                    stay()
                });
                stage.await_births(6);
            })
            .leaves(3)
            .held(true)
            .takes_sight(),
            Situation::new("thread that executes", 3, |stage| {
                stage.child(|| stay());
                stage.await_births(2);
                thread::scope(|scope| {
                    scope.spawn(|| panic!("{}", stage.again("exit-7").exec()));
                });
            })
            .ends(Ends::Exit(7))
            .leaves(1)
            .held(true),
            Situation::new("traced child", 2, |stage| {
                traced_child(stage);
                stay()
            })
            .stays(),
            Situation::new("traced child of a hook that is gone", 2, traced_child).leaves(1).held(true),
            Situation::new("name full of brackets and no text", 3, |stage| {
                stage.child(|| {
                    // SAFETY: a name that ends in NUL.
                    unsafe { libc::prctl(libc::PR_SET_NAME, c") Z 1 1 (\n\xff)".as_ptr()) };
                    stage.child(|| stay());
                    stay()
                });
                stage.await_births(3);
            })
            .leaves(2)
            .held(true),
            Situation::new("two that start each other again", 4, |stage| {
                let heads = Heads::shared();
                for place in 0..2 {
                    heads.0[place].store(stage.child(|| heads.guard(stage, place)), Ordering::SeqCst);
                }
                // Both were there, and one of them has been replaced once.
                stage.await_births(3);
                // SAFETY: a child of ours that nobody has waited for.
                unsafe { libc::kill(heads.0[0].load(Ordering::SeqCst), libc::SIGKILL) };
                stage.await_births(4);
            })
            .leaves(1)
            .held(true)
            .takes_sight(),
            // The program is a script, so nobody of ours is born.
            Situation::new("executable that is being written", 0, |_| ()).prepare(being_written).ends(Ends::Exit(3)),
            Situation::new("too large an address space", 2, |stage| {
                stage.child(|| stay());
                stage.await_births(2);
                super::super::programs::occupy(1 << 40);
            })
            // What aborts has no core to dump.
            .prepare(|command, _| command.limits(Limits::none().address_space(1 << 30)))
            .ends(Ends::Signal(libc::SIGABRT))
            .leaves(1),
            Situation::new("process namespace of its own", 3, |stage| {
                // SAFETY: plain calls.
                let entered = unsafe {
                    libc::unshare(libc::CLONE_NEWPID) == 0
                        || libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWPID) == 0
                };
                if !entered {
                    impossible("namespaces are not to be had");
                }
                stage.child(|| {
                    stage.child(|| stay());
                    stay()
                });
                stage.await_births(3);
            })
            .leaves(2)
            .held(true),
        ]
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

    /// A child that shares our memory and never executes, so that we do not go on.
    fn suspended_by_a_child(stage: &Stage) {
        extern "C" fn wait_for_ever(stage: *mut c_void) -> c_int {
            // SAFETY: the parent stands still, so its stage is there, and nobody else uses its memory.
            unsafe { &*stage.cast::<Stage>() }.record();
            stay()
        }
        let mut stack = vec![0_u128; STACK / mem::size_of::<u128>()];
        // SAFETY: the stack is the child's alone and grows down from its end.
        unsafe {
            let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
            let top = stack.as_mut_ptr().add(stack.len());
            libc::clone(wait_for_ever, top.cast(), flags, ptr::from_ref(stage).cast_mut().cast());
        }
    }

    /// A child that is no child of ours but of our parent.
    fn become_parent_of_a_sibling(stage: &Stage) {
        // SAFETY: without a stack this is a fork.
        let pid = unsafe { libc::syscall(libc::SYS_clone, libc::CLONE_PARENT | libc::SIGCHLD, 0, 0, 0, 0) };
        assert!(pid >= 0, "cannot clone");
        if pid == 0 {
            stage.record();
            stay()
        }
    }

    /// A child that we trace, and that has stopped.
    fn traced_child(stage: &Stage) {
        let child = stage.child(|| {
            // SAFETY: plain call.
            unsafe { libc::ptrace(libc::PTRACE_TRACEME) };
            raise(libc::SIGUSR1);
            stay()
        });
        // SAFETY: a child of ours.
        unsafe { libc::waitpid(child, ptr::null_mut(), 0) };
    }

    /// Two processes, each of which starts the other one again when that is gone.
    struct Heads(&'static [AtomicI32; 2]);

    impl Heads {
        fn shared() -> Self {
            let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
            // SAFETY: a fresh mapping of zeros, which stays as long as the process.
            unsafe {
                let address = libc::mmap(ptr::null_mut(), 4096, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
                assert!(address != libc::MAP_FAILED, "cannot map");
                // Nobody waits for anybody here, and a zombie would look alive.
                libc::signal(libc::SIGCHLD, libc::SIG_IGN);
                Heads(&*address.cast())
            }
        }

        fn guard(&self, stage: &Stage, place: usize) {
            session();
            self.0[place].store(std::process::id().cast_signed(), Ordering::SeqCst);
            let other = &self.0[1 - place];
            loop {
                thread::sleep(Duration::from_millis(1));
                let pid = other.load(Ordering::SeqCst);
                // SAFETY: signal 0 only asks.
                if pid > 0 && unsafe { libc::kill(pid, 0) } < 0 {
                    other.store(0, Ordering::SeqCst);
                    stage.child(|| self.guard(stage, 1 - place));
                }
            }
        }
    }

    /// A process that the harness knows nothing of. Dropping it ends it.
    struct Stranger(Child);

    impl Stranger {
        fn start(command: &mut Command) -> Result<Self, Failed> {
            Ok(Stranger(quiet(command.arg("60")).spawn()?))
        }
    }

    impl Drop for Stranger {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// That nobody was found proves something only if somebody would have been.
    pub(in super::super) fn add_proofs(suite: &mut Suite) {
        let mut add = |name: &str, test: fn() -> Result<(), Failed>| {
            suite.trials.push(Trial::test(format!("proof::{name}"), test));
        };
        add("a_survivor_is_found_by_whatever_carries_its_token", || {
            let token = new_token();
            let folder = tempfile::Builder::new().prefix(&token).tempdir()?;
            let copy = folder.path().join("sleep");
            fs::copy("/bin/sleep", &copy)?;
            for way in ["cmdline", "environ", "cwd", "exe"] {
                let mut command = Command::new(if way == "exe" { copy.as_path() } else { "/bin/sleep".as_ref() });
                command.arg0("sleep").current_dir("/");
                match way {
                    "cmdline" => command.arg0(&token),
                    "environ" => command.env("ANY", &token),
                    "cwd" => command.current_dir(folder.path()),
                    _ => &mut command,
                };
                let stranger = Stranger::start(&mut command)?;
                let expected = vec![format!("process {} has it in {way}", stranger.0.id())];
                // For a moment after a start the system shows none of this.
                let begin = Instant::now();
                while carriers(&token).is_empty() && begin.elapsed() < CAME_BACK {
                    thread::sleep(Duration::from_millis(1));
                }
                ensure_eq("who carries the token", &carriers(&token), &expected)?;
            }
            ensure_eq("who carries the token at the end", &carriers(&token), &Vec::new())
        });
        add("a_survivor_is_found_by_its_id", || {
            let stranger = Stranger::start(&mut Command::new("/bin/sleep"))?;
            let pid = stranger.0.id().cast_signed();
            let born = birth_of(pid)?;
            ensure(alive(&born), || "it lives".into())?;
            ensure(!alive(&Birth { began: born.began + 1, ..born }), || "that is another one".into())?;
            let ward = Ward::new(BEST)?;
            ensure(ward.nobody_is_left(&[born], "", Look::Near).is_err(), || "nobody noticed it".into())?;
            drop(stranger);
            ward.nobody_is_left(&[born], "", Look::Near)
        });
        add("a_survivor_is_found_below_the_helpers", || {
            let mut ward = Ward::new(BEST)?;
            ward.nobody_is_left(&[], "", Look::Near)?;
            // The guardian has a child, the spawner: one too many if it is not known for a helper.
            let spawner = ward.helpers.pop();
            ensure(ward.nobody_is_left(&[], "", Look::Near).is_err(), || "nobody noticed it".into())?;
            ward.helpers.extend(spawner);
            ward.nobody_is_left(&[], "", Look::Near)
        });
    }

    fn birth_of(pid: i32) -> Result<Birth, Failed> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let began = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(19)?.parse().ok());
        Ok(Birth { pid, began: began.ok_or("no beginning")? })
    }
}
