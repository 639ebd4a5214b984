//! The command line of a program, in the two forms that a pattern is compared with.
//!
//! After an exec both come from the loaded program: its arguments as the kernel laid them out, and the file that was
//! asked for (`AT_EXECFN`), which differs from the first argument for scripts and for whoever names itself otherwise.
//! Before an exec both come from the caller's memory and from the file: where that begins with `#!`, the kernel is
//! going to put the interpreter in front.

use std::ffi::c_int;

use super::super::proc_file::{ProcPath, read_start};
use super::area::{PathRoom, WatchArea, Words};
use super::calls::{read_exactly, read_page};
use super::exec_call::ExecCall;

/// Longest path that is read, as the kernel's own bound.
const LONGEST_PATH: usize = 4096;
/// The kernel looks at so much of a script (`BINPRM_BUF_SIZE`).
const SCRIPT_START: usize = 256;
/// Arguments in front of a script's path that an interpreter can have been given: the kernel follows scripts that name
/// scripts up to four times, with a path and an option each.
const MOST_IN_FRONT: usize = 10;

/// Reads both forms of the program that a process has just loaded.
pub(super) fn read_loaded(area: &mut WatchArea, pid: c_int, wanted_as_called: bool) {
    area.run.clear();
    area.called.clear();
    let count = read_start(&ProcPath::new(pid, b"/cmdline"), area.run.room()).len();
    area.run.grow(count);
    if !wanted_as_called {
        return;
    }
    let Some(file) = file_asked_for(pid) else {
        return;
    };
    if !read_string(pid, file, &mut area.called, LONGEST_PATH) {
        area.called.clear();
        return;
    }
    let rest = behind_program(area.run.as_bytes(), area.called.as_bytes());
    area.called.push(b"\0");
    area.called.push(rest);
}

/// The arguments behind the program, which for a script stands behind its interpreter.
fn behind_program<'a>(run: &'a [u8], file: &[u8]) -> &'a [u8] {
    let mut rest = run;
    for _ in 0..MOST_IN_FRONT {
        let end = rest.iter().position(|byte| *byte == 0);
        let (word, behind) = match end {
            Some(end) => (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default()),
            None => (rest, &[][..]),
        };
        // If it is the first word it is no script.
        if word == file {
            return behind;
        }
        rest = behind;
    }
    let end = run.iter().position(|byte| *byte == 0).map_or(run.len(), |end| end + 1);
    run.get(end..).unwrap_or_default()
}

/// Where in its memory a program finds the name of the file that was executed.
fn file_asked_for(pid: c_int) -> Option<u64> {
    const FILE: u64 = 31;
    let mut buffer = [0; 1024];
    let vector = read_start(&ProcPath::new(pid, b"/auxv"), &mut buffer);
    let word = |pair: &[u8], at: usize| Some(u64::from_ne_bytes(pair.get(at..at + 8)?.try_into().ok()?));
    vector.chunks_exact(16).find(|pair| word(pair, 0) == Some(FILE)).and_then(|pair| word(pair, 8))
}

/// Reads both forms of what a call is going to execute. `None` if the caller's memory cannot be read, `Some(false)` if
/// there is no such program, so that the call is going to fail.
pub(super) fn read_called(area: &mut WatchArea, tid: c_int, call: &ExecCall) -> Option<bool> {
    area.run.clear();
    area.called.clear();
    if !read_string(tid, call.path, &mut area.called, LONGEST_PATH) {
        return None;
    }
    locate(tid, call.directory, area.called.as_bytes(), &mut area.path);
    if !is_program(&area.path) {
        return Some(false);
    }
    let mut start = [0; SCRIPT_START];
    let start = read_head(&area.path, &mut start);
    let script = interpreter(start);
    if let Some((interpreter, option)) = script {
        area.run.push(interpreter);
        area.run.push(b"\0");
        if !option.is_empty() {
            area.run.push(option);
            area.run.push(b"\0");
        }
        area.run.push(area.called.as_bytes());
        area.run.push(b"\0");
    }
    area.called.push(b"\0");
    let mut index = 0;
    loop {
        let size = if call.wide { 8 } else { 4 };
        let mut pointer = [0; 8];
        if call.arguments == 0
            || !read_exactly(tid, call.arguments.wrapping_add(index * size), pointer.get_mut(..size as usize)?)
        {
            break;
        }
        // 4 bytes of a little-endian machine are the lower ones.
        let pointer = u64::from_le_bytes(pointer);
        if pointer == 0 || area.run.room().is_empty() {
            break;
        }
        // A script's own first argument is what the kernel leaves out.
        if index > 0 || script.is_none() {
            let begin = area.run.as_bytes().len();
            if !read_string(tid, pointer, &mut area.run, usize::MAX) {
                return None;
            }
            if index > 0 {
                area.called.push(area.run.as_bytes().get(begin..).unwrap_or_default());
                area.called.push(b"\0");
            }
            area.run.push(b"\0");
        }
        index += 1;
    }
    Some(true)
}

/// What the first line of a script asks for: the interpreter, and everything behind it as one option.
fn interpreter(start: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = start.strip_prefix(b"#!")?;
    let line = trim(line.split(|byte| *byte == b'\n').next().unwrap_or_default());
    let end = line.iter().position(is_blank).unwrap_or(line.len());
    let (interpreter, option) = line.split_at_checked(end)?;
    (!interpreter.is_empty()).then_some((interpreter, trim(option)))
}

