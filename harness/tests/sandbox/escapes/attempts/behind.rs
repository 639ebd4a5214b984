//! What stays when the program is gone.

use std::fs;
use std::io;
use std::process;
use std::ptr;

use super::super::canaries::queue;
use super::super::{answer, here, variable};

fn name() -> String {
    format!("/dev/shm/hookproof-escape-{}", process::id())
}

pub(super) fn shared_memory_file() -> io::Result<()> {
    fs::write(name(), "left")?;
    fs::create_dir(name() + "-directory")?;
    fs::write(name() + "-directory/file", "left")
}

pub(super) fn renamed_shared_memory_file() -> io::Result<()> {
    fs::write(name(), "left")?;
    fs::rename(name(), name() + "-renamed")?;
    fs::hard_link(name() + "-renamed", name() + "-linked")
}

pub(super) fn shared_memory() -> io::Result<()> {
    // SAFETY: numbers.
    unsafe { answer(libc::shmget(libc::IPC_PRIVATE, 4096, libc::IPC_CREAT | 0o600)) }
}

pub(super) fn semaphores() -> io::Result<()> {
    // SAFETY: numbers.
    unsafe { answer(libc::semget(process::id().cast_signed() | 0x4000_0000, 1, libc::IPC_CREAT | 0o600)) }
}

pub(super) fn messages() -> io::Result<()> {
    // SAFETY: numbers.
    unsafe { answer(libc::msgget(libc::IPC_PRIVATE, libc::IPC_CREAT | 0o600)) }
}

pub(super) fn message_queue() -> io::Result<()> {
    let name = queue(&here());
    // SAFETY: the name ends in NUL.
    unsafe { answer(libc::mq_open(name.as_ptr(), libc::O_CREAT | libc::O_RDWR, 0o600, std::ptr::null::<()>())) }
}

pub(super) fn foreign_shared_memory_file() -> io::Result<()> {
    fs::write(variable("SHARED_FILE"), "after")?;
    fs::remove_file(variable("SHARED_FILE"))
}

/// By its number, which anybody can guess.
pub(super) fn foreign_shared_memory() -> io::Result<()> {
    let number: i32 = variable("SHARED_MEMORY").to_string_lossy().parse().expect("a number");
    // SAFETY: the memory has one page, of which one byte is written.
    unsafe {
        let memory = libc::shmat(number, ptr::null(), 0).cast::<u8>();
        if memory.addr() != usize::MAX {
            memory.write_volatile(1);
            return Ok(());
        }
        answer(libc::shmctl(number, libc::IPC_RMID, ptr::null_mut()))
    }
}

/// A daemon in a session of its own.
pub(super) fn process() -> io::Result<()> {
    // SAFETY: the child only waits.
    unsafe {
        let child = libc::fork();
        answer(child)?;
        if child == 0 {
            libc::setsid();
            for stream in 0..3 {
                libc::close(stream);
            }
            libc::sleep(60);
            libc::_exit(0);
        }
    }
    Ok(())
}
