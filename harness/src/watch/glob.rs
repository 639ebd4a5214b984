//! Comparing a command line with a pattern. It allocates nothing and panics nowhere, because it also runs in processes
//! that must not.

/// Whether a pattern fits a command line, whose words end in NUL (the last one may do without).
///
/// `name_of` takes the file name out of the first word; it is used unless the first word of the pattern contains a `/`.
pub(crate) fn glob(pattern: &[u8], words: &[u8], name_of: fn(&[u8]) -> &[u8]) -> bool {
    let pattern_first = pattern.iter().position(|byte| *byte == b' ').unwrap_or(pattern.len());
    let with_folder = pattern.get(..pattern_first).is_some_and(|first| first.contains(&b'/'));
    let end = words.iter().position(|byte| *byte == 0).unwrap_or(words.len());
    let program = words.get(..end).unwrap_or_default();
    let program = if with_folder { program } else { name_of(program) };
    let text = Text { program, rest: words.get(end..).unwrap_or_default() };
    fits(pattern, &text)
}

/// Whether a pattern may fit a command line of which only the program is known.
#[cfg_attr(not(any(windows, test)), allow(dead_code, reason = "elsewhere command lines are told"))]
pub(crate) fn begins(pattern: &[u8], program: &[u8], name_of: fn(&[u8]) -> &[u8]) -> bool {
    // As long as nothing but the first word of the pattern is looked at, further words can change nothing.
    let first = pattern.split(|byte| *byte == b' ').next().unwrap_or_default();
    let program = if first.contains(&b'/') { program } else { name_of(program) };
    match first.iter().position(|byte| matches!(byte, b'*' | b'?')) {
        Some(wildcard) => first.get(..wildcard).is_some_and(|head| program.starts_with(head)),
        None => first == program,
    }
}

/// The program's word, as it counts, and everything behind it.
struct Text<'a> {
    program: &'a [u8],
    rest: &'a [u8],
}

impl Text<'_> {
    /// `None` behind the last byte.
    fn at(&self, index: usize) -> Option<u8> {
        match index.checked_sub(self.program.len()) {
            None => self.program.get(index).copied(),
            Some(index) => self.rest.get(index).copied(),
        }
    }

    /// Where the next character begins.
    fn after(&self, index: usize) -> usize {
        let mut next = index + 1;
        if self.at(index).is_some_and(|byte| byte >= 0xC0) {
            while self.at(next).is_some_and(|byte| byte & 0xC0 == 0x80) {
                next += 1;
            }
        }
        next
    }
}

fn fits(pattern: &[u8], text: &Text<'_>) -> bool {
    let (mut p, mut t) = (0, 0);
    // Behind the last star, and how much of the text that star has been given.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let here = text.at(t);
        let matched = match (pattern.get(p), here) {
            (Some(b'*'), _) => {
                p += 1;
                star = Some((p, t));
                continue;
            }
            // The pattern is over where a word is.
            (None, None | Some(0)) => return true,
            (None, Some(_)) | (Some(_), None) => None,
            (Some(b'?'), Some(_)) => Some(text.after(t)),
            // Words are joined by a space.
            (Some(b' '), Some(0)) => Some(t + 1),
            (Some(wanted), Some(byte)) if *wanted == byte => Some(t + 1),
            _ => None,
        };
        match (matched, star) {
            (Some(next), _) => (p, t) = (p + 1, next),
            (None, Some((behind, given))) if text.at(given).is_some() => {
                (p, t) = (behind, given + 1);
                star = Some((behind, given + 1));
            }
            (None, _) => return false,
        }
    }
}
