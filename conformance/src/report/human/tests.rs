//! The whole report, and what no hook can do to it.

use super::*;
use crate::judge::{Finding, Judgement, Verdict};
use crate::plan::CaseId;
use crate::report::SubjectInfo;
use crate::report::samples::{self, broken, catalogue, failing_run, judgement, pass, run_of, skip};

fn told(events: &[ReportEvent], look: Look) -> String {
    let catalogue = catalogue();
    let mut out = Vec::new();
    let mut human = Human::new(&mut out, &catalogue, look);
    for event in events {
        human.on(event).unwrap();
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn a_failing_run_from_beginning_to_end() {
    let expected = r#"
hookproof 0.1.0: hooks of Claude Code 2.1.329 at level SHOULD, 5 cases, 2 at a time
  guard.py: python3 guard.py

1 error: something stands before the JSON document on stdout (2 of 2 payloads)
         [stream.noise-before-json]
2 warning: 12,000 characters are for the model (1 of 2 payloads) [stream.context-limit]
3 note: the hook waits for the end of stdin (scenario stdin-held-open) [timing.stdin-held-open]
1 finding of level MAY is not shown: add -v or --level may

does not conform: 1 MUST, 1 SHOULD in 2 of 5 cases (below SHOULD: 1 MAY)
5 cases, 5 processes, 2.5 s, 2.0 cases a second; 2 judgements skipped (-v says why)
sandbox: none: the hooks could write what you can, and reach any address

error[stream.noise-before-json]: something stands before the JSON document on stdout   (MUST)
  --> guard.py at PreToolUse, payload typical, scenario baseline
  ::: also PreToolUse/bash-rm-rf-root/baseline
   |
 1 | Loading rules...
   | ^^^^^^^^^^^^^^^^ this line makes Claude Code read everything as plain text
 2 | {"hookSpecificOutput":{"hookEventName":"PreToolUse",...
   |
   = effect: the tool call goes ahead; the deny is lost
   = help: print nothing but one JSON document on stdout; send logs to stderr
   = more: hookproof explain stream.noise-before-json

warning[stream.context-limit]: 12,000 characters are for the model   (SHOULD)
  --> guard.py at PreToolUse, payload bash-rm-rf-root, scenario baseline
   |
   | stdout: 12,000 characters
   |
   = effect: the rest is cut off
   = help: say less, or write a file and name it
   = more: hookproof explain stream.context-limit

note[timing.stdin-held-open]: the hook waits for the end of stdin   (MUST, in doubt)
  --> guard.py at PreToolUse, payload typical, scenario stdin-held-open
   |
   | no end after 5 s
   |
   = effect: it may be killed after 60 s
   = doubt: what Claude Code does here is not settled, so this never fails the check

does not conform: 1 MUST, 1 SHOULD in 2 of 5 cases (below SHOULD: 1 MAY)
"#;
    assert_eq!(format!("\n{}", told(&failing_run(), Look::default())), expected);
}

#[test]
fn a_passing_run_is_short() {
    let events = run_of(vec![samples::case("Stop", "typical", "baseline", vec![pass("a")])]);
    let expected = "
hookproof 0.1.0: hooks of Claude Code 2.1.329 at level SHOULD, 1 case, 2 at a time
  guard.py: python3 guard.py

1 case, 1 process, 2.5 s, 0.4 cases a second
sandbox: none: the hooks could write what you can, and reach any address
conforms to Claude Code 2.1.329 at level SHOULD
";
    assert_eq!(format!("\n{}", told(&events, Look::default())), expected);
}

#[test]
fn verbose_tells_every_case() {
    let told = told(&failing_run(), Look { verbose: true, ..Look::default() });
    assert!(told.contains("\nskip    Stop/typical/stdin-held-open  proceeds, 15 ms\n"), "{told}");
    assert!(told.contains("\nok      Stop/typical/baseline  proceeds, 15 ms\n"), "{told}");
}

#[test]
fn verbose_shows_advice_the_matrix_and_what_was_judged() {
    let verbose = told(&failing_run(), Look { verbose: true, ..Look::default() });
    assert!(verbose.contains("\nadvice[schema.deny-reason]: a deny gives no reason   (MAY)\n"), "{verbose}");
    assert!(verbose.contains("\n   = rule: nothing before the JSON document\n"), "{verbose}");
    let matrix = "\n           1 2\nPreToolUse M n\nStop       . -\n";
    assert!(verbose.contains(matrix), "{verbose}");
    let judged =
        "\njudgements: 3 passed, 2 MUST broken (1 rule), 1 SHOULD broken (1 rule), 1 MAY broken (1 rule), 1 in";
    assert!(verbose.contains(judged) && verbose.contains("\n  skipped 2 x the event takes no answer\n"), "{verbose}");
    let only_matrix = told(&failing_run(), Look { matrix: true, ..Look::default() });
    assert!(only_matrix.contains(matrix) && !only_matrix.contains("judgements: "), "{only_matrix}");
    for text in [verbose, only_matrix] {
        assert!(
            text.ends_with("\ndoes not conform: 1 MUST, 1 SHOULD in 2 of 5 cases (below SHOULD: 1 MAY)\n"),
            "{text}"
        );
    }
}

#[test]
fn cases_have_no_lines_of_their_own() {
    let cases = (0..40).map(|at| samples::case("Stop", &format!("p{at:02}"), "baseline", vec![samples::noise()]));
    let told = told(&run_of(cases.collect()), Look::default());
    assert_eq!(told.matches("MUST    Stop/").count(), 0, "{told}");
    assert!(told.lines().count() < 30, "{told}");
}

#[test]
fn a_terminal_gets_progress_in_place_of_lines() {
    let told = told(&failing_run(), Look { terminal: true, ..Look::default() });
    let (progress, rest) = told.split_once("\n1 error: ").unwrap();
    assert!(progress.contains("\r1/5  20 %  "), "{progress:?}");
    assert!(progress.contains("PreToolUse  1 failing"), "{progress:?}");
    assert!(!told.contains("MUST    PreToolUse"), "{told}");
    // The line of progress is gone before anything else is written.
    assert!(progress.ends_with(" \r\n") || progress.ends_with(" \r"), "{progress:?}");
    assert!(!rest.contains('\r'));
}

#[test]
fn colour_changes_nothing_but_colour() {
    let plain = told(&failing_run(), Look::default());
    let coloured = told(&failing_run(), Look { color: true, ..Look::default() });
    assert_ne!(coloured, plain);
    assert_eq!(without_colour(&coloured), plain);
}

/// Takes the sequences away that set colours: `ESC [ digits and semicolons m`.
fn without_colour(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        out.push_str(rest.strip_prefix('m').unwrap_or("[not a colour]"));
    }
    out
}

/// A run in which every text that can come from outside is hostile.
fn hostile(text: &str) -> Vec<ReportEvent> {
    let text = || text.to_owned();
    let finding = || Finding {
        observed: text(),
        consequence: text(),
        evidence: vec![text(), format!("1 | {}", text()), format!("  | ^{}", text())],
        doubt: Some(text()),
        help: Some(text()),
        ..Finding::default()
    };
    let mut judgements = vec![
        judgement(samples::NOISE, Level::Must, Verdict::Fail(finding())),
        judgement(&text(), Level::May, Verdict::Fail(finding())),
        judgement(samples::HELD, Level::Should, Verdict::Note(finding())),
        skip(samples::NOISE, &text()),
    ];
    // More observations of one requirement than are told one by one.
    judgements.extend((0..9).map(|at| {
        let finding = Finding { observed: format!("{}{at}", text()), ..finding() };
        judgement(&text(), Level::Must, Verdict::Fail(finding))
    }));
    let case = |judgements: Vec<Judgement>| {
        let mut case = samples::case("Stop", "typical", "baseline", judgements);
        case.case = CaseId {
            subject: text(),
            platform: text(),
            version: text(),
            event: text(),
            payload: text(),
            scenario: text(),
        };
        case
    };
    let mut events = run_of(vec![case(judgements), case(vec![broken(&text())])]);
    if let ReportEvent::RunStarted(started) = &mut events[0] {
        started.hookproof = text();
        started.version = text();
        started.platform_title = text();
        started.subjects = vec![SubjectInfo { name: text(), command: text(), place: Some(text()) }];
    }
    events
}

#[test]
fn no_control_character_of_a_hook_reaches_the_writer() {
    // Every control and every format character that a terminal may obey, in texts of a handful each, so that cutting
    // and wrapping happen between and beside all of them.
    let dangerous: Vec<char> =
        ('\0'..=char::MAX).filter(|c| *c != ' ' && text::visible(&c.to_string()) != c.to_string()).collect();
    assert!(dangerous.len() > 80, "{}", dangerous.len());
    for some in dangerous.chunks(6) {
        let hostile_text: String = some.iter().map(|c| format!("ab{c}]0;{c}[2J{c} ")).collect();
        for (color, terminal, verbose) in [
            (false, false, false),
            (false, true, false),
            (true, false, false),
            (true, true, true),
            (false, false, true),
        ] {
            let look = Look { color, terminal, verbose, matrix: false, width: 60 };
            let told = told(&hostile(&hostile_text), look);
            // What is left when our own colours and line ends are gone has to be free of them. A colour is `ESC [ .. m`;
            // the hostile texts have no such sequence.
            let rest = if color { without_colour(&told) } else { told };
            assert!(!rest.contains("[not a colour]"), "{some:?} {look:?}");
            let bad = rest.chars().find(|&c| c != '\n' && !(terminal && c == '\r') && some.contains(&c));
            let control = rest.chars().find(|&c| c.is_control() && c != '\n' && !(terminal && c == '\r'));
            assert_eq!((bad, control), (None, None), "{look:?}");
        }
    }
}

#[test]
fn a_line_end_of_a_hook_begins_no_line() {
    let told = told(&hostile("x\nerror[forged.finding]: y\r\nz"), Look::default());
    assert!(told.lines().all(|line| !line.starts_with("error[forged")), "{told}");
    assert!(told.contains("\\nerror[forged.finding]:"), "{told}");
    assert!(told.lines().all(|line| !line.starts_with("z ") && !line.starts_with("z:")), "{told}");
}

#[test]
fn lines_fit_the_width() {
    let hostile_text = "日本 \u{1b}[31m naïve-and-rather-long-without-any-blank ".repeat(6);
    for width in [40, 80, 100, 132] {
        let told = told(&hostile(&hostile_text), Look { width, ..Look::default() });
        let wide = told.lines().find(|line| text::width(line) > width);
        assert_eq!(wide, None, "{width}");
    }
}

#[test]
fn it_can_be_sent_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    let catalogue = catalogue();
    is_send(&Human::new(Vec::new(), &catalogue, Look::default()));
}

#[test]
fn what_starts_hooks_in_place_of_something_better_is_said_once() {
    let mut case = samples::case("Stop", "typical", "baseline", vec![pass("a")]);
    case.runs[0].observation.mechanism.instead = Some("`linux-spawner` could not be had".to_owned());
    let text = told(&run_of(vec![case.clone(), case]), Look::default());
    assert_eq!(text.matches("\nstarted by: posix, because `linux-spawner` could not be had\n").count(), 1, "{text}");
}
