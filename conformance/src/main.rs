//! The command line `hookproof`.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
