#![allow(unsafe_code)]
//! Capabilities: what makes root more than the owner of root's files.
//!
//! Source: capabilities(7), `cap_bprm_creds_from_file` of the kernel. With `no_new_privs`, an exec never gives more
//! capabilities than the process has, so an empty permitted set stays empty even without `CAP_SETPCAP`, which the
//! bounding set and the secure bits need.

use std::ffi::{c_int, c_ulong};
use std::{mem, ptr};

use crate::platform::unix::errno;

/// `_LINUX_CAPABILITY_VERSION_3`.
const VERSION_3: u32 = 0x2008_0522;
/// The highest number that the interface has room for; the kernel refuses those that it does not know.
const MOST: c_ulong = 63;
/// `SECBIT_*` from linux/securebits.h, each with its lock: user 0 gets nothing at exec, a change of the user gives nothing
/// back, capabilities are not kept over it, and none becomes ambient.
const SECURE_BITS: c_ulong = 0b1110_1111;

/// `CAP_DAC_OVERRIDE` and `CAP_DAC_READ_SEARCH`: what root checks may lie in the home of somebody else, who alone may read
/// and execute it. What is written is Landlock's to refuse, which knows no capabilities.
const OF_FILES: [c_ulong; 2] = [1, 2];

/// Signals for whatever user.
pub(in super::super) const CAP_KILL: u64 = 1 << 5;
/// What starting programs takes: their files and directories, whoever owns them (`CAP_DAC_OVERRIDE`,
/// `CAP_DAC_READ_SEARCH`), signals, their limits (`CAP_SYS_RESOURCE`), watching them (`CAP_SYS_PTRACE`), and giving
/// capabilities up (`CAP_SETPCAP`).
pub(in super::super) const SPAWNER_NEEDS: u64 = 1 << 1 | 1 << 2 | CAP_KILL | 1 << 8 | 1 << 19 | 1 << 24;

#[repr(C)]
struct Header {
    version: u32,
    pid: c_int,
}

#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Gives up every capability of the calling thread for ever, but those to open and execute files. It must have set
/// `no_new_privs`.
///
/// # Errors
/// What the system answers if another capability is left.
///
/// # Safety
///
/// Only in a child, between fork and exec.
pub(super) unsafe fn drop_all_but_those_of_files() -> Result<(), c_int> {
    // SAFETY: system calls with plain numbers, which change the calling thread only.
    unsafe {
        let mut halves = sets()?;
        if halves == [Half::default(); 2] {
            return Ok(());
        }
        let mask = OF_FILES.iter().fold(0, |mask, number| mask | 1 << number);
        let files = halves[0].permitted & mask;
        // The ambient set is what user 0 keeps at an exec that gives it nothing. Nothing can be added to it later.
        libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        halves[0].inheritable |= files;
        if files != 0 && set(halves).is_ok() {
            for number in OF_FILES {
                libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, number, 0, 0);
            }
        }
        // Both need `CAP_SETPCAP`. Without it they change nothing that could be regained.
        for capability in 0..=MOST {
            if libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 {
                break;
            }
        }
        libc::prctl(libc::PR_SET_SECUREBITS, SECURE_BITS, 0, 0, 0);
        let kept = [Half { effective: files, permitted: files, inheritable: files }, Half::default()];
        set(kept)?;
        if sets()? == kept { Ok(()) } else { Err(libc::EPERM) }
    }
}

/// Does something in this thread with no more capabilities than a program in a sandbox has.
pub(super) fn with_those_of_programs<T>(act: impl FnOnce() -> T) -> T {
    let mask = OF_FILES.iter().fold(0, |mask, number| mask | 1 << number);
    // SAFETY: only the effective set of this thread changes, and what is permitted stays.
    unsafe {
        let before = sets().ok().filter(|halves| halves[0].effective & !mask != 0 || halves[1].effective != 0);
        if let Some(mut halves) = before {
            halves[0].effective &= mask;
            halves[1].effective = 0;
            // Whoever may not even do this has no rights to lend.
            set(halves).expect("an effective set can be made smaller");
        }
        let outcome = act();
        if let Some(halves) = before {
            set(halves).expect("what is permitted can be made effective");
        }
        outcome
    }
}

