#![allow(unsafe_code)]
//! The programs that are watched.

use std::ffi::{CString, c_char, c_int};
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;
use std::{io, ptr, thread};

use hookproof_harness::{Harness, HookCommand, Watch};

use crate::timepieces;

/// This binary as one of the children.
pub(crate) fn me(role: &str) -> HookCommand {
    HookCommand::new(std::env::current_exe().expect("this binary has a path")).arg("--as").arg(role)
}

fn say(text: &str) {
    io::stdout().write_all(text.as_bytes()).expect("writes");
}

fn c_strings(words: &[String]) -> (Vec<CString>, Vec<*const c_char>) {
    let strings: Vec<_> = words.iter().map(|word| CString::new(word.as_str()).expect("no NUL")).collect();
    let pointers = strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect();
    (strings, pointers)
}

fn last_error() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

fn wait(pid: c_int, options: c_int) -> c_int {
    let mut status = 0;
    // SAFETY: writes a number.
    unsafe { libc::waitpid(pid, &raw mut status, options) };
    status
}

/// Entry of every child.
pub(crate) fn be(args: &[String]) -> ExitCode {
    let rest = &args[1..];
    match args[0].as_str() {
        // Executes in its own place, by the C library's search of PATH, and prints the error.
        "execvp" => {
            let (_strings, pointers) = c_strings(rest);
            // SAFETY: strings that live, ended by a null pointer.
            unsafe { libc::execvp(pointers[0], pointers.as_ptr()) };
            say(&format!("{}", last_error()));
        }
        // Creates a process by vfork, as the C library does it.
        "spawnp" => {
            let (_strings, pointers) = c_strings(rest);
            let mut pid = 0;
            // SAFETY: as above; no actions and no attributes.
            let answer = unsafe {
                libc::posix_spawnp(
                    &raw mut pid,
                    pointers[0],
                    ptr::null(),
                    ptr::null(),
                    pointers.as_ptr().cast(),
                    [ptr::null_mut()].as_ptr(),
                )
            };
            say(&if answer == 0 { format!("status {:x}", wait(pid, 0)) } else { answer.to_string() });
        }
        "command" => {
            let status = Command::new(&rest[0]).args(&rest[1..]).status();
            say(&match status {
                Ok(status) => format!("{status}"),
                Err(error) => error.raw_os_error().unwrap_or(0).to_string(),
            });
        }
        // Executes by descriptor.
        "fexecve" => {
            let (_strings, pointers) = c_strings(rest);
            // SAFETY: as above; the descriptor closes on exec.
            unsafe {
                let file = libc::open(pointers[0], libc::O_RDONLY | libc::O_CLOEXEC);
                let empty = c"".as_ptr();
                let none = [ptr::null::<c_char>()];
                let flags = libc::AT_EMPTY_PATH;
                libc::syscall(libc::SYS_execveat, file, empty, pointers.as_ptr(), none.as_ptr(), flags);
            }
            say(&format!("{}", last_error()));
        }
        // A thread that is not the first one executes, while others are under way.
        "exec-in-thread" => {
            for _ in 0..3 {
                thread::spawn(|| thread::sleep(Duration::from_secs(60)));
            }
            let words = rest.to_vec();
            let executing = thread::spawn(move || {
                let (_strings, pointers) = c_strings(&words);
                // SAFETY: as above.
                unsafe { libc::execv(pointers[0], pointers.as_ptr()) };
            });
            let _ = executing.join();
        }
        // Threads that start programs at the same time.
        "start-in-threads" => {
            let threads: Vec<_> = (0..8)
                .map(|index| {
                    let program = rest[0].clone();
                    thread::spawn(move || Command::new(program).arg(index.to_string()).status().expect("starts"))
                })
                .collect();
            let all = threads.into_iter().all(|thread| thread.join().expect("ends").success());
            say(&format!("{all}"));
        }
        // Threads that end at once, some of them before anybody has told of them.
        "threads" => {
            let count: usize = rest[0].parse().expect("a number");
            for _ in 0..count {
                thread::spawn(|| ());
            }
        }
        // A process whose end is told to nobody, which the kernel announces as it announces a thread.
        "clone" => {
            // SAFETY: without flags and without a stack it is a fork, except that no signal tells of its end.
            unsafe {
                let pid = libc::syscall(libc::SYS_clone, 0_usize, 0_usize, 0_usize, 0_usize, 0_usize);
                if pid == 0 {
                    libc::_exit(0);
                }
                wait(pid as c_int, libc::__WALL);
            }
        }
        "daemon" => daemon(rest),
        "ask-the-time" => timepieces::ask(),
        "ask-for-ever" => timepieces::ask_for_ever(),
        "wait-until" => timepieces::wait(),
        "wait-disturbed" => timepieces::wait_disturbed(),
        "stop-and-go" => stop_and_go(),
        "queue-a-signal" => queue_a_signal(),
        "trace-a-child" => trace_a_child(),
        "memory-limit" => {
            let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: writes a plain structure.
            unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
            say(&format!("{} {}\n", limit.rlim_cur, limit.rlim_max));
        }
        "handle-term" => {
            extern "C" fn handle(_: c_int) {
                // SAFETY: ends the process, with nothing to be cleaned up.
                unsafe { libc::_exit(77) }
            }
            // SAFETY: the handler does nothing but end.
            unsafe { libc::signal(libc::SIGTERM, handle as extern "C" fn(c_int) as libc::sighandler_t) };
            thread::sleep(Duration::from_secs(60));
        }
        // Blocks signals, which a program inherits.
        "block-and-exec" => {
            let (_strings, pointers) = c_strings(rest);
            // SAFETY: as above; the set is plain data.
            unsafe {
                let mut all: libc::sigset_t = std::mem::zeroed();
                libc::sigfillset(&raw mut all);
                libc::sigprocmask(libc::SIG_BLOCK, &raw const all, ptr::null_mut());
                libc::execv(pointers[0], pointers.as_ptr());
            }
        }
        "hosts" => hosts(),
        "host-without-ptrace" => host_without_ptrace(),
        "host-nobody" => host_nobody(),
        other => panic!("nobody is {other}"),
    }
    ExitCode::SUCCESS
}

