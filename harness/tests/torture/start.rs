//! Starts: what a program is given, and why it could not be started.

use hookproof_harness::{Ending, Environment, HookCommand, Invocation, StartError, StdinReport};
use libtest_mimic::Failed;

use crate::{Bench, Suite, ensure, ensure_eq, me};

/// Runs a command that cannot be started and returns why.
fn refused(bench: &Bench, command: &HookCommand) -> Result<StartError, Failed> {
    let observation = bench.run(command)?;
    let Ending::NotStarted { error } = observation.ending else {
        return Err(format!("started: {:?}", observation.ending).into());
    };
    ensure(observation.stdout.bytes.is_empty() && observation.stderr.bytes.is_empty(), || "there is output".into())?;
    ensure_eq("stdin", &observation.stdin, &StdinReport::default())?;
    Ok(error)
}

fn ensure_error(error: &StartError, os_error: i32, step: &str, part: &str) -> Result<(), Failed> {
    let fits = error.os_error == Some(os_error) && error.step == step && error.message.contains(part);
    ensure(fits, || format!("{error:?}"))
}

pub(crate) fn add(suite: &mut Suite) {
    suite.add("arguments_arrive_literally", |bench| {
        let odd = ["a b", "", "\"quoted\"", "back\\slash\\", "tab\t", "ünïcödé 🦀", "$HOME %PATH% `x` 'y'", "-", "*"];
        let observation = bench.run(&me("print-args").args(odd))?;
        ensure_eq("arguments", &String::from_utf8_lossy(&observation.stdout.bytes).into_owned(), &odd.join("\n"))
    });
    suite.add("nothing_is_in_the_environment_that_was_not_named", |bench| {
        // Windows adds what it needs itself, and Wine more than that; a variable of ours must not be among it.
        let environment = Environment::minimal().with("ONLY", "value with spaces");
        let observation = bench.run(&me("print-env").environment(environment.clone()))?;
        let printed = String::from_utf8_lossy(&observation.stdout.bytes).into_owned();
        let printed: Vec<&str> = printed.lines().collect();
        ensure(printed.contains(&"ONLY=value with spaces"), || format!("{printed:?}"))?;
        ensure(!printed.iter().any(|line| line.starts_with("CARGO")), || format!("inherited: {printed:?}"))?;
        let named = environment.resolve().len();
        ensure(cfg!(windows) || printed.len() == named, || format!("{named} were named: {printed:?}"))
    });
    suite.add("the_working_directory_is_the_one_that_was_asked_for", |bench| {
        let folder = tempfile::Builder::new().prefix("with space é ").tempdir()?;
        let path = folder.path().canonicalize()?;
        let observation = bench.run(&me("print-cwd").cwd(&path))?;
        let printed = String::from_utf8_lossy(&observation.stdout.bytes).into_owned();
        ensure_eq("directory", &std::path::Path::new(&printed).canonicalize()?, &path)
    });
    suite.add("a_program_that_does_not_exist", |bench| {
        let error = refused(bench, &HookCommand::new("surely-no-such-program"))?;
        ensure_error(&error, 2, "execute", "PATH")
    });
    suite.add("a_directory_is_no_program", |bench| {
        let folder = tempfile::tempdir()?;
        let error = refused(bench, &HookCommand::new(folder.path()))?;
        ensure_eq("step", &error.step.as_str(), &"execute")
    });
    suite.add("a_working_directory_that_does_not_exist", |bench| {
        let folder = tempfile::tempdir()?;
        let error = refused(bench, &me("exit").arg("0").cwd(folder.path().join("missing")))?;
        ensure_eq("step", &error.step.as_str(), &"change directory")?;
        ensure(error.os_error.is_some(), || format!("{error:?}"))
    });
    suite.add("exit_codes_are_never_taken_for_something_else", |bench| {
        for code in [0, 1, 2, 126, 127, 128, 137, 139, 255] {
            let observation = bench.run(&me("exit").arg(code.to_string()))?;
            ensure_eq("ending", &observation.ending, &Ending::Exited { code })?;
        }
        Ok(())
    });
    suite.add("a_shell_line", |bench| {
        let observation = bench.run(&HookCommand::shell("echo \"two words\"&& exit 5"))?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 5 })?;
        let printed = String::from_utf8_lossy(&observation.stdout.bytes).into_owned();
        ensure(printed.contains("two words"), || format!("{printed:?}"))
    });
    suite.add("a_shell_that_is_not_there", |bench| {
        let invocation = Invocation::Shell { shell: vec!["surely-no-such-shell".into()], line: "true".into() };
        ensure_error(&refused(bench, &HookCommand::from_invocation(invocation))?, 2, "execute", "PATH")
    });
    #[cfg(unix)]
    unix::add(suite);
    #[cfg(windows)]
    suite.add("a_batch_file_needs_a_shell", |bench| {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("hook.cmd");
        std::fs::write(&file, "@exit 4\r\n")?;
        let error = refused(bench, &HookCommand::new(&file))?;
        ensure(error.message.contains("batch"), || format!("{error:?}"))?;
        let observation = bench.run(&HookCommand::shell(format!("\"{}\"", file.display())))?;
        ensure_eq("ending", &observation.ending, &Ending::Exited { code: 4 })
    });
    #[cfg(windows)]
    suite.add("an_exit_code_of_32_bits", |bench| {
        for code in [-1, 259, 70_000] {
            let observation = bench.run(&me("exit-wide").arg(code.to_string()))?;
            ensure_eq("ending", &observation.ending, &Ending::Exited { code })?;
        }
        let crashed = bench.run(&me("exit-wide").arg((0xC000_0005_u32 as i32).to_string()))?;
        ensure_eq("ending", &crashed.ending, &Ending::Crashed { status: 0xC000_0005 })
    });
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, OpenOptions, Permissions};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::{Bench, Ending, Environment, Failed, HookCommand, Suite, ensure, ensure_eq, ensure_error, me, refused};

    /// A file in a folder of its own.
    fn file(folder: &tempfile::TempDir, content: &str, mode: u32) -> Result<PathBuf, Failed> {
        let path = folder.path().join("hook");
        fs::write(&path, content)?;
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        Ok(path)
    }

    /// Content, mode, error number, what the message says.
    const REFUSED: [(&str, &str, u32, i32, &str); 6] = [
        ("an_empty_file", "", 0o755, libc::ENOEXEC, "empty"),
        ("a_file_without_shebang", "echo hi\n", 0o755, libc::ENOEXEC, "#!"),
        ("a_file_without_permission", "#!/bin/sh\n", 0o644, libc::EACCES, "permission"),
        ("a_missing_interpreter", "#!/no/such/interpreter -x\n", 0o755, libc::ENOENT, "/no/such/interpreter`"),
        ("a_carriage_return", "#!/bin/sh\r\nexit 0\r\n", 0o755, libc::ENOENT, "carriage return"),
        ("a_missing_loader", "\x7fELF", 0o755, libc::ENOEXEC, "neither"),
    ];

    pub(super) fn add(suite: &mut Suite) {
        for mechanism in [crate::BEST, crate::POSIX] {
            for (name, content, mode, os_error, part) in REFUSED {
                let name = format!("{}::{name}_is_not_started", mechanism.name);
                suite.trials.push(libtest_mimic::Trial::test(name, move || {
                    let folder = tempfile::tempdir()?;
                    let path = file(&folder, content, mode)?;
                    ensure_error(&refused(&Bench::new(mechanism)?, &HookCommand::new(path))?, os_error, "execute", part)
                }));
            }
        }
        suite.add("a_bare_name_is_searched_on_the_childs_path", |bench| {
            let folder = tempfile::tempdir()?;
            file(&folder, "#!/bin/sh\nexit 8\n", 0o755)?;
            let path = format!("/nowhere:{}", folder.path().display());
            let observation = bench.run(&HookCommand::new("hook").env("PATH", path))?;
            ensure_eq("ending", &observation.ending, &Ending::Exited { code: 8 })?;
            ensure_error(&refused(bench, &HookCommand::new("hook"))?, libc::ENOENT, "execute", "PATH")
        });
        suite.add("a_relative_program_is_found_from_the_working_directory", |bench| {
            let folder = tempfile::tempdir()?;
            file(&folder, "#!/bin/sh\nexit 8\n", 0o755)?;
            let observation = bench.run(&HookCommand::new("./hook").cwd(folder.path()))?;
            ensure_eq("ending", &observation.ending, &Ending::Exited { code: 8 })
        });
        suite.add("an_empty_environment_is_empty", |bench| {
            let observation = bench.run(&HookCommand::new("/usr/bin/env").environment(Environment::empty()))?;
            ensure_eq("environment", &observation.stdout.bytes, &Vec::new())
        });
        suite.add("too_many_arguments", |bench| {
            let command = HookCommand::new("/bin/echo").args(vec!["x".repeat(100_000); 150]);
            ensure_error(&refused(bench, &command)?, libc::E2BIG, "execute", "")
        });
        suite.add("a_file_that_is_being_written_is_tried_again", |bench| {
            let folder = tempfile::tempdir()?;
            let path = folder.path().join("hook");
            fs::copy("/bin/echo", &path)?;
            let open = OpenOptions::new().append(true).open(&path)?;
            let closer = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(60));
                drop(open);
            });
            let observation = bench.run(&HookCommand::new(path).arg("hi"))?;
            closer.join().map_err(|_| "the thread failed")?;
            ensure_eq("ending", &observation.ending, &Ending::Exited { code: 0 })
        });
        suite.add("signals", |bench| {
            for signal in [libc::SIGTERM, libc::SIGKILL, libc::SIGPIPE, libc::SIGSEGV, libc::SIGINT] {
                let expected = Ending::Signaled { signal, core_dumped: false };
                // Rust programs ignore SIGPIPE, and SIGSEGV if it was no fault, by themselves.
                if ![libc::SIGPIPE, libc::SIGSEGV].contains(&signal) {
                    let observation = bench.run(&me("signal-self").arg(signal.to_string()))?;
                    ensure_eq("ending", &observation.ending, &expected)?;
                }
                let shell = bench.run(&HookCommand::shell(format!("kill -{signal} $$; exit 1")))?;
                ensure_eq("ending", &shell.ending, &expected)?;
            }
            let aborted = bench.run(&me("abort"))?;
            ensure(matches!(aborted.ending, Ending::Signaled { signal: libc::SIGABRT, .. }), || {
                format!("{:?}", aborted.ending)
            })
        });
        suite.add("a_program_starts_clean", |bench| {
            // A descriptor that every other way of starting would pass on.
            let leaked = fs::File::open("/dev/null")?;
            // SAFETY: plain call; the flags are set back by closing the file.
            #[allow(unsafe_code)]
            unsafe {
                libc::fcntl(leaked.as_raw_fd(), libc::F_SETFD, 0);
            }
            let observation = bench.run(&me("print-state"))?;
            let printed = String::from_utf8_lossy(&observation.stdout.bytes).into_owned();
            let expected = "session true terminal false open [0, 1, 2] core (0, 0)";
            ensure_eq("state", &printed.as_str(), &expected)
        });
        #[cfg(target_os = "linux")]
        suite.add("no_signal_is_ignored_or_blocked", |bench| {
            let line = "grep -E '^Sig(Blk|Ign):' /proc/self/status";
            // Blocked in the thread that asks, and ignored in the whole process (as Rust does it with SIGPIPE).
            // SAFETY: sets are plain data; the mask is this trial's thread's.
            #[allow(unsafe_code)]
            unsafe {
                let mut set: libc::sigset_t = std::mem::zeroed();
                libc::sigaddset(&raw mut set, libc::SIGUSR1);
                libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            }
            let second = Bench::new(bench.mechanism)?;
            for bench in [bench, &second] {
                let observation = bench.run(&HookCommand::shell(line))?;
                let printed = String::from_utf8_lossy(&observation.stdout.bytes).into_owned();
                let expected = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n";
                ensure_eq("masks", &printed.as_str(), &expected)?;
            }
            Ok(())
        });
    }
}
