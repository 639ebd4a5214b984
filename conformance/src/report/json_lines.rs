//! One event a line, as JSON.

use std::io::{self, Write};

use super::{ReportEvent, Reporter, json_line};

/// Writes every event as one line of JSON. The first line, `run-started`, says which versions the report is about; a
/// report can be read again with [`ReportEvent::from_line`], line by line, and told to any other reporter.
///
/// ```
/// use hookproof::report::{JsonLines, ReportEvent, Reporter, Summary};
///
/// let mut lines = Vec::new();
/// JsonLines::new(&mut lines).on(&ReportEvent::RunFinished(Summary::default()))?;
/// let line = String::from_utf8(lines)?;
/// assert!(line.starts_with(r#"{"event":"run-finished","cases":0,"#) && line.ends_with("}\n"));
/// assert!(matches!(ReportEvent::from_line(&line)?, ReportEvent::RunFinished(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JsonLines<W> {
    out: W,
}

impl<W: Write> JsonLines<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        JsonLines { out }
    }
}

impl<W: Write> Reporter for JsonLines<W> {
    fn on(&mut self, event: &ReportEvent) -> io::Result<()> {
        // In one piece and flushed, so that a report that breaks off does so at the end of a line.
        let mut line = json_line(event)?;
        line.push('\n');
        self.out.write_all(line.as_bytes())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{self, run};
    use super::*;
    use serde_json::{Value, json};

    fn lines(events: &[ReportEvent]) -> Vec<String> {
        let mut out = Vec::new();
        let mut reporter = JsonLines::new(&mut out);
        for event in events {
            reporter.on(event).unwrap();
        }
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_line_is_an_event_that_can_be_read_again() {
        let events = samples::failing_run();
        let lines = lines(&events);
        assert_eq!(lines.len(), events.len());
        for line in &lines {
            let again: ReportEvent = serde_json::from_str(line).unwrap();
            assert_eq!(&serde_json::to_string(&again).unwrap(), line);
            let again = ReportEvent::from_line(line).unwrap();
            assert_eq!(&serde_json::to_string(&again).unwrap(), line);
        }
    }

    #[test]
    fn what_is_read_again_tells_the_same_facts() {
        let ReportEvent::CaseFinished(case) = &samples::failing_run()[1] else { panic!("no case") };
        let line = &lines(&[ReportEvent::CaseFinished(case.clone())])[0];
        let Ok(ReportEvent::CaseFinished(again)) = serde_json::from_str(line) else { panic!("no case: {line}") };
        assert_eq!(again.case, case.case);
        assert_eq!(again.judgements, case.judgements);
        assert_eq!(again.wall, case.wall);
        assert_eq!(again.runs.len(), case.runs.len());
        for (again, run) in again.runs.iter().zip(&case.runs) {
            assert_eq!(again.observation, run.observation);
            assert_eq!(again.effect, run.effect);
        }
    }

    #[test]
    fn the_first_line_carries_the_versions() {
        let first: Value = serde_json::from_str(&lines(&samples::failing_run())[0]).unwrap();
        assert_eq!(first["event"], "run-started");
        assert_eq!(first["hookproof"], "0.1.0");
        assert_eq!(first["platform"], "claude-code");
        assert_eq!(first["version"], "2.1.329");
    }

    #[test]
    fn bytes_are_exact_and_their_text_is_there_to_read() {
        let mut case = samples::case("PreToolUse", "bash", "baseline", vec![]);
        case.runs = vec![run(b"caf\xe9\0\n", b"plain\n")];
        let line: Value = serde_json::from_str(&lines(&[ReportEvent::CaseFinished(Box::new(case))])[0]).unwrap();
        let run = &line["runs"][0];
        assert_eq!(run["observation"]["stdout"]["bytes"], "Y2Fm6QAK");
        assert_eq!(run["text"], json!({"stdout": "caf\u{fffd}\0\n", "stderr": "plain\n"}));
    }

    #[test]
    fn the_text_to_read_is_bounded_and_the_bytes_are_not() {
        let mut case = samples::case("PreToolUse", "bash", "baseline", vec![]);
        case.runs = vec![run("é".repeat(100_000).as_bytes(), b"")];
        let line = &lines(&[ReportEvent::CaseFinished(Box::new(case.clone()))])[0];
        let value: Value = serde_json::from_str(line).unwrap();
        let text = value["runs"][0]["text"]["stdout"].as_str().unwrap();
        assert!(text.starts_with("éé") && text.ends_with("é…") && text.len() < 5000, "{}", text.len());
        let Ok(ReportEvent::CaseFinished(again)) = serde_json::from_str(line) else { panic!("no case") };
        assert_eq!(again.runs[0].observation, case.runs[0].observation);
    }

    #[test]
    fn a_deep_answer_of_a_hook_can_be_read_again() {
        // The deepest document that the suite accepts from a hook.
        let mut deep = json!(1);
        for _ in 0..127 {
            deep = json!([deep]);
        }
        let mut case = samples::case("PreToolUse", "bash", "baseline", vec![]);
        case.runs = vec![run(b"", b"")];
        case.runs[0].effect.updated_input = Some(deep.clone());
        let line = &lines(&[ReportEvent::CaseFinished(Box::new(case))])[0];
        let Ok(ReportEvent::CaseFinished(again)) = ReportEvent::from_line(line) else { panic!("no case") };
        assert_eq!(again.runs[0].effect.updated_input, Some(deep));
    }

    #[test]
    fn a_line_deeper_than_any_report_is_refused_and_does_no_harm() {
        let line = format!("{{\"event\":\"run-finished\",\"x\":{}1{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert!(ReportEvent::from_line(&line).unwrap_err().to_string().contains("deep"));
        // Brackets in a string are no depth.
        let mut case = samples::case("PreToolUse", &"[{\"\\".repeat(1000), "baseline", vec![]);
        case.runs = vec![run(b"", b"")];
        let line = &lines(&[ReportEvent::CaseFinished(Box::new(case))])[0];
        assert!(ReportEvent::from_line(line).is_ok());
    }
}
