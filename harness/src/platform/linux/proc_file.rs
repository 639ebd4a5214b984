#![allow(unsafe_code)]
//! Files below `/proc`, read without allocating.

use std::ffi::{c_char, c_int};

/// A path below `/proc`, put together without allocating. Always ends in NUL.
pub(super) struct ProcPath {
    bytes: [u8; 64],
    length: usize,
}

impl ProcPath {
    pub(super) fn new(pid: c_int, rest: &[u8]) -> Self {
        let mut path = ProcPath { bytes: [0; 64], length: 0 };
        path.push(b"/proc/");
        path.push_number(pid);
        path.push(rest);
        path
    }

    pub(super) fn push(&mut self, text: &[u8]) {
        for byte in text {
            // One byte stays 0, so that the path always ends.
            if self.length + 1 < self.bytes.len() {
                self.bytes[self.length] = *byte;
                self.length += 1;
            }
        }
    }

    pub(super) fn push_number(&mut self, number: c_int) {
        let mut digits = [0; 10];
        let mut at = digits.len();
        let mut rest = number.unsigned_abs();
        while at > 0 {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if let Some(digits) = digits.get(at..) {
            self.push(digits);
        }
    }

    /// The path without its NUL.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    pub(super) fn as_ptr(&self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }
}

/// Reads the beginning of a file into a buffer; nothing if it cannot be read.
pub(super) fn read_start<'a>(path: &ProcPath, buffer: &'a mut [u8]) -> &'a [u8] {
    let mut filled = 0;
    // SAFETY: the path ends in NUL; each read gets the rest of the buffer and its length.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return &[];
        }
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match usize::try_from(libc::read(file, rest.as_mut_ptr().cast(), rest.len())) {
                Ok(count) if count > 0 => filled += count,
                _ => break,
            }
        }
        libc::close(file);
    }
    buffer.get(..filled).unwrap_or_default()
}

/// `/proc/PID/status` of a process or a thread.
pub(super) struct ProcStatus {
    text: [u8; 4096],
    length: usize,
}

impl ProcStatus {
    /// `None` if there is no such process.
    pub(super) fn of(pid: c_int) -> Option<Self> {
        let mut status = ProcStatus { text: [0; 4096], length: 0 };
        status.length = read_start(&ProcPath::new(pid, b"/status"), &mut status.text).len();
        (status.length > 0).then_some(status)
    }

    /// The number behind a name such as `Tgid:`.
    pub(super) fn number(&self, name: &[u8], radix: u32) -> Option<u64> {
        let text = self.text.get(..self.length)?;
        let line = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(name))?;
        let mut number: u64 = 0;
        for byte in line.trim_ascii() {
            let digit = char::from(*byte).to_digit(radix)?;
            number = number.wrapping_mul(u64::from(radix)).wrapping_add(u64::from(digit));
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_this_thread_can_be_read() {
        // SAFETY: asks for the thread's own id.
        let thread = unsafe { libc::gettid() };
        let status = ProcStatus::of(thread).expect("this thread is there");
        assert_eq!(status.number(b"Tgid:", 10), Some(u64::from(std::process::id())));
        assert_eq!(status.number(b"SigCgt:", 16).map(|set| set & (1 << (libc::SIGSEGV - 1)) != 0), Some(true));
        assert_eq!(status.number(b"Nonsense:", 10), None);
        assert!(ProcStatus::of(c_int::MAX).is_none());
    }

    #[test]
    fn a_path_has_its_number_and_its_end() {
        let mut path = ProcPath::new(1_234_567_890, b"/task/");
        path.push_number(7);
        assert_eq!(path.as_bytes(), b"/proc/1234567890/task/7");
        path.push(&[b'x'; 100]);
        assert_eq!(path.bytes.last(), Some(&0));
    }
}