/// Leaves everything (session, group, parents) and starts something then.
fn daemon(words: &[String]) {
    // SAFETY: system calls with plain numbers, in a process with one thread.
    unsafe {
        if libc::fork() == 0 {
            libc::setsid();
            if libc::fork() == 0 {
                thread::sleep(Duration::from_millis(30));
                let mut command = Command::new(&words[0]);
                command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                let _ = command.status();
            }
            libc::_exit(0);
        }
    }
}

/// A child is stopped and let go on by its parent, who is told of both.
fn stop_and_go() {
    // SAFETY: system calls with plain numbers, in a process with one thread.
    unsafe {
        let mut pipe = [0; 2];
        assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
        let pid = libc::fork();
        let mut byte = 0_u8;
        if pid == 0 {
            for _ in 0..2 {
                libc::kill(libc::getpid(), libc::SIGSTOP);
                // Until its parent has seen that it goes on.
                libc::read(pipe[0], (&raw mut byte).cast(), 1);
            }
            libc::_exit(5);
        }
        for _ in 0..2 {
            let status = wait(pid, libc::WUNTRACED);
            say(&format!("stopped {} by {}\n", libc::WIFSTOPPED(status), libc::WSTOPSIG(status)));
            // It stays stopped: the state is looked at for a while.
            for _ in 0..5 {
                thread::sleep(Duration::from_millis(10));
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("Linux has it");
                let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
                assert!(matches!(state, Some('T' | 't')), "{state:?}");
            }
            libc::kill(pid, libc::SIGCONT);
            say(&format!("went on {}\n", libc::WIFCONTINUED(wait(pid, libc::WCONTINUED))));
            libc::write(pipe[1], (&raw const byte).cast(), 1);
        }
        say(&format!("ended {:x}\n", wait(pid, 0)));
    }
}

/// A signal arrives with what its sender has put into it.
fn queue_a_signal() {
    // SAFETY: plain structures; the signal is blocked, so nothing runs when it comes.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGUSR1);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut());
        let parent = libc::getpid();
        if libc::fork() == 0 {
            let value = libc::sigval { sival_ptr: ptr::without_provenance_mut(4242) };
            libc::sigqueue(parent, libc::SIGUSR1, value);
            libc::_exit(0);
        }
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let signal = libc::sigwaitinfo(&raw const set, &raw mut info);
        say(&format!("{} {} {}", signal == libc::SIGUSR1, info.si_code, info.si_value().sival_ptr.addr()));
    }
}

/// What the kernel says to a child that wants to be traced by its parent.
fn trace_a_child() {
    // SAFETY: system calls with plain numbers.
    unsafe {
        let pid = libc::fork();
        if pid == 0 {
            let answer = libc::ptrace(libc::PTRACE_TRACEME);
            libc::_exit(if answer == 0 { 0 } else { last_error() });
        }
        say(&format!("{}", libc::WEXITSTATUS(wait(pid, 0))));
    }
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux has it").count()
}

fn children_of_this_process() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux has it").flatten();
    tasks
        .map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default())
        .map(|list| list.split_ascii_whitespace().count())
        .sum()
}

