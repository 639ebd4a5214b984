use super::*;
use rstest::rstest;
use serde_json::json;

/// A stream that counts its writes and can refuse them.
#[derive(Debug, Default)]
struct Stream {
    writes: Vec<Vec<u8>>,
    flushed: bool,
    refuse: Option<io::ErrorKind>,
}

impl Write for &mut Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(kind) = self.refuse {
            return Err(kind.into());
        }
        self.writes.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed = true;
        Ok(())
    }
}

impl Stream {
    fn refusing(kind: io::ErrorKind) -> Self {
        Self { refuse: Some(kind), ..Self::default() }
    }

    fn text(&self) -> String {
        String::from_utf8(self.writes.concat()).expect("text")
    }
}

fn document() -> Document {
    Document::new(&json!({ "a": "line\nbreak" })).expect("an object")
}

fn decision() -> Intent {
    Intent::Decision { document: document(), reason: "because".into() }
}

#[rstest]
#[case(Intent::GracefulExit, 0, "", "")]
#[case(Intent::ModelContext(document()), 0, "{\"a\":\"line\\nbreak\"}\n", "")]
#[case(Intent::UserHint(document()), 0, "{\"a\":\"line\\nbreak\"}\n", "")]
#[case(decision(), 0, "{\"a\":\"line\\nbreak\"}\n", "")]
#[case(Intent::ResultLine("/a/b".into()), 0, "/a/b\n", "")]
#[case(Intent::BlockingError("no".into()), 2, "", "no\nstray\n")]
#[case(Intent::Failure("cannot".into()), 1, "", "cannot\nstray\n")]
fn each_intent_has_its_streams_and_code(
    #[case] intent: Intent,
    #[case] code: u8,
    #[case] stdout: &str,
    #[case] stderr: &str,
) {
    let (mut out, mut err) = (Stream::default(), Stream::default());
    let mut emitter = Emitter::new(&mut out, &mut err);
    emitter.stray("stray");
    emitter.diagnostic("never on a stream");
    emitter.emit(intent).expect("the first");
    assert_eq!(emitter.finish(None), code);
    assert_eq!(out.text(), stdout);
    assert_eq!(err.text(), stderr);
    assert!(out.writes.len() <= 1, "one write: {:?}", out.writes);
    assert_eq!(out.flushed, !stdout.is_empty());
}

#[test]
fn a_second_intent_is_refused_and_the_first_stays() {
    let (mut out, mut err) = (Stream::default(), Stream::default());
    let mut emitter = Emitter::new(&mut out, &mut err);
    emitter.emit(decision()).expect("the first");
    let refused = emitter.emit(Intent::ModelContext(document())).expect_err("the second");
    assert!(matches!(refused, EmitError::Twice { first: "a decision", second: "model context" }));
    assert_eq!(emitter.finish(None), 0);
    assert_eq!(out.text().matches('{').count(), 1);
}

#[rstest]
#[case(Intent::BlockingError(" \n".into()))]
#[case(Intent::Failure(String::new()))]
#[case(Intent::Decision { document: document(), reason: "\t".into() })]
fn a_blank_reason_is_refused(#[case] intent: Intent) {
    let (mut out, mut err) = (Stream::default(), Stream::default());
    let mut emitter = Emitter::new(&mut out, &mut err);
    assert!(matches!(emitter.emit(intent), Err(EmitError::BlankReason(_))));
}

#[rstest]
#[case("")]
#[case("/a\n/b")]
#[case("/a\u{1b}[0m")]
fn a_result_line_is_one_clean_line(#[case] line: &str) {
    let (mut out, mut err) = (Stream::default(), Stream::default());
    let mut emitter = Emitter::new(&mut out, &mut err);
    assert!(matches!(emitter.emit(Intent::ResultLine(line.into())), Err(EmitError::BrokenLine)));
}

#[test]
fn only_an_object_is_a_document() {
    assert!(matches!(Document::new(&json!(["a"])), Err(EmitError::NotAnObject)));
    assert!(matches!(Document::new(&"{"), Err(EmitError::NotAnObject)));
}

#[rstest]
#[case(io::ErrorKind::BrokenPipe, decision(), 2, "because\n")]
#[case(io::ErrorKind::StorageFull, decision(), 2, "because\n")]
#[case(io::ErrorKind::BrokenPipe, Intent::ModelContext(document()), 0, "")]
fn a_lost_stdout_loses_no_refusal(
    #[case] kind: io::ErrorKind,
    #[case] intent: Intent,
    #[case] code: u8,
    #[case] stderr: &str,
) {
    let (mut out, mut err) = (Stream::refusing(kind), Stream::default());
    let mut emitter = Emitter::new(&mut out, &mut err);
    emitter.emit(intent).expect("the first");
    assert_eq!(emitter.finish(None), code);
    assert_eq!(err.text(), stderr);
}

#[test]
fn a_full_disk_behind_stdout_is_told_when_the_answer_is_no_refusal() {
    let (mut out, mut err) = (Stream::refusing(io::ErrorKind::StorageFull), Stream::default());
    let mut emitter = Emitter::new(&mut out, &mut err);
    emitter.emit(Intent::ResultLine("/a".into())).expect("the first");
    assert_eq!(emitter.finish(None), 1);
    assert!(err.text().contains("failed to write the answer"));
}

#[test]
fn both_streams_gone_still_leaves_the_exit_code() {
    let (mut out, mut err) = (Stream::refusing(io::ErrorKind::BrokenPipe), Stream::refusing(io::ErrorKind::BrokenPipe));
    let mut emitter = Emitter::new(&mut out, &mut err);
    emitter.emit(decision()).expect("the first");
    assert_eq!(emitter.finish(None), 2);
}

#[test]
fn stray_text_is_bounded_at_a_character() {
    let (mut out, mut err) = (Stream::default(), Stream::default());
    let mut emitter = Emitter::new(&mut out, &mut err);
    emitter.stray("a");
    emitter.stray(&"é".repeat(STRAY_LIMIT));
    emitter.emit(Intent::BlockingError("no".into())).expect("the first");
    emitter.finish(None);
    assert!(err.text().len() <= STRAY_LIMIT + "no\n\n".len());
}

#[test]
fn diagnostics_go_to_the_log_of_the_state_directory() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut out, mut err) = (Stream::default(), Stream::default());
    let mut emitter = Emitter::new(&mut out, &mut err);
    emitter.diagnostic("seen");
    assert_eq!(emitter.finish(Some(&StateLog::in_directory(folder.path()))), 0);
    assert!(out.writes.is_empty() && err.writes.is_empty());
    let log = std::fs::read_to_string(folder.path().join("reference-hook.log")).expect("a log");
    assert_eq!(log, "seen\n");
}
