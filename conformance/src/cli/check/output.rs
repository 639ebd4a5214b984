//! Where a report goes, and in which form.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use hookproof::report::{Human, JsonLines, Look, Reporter};
use hookproof::requirement::Catalogue;

use super::{CheckArguments, CliError, Format};

/// Where the report goes; several platforms write to it one after another.
#[derive(Clone)]
pub(super) struct Output {
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    terminal: bool,
}

impl Output {
    pub(super) fn of(arguments: &CheckArguments) -> Result<Self, CliError> {
        let (writer, terminal): (Box<dyn Write + Send>, bool) = match &arguments.output {
            Some(path) => {
                let file = File::create(path)
                    .map_err(|error| CliError::Usage(format!("failed to create {}: {error}", path.display())))?;
                (Box::new(io::BufWriter::new(file)), false)
            }
            None => (Box::new(io::stdout()), io::stdout().is_terminal()),
        };
        Ok(Output { writer: Arc::new(Mutex::new(writer)), terminal })
    }

    /// An output into memory.
    pub(super) fn memory() -> (Self, Arc<Mutex<Vec<u8>>>) {
        let memory = Arc::new(Mutex::new(Vec::new()));
        let writer: Box<dyn Write + Send> = Box::new(Memory(Arc::clone(&memory)));
        (Output { writer: Arc::new(Mutex::new(writer)), terminal: false }, memory)
    }

    pub(super) fn reporter(&self, arguments: &CheckArguments, catalogue: &'static Catalogue) -> Box<dyn Reporter> {
        match arguments.format {
            Format::Jsonl => Box::new(JsonLines::new(self.clone())),
            Format::Human => {
                let color = arguments.color.wanted(self.terminal);
                let CheckArguments { verbose, matrix, .. } = *arguments;
                let look = Look { color, terminal: self.terminal, verbose, matrix, width: self.width() };
                Box::new(Human::new(self.clone(), catalogue, look))
            }
        }
    }
}

impl Output {
    /// Columns that a line may take.
    #[expect(clippy::unused_self, reason = "the width belongs to the output")]
    pub(super) fn width(&self) -> usize {
        terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

/// Bytes that are written into memory.
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