/// Many watched runs on several harnesses at once, of all kinds; prints what is left of them.
fn hosts() {
    let runs = |count: usize| {
        let worker = |thread: usize| {
            let harness = Harness::new().expect("a harness");
            for run in 0..count {
                one_of_many(&harness, thread, run);
            }
        };
        thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || worker(thread));
            }
        });
    };
    runs(5);
    let before = descriptors();
    runs(50);
    say(&format!("{} {} {}", before, descriptors(), children_of_this_process()));
}

fn one_of_many(harness: &Harness, thread: usize, run: usize) {
    use hookproof_harness::{Ending, ExecError, FaultAction, FaultReport};
    let watch = Watch::for_patterns(["sleep".parse().expect("a pattern")]);
    let line = format!("sleep 0.0{thread}; echo {thread} {run}");
    let (watch, command) = match run % 5 {
        0 => (watch, HookCommand::shell(line)),
        1 => (watch.fault(crate::kill()), HookCommand::shell(line)),
        2 => (watch.fault(FaultAction::FailExec { error: ExecError::NoMemory }), HookCommand::shell(line)),
        3 => {
            let short = Duration::from_millis(30);
            (watch, HookCommand::shell("sleep 60 & sleep 60").deadline(short).grace(short))
        }
        _ => (watch, HookCommand::shell("sleep 60 & exit 0").leak_grace(Duration::from_millis(20))),
    };
    let observation = harness.run(&command.watch(watch)).expect("a run");
    let report = observation.watch.expect("was asked for");
    match run % 5 {
        0..=2 => {
            assert_eq!(observation.ending, Ending::Exited { code: 0 });
            assert_eq!(observation.stdout.bytes, format!("{thread} {run}\n").into_bytes());
        }
        3 => assert!(matches!(observation.ending, Ending::TimedOut { .. }), "{:?}", observation.ending),
        _ => assert_eq!(observation.leaks.descendants.len(), 1),
    }
    let started = report.matching().count();
    match run % 5 {
        0 => assert_eq!(started, 1),
        1 => assert!(started == 1 && matches!(report.fault, Some(FaultReport::Done(_))), "{report:?}"),
        2 => assert!(started == 0 && matches!(report.fault, Some(FaultReport::Done(_))), "{report:?}"),
        // A deadline that comes before the second start is no defect.
        _ => assert!(started <= 2),
    }
}

/// A host on a system that refuses `ptrace`: made so by a filter for this process.
fn host_without_ptrace() {
    const STEPS: usize = 4;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let refuse = 0x0005_0000 | u32::try_from(libc::EPERM).expect("small");
    let steps: [libc::sock_filter; STEPS] = [
        step(0x20, 0, 0, 0),
        step(0x15, 0, 1, u32::try_from(libc::SYS_ptrace).expect("small")),
        step(0x06, 0, 0, refuse),
        step(0x06, 0, 0, 0x7FFF_0000),
    ];
    let program = libc::sock_fprog { len: STEPS as u16, filter: steps.as_ptr().cast_mut() };
    // SAFETY: the program lives through the calls.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1_u64, 0_u64, 0_u64, 0_u64), 0);
        assert_eq!(libc::syscall(libc::SYS_seccomp, 1, 0, &raw const program), 0);
    }
    host_and_tell();
}

/// A host of a user who owns nothing.
fn host_nobody() {
    // SAFETY: plain numbers; only the superuser can and has to.
    unsafe {
        if libc::getuid() == 0 {
            assert_eq!(libc::setgroups(0, ptr::null()), 0);
            assert_eq!(libc::setgid(65534), 0);
            assert_eq!(libc::setuid(65534), 0);
        }
    }
    host_and_tell();
}

fn host_and_tell() {
    use hookproof_harness::{ClockShift, ExecError, FaultAction};
    // The year begins with 21 then.
    let century = Duration::from_secs(100 * 365 * 86_400);
    let watch = Watch::for_patterns(["sleep".parse().expect("a pattern")])
        .fault(FaultAction::FailExec { error: ExecError::Denied })
        .clock(ClockShift::ahead(century));
    let command = HookCommand::shell("sleep 0.01; echo $?; date +%Y >&2").watch(watch);
    let observation = Harness::new().expect("a harness").run(&command).expect("a run");
    let report = observation.watch.expect("was asked for");
    say(&format!(
        "{} {:?} {:?} {:?} year {}",
        String::from_utf8_lossy(&observation.stdout.bytes).trim(),
        report.coverage,
        report.fault,
        observation.mechanism.gaps,
        String::from_utf8_lossy(&observation.stderr.bytes).trim().rsplit('\n').next().unwrap_or_default()
    ));
}
