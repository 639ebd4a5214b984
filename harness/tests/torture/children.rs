#![allow(unsafe_code)]
//! The misbehaving programs.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::hosts;

const LONG: Duration = Duration::from_secs(60);
/// How often a ticker writes to its file.
pub(crate) const TICK: Duration = Duration::from_millis(10);

fn number(args: &[String], index: usize) -> u64 {
    args[index].parse().expect("a number")
}

fn ms(args: &[String], index: usize) -> Duration {
    Duration::from_millis(number(args, index))
}

/// Starts this binary again, as another child.
fn again(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary has a path"));
    command.arg("--misbehave").args(args);
    command
}

/// Entry of every child.
pub(crate) fn misbehave(args: &[String]) -> ExitCode {
    let behaviour = args[0].as_str();
    match behaviour {
        "exit" => return ExitCode::from(u8::try_from(number(args, 1)).expect("a byte")),
        "exit-wide" => std::process::exit(args[1].parse().expect("an exit code")),
        "abort" => std::process::abort(),
        "sleep" => sleep(ms(args, 1)),
        "cat" => cat(),
        "read-some" => {
            let mut some = vec![0; usize::try_from(number(args, 1)).expect("fits")];
            io::stdin().read_exact(&mut some).expect("so much is there");
        }
        "print-args" => print_bytes(&args[1..].join("\n")),
        "print-env" => {
            let variables: Vec<_> =
                std::env::vars_os().map(|(n, v)| format!("{}={}", n.display(), v.display())).collect();
            print_bytes(&variables.join("\n"));
        }
        "print-cwd" => print_bytes(&std::env::current_dir().expect("a directory").display().to_string()),
        "flood" => flood(number(args, 1)),
        "write-first" => {
            flood(number(args, 1));
            io::copy(&mut io::stdin().lock(), &mut io::sink()).expect("reads");
        }
        "both-streams" => {
            io::stdout().write_all(b"out\xff\0\r\n").expect("writes");
            io::stdout().flush().expect("flushes");
            io::stderr().write_all(b"err\xfe").expect("writes");
        }
        "pieces" => {
            for piece in [b"a", b"b"] {
                io::stdout().write_all(piece).expect("writes");
                io::stdout().flush().expect("flushes");
                sleep(ms(args, 1));
            }
        }
        "single-bytes" => {
            let mut stdout = io::stdout();
            for _ in 0..number(args, 1) {
                stdout.write_all(b"x").expect("writes");
                stdout.flush().expect("flushes");
            }
        }
        "write-until-refused" => return write_until_refused(args),
        "close-streams" => {
            close_streams();
            sleep(ms(args, 1));
            return ExitCode::from(3);
        }
        "spin" => {
            let begin = Instant::now();
            while begin.elapsed() < ms(args, 1) {
                std::hint::black_box(behaviour.len());
            }
        }
        "fill-memory" => {
            let memory = vec![1_u8; usize::try_from(number(args, 1)).expect("fits")];
            std::hint::black_box(&memory);
        }
        "hold-memory" => {
            let memory = vec![1_u8; usize::try_from(number(args, 1)).expect("fits")];
            sleep(ms(args, 2));
            std::hint::black_box(&memory);
        }
        // So many children that hold memory; none of them has much.
        "hold-memory-together" => {
            let mut children: Vec<_> = (0..number(args, 1))
                .map(|_| again(&["hold-memory", &args[2], &args[3]]).spawn().expect("starts"))
                .collect();
            for child in &mut children {
                child.wait().expect("ends");
            }
        }
        "write-file" => {
            let bytes = vec![b'x'; usize::try_from(number(args, 2)).expect("fits")];
            let written = std::fs::write(&args[1], bytes);
            print_bytes(if written.is_ok() { "written" } else { "refused" });
        }
        "open-files" => {
            let own = std::env::current_exe().expect("this binary has a path");
            let files: Vec<_> = (0..number(args, 1)).map_while(|_| std::fs::File::open(&own).ok()).collect();
            print_bytes(&files.len().to_string());
        }
        "start-child" => {
            let started = again(&["exit", "0"]).status();
            print_bytes(if started.is_ok_and(|status| status.success()) { "started" } else { "refused" });
        }
        "tick" => tick(&args[1], LONG),
        "tick-for" => tick(&args[1], ms(args, 2)),
        // A descendant that holds our streams, while we end at once or stay.
        "leave-ticker" => drop(again(&["tick", &args[1]]).spawn().expect("starts")),
        "stay-with-ticker" => {
            drop(again(&["tick", &args[1]]).spawn().expect("starts"));
            sleep(LONG);
        }
        "leave-quiet-ticker" => {
            drop(silent(again(&["tick", &args[1]])).spawn().expect("starts"));
        }
        "leave-short-ticker" => {
            drop(again(&["tick-for", &args[1], &args[2]]).spawn().expect("starts"));
        }
        "flooding-orphan" => drop(again(&["flood", "1000000000000"]).spawn().expect("starts")),
        #[cfg(unix)]
        "situation" => return crate::situation::perform(args),
        host if host.starts_with("host-") => return hosts::host(args),
        other => return unix_misbehave(other, args),
    }
    ExitCode::SUCCESS
}

