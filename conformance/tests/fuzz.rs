//! Rows and files that nobody has written: no panic, no wait, and memory within bounds.
//!
//! The generator is seeded, so that every run tries the same. `HOOKPROOF_FUZZ=1` tries 100,000 rows and 2,000 files of each
//! kind in place of a few.

#![allow(clippy::print_stdout, reason = "the figures of a run by hand")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use hookproof::contract::Library;
use hookproof::payload::OwnDocument;
use hookproof::subject::{ProjectFile, consent_text, discover, settings_text};
use serde::de::IgnoredAny;

/// One row or file may take this long; builds without optimisation on a machine under load are slow.
const EACH: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });

/// Texts that have been trouble for somebody.
const TOKENS: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "true",
    "-0",
    "1e999",
    "18446744073709551616",
    "\\ud800",
    "\u{feff}",
    "\u{202e}",
    "\u{1b}[2J",
    "\u{0}",
    "---\n",
    "\n",
    "\t",
    "*",
    "(",
    ")",
    "|",
    "(a{2})+",
    "(?=",
    "{0,99999}",
    "$",
    "${",
    "$(",
    "`",
    "'",
    "//",
    "/*",
    "#",
    "&a ",
    "*a",
    "!!x ",
    "? ",
    "- ",
    "<<EOF",
    "[[",
    "]]",
    "=",
    "''' ",
    "\"\"\"",
    "../",
    "/dev/zero",
    "~",
    "%",
    "\r\n",
    "é",
    "日本",
    "\u{1F600}",
    "hooks",
    "PreToolUse",
    "command",
    "matcher",
    "type",
    "decision",
    "hookSpecificOutput",
];

/// A pseudo-random generator (xorshift64*): the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap_or(0) % count.max(1)
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// Bytes with a few changes: flipped, removed, repeated, swapped, or with a token in between.
    fn mutated(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(40)).min(bytes.len());
            match self.below(8) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let part: Vec<u8> = bytes[at..end].repeat(1 + self.below(200));
                    bytes.splice(at..at, part);
                }
                3 => bytes.truncate(at),
                4 => {
                    let other = self.below(bytes.len() + 1);
                    let part = bytes[other..(other + 20).min(bytes.len())].to_vec();
                    bytes.splice(at..end, part);
                }
                _ => {
                    let token = self.pick(TOKENS).repeat(if self.below(20) == 0 { 5000 } else { 1 });
                    bytes.splice(at..at, token.into_bytes());
                }
            }
        }
        bytes
    }
}

fn is_whole() -> bool {
    std::env::var_os("HOOKPROOF_FUZZ").is_some()
}

/// Every event of every platform.
fn events() -> Vec<(String, String)> {
    let library = Library::built_in().expect("built in");
    let contracts = library.platforms().map(|platform| library.select(platform).expect("built in"));
    let of = |contract: hookproof::contract::Contract| {
        let platform = contract.platform.id.clone();
        contract.events.into_keys().map(move |event| (platform.clone(), event))
    };
    contracts.flat_map(of).collect()
}

fn row(random: &mut Random, events: &[(String, String)]) -> Vec<u8> {
    let (platform, event) = random.pick(events);
    let outputs = [
        r#"{"decision":"block","reason":"no"}"#,
        r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","updatedInput":{"a":[1,2.5e3]}}}"#,
        r#"{"continue":false,"stopReason":"x","systemMessage":"y","suppressOutput":null}"#,
        "plain text\nin lines",
        "{\"async\":true}",
        "{\"permission\":\"ask\"} {\"permission\":\"deny\"}",
        "",
    ];
    let output = random.pick(&outputs).as_bytes();
    let stdout = String::from_utf8_lossy(&random.mutated(output)).into_owned();
    let row = serde_json::json!({
        "id": random.below(1000), "platform": platform, "event": event,
        "hook": {"exit": random.below(4), "stdout": stdout, "stderr": random.pick(&outputs)},
        "tool": random.pick(&["Bash", "Write", ""]), "handler": {"onFailure": "block"},
    });
    let text = row.to_string();
    // One half is a row in any case, so that what lies behind the parser is reached.
    if random.below(2) == 0 { text.into_bytes() } else { random.mutated(text.as_bytes()) }
}

