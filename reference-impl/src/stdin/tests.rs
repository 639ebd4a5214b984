use super::*;
use rstest::rstest;
use std::sync::mpsc::SyncSender;

const PATIENCE: Patience = Patience {
    first_byte: Duration::from_millis(300),
    pause: Duration::from_millis(200),
    whole: Duration::from_secs(5),
};

type Sender = SyncSender<io::Result<Vec<u8>>>;

fn open() -> (Sender, Pieces<io::Empty>) {
    let (sender, receiver) = sync_channel(64);
    (sender, Pieces::Ahead(receiver))
}

fn send(sender: &Sender, bytes: &[u8]) {
    sender.send(Ok(bytes.to_vec())).expect("room");
}

#[test]
fn an_open_stream_is_not_waited_for() {
    let (sender, pieces) = open();
    send(&sender, b"{\"a\":1}\n");
    let begun = Instant::now();
    assert_eq!(pieces.document(PATIENCE).expect("whole"), "{\"a\":1}");
    assert!(begun.elapsed() < PATIENCE.pause);
    drop(sender);
}

#[test]
fn slow_pieces_make_a_document() {
    let (sender, pieces) = open();
    let writer = thread::spawn(move || {
        for piece in "{\"name\":\"Zoë\"}".as_bytes().chunks(1) {
            thread::sleep(Duration::from_millis(20));
            send(&sender, piece);
        }
        sender
    });
    assert_eq!(pieces.document(PATIENCE).expect("whole"), "{\"name\":\"Zoë\"}");
    drop(writer.join().expect("written"));
}

#[test]
fn patience_begins_anew_with_each_piece() {
    let (sender, pieces) = open();
    let patience = Patience { pause: Duration::from_millis(400), ..PATIENCE };
    let writer = thread::spawn(move || {
        // Each pause is well within the patience, all together are well beyond it.
        for piece in [b"{", b"\"", b"a", b"\"", b":", b"1", b"}"] {
            thread::sleep(Duration::from_millis(120));
            send(&sender, piece);
        }
        sender
    });
    assert_eq!(pieces.document(patience).expect("whole"), "{\"a\":1}");
    drop(writer.join().expect("written"));
}

#[rstest]
#[case(b"", "stdin is empty")]
#[case(b"  \n", "stdin is empty")]
#[case(b"\xEF\xBB\xBF", "stdin is empty")]
#[case(b"{\"a\":", "ends in the middle, after 5 bytes")]
#[case(b"{\"a", "ends in the middle, after 3 bytes")]
#[case(b"hello", "not a JSON object")]
#[case(b"[{}]", "not a JSON object")]
#[case(b"{\"a\":\"\xff\"}", "not UTF-8 at byte 6")]
fn a_closed_stream_without_a_document_is_told(#[case] bytes: &[u8], #[case] message: &str) {
    let (sender, pieces) = open();
    if !bytes.is_empty() {
        send(&sender, bytes);
    }
    send(&sender, b"");
    drop(sender);
    let error = pieces.document(PATIENCE).expect_err("no document").to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn silence_is_not_waited_out_for_ever() {
    let (sender, pieces) = open();
    assert!(matches!(pieces.document(PATIENCE), Err(ReadError::NothingArrived)));
    let (second, pieces) = open();
    send(&second, b"{\"a\":");
    assert!(matches!(pieces.document(PATIENCE), Err(ReadError::FellSilent(5))));
    drop((sender, second));
}

#[test]
fn a_trickle_ends_with_the_whole_patience() {
    let (sender, pieces) = open();
    let writer = thread::spawn(move || {
        while sender.send(Ok(b"{".to_vec())).is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let patience = Patience { whole: Duration::from_millis(300), ..PATIENCE };
    assert!(matches!(pieces.document(patience), Err(ReadError::FellSilent(_))));
    writer.join().expect("the writer saw the reader go");
}

#[test]
fn an_endless_document_is_cut() {
    let pieces = Pieces::of(|| io::repeat(b'{'));
    assert!(matches!(pieces.document(PATIENCE), Err(ReadError::TooLarge)));
}

#[test]
fn a_read_error_is_passed_on() {
    let (sender, pieces) = open();
    sender.send(Err(io::Error::other("broken"))).expect("room");
    assert!(matches!(pieces.document(PATIENCE), Err(ReadError::Stream(_))));
}

#[test]
fn without_a_thread_the_stream_is_read_directly() {
    let pieces = Pieces::Direct(io::Cursor::new(b"{\"a\":1} trailing".to_vec()));
    assert_eq!(pieces.document(PATIENCE).expect("whole"), "{\"a\":1}");
    let empty = Pieces::Direct(io::empty());
    assert!(matches!(empty.document(PATIENCE), Err(ReadError::Empty)));
}
