//! What is judged is exchanged before the kernel looks at it: by another thread, in memory or in the table of descriptors.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use std::{mem, ptr};

use super::super::{answer, here, there};
use super::network::{FAR, address, peer};

/// How long an exchange is tried.
const PATIENCE: Duration = Duration::from_millis(150);

/// Does `exchange` again and again in another thread, and `act` in this one, until `is_out` sees an effect.
fn race(exchange: impl Fn(bool) + Sync, act: impl Fn(), is_out: impl Fn() -> bool) -> io::Result<()> {
    let over = AtomicBool::new(false);
    let out = thread::scope(|scope| {
        scope.spawn(|| {
            let mut turn = false;
            while !over.load(Ordering::Relaxed) {
                exchange(turn);
                turn = !turn;
            }
        });
        let start = Instant::now();
        let mut out = false;
        while !out && start.elapsed() < PATIENCE {
            act();
            out = is_out();
        }
        over.store(true, Ordering::Relaxed);
        out
    });
    if out { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// Names of one letter: `a` is a file inside, `b` leads to the one outside.
fn two_names() -> io::Result<()> {
    for name in ["a", "b"] {
        let _ = fs::remove_file(here().join(name));
    }
    fs::write(here().join("a"), "own")?;
    symlink(there().join("file"), here().join("b"))
}

fn mode_outside() -> u32 {
    fs::metadata(there().join("file")).map_or(0, |facts| facts.permissions().mode())
}

/// A path in memory whose last letter changes.
fn exchanged_name(act: impl Fn(*const libc::c_char) + Sync, is_out: impl Fn() -> bool) -> io::Result<()> {
    two_names()?;
    let mut text = here().join("a").into_os_string().into_encoded_bytes();
    let last = text.len() - 1;
    text.push(0);
    let text: Vec<AtomicU8> = text.into_iter().map(AtomicU8::new).collect();
    race(
        |turn| text[last].store(if turn { b'a' } else { b'b' }, Ordering::Relaxed),
        || act(text.as_ptr().cast()),
        is_out,
    )
}

pub(super) fn mode_by_name() -> io::Result<()> {
    let before = mode_outside();
    // SAFETY: the path ends in NUL, whichever letter is before it.
    exchanged_name(|path| unsafe { _ = libc::chmod(path, 0o604) }, || mode_outside() != before)
}

pub(super) fn times_by_name() -> io::Result<()> {
    let time = || fs::metadata(there().join("file")).map_or(0, |facts| facts.mtime());
    let before = time();
    let past = [libc::timespec { tv_sec: 1, tv_nsec: 0 }; 2];
    let act = |path| {
        // SAFETY: the path ends in NUL; the kernel reads two times.
        unsafe { libc::utimensat(libc::AT_FDCWD, path, past.as_ptr(), 0) };
    };
    exchanged_name(act, || time() != before)
}

/// The group to which the file belongs already takes the time of the change with it.
pub(super) fn owner_by_name() -> io::Result<()> {
    let change = || fs::metadata(there().join("file")).map_or((0, 0), |facts| (facts.ctime(), facts.ctime_nsec()));
    let before = change();
    let group = fs::metadata(there().join("file"))?.gid();
    // SAFETY: as above.
    exchanged_name(|path| unsafe { _ = libc::chown(path, u32::MAX, group) }, || change() != before)
}

pub(super) fn attribute_by_name() -> io::Result<()> {
    let path = super::text(&there().join("file"));
    let name = c"user.hookproof";
    // SAFETY: all texts end in NUL; nothing is written to a buffer of no size.
    let has = || unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), ptr::null_mut(), 0) >= 0 };
    let act = |path| {
        // SAFETY: as above; one byte is read.
        unsafe { libc::setxattr(path, name.as_ptr(), b"x".as_ptr().cast(), 1, 0) };
    };
    exchanged_name(act, has)
}

pub(super) fn mode_by_descriptor() -> io::Result<()> {
    two_names()?;
    let (own, other) = (File::open(here().join("a"))?, File::open(there().join("file"))?);
    let number = own.try_clone()?;
    let before = mode_outside();
    let exchange = |turn| {
        let from = if turn { &own } else { &other };
        // SAFETY: both are open; whoever closes the second closes a file.
        unsafe { libc::dup2(from.as_raw_fd(), number.as_raw_fd()) };
    };
    // SAFETY: numbers.
    race(exchange, || unsafe { _ = libc::fchmod(number.as_raw_fd(), 0o604) }, || mode_outside() != before)
}

/// The path cannot be read while it is judged.
pub(super) fn hidden_name() -> io::Result<()> {
    const SIZE: usize = 4096;
    let before = mode_outside();
    let path = super::text(&there().join("file"));
    // SAFETY: a page of its own, of which only the kernel reads after the text was put there.
    unsafe {
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let page = libc::mmap(ptr::null_mut(), SIZE, libc::PROT_READ | libc::PROT_WRITE, kind, -1, 0);
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        ptr::copy_nonoverlapping(path.as_ptr().cast::<u8>(), page.cast(), path.as_bytes_with_nul().len());
        let at = page.addr();
        race(
            move |turn| {
                let page = ptr::with_exposed_provenance_mut(at);
                libc::mprotect(page, SIZE, if turn { libc::PROT_READ } else { libc::PROT_NONE });
            },
            || _ = libc::chmod(page.cast(), 0o604),
            || mode_outside() != before,
        )
    }
}

/// No packet is sent by this.
pub(super) fn datagrams_to_another_address() -> io::Result<()> {
    // SAFETY: the structures live until the calls return.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0);
        answer(socket)?;
        let name = address(libc::AF_INET, [127, 0, 0, 1], 9);
        let bytes: [u8; 16] = mem::transmute(name);
        let bytes = bytes.map(AtomicU8::new);
        race(
            |turn| {
                for (at, byte) in (4..8).zip(if turn { [127, 0, 0, 1] } else { FAR }) {
                    bytes[at].store(byte, Ordering::Relaxed);
                }
            },
            || _ = libc::connect(socket, bytes.as_ptr().cast(), 16),
            || peer(socket).is_some_and(|ip| ip == FAR),
        )
    }
}