#[test]
fn every_row_is_answered() {
    let count = if is_whole() { 100_000 } else { 1500 };
    let mut child = Command::new(env!("CARGO_BIN_EXE_hookproof"))
        .args(["interpret", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    let (sender, answers) = mpsc::channel();
    let stdout = child.stdout.take().expect("piped");
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            if sender.send(line.expect("UTF-8")).is_err() {
                return;
            }
        }
    });
    let events = events();
    let mut random = Random(0x5EED);
    let mut slowest = Duration::ZERO;
    for number in 0..count {
        let mut row = row(&mut random, &events);
        row.retain(|byte| *byte != b'\n');
        if row.trim_ascii().is_empty() {
            continue;
        }
        row.push(b'\n');
        let begun = Instant::now();
        stdin.write_all(&row).expect("it reads");
        let answer = answers.recv_timeout(EACH);
        let answer = answer.unwrap_or_else(|_| panic!("row {number}: {}", String::from_utf8_lossy(&row)));
        slowest = slowest.max(begun.elapsed());
        // An id can be a number that no type of Rust holds.
        let is_object = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(&answer).is_ok();
        assert!(is_object, "{answer}");
    }
    let peak = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let peak =
        peak.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
    println!("{count} rows, the slowest {slowest:?}, peak memory {} MB", peak.unwrap_or(0) / 1024);
    assert!(peak.is_none_or(|peak| peak < 300 * 1024), "{peak:?} kB");
}

/// Files of all formats, as seeds: (place in a project, platform, text).
fn seeds() -> Vec<(String, String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/configs");
    let mut seeds = Vec::new();
    for platform in fs::read_dir(root).expect("is there").flatten() {
        let id = platform.file_name().to_string_lossy().into_owned();
        for situation in fs::read_dir(platform.path()).into_iter().flatten().flatten() {
            files(&situation.path(), &situation.path(), &id, &mut seeds);
        }
    }
    seeds.sort();
    seeds
}

fn files(base: &Path, folder: &Path, platform: &str, seeds: &mut Vec<(String, String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let wanted =
            path.extension().is_some_and(|end| ["json", "toml", "md", "jsonc"].iter().any(|known| end == *known));
        if path.is_dir() {
            files(base, &path, platform, seeds);
        } else if wanted && entry.file_name() != "expected.json" {
            let name = path.strip_prefix(base).expect("below").to_string_lossy().into_owned();
            seeds.push((name, platform.to_owned(), fs::read(&path).expect("is readable")));
        }
    }
}

const PROJECT_FILE: &str = "heavy = [\"python* -m venv\", \"*pip install*\"]\nstate_variable = \"S\"\nwindow = \"24 h\"\n\
    worker = { variable = \"P\", form = \"port\" }\nenvironment = { A = \"b\" }\n[[case]]\nevent = \"PreToolUse\"\n\
    platform = [\"codex\"]\nname = \"x\"\npayload = { tool_input = { command = \"git push\" } }\nexpect = \"block\"\nreason = \"(?i)no\"\n";

const PAYLOAD: &str =
    r#"{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"ls","n":[1,-2.5e3,null,true]}}"#;

#[test]
fn every_file_is_read_or_refused() {
    let count = if is_whole() { 2000 } else { 150 };
    let library = Library::built_in().expect("built in");
    let folder = tempfile::tempdir().expect("a folder");
    let seeds = seeds();
    assert!(seeds.len() > 100, "{}", seeds.len());
    let mut random = Random(0xF11E);
    let mut slowest = (Duration::ZERO, PathBuf::new());
    for number in 0..count {
        let (name, platform, text) = random.pick(&seeds);
        let base = folder.path().join(number.to_string());
        let path = base.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, random.mutated(text)).expect("is written");
        let contract = library.select(platform).expect("built in");
        let begun = Instant::now();
        for target in [&base, &path] {
            if let Ok(mut found) = discover(&contract, target) {
                found.set_aside_missing(&contract);
                let _ = consent_text(&found);
            }
        }
        let toml = base.join("hookproof.toml");
        fs::write(&toml, random.mutated(PROJECT_FILE.as_bytes())).expect("is written");
        if let Ok(Some(file)) = ProjectFile::read(&toml) {
            let _ = settings_text(&file, &toml);
        }
        let payload = base.join("payload.json");
        fs::write(&payload, random.mutated(PAYLOAD.as_bytes())).expect("is written");
        let _ = OwnDocument::read(&payload);
        slowest = slowest.max((begun.elapsed(), path.clone()));
        assert!(begun.elapsed() < EACH, "{number}: {name} of {platform}: {:?}", begun.elapsed());
        fs::remove_dir_all(base).expect("is removed");
    }
    println!("{count} files, the slowest {:?}: {}", slowest.0, slowest.1.display());
}
