//! Lines in colour or plain, and the one place where a report for people is written.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::Look;
use crate::report::Cell;
use crate::report::text::{self, visible};
use crate::requirement::Level;

pub(super) const PLAIN: Style = Style::new();
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GUTTER: Style = AnsiColor::BrightBlue.on_default().bold();
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const ALARM: Style = AnsiColor::Red.on_default().bold().invert();

const MUST: Style = AnsiColor::BrightRed.on_default().bold();
const SHOULD: Style = AnsiColor::Yellow.on_default().bold();
const MAY: Style = AnsiColor::Cyan.on_default().bold();
const NOTE: Style = AnsiColor::Magenta.on_default().bold();

/// The style of what happened in a case.
pub(super) fn style(cell: Cell) -> Style {
    match cell {
        Cell::Skipped => DIM,
        Cell::Passed => GOOD,
        Cell::Noted => NOTE,
        Cell::Broken(Level::May) => MAY,
        Cell::Broken(Level::Should) => SHOULD,
        Cell::Broken(Level::Must) => MUST,
        Cell::HarnessError => ALARM,
    }
}

/// A line to be written. Whatever goes in is made visible here, so that no text of a hook can slip past.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    spans: Vec<(Style, String)>,
}

impl Line {
    pub(super) fn new() -> Line {
        Line::default()
    }

    /// A line that begins with this many blanks.
    pub(super) fn indent(columns: usize) -> Line {
        Line::new().plain(&" ".repeat(columns))
    }

    pub(super) fn plain(self, text: &str) -> Line {
        self.add(PLAIN, text)
    }

    pub(super) fn add(mut self, style: Style, text: &str) -> Line {
        self.spans.push((style, visible(text)));
        self
    }

    /// Says at the end of the line that there is more, in place of the last word.
    pub(super) fn cut(&mut self) {
        if let Some((_, text)) = self.spans.last_mut() {
            let kept = text.trim_end().rfind(' ').filter(|at| !text[..*at].trim().is_empty());
            match kept {
                Some(at) => text.replace_range(at.., " …"),
                None => text.replace_range(text.char_indices().next_back().map_or(0, |(at, _)| at).., "…"),
            }
        }
    }

    /// Columns that it takes.
    pub(super) fn width(&self) -> usize {
        self.spans.iter().map(|(_, text)| text::width(text)).sum()
    }

    /// This line with `text` behind it, and as many further lines as it takes, indented to where `text` begins. Where that
    /// would be a narrow column at the right, `text` goes below.
    pub(super) fn hanging(self, style: Style, text: &str, width: usize) -> Vec<Line> {
        const NARROW: usize = 20;
        let indent = self.width();
        if indent > 4 && indent + NARROW > width {
            let below = Line::indent(4).hanging(style, text, width);
            return std::iter::once(self).chain(below).collect();
        }
        let mut pieces = text::wrap(&visible(text), width.saturating_sub(indent)).into_iter();
        let first = self.add(style, &pieces.next().unwrap_or_default());
        let rest = pieces.map(|piece| Line::indent(indent).add(style, &piece));
        std::iter::once(first).chain(rest).collect()
    }

    /// The line as it is written, without blanks at its end.
    pub(super) fn render(&self, color: bool) -> String {
        let mut out = String::new();
        let last = self.spans.iter().rposition(|(_, text)| !text.trim_end().is_empty());
        for (at, (style, text)) in self.spans.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let text = if Some(at) == last { text.trim_end() } else { text };
            if color && *style != PLAIN && !text.is_empty() {
                out.push_str(&format!("{style}{text}{style:#}"));
            } else {
                out.push_str(text);
            }
        }
        out
    }
}

/// Where lines are written.
#[derive(Debug)]
pub(super) struct Page<W> {
    out: W,
    pub(super) look: Look,
    /// Columns of the line of progress that stands on the screen.
    progress: usize,
}

impl<W: Write> Page<W> {
    pub(super) fn new(out: W, look: Look) -> Self {
        Page { out, look, progress: 0 }
    }

    /// Columns that a line may take.
    pub(super) fn width(&self) -> usize {
        self.look.width.max(40)
    }

    pub(super) fn line(&mut self, line: &Line) -> io::Result<()> {
        self.clear()?;
        writeln!(self.out, "{}", line.render(self.look.color))
    }

    pub(super) fn lines(&mut self, lines: &[Line]) -> io::Result<()> {
        lines.iter().try_for_each(|line| self.line(line))
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        self.line(&Line::new())
    }

    /// Writes a line of progress in place of the one before. Blanks do it, without any escape sequence, so that every
    /// terminal can.
    pub(super) fn overwrite(&mut self, text: &str) -> io::Result<()> {
        // The last column stays free: some terminals go to the next line as soon as it is written.
        let text = text::cut_end(&visible(text), self.width() - 1);
        let columns = text::width(&text);
        let rest = self.progress.saturating_sub(columns);
        write!(self.out, "\r{text}{}", " ".repeat(rest))?;
        self.progress = columns;
        Ok(())
    }

    /// Takes the line of progress off the screen.
    fn clear(&mut self) -> io::Result<()> {
        if self.progress > 0 {
            write!(self.out, "\r{}\r", " ".repeat(self.progress))?;
            self.progress = 0;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_plain_unless_colour_is_wanted() {
        let line = Line::new().add(BOLD, "a").plain(" b").add(DIM, "  ").plain("");
        assert_eq!(line.render(false), "a b");
        assert_eq!(line.render(true), "\u{1b}[1ma\u{1b}[0m b");
        assert_eq!(line.width(), 5);
    }

    #[test]
    fn a_line_shows_what_would_act() {
        assert_eq!(Line::new().plain("\u{1b}]0;x\u{7}").render(true), r"\u{1b}]0;x\u{7}");
    }

    #[test]
    fn long_prose_hangs_below_its_beginning() {
        let lines = Line::new().plain("= help: ").hanging(PLAIN, "one two three four five six seven", 30);
        let told: Vec<_> = lines.iter().map(|line| line.render(false)).collect();
        assert_eq!(told, ["= help: one two three four", "        five six seven"]);
    }

    #[test]
    fn progress_is_written_over_and_taken_away() {
        let mut out = Vec::new();
        let mut page = Page::new(&mut out, Look { terminal: true, ..Look::default() });
        page.overwrite("12345").unwrap();
        page.overwrite("123").unwrap();
        page.line(&Line::new().plain("x")).unwrap();
        page.line(&Line::new().plain("y")).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\r12345\r123  \r   \rx\ny\n");
    }

    #[test]
    fn progress_never_fills_the_line() {
        let mut out = Vec::new();
        Page::new(&mut out, Look { width: 40, ..Look::default() }).overwrite(&"日".repeat(40)).unwrap();
        assert_eq!(text::width(String::from_utf8(out).unwrap().trim_start_matches('\r')), 39);
    }
}
