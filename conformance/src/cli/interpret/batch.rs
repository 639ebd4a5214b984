//! `hookproof interpret --batch`: JSON lines in, one answer a line out, in order.
//!
//! One thread reads stdin into an [`Inbox`]. The caller takes all whole lines that are there, has them answered on all
//! processors, and writes the answers before it takes more: whoever talks to us line by line gets each answer at once, and
//! whoever sends a file has it read while earlier lines are answered.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookproof::contract::{Contract, Library};
use hookproof::oracle::{Ended, Facts, interpret};
use hookproof::outside;
use hookproof::report::{json_line, write_json_line};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::super::{CliError, Exit};

/// Bytes that are read ahead while lines are answered, unless a single line is longer.
const AHEAD: usize = 1024 * 1024;
/// Bytes of one read.
const READ: usize = 64 * 1024;
/// Fewer bytes than that are answered sooner than another thread is started.
const WORTH_A_THREAD: usize = 16 * 1024;

/// One line.
#[derive(Debug, Deserialize)]
struct Line<'l> {
    #[serde(borrow)]
    id: Option<&'l RawValue>,
    platform: String,
    version: Option<String>,
    event: String,
    hook: Hook,
    tool: Option<String>,
    #[serde(default, borrow)]
    handler: Option<BTreeMap<String, &'l RawValue>>,
}

/// The part of a line that comes back as it was, whatever the rest is.
#[derive(Debug, Deserialize)]
struct Identity<'l> {
    #[serde(borrow)]
    id: Option<&'l RawValue>,
}

#[derive(Debug, Deserialize)]
struct Hook {
    exit: Option<i32>,
    signal: Option<i32>,
    timed_out: Option<bool>,
    stdout: Option<String>,
    stderr: Option<String>,
    stdout_base64: Option<String>,
    stderr_base64: Option<String>,
    stdout_held: Option<bool>,
}

/// Answers every line of stdin.
pub(super) fn run(library: &Library) -> Result<Exit, CliError> {
    let inbox = Arc::new(Inbox::default());
    let reader = Arc::clone(&inbox);
    // The thread ends with the process: where nobody reads our answers any more, it may still wait for input.
    thread::Builder::new()
        .spawn(move || reader.fill(io::stdin().lock()))
        .map_err(|error| CliError::Harness(format!("failed to start a thread: {error}")))?;
    let contracts = Contracts { library, known: Mutex::default() };
    let mut out = io::stdout().lock();
    while let Some(lines) = inbox.take()? {
        for answers in answered(&contracts, &lines) {
            out.write_all(&answers)?;
        }
        out.flush()?;
    }
    Ok(Exit::Conforms)
}

/// What was read and not yet answered.
#[derive(Default)]
struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    /// So many of the bytes are known to hold no end of a line.
    searched: usize,
    /// Whether the rest of a line is passed over that was too long.
    skips: bool,
    ended: Option<io::Result<()>>,
}

/// What is answered next.
enum Lines {
    /// Whole lines; only the last of all may have no end.
    Whole(Vec<u8>),
    /// A line that is larger than [`outside::ROW`].
    TooLong,
}

