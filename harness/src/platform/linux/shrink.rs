#![allow(unsafe_code)]
//! Gives back the memory that a helper inherits from a large harness.
//!
//! A forked helper starts with all pages of the harness, and the kernel reports the peak of whoever started a program
//! as the program's own (`setmax_mm_hiwater_rss` in exec). The helper needs its code, its static data and the shared
//! memory; heaps, thread stacks and captured output are dropped, and the peak is set back.

use std::ffi::c_int;

/// Smaller mappings stay: they are not worth a call, and static data of libraries may be among them.
const WORTH_IT: usize = 256 * 1024;
/// No program has more zeroed static data that a helper would need. What is larger only happens to lie there.
const MOST_STATIC: usize = 16 * 1024 * 1024;
/// What is kept on either side of the thread's own data, which the C library reads at any time (`errno`, for one).
const AROUND_THREAD_DATA: usize = 64 * 1024;

/// Drops what the helper does not need and starts counting its peak anew.
///
/// # Safety
///
/// Only in a helper process, whose stack is in the shared memory and which never uses the heap.
pub(super) unsafe fn shrink() {
    // SAFETY: private anonymous memory of this process, which nobody uses any more by the contract.
    unsafe {
        drop_inherited();
        // 5 resets the peak resident size, see proc_pid_clear_refs(5).
        let file = libc::open(c"/proc/self/clear_refs".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if file >= 0 {
            libc::write(file, b"5".as_ptr().cast(), 1);
            libc::close(file);
        }
    }
}

/// # Safety
///
/// As [`shrink`].
unsafe fn drop_inherited() {
    // SAFETY: reads a file into a local buffer; see `Lines`.
    unsafe {
        let file = libc::open(c"/proc/self/maps".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return;
        }
        let thread_data = libc::__errno_location().addr();
        let mut mappings = Mappings { file, buffer: [0; 4096], filled: 0, at: 0 };
        // Where the last mapping of a program file ended: what follows it without a gap is that file's static data.
        let mut file_end = 0;
        while let Some(mapping) = mappings.next() {
            let size = mapping.end - mapping.start;
            if !mapping.anonymous {
                file_end = if mapping.private { mapping.end } else { 0 };
            } else if mapping.start == file_end && size < MOST_STATIC {
                file_end = mapping.end;
            } else if mapping.private && size >= WORTH_IT {
                let keep_from = thread_data.saturating_sub(AROUND_THREAD_DATA) & !0xFFFF;
                let keep_to = (thread_data + AROUND_THREAD_DATA).next_multiple_of(0x1_0000);
                discard(mapping.start, mapping.end.min(keep_from));
                discard(mapping.start.max(keep_to), mapping.end);
            }
        }
        libc::close(file);
    }
}

/// # Safety
///
/// As [`shrink`].
unsafe fn discard(start: usize, end: usize) {
    if start < end {
        // SAFETY: pages that nobody in this process uses any more. Fails for kinds of memory that cannot be dropped.
        unsafe { libc::madvise(std::ptr::with_exposed_provenance_mut(start), end - start, libc::MADV_DONTNEED) };
    }
}

/// One line of `/proc/self/maps`.
struct Mapping {
    start: usize,
    end: usize,
    private: bool,
    /// Heap, stacks and nameless mappings.
    anonymous: bool,
}

/// Reads `/proc/self/maps` line by line through a fixed buffer.
struct Mappings {
    file: c_int,
    buffer: [u8; 4096],
    filled: usize,
    at: usize,
}

impl Mappings {
    fn byte(&mut self) -> Option<u8> {
        if self.at == self.filled {
            // SAFETY: the buffer has its size.
            let count = unsafe { libc::read(self.file, self.buffer.as_mut_ptr().cast(), self.buffer.len()) };
            self.filled = usize::try_from(count).ok().filter(|count| *count > 0)?;
            self.at = 0;
        }
        let byte = self.buffer.get(self.at).copied();
        self.at += 1;
        byte
    }

    /// `start-end perms offset device inode    name`.
    fn next(&mut self) -> Option<Mapping> {
        let start = self.hexadecimal()?;
        let end = self.hexadecimal()?;
        let mut private = false;
        // Column 0 is the permissions, 1 offset, 2 device, 3 inode, 4 the name after some spaces.
        let mut column = 0;
        let mut has_inode = false;
        let mut name = [0_u8; 6];
        let mut length = 0;
        loop {
            match self.byte()? {
                b'\n' => break,
                b' ' if column < 4 => column += 1,
                b' ' if length == 0 => {}
                byte if column == 0 => private |= byte == b'p',
                byte if column == 3 => has_inode |= byte != b'0',
                byte if column == 4 => {
                    if let Some(place) = name.get_mut(length) {
                        *place = byte;
                    }
                    length += 1;
                }
                _ => {}
            }
        }
        let named = name.starts_with(b"[heap]") || name.starts_with(b"[stack") || name.starts_with(b"[anon:");
        Some(Mapping { start, end, private, anonymous: !has_inode && (length == 0 || named) })
    }

    /// A number and the character after it.
    fn hexadecimal(&mut self) -> Option<usize> {
        let mut number: usize = 0;
        loop {
            let digit = match self.byte()? {
                byte @ b'0'..=b'9' => byte - b'0',
                byte @ b'a'..=b'f' => byte - b'a' + 10,
                _ => return Some(number),
            };
            number = number.wrapping_shl(4) | usize::from(digit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsRawFd;

    #[test]
    fn mappings_are_read_as_the_system_writes_them() {
        let file = File::open("/proc/self/maps").expect("Linux has it");
        let mut mappings = Mappings { file: file.as_raw_fd(), buffer: [0; 4096], filled: 0, at: 0 };
        let big = vec![1_u8; 8 * 1024 * 1024];
        let on_heap = big.as_ptr().addr();
        let in_code = mappings_are_read_as_the_system_writes_them as fn() as usize;
        let (mut heap_seen, mut code_seen) = (false, false);
        while let Some(mapping) = mappings.next() {
            assert!(mapping.start < mapping.end);
            let holds = |address: usize| (mapping.start..mapping.end).contains(&address);
            heap_seen |= holds(on_heap) && mapping.anonymous && mapping.private;
            code_seen |= holds(in_code) && !mapping.anonymous;
        }
        assert!(heap_seen && code_seen);
    }
}
