//! The command line `hookproof`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