impl Inbox {
    /// Reads to the end.
    fn fill(&self, mut input: impl Read) {
        let mut buffer = vec![0; READ];
        loop {
            let read = match input.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read,
            };
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            match read {
                Ok(0) => state.ended = Some(Ok(())),
                Ok(length) => state.bytes.extend_from_slice(&buffer[..length]),
                Err(error) => state.ended = Some(Err(error)),
            }
            self.changed.notify_all();
            if state.ended.is_some() {
                return;
            }
            while state.bytes.len() >= AHEAD && state.has_work() {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// The next lines, as soon as there are any; `None` at the end.
    fn take(&self) -> Result<Option<Lines>, CliError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let taken = state.take();
            // There may be room again, also where what was there was passed over.
            self.changed.notify_all();
            if taken.is_some() {
                return Ok(taken);
            }
            match state.ended.take() {
                Some(Ok(())) => {
                    state.ended = Some(Ok(()));
                    let rest = std::mem::take(&mut state.bytes);
                    state.searched = 0;
                    let is_over = rest.is_empty() || state.skips;
                    return Ok((!is_over).then_some(Lines::Whole(rest)));
                }
                Some(Err(error)) => return Err(CliError::Usage(format!("failed to read stdin: {error}"))),
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl State {
    /// Where the last whole line ends.
    fn last_end(&mut self) -> Option<usize> {
        let end = self.bytes[self.searched..].iter().rposition(|byte| *byte == b'\n');
        let end = end.map(|at| self.searched + at + 1);
        if end.is_none() {
            self.searched = self.bytes.len();
        }
        end
    }

    /// Whether there is anything to be answered or passed over, so that more needs not be read.
    fn has_work(&mut self) -> bool {
        self.last_end().is_some() || self.skips || self.bytes.len() > outside::ROW
    }

    fn take(&mut self) -> Option<Lines> {
        if self.skips {
            let end = self.bytes.iter().position(|byte| *byte == b'\n');
            self.bytes.drain(..end.map_or(self.bytes.len(), |at| at + 1));
            self.searched = 0;
            self.skips = end.is_none();
        }
        if let Some(end) = self.last_end() {
            let rest = self.bytes.split_off(end);
            self.searched = rest.len();
            return Some(Lines::Whole(std::mem::replace(&mut self.bytes, rest)));
        }
        if self.bytes.len() > outside::ROW {
            self.bytes.clear();
            self.searched = 0;
            self.skips = true;
            return Some(Lines::TooLong);
        }
        None
    }
}

/// The answers to these lines, in pieces, in order.
fn answered(contracts: &Contracts<'_>, lines: &Lines) -> Vec<Vec<u8>> {
    let lines = match lines {
        Lines::Whole(lines) => lines.as_slice(),
        Lines::TooLong => {
            let mut out = Vec::new();
            write_error(&mut out, None, &too_long());
            return vec![out];
        }
    };
    let most = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(lines.len() / WORTH_A_THREAD + 1);
    let mut pieces = pieces(lines, most);
    let Some(own) = pieces.pop() else { return Vec::new() };
    thread::scope(|scope| {
        let others: Vec<_> = pieces
            .iter()
            .map(|piece| {
                thread::Builder::new().spawn_scoped(scope, || piece_answered(contracts, piece)).map_err(|_| piece)
            })
            .collect();
        let last = piece_answered(contracts, own);
        let mut all: Vec<Vec<u8>> = others
            .into_iter()
            .map(|thread| match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // Without a thread it takes longer.
                Err(piece) => piece_answered(contracts, piece),
            })
            .collect();
        all.push(last);
        all
    })
}

/// Cuts lines into at most so many pieces of about the same size.
fn pieces(lines: &[u8], most: usize) -> Vec<&[u8]> {
    let size = lines.len().div_ceil(most.max(1));
    let mut pieces = Vec::new();
    let mut rest = lines;
    while !rest.is_empty() {
        let from = size.clamp(1, rest.len()) - 1;
        let end = rest[from..].iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| from + at + 1);
        let (piece, further) = rest.split_at(end);
        pieces.push(piece);
        rest = further;
    }
    pieces
}

fn piece_answered(contracts: &Contracts<'_>, piece: &[u8]) -> Vec<u8> {
    let mut own = Vec::new();
    let mut out = Vec::with_capacity(piece.len());
    for line in piece.split(|byte| *byte == b'\n') {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if line.len() > outside::ROW {
            write_error(&mut out, None, &too_long());
        } else {
            answer(contracts, &mut own, line, &mut out);
        }
    }
    out
}

fn too_long() -> String {
    format!("failed to read the line: it is larger than {} KiB", outside::ROW / 1024)
}

/// Writes the effect of one line, or the error that stands in its place.
///
/// The id is never read as a number, so that one of any size comes back as it was; what the line has besides is passed over
/// without being kept.
fn answer(contracts: &Contracts<'_>, own: &mut Selected, line: &[u8], out: &mut Vec<u8>) {
    let text = std::str::from_utf8(line);
    // A list would do for a struct.
    let object = text.ok().filter(|text| text.trim_start().starts_with('{'));
    if let Some(Ok(line)) = object.map(serde_json::from_str::<Line<'_>>) {
        let begun = out.len();
        write_id(out, line.id);
        if let Err(error) = write_effect(contracts, own, &line, out) {
            out.truncate(begun);
            write_error(out, line.id, &error);
        }
        return;
    }
    let id = object.and_then(|text| serde_json::from_str::<Identity<'_>>(text).ok()?.id);
    let error = match text {
        Err(error) => format!("failed to read the line as JSON: {error}"),
        Ok(text) => match serde_json::from_str::<IgnoredAny>(text) {
            Err(error) => format!("failed to read the line as JSON: {error}"),
            Ok(_) if object.is_none() => "failed to read the line: it must be an object".to_owned(),
            Ok(_) => match serde_json::from_str::<Line<'_>>(text) {
                Err(error) => format!("failed to read the line: {error}"),
                Ok(_) => "failed to read the line".to_owned(),
            },
        },
    };
    write_error(out, id, &error);
}

/// `{"id":…` of an answer.
fn write_id(out: &mut Vec<u8>, id: Option<&RawValue>) {
    out.extend_from_slice(b"{\"id\":");
    // What was read as JSON can be written.
    out.extend_from_slice(id.and_then(|id| json_line(id).ok()).as_deref().unwrap_or("null").as_bytes());
}

fn write_error(out: &mut Vec<u8>, id: Option<&RawValue>, message: &str) {
    write_id(out, id);
    out.extend_from_slice(b",\"error\":");
    out.extend_from_slice(json_line(message).unwrap_or_default().as_bytes());
    out.extend_from_slice(b"}\n");
}

/// Writes the effect behind the id.
fn write_effect(
    contracts: &Contracts<'_>,
    own: &mut Selected,
    line: &Line<'_>,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let contract = contracts.select(own, &line.platform, line.version.as_deref())?;
    let event = contract.events.get(&line.event).ok_or_else(|| {
        let at = line.version.as_ref().map_or(String::new(), |version| format!("@{version}"));
        format!("failed to find the event {:?} of {}{at}", line.event, line.platform)
    })?;
    let hook = &line.hook;
    let ended = match (hook.timed_out, hook.signal, hook.exit) {
        (Some(true), _, _) => Ended::TimedOut,
        (_, Some(signal), _) => Ended::Signal(signal),
        (_, None, Some(code)) => Ended::Exit(code),
        (_, None, None) => {
            return Err("failed to judge the line: `hook` needs one of `exit`, `signal` and `timed_out`".to_owned());
        }
    };
    let stdout = bytes(hook.stdout.as_deref(), hook.stdout_base64.as_deref(), "stdout")?;
    let stderr = bytes(hook.stderr.as_deref(), hook.stderr_base64.as_deref(), "stderr")?;
    let mut facts = Facts::new(ended, &stdout, &stderr);
    facts.tool = line.tool.as_deref();
    facts.stdout_held = hook.stdout_held.unwrap_or(false);
    for (name, value) in line.handler.iter().flatten() {
        let text = serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned());
        facts.handler.insert(name.clone(), text);
    }
    // The effect's object goes on with that of the id.
    let brace = out.len();
    write_json_line(out, &interpret(contract, event, &facts)).map_err(|error| error.to_string())?;
    out[brace] = b',';
    out.push(b'\n');
    Ok(())
}

fn bytes<'l>(text: Option<&'l str>, encoded: Option<&str>, which: &str) -> Result<std::borrow::Cow<'l, [u8]>, String> {
    match encoded {
        Some(encoded) => STANDARD
            .decode(encoded)
            .map(Into::into)
            .map_err(|error| format!("failed to decode `{which}_base64`: {error}")),
        None => Ok(text.unwrap_or_default().as_bytes().into()),
    }
}

