//! Enough of the POSIX shell language to tell what a command line runs from what it merely mentions.
//!
//! The parser finds simple commands: after `;`, `&`, `&&`, `||`, `|` and line breaks, in groups and subshells, in
//! `$( )`, backticks, `<( )` and here-documents. It takes quotes, backslashes, comments and here-documents away as a
//! shell does, so `echo "rm -rf /"` is one word of data and `\r'm' -rf /` is a command. It executes and expands nothing.
//!
//! It is lenient: what a shell would refuse as a syntax error is read as well as it goes, since a shell runs the lines
//! before the error. Its work grows with the length of the text; nesting and the number of words are bounded.

mod braces;
mod expansion;
mod parser;
mod reader;
mod word;

pub(crate) use braces::alternatives;
pub(crate) use parser::{Command, Pipeline, RESERVED, Script, parse};
pub(crate) use word::{Part, Word};
