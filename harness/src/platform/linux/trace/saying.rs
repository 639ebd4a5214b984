//! A program that says why it fails: a shell in its place, and the memory that the shell's arguments stand in.

use std::ffi::c_int;
use std::path::Path;

use super::area::LONGEST_SCRIPT;
use super::calls::write_exactly;
use super::exec_call::{ExecCall, execute_instead};
use crate::watch::SaidOn;

const SHELL: &str = "/bin/sh";
/// The words that stand in front of the script, each with its end.
const IN_FRONT: &[u8] = b"/bin/sh\0-c\0";
/// Where the second word begins.
const OPTION_AT: u64 = 8;
/// Three addresses and the end of the list.
const LIST: usize = 4 * 8;
const LARGEST: usize = LIST + IN_FRONT.len() + LONGEST_SCRIPT + 1;
/// Functions that call no others may use so much below the end of their stack (System V ABI of x86-64; AArch64 has none).
const RED_ZONE: u64 = 128;

/// What a shell is told, so that it says the text and fails.
///
/// # Errors
/// Why it cannot be said.
pub(super) fn script(text: &str, on: SaidOn) -> Result<String, String> {
    if text.contains('\0') {
        return Err("no program can be told to say a NUL".into());
    }
    if !Path::new(SHELL).exists() {
        return Err(format!("there is no {SHELL} that could say why the program fails"));
    }
    let quoted = text.replace('\'', "'\\''");
    let stream = match on {
        SaidOn::Stdout => "",
        SaidOn::Stderr => " >&2",
    };
    let script = format!("printf '%s\\n' '{quoted}'{stream}; exit 1");
    if script.len() > LONGEST_SCRIPT {
        return Err(format!("what the program is to say is too long: {} bytes", text.len()));
    }
    Ok(script)
}

/// Makes the call one of a shell that runs the script; not one of a program of the 32-bit kind. The shell's arguments are written below the caller's stack.
///
/// They must fit there even if it is a stack that the caller shares with its parent until the exec (`vfork`), and the
/// smallest of those are of programs in Go: what their compiler checks leaves about 600 bytes below the call.
pub(super) fn say_instead(tid: c_int, call: &ExecCall, script: &[u8]) -> bool {
    if !call.wide {
        return false;
    }
    let size = (LIST + IN_FRONT.len() + script.len() + 1) as u64;
    let Some(base) = call.stack.checked_sub(RED_ZONE + size).map(|end| end & !15) else {
        return false;
    };
    let mut room = [0; LARGEST];
    let Some(image) = lay_out(base, script, &mut room) else {
        return false;
    };
    write_exactly(tid, base, image) && execute_instead(tid, call, base + LIST as u64, base)
}

/// The list of arguments for an address, with the words behind it. `None` if there is no room.
fn lay_out<'a>(base: u64, script: &[u8], room: &'a mut [u8]) -> Option<&'a [u8]> {
    let words = base + LIST as u64;
    let list = [words, words + OPTION_AT, words + IN_FRONT.len() as u64, 0];
    for (place, address) in room.chunks_exact_mut(8).zip(list) {
        place.copy_from_slice(&address.to_ne_bytes());
    }
    let behind = LIST + IN_FRONT.len();
    let end = behind + script.len();
    room.get_mut(LIST..behind)?.copy_from_slice(IN_FRONT);
    room.get_mut(behind..end)?.copy_from_slice(script);
    *room.get_mut(end)? = 0;
    room.get(..=end)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_says_the_text_as_it_is() {
        for text in ["plain", "it's 100 % \\n \"so\" $HOME `id`", "two\nlines", "", "-n"] {
            let said = |on| {
                let script = script(text, on).expect("fits");
                Command::new(SHELL).args(["-c", &script]).output().expect("runs")
            };
            let line = format!("{text}\n").into_bytes();
            let (out, err) = (said(SaidOn::Stdout), said(SaidOn::Stderr));
            assert_eq!((out.status.code(), &out.stdout, out.stderr.len()), (Some(1), &line, 0));
            assert_eq!((err.status.code(), err.stdout.len(), &err.stderr), (Some(1), 0, &line));
        }
    }

    #[test]
    fn what_does_not_fit_is_not_said() {
        for on in [SaidOn::Stdout, SaidOn::Stderr] {
            assert!(script(&"x".repeat(200), on).is_ok() && script(&"'".repeat(50), on).is_ok());
            assert!(script(&"x".repeat(LONGEST_SCRIPT), on).is_err_and(|because| because.contains("256 bytes")));
            assert!(script("a\0b", on).is_err());
        }
    }

    #[test]
    fn addresses_lead_to_words() {
        let base = 0x7FFF_0000_1000;
        let mut room = [0xFF; LARGEST];
        let longest = [b'x'; LONGEST_SCRIPT];
        for script in [b"exit".as_slice(), &longest] {
            let image = lay_out(base, script, &mut room).expect("fits");
            let word = |index: usize| {
                let address = u64::from_ne_bytes(image[index * 8..][..8].try_into().unwrap());
                let rest = &image[usize::try_from(address - base).unwrap()..];
                &rest[..rest.iter().position(|byte| *byte == 0).unwrap()]
            };
            assert_eq!((word(0), word(1), word(2)), (b"/bin/sh".as_slice(), b"-c".as_slice(), script));
            assert_eq!(image[24..32], [0; 8]);
        }
        assert!(lay_out(base, &[b'x'; LONGEST_SCRIPT + 1], &mut room).is_none());
    }
}
