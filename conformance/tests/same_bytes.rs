//! The same bytes, a different verdict: what one answer of a hook before a tool means on each platform.
//!
//! The table is the one that people who port hooks ask for, written down from vendors' pages, open source and recorded
//! behaviour, and not from the contracts. The oracle has to come to the same, cell by cell: `B` the step is stopped,
//! `A` it goes on. Where sources contradict each other (`?`) the oracle must say that it is not settled, and where
//! nobody knows (`.`) nothing is asked.

use std::fmt::Write as _;

use hookproof::contract::{Contract, Event, Evidence, Library};
use hookproof::oracle::{Ended, Facts, interpret};

/// The platforms with the event that stands before a shell command.
const PLATFORMS: &[(&str, &str)] = &[
    ("cursor", "preToolUse"),
    ("windsurf", "pre_run_command"),
    ("copilot-cli", "preToolUse"),
    ("vscode-copilot", "PreToolUse"),
    ("cline-vscode", "PreToolUse"),
    ("cline-sdk", "PreToolUse"),
    ("kiro-cli", "preToolUse"),
    ("kiro-v3", "PreToolUse"),
    ("factory-droid", "PreToolUse"),
    ("augment", "PreToolUse"),
    ("goose", "PreToolUse"),
    ("claude-code", "PreToolUse"),
    ("codex", "PreToolUse"),
    ("gemini-cli", "BeforeTool"),
    ("qwen-code", "PreToolUse"),
    ("crush", "PreToolUse"),
];

/// One answer, and a letter a platform in the order above.
struct Row {
    name: &'static str,
    ended: Ended,
    stdout: &'static str,
    stderr: &'static str,
    cells: &'static str,
}

const NESTED_DENY: &str = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"no"}}"#;

const ROWS: &[Row] = &[
    Row {
        name: "exit 0, nothing",
        ended: Ended::Exit(0),
        stdout: "",
        stderr: "",
        cells: "? A A A A A A A A A A A A A A A",
    },
    Row {
        name: "exit 0, plain text",
        ended: Ended::Exit(0),
        stdout: "all is well\n",
        stderr: "",
        cells: "? A A A A A A A A A A A A A A A",
    },
    Row {
        name: "exit 0, nested permissionDecision: deny",
        ended: Ended::Exit(0),
        stdout: NESTED_DENY,
        stderr: "",
        // GitHub Copilot CLI 1.0.102 reads the form under the PascalCase name of the event alone.
        cells: "? A A B A A A A B B A B B A B B",
    },
    Row {
        name: "exit 0, decision: block at the top",
        ended: Ended::Exit(0),
        stdout: r#"{"decision":"block","reason":"no"}"#,
        stderr: "",
        // Factory Droid's documentation says that it blocks; in 0.215.0 the tool runs.
        cells: ". A A A A A A A A . B B B B B A",
    },
    Row {
        name: "exit 0, cancel: true",
        ended: Ended::Exit(0),
        stdout: r#"{"cancel":true,"errorMessage":"no"}"#,
        stderr: "",
        cells: ". A A A B B A A A A A A A A A A",
    },
    Row {
        name: "exit 2, reason on stderr",
        ended: Ended::Exit(2),
        stdout: "",
        stderr: "no\n",
        cells: "B B B B A A B B B B B B B B B B",
    },
    Row {
        name: "exit 2, text on stdout only",
        ended: Ended::Exit(2),
        stdout: "no\n",
        stderr: "",
        cells: "B B B B A A B A B B B B A B A B",
    },
    Row {
        name: "exit 1, reason on stderr",
        ended: Ended::Exit(1),
        stdout: "",
        stderr: "no\n",
        cells: "A A B A A A A A A A A A A A A A",
    },
    Row {
        name: "exit 3, reason on stderr",
        ended: Ended::Exit(3),
        stdout: "",
        stderr: "no\n",
        cells: "A A B A A A A A A A A A A B A A",
    },
    Row {
        name: "the time limit passes",
        ended: Ended::TimedOut,
        stdout: "",
        stderr: "",
        cells: "A . A A A A A . . . A A A A A A",
    },
];

fn verdict(contract: &Contract, event: &Event, row: &Row) -> (char, Evidence) {
    let facts = Facts::new(row.ended, row.stdout.as_bytes(), row.stderr.as_bytes());
    let effect = interpret(contract, event, &facts);
    (if effect.stops_the_step() { 'B' } else { 'A' }, effect.evidence)
}

#[test]
fn the_oracle_comes_to_the_same_table() {
    let library = Library::built_in().unwrap();
    let contracts: Vec<Contract> =
        PLATFORMS.iter().map(|(id, _)| library.select(id).unwrap_or_else(|error| panic!("{error}"))).collect();
    let mut faults = String::new();
    let mut settled = 0;
    for row in ROWS {
        let cells: Vec<char> = row.cells.chars().filter(|c| *c != ' ').collect();
        assert_eq!(cells.len(), PLATFORMS.len(), "{}", row.name);
        for ((contract, (id, event)), cell) in contracts.iter().zip(PLATFORMS).zip(cells) {
            let (found, evidence) = verdict(contract, &contract.events[*event], row);
            let agrees = match cell {
                '?' => evidence >= Evidence::Disputed,
                '.' => true,
                cell => {
                    settled += 1;
                    found == cell
                }
            };
            if !agrees {
                writeln!(faults, "{id}, {}: the table says {cell}, the oracle {found} ({evidence})", row.name).unwrap();
            }
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
    assert!(settled > 130, "only {settled} cells are settled");
}

#[test]
fn no_two_platforms_are_alike_on_everything_that_a_guard_says() {
    // What the table is for: a hook that says no in one way is heard by some platforms only.
    let stops = |row: &Row| row.cells.chars().filter(|c| *c == 'B').count();
    let says_no = ROWS.iter().filter(|row| row.stdout.contains("no") || row.stderr.contains("no"));
    for row in says_no {
        assert!(stops(row) < PLATFORMS.len(), "{} is heard everywhere", row.name);
    }
}