/// What the kernel takes for space there; a carriage return is none.
fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trim(line: &[u8]) -> &[u8] {
    let begin = line.iter().position(|byte| !is_blank(byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !is_blank(byte)).map_or(begin, |last| last + 1);
    line.get(begin..end).unwrap_or_default()
}

/// Appends a string of another process. `false` if it cannot be read or is longer than `most`.
fn read_string(tid: c_int, address: u64, words: &mut Words, most: usize) -> bool {
    let mut from = address;
    loop {
        let room = words.room();
        if room.is_empty() {
            // What has no room is not looked at.
            return most == usize::MAX;
        }
        let count = read_page(tid, from, room);
        if count == 0 {
            return false;
        }
        let end = room.get(..count).unwrap_or_default().iter().position(|byte| *byte == 0);
        words.grow(end.unwrap_or(count));
        from = from.wrapping_add(count as u64);
        match end {
            Some(_) => return true,
            None if from.wrapping_sub(address) > most as u64 => return false,
            None => {}
        }
    }
}

/// Says where the file is, as seen from here.
fn locate(tid: c_int, directory: c_int, path: &[u8], room: &mut PathRoom) {
    let mut place = ProcPath::new(tid, b"/");
    if path.starts_with(b"/") {
        place.push(b"root");
    } else if directory == libc::AT_FDCWD {
        place.push(b"cwd/");
    } else {
        place.push(b"fd/");
        place.push_number(directory);
        if !path.is_empty() {
            place.push(b"/");
        }
    }
    let mut length = 0;
    for part in [place.as_bytes(), path] {
        if let Some(room) = room.bytes.get_mut(length..length + part.len()) {
            room.copy_from_slice(part);
            length += part.len();
        }
    }
    if let Some(end) = room.bytes.get_mut(length) {
        *end = 0;
    }
}

/// Whether it is a file that this user may execute.
#[allow(unsafe_code)]
fn is_program(path: &PathRoom) -> bool {
    // SAFETY: the path ends in NUL; stat writes a plain structure.
    unsafe {
        let mut found: libc::stat = std::mem::zeroed();
        libc::stat(path.bytes.as_ptr().cast(), &raw mut found) == 0
            && found.st_mode & libc::S_IFMT == libc::S_IFREG
            && libc::access(path.bytes.as_ptr().cast(), libc::X_OK) == 0
    }
}

/// The first bytes of a file; none if it cannot be read.
#[allow(unsafe_code)]
fn read_head<'a>(path: &PathRoom, buffer: &'a mut [u8]) -> &'a [u8] {
    // SAFETY: the path ends in NUL; the buffer has its length.
    unsafe {
        let file = libc::open(path.bytes.as_ptr().cast(), libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK);
        if file < 0 {
            return &[];
        }
        let count = libc::read(file, buffer.as_mut_ptr().cast(), buffer.len());
        libc::close(file);
        usize::try_from(count).ok().and_then(|count| buffer.get(..count)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain(b"#!/bin/sh\necho", Some(("/bin/sh", "")))]
    #[case::option(b"#! /usr/bin/env  -S python3 -u \nx", Some(("/usr/bin/env", "-S python3 -u")))]
    #[case::no_end(b"#!/bin/sh", Some(("/bin/sh", "")))]
    #[case::carriage_return_belongs_to_it(b"#!/bin/sh\r\n", Some(("/bin/sh\r", "")))]
    #[case::nothing(b"#!\n", None)]
    #[case::binary(b"\x7fELF", None)]
    #[case::empty(b"", None)]
    fn what_a_script_asks_for(#[case] start: &[u8], #[case] expected: Option<(&str, &str)>) {
        assert_eq!(interpreter(start), expected.map(|(path, option)| (path.as_bytes(), option.as_bytes())));
    }

    #[rstest]
    #[case::program(b"sleep\x0060", b"/bin/sleep", b"60")]
    #[case::script(b"/bin/sh\0/x/tool\0a\0b", b"/x/tool", b"a\0b")]
    #[case::script_with_option(b"/bin/sh\0-e\0/x/tool", b"/x/tool", b"")]
    #[case::itself_as_an_argument(b"/x/tool\0/x/tool\0a", b"/x/tool", b"/x/tool\0a")]
    #[case::no_arguments(b"/x/tool", b"/x/tool", b"")]
    #[case::nothing(b"", b"/x/tool", b"")]
    fn what_stands_behind_the_program(#[case] run: &[u8], #[case] file: &[u8], #[case] expected: &[u8]) {
        assert_eq!(behind_program(run, file), expected);
    }

    #[test]
    fn own_strings_and_the_own_file_can_be_read() {
        let own = i32::try_from(std::process::id()).expect("an id");
        #[allow(unsafe_code)]
        // SAFETY: plain numbers, for which zero is a value.
        let mut words = unsafe { Box::<Words>::new_zeroed().assume_init() };
        let text = c"some text".as_ptr().addr() as u64;
        assert!(read_string(own, text, &mut words, 100));
        assert_eq!(words.as_bytes(), b"some text");
        assert!(!read_string(own, 1, &mut words, 100), "nothing is there");
        words.clear();
        assert!(read_string(own, file_asked_for(own).expect("is there"), &mut words, LONGEST_PATH));
        assert!(words.as_bytes().len() > 5);
    }
}
