//! The program `reference-hook`: the library's entry point and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    hookproof_reference::main_from_args(std::env::args_os().skip(1))
}
