//! The comparison of one hook across platforms, for people.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use crate::port::{Cell, Column, Fate, Matrix};

/// A comparison as a table with its explanations.
#[derive(Debug, Clone, Copy)]
pub struct PortTable<'a> {
    matrix: &'a Matrix,
}

const LEGEND: &str =
    "yes: as at home; -: on neither; LOST: at home only; EXTRA: here only; ?: not settled; n/a: no such moment";

impl<'a> PortTable<'a> {
    /// The table of a comparison.
    pub fn new(matrix: &'a Matrix) -> Self {
        PortTable { matrix }
    }

    /// Writes it for a terminal: the table, then every cell that needs a word.
    ///
    /// # Errors
    /// What the writer underneath answers.
    pub fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let matrix = self.matrix;
        writeln!(out, "{}\nwritten for {}\n", matrix.hook, matrix.from)?;
        let width = matrix.platforms.iter().map(|column| column.platform.width()).max().unwrap_or(0);
        let heads: Vec<&str> = matrix.situations.iter().map(|situation| situation.id.as_str()).collect();
        writeln!(out, "{:width$}  {}", "", heads.join("  "))?;
        for column in &matrix.platforms {
            let marks: Vec<String> = column
                .cells
                .iter()
                .zip(&heads)
                .map(|(cell, head)| format!("{:<width$}", self.mark(column, cell), width = head.width()))
                .collect();
            writeln!(out, "{:<width$}  {}", column.platform, marks.join("  ").trim_end())?;
        }
        writeln!(out, "\n{LEGEND}")?;
        for column in &matrix.platforms {
            let telling: Vec<&Cell> = column.cells.iter().filter(|cell| self.tells(cell)).collect();
            if telling.is_empty() && column.notes.is_empty() {
                continue;
            }
            writeln!(out, "\n{}", column.platform)?;
            for cell in telling {
                writeln!(out, "  {} {} ({})", cell.fate.mark(), self.title(cell), place(cell))?;
                for line in Self::lines(cell) {
                    writeln!(out, "       {line}")?;
                }
            }
            if !column.notes.is_empty() {
                writeln!(out, "  to move the configuration:")?;
                for note in &column.notes {
                    writeln!(out, "       {}", note.text)?;
                }
            }
        }
        Ok(())
    }

    /// Writes it as Markdown.
    ///
    /// # Errors
    /// What the writer underneath answers.
    pub fn markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        let matrix = self.matrix;
        writeln!(out, "`{}`, written for {}\n", matrix.hook, matrix.from)?;
        let heads: Vec<&str> = matrix.situations.iter().map(|situation| situation.title.as_str()).collect();
        writeln!(out, "| platform | {} |\n|---|{}", heads.join(" | "), "---|".repeat(heads.len()))?;
        for column in &matrix.platforms {
            let marks: Vec<&str> = column.cells.iter().map(|cell| self.mark(column, cell)).collect();
            writeln!(out, "| {} | {} |", column.platform, marks.join(" | "))?;
        }
        writeln!(out, "\n{LEGEND}")?;
        for column in &matrix.platforms {
            let telling: Vec<&Cell> = column.cells.iter().filter(|cell| self.tells(cell)).collect();
            if telling.is_empty() && column.notes.is_empty() {
                continue;
            }
            writeln!(out, "\n### {}\n", column.title)?;
            for cell in telling {
                writeln!(out, "- **{}**: {} ({})", cell.fate.mark(), self.title(cell), place(cell))?;
                for line in Self::lines(cell) {
                    writeln!(out, "  - {}", line.replace('|', "\\|"))?;
                }
            }
            for note in &column.notes {
                writeln!(out, "- configuration: {}", note.text)?;
            }
        }
        Ok(())
    }

    /// At home the mark says whether it happens at all.
    fn mark(&self, column: &Column, cell: &Cell) -> &'static str {
        match cell.happens {
            Some(true) if column.platform == self.matrix.from => "yes",
            Some(false) if column.platform == self.matrix.from => "-",
            _ => cell.fate.mark(),
        }
    }

    fn tells(&self, cell: &Cell) -> bool {
        matches!(cell.fate, Fate::Lost | Fate::Gained | Fate::Unsettled)
    }

    fn title(&self, cell: &'a Cell) -> &'a str {
        let found = self.matrix.situations.iter().find(|situation| situation.id == cell.situation);
        found.map_or(cell.situation.as_str(), |situation| situation.title.as_str())
    }

    /// What is said of a cell, a line each.
    fn lines(cell: &Cell) -> Vec<String> {
        let mut lines: Vec<String> = cell.said.iter().map(|said| format!("the hook: {said}")).collect();
        lines.push(cell.told.clone());
        lines.extend(cell.why.iter().map(|why| format!("because {why}")));
        lines.extend(cell.mend.iter().map(|mend| format!("mend: {mend}")));
        lines
    }
}

fn place(cell: &Cell) -> &str {
    cell.event.as_deref().unwrap_or("no event")
}
