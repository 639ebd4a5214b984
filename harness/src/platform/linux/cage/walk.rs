#![allow(unsafe_code)]
//! Every number of a system call through the filter as the kernel has it.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::{mem, ptr};

use libc::{c_int, c_long, sock_filter};

use super::filter::{self, Scope};
use super::table::{self, Verdict};

/// No call fails with this number by itself: it stands for a call that the harness would be asked about.
const ASKED: c_int = 3_000;
/// Numbers that are tried. The newest call of Linux 6.18 has 469.
const NUMBERS: u32 = 600;

/// What a call came to: its number and `errno`, 0 if it succeeded.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outcome {
    number: u32,
    errno: c_int,
}

/// Tries each number once in a process of its own, under the filter; without an outcome for those that did not come back.
fn walk(program: &[sock_filter]) -> io::Result<Vec<Outcome>> {
    let mut ends = [0; 2];
    // SAFETY: between fork and exit the children call the system and nothing else, with numbers and pointers to what lives.
    unsafe {
        if libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) < 0 {
            return Err(io::Error::last_os_error());
        }
        let (reader, writer) = (File::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1]));
        let child = libc::fork();
        if child == 0 {
            let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
            let installed = libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter) == 0;
            if !installed {
                libc::_exit(1);
            }
            for number in 0..NUMBERS {
                let grandchild = libc::fork();
                if grandchild == 0 {
                    attempt(number, writer.as_raw_fd());
                }
                libc::waitpid(grandchild, ptr::null_mut(), 0);
            }
            libc::_exit(0);
        }
        drop(writer);
        let mut status = 0;
        let outcomes = outcomes(reader);
        libc::waitpid(child, &raw mut status, 0);
        if status == 0 { outcomes } else { Err(io::Error::other("the filter was refused")) }
    }
}

/// One call, with arguments that lead nowhere.
///
/// # Safety
///
/// Only in a child that may end.
unsafe fn attempt(number: u32, report: c_int) -> ! {
    // SAFETY: as above; no call finds anything behind these arguments.
    unsafe {
        // Some wait for ever.
        libc::alarm(1);
        let result = libc::syscall(c_long::from(number), -1_i64, -1_i64, -1_i64, -1_i64, -1_i64, -1_i64);
        let errno = if result == -1 { *libc::__errno_location() } else { 0 };
        let outcome = Outcome { number, errno };
        libc::write(report, (&raw const outcome).cast(), mem::size_of::<Outcome>());
        libc::_exit(0)
    }
}

fn outcomes(mut reader: File) -> io::Result<Vec<Outcome>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    let number = |bytes: &[u8]| u32::from_ne_bytes(bytes.try_into().expect("four bytes"));
    let outcome = |b: &[u8]| Outcome { number: number(&b[..4]), errno: number(&b[4..]).cast_signed() };
    Ok(bytes.chunks_exact(mem::size_of::<Outcome>()).map(outcome).collect())
}

/// The filter, with an answer of its own in place of the harness.
fn answered(scope: Scope) -> Vec<sock_filter> {
    let mut program = filter::listening(scope, [1, 2, 3]).expect("a known processor");
    for step in &mut program {
        if u32::from(step.code) == libc::BPF_RET | libc::BPF_K && step.k == libc::SECCOMP_RET_USER_NOTIF {
            step.k = libc::SECCOMP_RET_ERRNO | ASKED.cast_unsigned();
        }
    }
    program
}

#[test]
fn every_number_is_answered_as_the_table_says() {
    let all = Scope { files: true, faults: true, network: true };
    let outcomes = walk(&answered(all)).expect("the filter holds");
    let mut tried = 0;
    for number in 0..NUMBERS {
        let errors: Vec<c_int> =
            outcomes.iter().filter(|outcome| outcome.number == number).map(|outcome| outcome.errno).collect();
        let known = table::find(number);
        let name = known.map_or("unknown", |known| known.name);
        let all_are = |errno: c_int| !errors.is_empty() && errors.iter().all(|error| *error == errno);
        let holds = match known.map(|known| known.verdict) {
            None => all_are(libc::ENOSYS),
            Some(Verdict::Refused { told: true, .. }) => all_are(ASKED),
            Some(Verdict::Refused { errno, .. }) => all_are(errno),
            Some(Verdict::Judged) => all_are(ASKED),
            Some(Verdict::Allowed) => !errors.contains(&ASKED),
        };
        assert!(holds, "{number} ({name}): {errors:?}");
        tried += usize::from(!errors.is_empty());
    }
    // Those that end the process, or wait, say nothing.
    assert!(tried > NUMBERS as usize - 20, "{tried}");
}