fn silent(mut command: Command) -> Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn print_bytes(text: &str) {
    io::stdout().write_all(text.as_bytes()).expect("writes");
}

/// Passes everything on as it comes, without keeping a part of a line back.
fn cat() {
    let mut buffer = [0; 64 * 1024];
    while let Ok(count) = io::stdin().read(&mut buffer)
        && count > 0
    {
        io::stdout().write_all(&buffer[..count]).expect("writes");
        io::stdout().flush().expect("flushes");
    }
}

fn flood(total: u64) {
    let block = [b'x'; 64 * 1024];
    let mut stdout = io::stdout().lock();
    let mut left = total;
    while left > 0 {
        let count = left.min(block.len() as u64);
        if stdout.write_all(&block[..usize::try_from(count).expect("fits")]).is_err() {
            return;
        }
        left -= count;
    }
    let _ = stdout.flush();
}

/// Writes to one of the output streams until nobody wants to have it, and says on the other one, in case somebody reads
/// that, how many bytes went away: `write-until-refused STREAM PIECE PAUSE-MS`.
fn write_until_refused(args: &[String]) -> ExitCode {
    let (mut stdout, mut stderr) = (io::stdout(), io::stderr());
    let (target, other): (&mut dyn Write, &mut dyn Write) =
        if args[1] == "stdout" { (&mut stdout, &mut stderr) } else { (&mut stderr, &mut stdout) };
    let piece = vec![b'x'; usize::try_from(number(args, 2)).expect("fits")];
    let mut written = 0;
    while target.write_all(&piece).and_then(|()| target.flush()).is_ok() {
        written += piece.len();
        sleep(ms(args, 3));
    }
    let _ = other.write_all(written.to_string().as_bytes());
    let _ = other.flush();
    ExitCode::from(9)
}

/// Appends to a file as long as it lives: who looks at the file knows whether it does.
fn tick(file: &str, life: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < life {
        let mut file = OpenOptions::new().create(true).append(true).open(file).expect("opens");
        file.write_all(b".").expect("writes");
        drop(file);
        sleep(TICK);
    }
}

#[cfg(unix)]
fn close_streams() {
    // SAFETY: nothing uses the streams afterwards.
    unsafe {
        libc::close(1);
        libc::close(2);
    }
}

#[cfg(windows)]
fn close_streams() {
    use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
    // SAFETY: nothing uses the streams afterwards.
    unsafe {
        drop(OwnedHandle::from_raw_handle(io::stdout().as_raw_handle()));
        drop(OwnedHandle::from_raw_handle(io::stderr().as_raw_handle()));
    }
}

#[cfg(windows)]
fn unix_misbehave(behaviour: &str, _args: &[String]) -> ExitCode {
    panic!("there is no behaviour {behaviour}")
}

