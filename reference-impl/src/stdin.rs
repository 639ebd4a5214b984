//! Takes exactly one JSON document from stdin.
//!
//! Hosts have kept stdin open after the payload, sent it in pieces, cut it off, or given none at all. So the reader
//! never waits for end of file: it follows the brackets of the document as the bytes arrive and is done with the last
//! one. What stays silent in the middle of a document is malformed after a while, and no stream is read for ever.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

mod scan;

use scan::{Progress, Scan};

/// A payload may be this large. Real ones reach some hundred kilobytes.
const DOCUMENT_LIMIT: usize = 16 * 1024 * 1024;

/// One read from the stream takes at most this much.
const PIECE: usize = 64 * 1024;

/// The reading thread may be this many pieces ahead.
const PIECES_AHEAD: usize = 4;

/// Waiting is counted in slices of this length, so that a machine that froze the process for a second costs one slice
/// and not the whole patience.
const SLICE: Duration = Duration::from_millis(50);

/// How long an unreadable stream is drained, so that its writer is not cut off in the middle.
const DRAIN_TIME: Duration = Duration::from_millis(200);

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// From the start to the first byte.
    pub(crate) first_byte: Duration,
    /// Between two pieces of one document.
    pub(crate) pause: Duration,
    /// For the whole document, however it trickles in.
    pub(crate) whole: Duration,
}

/// Why there is no document. Each message finishes the sentence "failed to ...".
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// Closed, at its end at once, or nothing but white space.
    #[error("read a payload: stdin is empty")]
    Empty,
    /// Nothing has come at all, and the stream is still open.
    #[error("read a payload: nothing has arrived on stdin")]
    NothingArrived,
    /// End of file inside the document.
    #[error("read the payload: it ends in the middle, after {0} bytes")]
    Truncated(usize),
    /// Silence inside the document.
    #[error("read the payload: stdin fell silent in the middle, after {0} bytes")]
    FellSilent(usize),
    /// The document is larger than [`DOCUMENT_LIMIT`].
    #[error("read the payload: it is larger than {} MiB", DOCUMENT_LIMIT / 1024 / 1024)]
    TooLarge,
    /// The first character is none that opens a JSON object.
    #[error("read the payload: it is not a JSON object")]
    NotAnObject,
    /// Bytes that are no UTF-8.
    #[error("read the payload: it is not UTF-8 at byte {0}")]
    NotUtf8(usize),
    /// The operating system refused to read.
    #[error("read the payload: {0}")]
    Stream(io::Error),
}

/// Reads one document from this process's stdin.
///
/// # Errors
///
/// Returns a [`ReadError`] when no whole document arrives in time. Whether the document is well-formed JSON is for the
/// one who decodes it to say.
pub(crate) fn read_document(patience: Patience) -> Result<String, ReadError> {
    Pieces::of(io::stdin).document(patience)
}

/// The pieces of a stream, with waiting.
enum Pieces<R> {
    /// A thread reads, so that waiting can end before the read does. The thread is never joined: it ends with the
    /// stream or with the process.
    Ahead(Receiver<io::Result<Vec<u8>>>),
    /// No thread could be had (a process limit, for example): reads wait as long as the stream makes them.
    Direct(R),
}

/// What came of waiting for a piece.
enum Arrival {
    Piece(Vec<u8>),
    End,
    Nothing,
}

impl<R: Read + 'static> Pieces<R> {
    /// Starts reading the stream that `open` gives.
    fn of(open: impl Fn() -> R + Copy + Send + 'static) -> Self {
        let (sender, receiver) = sync_channel(PIECES_AHEAD);
        let reading = thread::Builder::new().name("stdin".into()).stack_size(128 * 1024).spawn(move || {
            let mut stream = open();
            loop {
                let piece = read_piece(&mut stream);
                let last = !matches!(&piece, Ok(bytes) if !bytes.is_empty());
                if sender.send(piece).is_err() || last {
                    return;
                }
            }
        });
        match reading {
            Ok(_detached) => Self::Ahead(receiver),
            Err(_) => Self::Direct(open()),
        }
    }

    fn wait(&mut self, slice: Duration) -> Result<Arrival, ReadError> {
        let piece = match self {
            Self::Direct(stream) => read_piece(stream),
            Self::Ahead(receiver) => match receiver.recv_timeout(slice) {
                Ok(piece) => piece,
                Err(RecvTimeoutError::Timeout) => return Ok(Arrival::Nothing),
                Err(RecvTimeoutError::Disconnected) => return Ok(Arrival::End),
            },
        };
        match piece {
            Ok(bytes) if bytes.is_empty() => Ok(Arrival::End),
            Ok(bytes) => Ok(Arrival::Piece(bytes)),
            Err(error) => Err(ReadError::Stream(error)),
        }
    }

    fn document(mut self, patience: Patience) -> Result<String, ReadError> {
        let document = self.collect(patience);
        if matches!(document, Err(ReadError::TooLarge | ReadError::NotAnObject)) {
            self.drain();
        }
        let document = document?;
        String::from_utf8(document).map_err(|error| ReadError::NotUtf8(error.utf8_error().valid_up_to()))
    }

    fn collect(&mut self, patience: Patience) -> Result<Vec<u8>, ReadError> {
        let begun = Instant::now();
        let mut scan = Scan::default();
        let mut waited = Duration::ZERO;
        loop {
            match self.wait(SLICE)? {
                Arrival::Piece(piece) => {
                    waited = Duration::ZERO;
                    match scan.take(&piece) {
                        Progress::Complete => return Ok(scan.into_document()),
                        Progress::Wrong => return Err(ReadError::NotAnObject),
                        Progress::Open if scan.len() > DOCUMENT_LIMIT => {
                            return Err(ReadError::TooLarge);
                        }
                        Progress::Open => {}
                    }
                }
                Arrival::End if scan.is_blank() => return Err(ReadError::Empty),
                Arrival::End => return Err(ReadError::Truncated(scan.len())),
                Arrival::Nothing => {
                    waited += SLICE;
                    if scan.len() == 0 && waited >= patience.first_byte {
                        return Err(ReadError::NothingArrived);
                    }
                    if scan.len() > 0 && waited >= patience.pause {
                        return Err(ReadError::FellSilent(scan.len()));
                    }
                }
            }
            if begun.elapsed() >= patience.whole {
                return Err(ReadError::FellSilent(scan.len()));
            }
        }
    }

    /// Takes what else is coming, for a short while, so that a host that does not expect a closed pipe is spared one.
    fn drain(&mut self) {
        if matches!(self, Self::Direct(_)) {
            return;
        }
        let begun = Instant::now();
        while begun.elapsed() < DRAIN_TIME && matches!(self.wait(SLICE), Ok(Arrival::Piece(_))) {}
    }
}

/// One read; an empty piece is the end of the stream.
fn read_piece(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; PIECE];
    loop {
        match stream.read(&mut buffer) {
            Ok(length) => {
                buffer.truncate(length);
                return Ok(buffer);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