/// Keeps of the effective set what is in `mask`, and of the permitted set either all or the same.
///
/// # Safety
///
/// Only in a helper process.
pub(in super::super) unsafe fn keep(mask: u64, permitted: bool) {
    let masks = [mask as u32, (mask >> 32) as u32];
    // SAFETY: as above.
    unsafe {
        let Ok(mut halves) = sets() else {
            return;
        };
        for (half, mask) in halves.iter_mut().zip(masks) {
            half.effective &= mask;
            if !permitted {
                half.permitted &= mask;
                half.inheritable &= mask;
            }
        }
        let _ = set(halves);
    }
}

/// # Safety
///
/// Any thread may ask.
unsafe fn sets() -> Result<[Half; 2], c_int> {
    let mut header = Header { version: VERSION_3, pid: 0 };
    let mut halves = [Half::default(); 2];
    // SAFETY: the kernel fills two halves for this version.
    let answer = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, halves.as_mut_ptr()) };
    if answer < 0 { Err(errno()) } else { Ok(halves) }
}

/// # Safety
///
/// As [`drop_all_but_those_of_files`].
unsafe fn set(halves: [Half; 2]) -> Result<(), c_int> {
    let mut header = Header { version: VERSION_3, pid: 0 };
    // SAFETY: the kernel reads two halves for this version.
    let answer = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, halves.as_ptr()) };
    if answer < 0 { Err(errno()) } else { Ok(()) }
}

/// Overwrites the variables that the calling process was started with, and lets nobody read its memory.
///
/// # Safety
///
/// Only in a helper process, which uses no variable.
pub(in super::super) unsafe fn forget_variables() {
    /// Fields 50 and 51 of `/proc/PID/stat`, counted behind the name, whose end is field 2.
    const BEHIND_NAME: usize = 48;
    let mut buffer = [0_u8; 1024];
    // SAFETY: the path ends in NUL, the buffer has its size, and the kernel says where the variables are: on the stack that
    // this process has inherited and does not run on.
    unsafe {
        let file = libc::open(c"/proc/thread-self/stat".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file >= 0 {
            let count = libc::read(file, buffer.as_mut_ptr().cast(), buffer.len());
            libc::close(file);
            let text = usize::try_from(count).ok().and_then(|count| buffer.get(..count)).unwrap_or_default();
            let name_end = text.iter().rposition(|byte| *byte == b')').map_or(text.len(), |at| at + 1);
            let mut fields = text.get(name_end..).unwrap_or_default().split(|byte| *byte == b' ').skip(BEHIND_NAME);
            let mut number = || {
                let digits = fields.next()?;
                digits
                    .iter()
                    .filter(|byte| byte.is_ascii_digit())
                    .try_fold(0_usize, |number, digit| number.checked_mul(10)?.checked_add(usize::from(digit - b'0')))
            };
            if let (Some(start), Some(end)) = (number(), number())
                && start != 0
                && start < end
            {
                let variables: *mut u8 = ptr::with_exposed_provenance_mut(start);
                for at in 0..end - start {
                    ptr::write_volatile(variables.add(at), 0);
                }
            }
        }
    }
}

const _: () = assert!(mem::size_of::<Half>() == 12);

#[cfg(test)]
mod tests {
    use std::fs;

    /// What `/proc/self/stat` has at the places that are read.
    #[test]
    fn the_variables_are_where_the_kernel_says() {
        let stat = fs::read_to_string("/proc/self/stat").expect("Linux has it");
        let behind = stat.rsplit_once(')').expect("a name").1;
        let fields: Vec<&str> = behind.split(' ').collect();
        let [start, end]: [usize; 2] = [48, 49].map(|at| fields[at].parse().expect("a number"));
        assert_eq!(end - start, fs::read("/proc/self/environ").expect("own").len());
    }
}