#[cfg(unix)]
fn unix_misbehave(behaviour: &str, args: &[String]) -> ExitCode {
    // SAFETY: system calls with plain numbers in a process with one thread.
    unsafe {
        match behaviour {
            "signal-self" => {
                libc::kill(libc::getpid(), i32::try_from(number(args, 1)).expect("a signal"));
                sleep(LONG);
            }
            "signal-parent" | "signal-grandparent" => {
                // Something that would stay if nobody cleaned up.
                drop(again(&["tick", &args[2]]).spawn().expect("starts"));
                while !std::path::Path::new(&args[2]).exists() {
                    sleep(TICK);
                }
                let mut target = libc::getppid();
                if behaviour == "signal-grandparent" {
                    target = parent_of(target);
                }
                libc::kill(target, i32::try_from(number(args, 1)).expect("a signal"));
                sleep(ms(args, 3));
            }
            "spin-on" => {
                libc::signal(libc::SIGXCPU, libc::SIG_IGN);
                let begin = Instant::now();
                while begin.elapsed() < LONG {
                    std::hint::black_box(behaviour.len());
                }
            }
            // Children that share all of their parent's memory and write to none of it.
            "share-memory" => {
                let memory = vec![1_u8; usize::try_from(number(args, 2)).expect("fits")];
                for _ in 0..number(args, 1) {
                    if libc::fork() == 0 {
                        sleep(ms(args, 3));
                        libc::_exit(0);
                    }
                }
                sleep(ms(args, 3));
                std::hint::black_box(&memory);
            }
            "leave-memory-daemon" => {
                if libc::fork() == 0 {
                    libc::setsid();
                    if libc::fork() == 0 {
                        drop(silent(again(&["hold-memory", &args[1], "60000"])).spawn().expect("starts"));
                    }
                    libc::_exit(0);
                }
                sleep(LONG);
            }
            // Soft and hard limit of all that can be set.
            "print-limits" => print_bytes(&limits().join("\n")),
            "ignore-term" => {
                libc::signal(libc::SIGTERM, libc::SIG_IGN);
                drop(again(&["tick", &args[1]]).spawn().expect("starts"));
                sleep(LONG);
            }
            // A daemon as the books have it: session of its own, parents gone, streams closed or kept.
            "daemon" | "noisy-daemon" | "short-noisy-daemon" => {
                let life = args.get(2).map_or("60000", String::as_str);
                if libc::fork() == 0 {
                    libc::setsid();
                    if libc::fork() == 0 {
                        let mut command = again(&["tick-for", &args[1], life]);
                        if behaviour == "daemon" {
                            command = silent(command);
                        }
                        drop(command.spawn().expect("starts"));
                    }
                    libc::_exit(0);
                }
            }
            // A new process in a new session every few milliseconds; each parent ends.
            "hop" => {
                let mut generation = 0_u64;
                loop {
                    if libc::fork() != 0 {
                        if generation == 0 {
                            sleep(LONG);
                        }
                        libc::_exit(0);
                    }
                    libc::setsid();
                    generation += 1;
                    std::fs::write(&args[1], generation.to_string()).expect("writes");
                    sleep(Duration::from_millis(3));
                }
            }
            "print-state" => {
                let own_session = libc::getsid(0) == libc::getpid();
                let terminal = std::fs::File::open("/dev/tty").is_ok();
                let open: Vec<_> = (0..1024).filter(|fd| libc::fcntl(*fd, libc::F_GETFD) >= 0).collect();
                let mut core = libc::rlimit { rlim_cur: 1, rlim_max: 1 };
                libc::getrlimit(libc::RLIMIT_CORE, &raw mut core);
                let core = (core.rlim_cur, core.rlim_max);
                print_bytes(&format!("session {own_session} terminal {terminal} open {open:?} core {core:?}"));
            }
            other => panic!("there is no behaviour {other}"),
        }
    }
    ExitCode::SUCCESS
}

/// The fourth field of `/proc/PID/stat`; the names of the helpers contain no space.
#[cfg(unix)]
fn parent_of(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("Linux has it");
    stat.split(' ').nth(3).and_then(|parent| parent.parse().ok()).expect("a parent")
}

#[cfg(unix)]
fn limits() -> Vec<String> {
    let resources = [
        ("address-space", libc::RLIMIT_AS),
        ("data", libc::RLIMIT_DATA),
        ("stack", libc::RLIMIT_STACK),
        ("cpu", libc::RLIMIT_CPU),
        ("open-files", libc::RLIMIT_NOFILE),
        ("file-size", libc::RLIMIT_FSIZE),
        ("processes", libc::RLIMIT_NPROC),
        ("core", libc::RLIMIT_CORE),
    ];
    let show = |(name, resource)| {
        // SAFETY: the call fills a plain structure.
        let limit = unsafe {
            let mut limit: libc::rlimit = std::mem::zeroed();
            libc::getrlimit(resource, &raw mut limit);
            limit
        };
        format!("{name} {} {}", limit.rlim_cur, limit.rlim_max)
    };
    resources.map(show).to_vec()
}

/// The user that owns nothing. Does nothing for who is no superuser.
#[cfg(unix)]
pub(crate) fn become_nobody() {
    const NOBODY: u32 = 65534;
    // SAFETY: system calls with plain numbers.
    unsafe {
        if libc::getuid() == 0 {
            assert_eq!(libc::setgroups(0, std::ptr::null()), 0);
            assert_eq!(libc::setgid(NOBODY), 0);
            assert_eq!(libc::setuid(NOBODY), 0);
        }
    }
}