/// Contracts that were selected, for all threads.
struct Contracts<'a> {
    library: &'a Library,
    known: Mutex<Selected>,
}

/// Platform, version and contract. They are few, so that a search is faster than a name made of both.
type Selected = Vec<(String, Option<String>, Arc<Contract>)>;

impl Contracts<'_> {
    /// The contract of a platform at a version; `own` has those that the thread has seen already.
    fn select<'o>(&self, own: &'o mut Selected, platform: &str, version: Option<&str>) -> Result<&'o Contract, String> {
        let is_it = |(id, at, _): &(String, Option<String>, Arc<Contract>)| id == platform && at.as_deref() == version;
        let place = match own.iter().position(is_it) {
            Some(place) => place,
            None => {
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                let entry = match known.iter().find(|entry| is_it(entry)) {
                    Some(entry) => entry.clone(),
                    None => {
                        let at = version.map_or(String::new(), |version| format!("@{version}"));
                        let contract =
                            self.library.select(&format!("{platform}{at}")).map_err(|error| error.to_string())?;
                        let entry = (platform.to_owned(), version.map(str::to_owned), Arc::new(contract));
                        known.push(entry.clone());
                        entry
                    }
                };
                own.push(entry);
                own.len() - 1
            }
        };
        Ok(&own[place].2)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rstest::rstest;

    use super::{Inbox, Lines, pieces};

    #[rstest]
    #[case("a\nb\nc\n", 2, &["a\nb\n", "c\n"])]
    #[case("a\nb\nc", 3, &["a\n", "b\n", "c"])]
    #[case("a long line\nb\n", 4, &["a long line\n", "b\n"])]
    #[case("", 4, &[])]
    fn pieces_are_whole_lines(#[case] lines: &str, #[case] most: usize, #[case] expected: &[&str]) {
        let found: Vec<&str> =
            pieces(lines.as_bytes(), most).into_iter().map(|piece| std::str::from_utf8(piece).unwrap()).collect();
        assert_eq!(found, expected);
        assert!(found.len() <= most);
    }

    #[test]
    fn a_line_without_end_is_passed_over_while_it_is_read() {
        let inbox = std::sync::Arc::new(Inbox::default());
        let long = [vec![b'x'; 3 * super::outside::ROW], b"\nnext\n".to_vec()].concat();
        let reader = std::sync::Arc::clone(&inbox);
        let thread = std::thread::spawn(move || reader.fill(Cursor::new(long)));
        assert!(matches!(inbox.take().unwrap(), Some(Lines::TooLong)));
        let Some(Lines::Whole(next)) = inbox.take().unwrap() else { panic!("the next line is whole") };
        assert_eq!(next, b"next\n");
        assert!(inbox.take().unwrap().is_none());
        thread.join().unwrap();
    }

    #[test]
    fn what_was_read_is_taken_once_and_to_the_end() {
        let inbox = Inbox::default();
        inbox.fill(Cursor::new("one\ntwo\nthree"));
        let mut taken = Vec::new();
        while let Some(lines) = inbox.take().unwrap() {
            let Lines::Whole(bytes) = lines else { panic!("nothing is too long") };
            taken.push(String::from_utf8(bytes).unwrap());
        }
        assert_eq!(taken, ["one\ntwo\n", "three"]);
    }
}
