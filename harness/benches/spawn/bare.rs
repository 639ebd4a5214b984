#![allow(unsafe_code)]
//! The floor: `posix_spawn` with three pipes, and nothing that supervises.

use std::ffi::{CString, c_char};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::ptr;

/// Starts the program with nothing but `PATH`, gives it the payload, reads stdout and stderr to their end, one after the
/// other, and waits. That would hang with a program that writes more than a pipe holds; ours write nothing.
pub(crate) fn run(program: &str, payload: &[u8]) {
    let program = CString::new(program).expect("no NUL");
    let path = CString::new(format!("PATH={}", std::env::var("PATH").unwrap_or_default())).expect("no NUL");
    let arguments: [*mut c_char; 2] = [program.as_ptr().cast_mut(), ptr::null_mut()];
    let variables: [*mut c_char; 2] = [path.as_ptr().cast_mut(), ptr::null_mut()];
    let pipe = || io::pipe().expect("a pipe");
    let ((child_stdin, mut stdin), (mut stdout, child_stdout), (mut stderr, child_stderr)) = (pipe(), pipe(), pipe());
    let mut pid = 0;
    // SAFETY: the arrays end in null pointers and outlive the call, which fills the structures that it is given.
    unsafe {
        let mut actions = std::mem::zeroed();
        libc::posix_spawn_file_actions_init(&raw mut actions);
        for (from, to) in [(child_stdin.as_raw_fd(), 0), (child_stdout.as_raw_fd(), 1), (child_stderr.as_raw_fd(), 2)] {
            libc::posix_spawn_file_actions_adddup2(&raw mut actions, from, to);
        }
        let error = libc::posix_spawn(
            &raw mut pid,
            program.as_ptr(),
            &raw const actions,
            ptr::null(),
            arguments.as_ptr(),
            variables.as_ptr(),
        );
        assert_eq!(error, 0, "starts");
        libc::posix_spawn_file_actions_destroy(&raw mut actions);
    }
    drop((child_stdin, child_stdout, child_stderr));
    // A program that reads nothing may be gone already.
    let _ = stdin.write_all(payload);
    drop(stdin);
    let mut output = Vec::new();
    stdout.read_to_end(&mut output).expect("reads");
    stderr.read_to_end(&mut output).expect("reads");
    let mut status = -1;
    // SAFETY: our own child, and a number that is written to.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert!(waited == pid && status == 0 && output.is_empty(), "a run");
}
