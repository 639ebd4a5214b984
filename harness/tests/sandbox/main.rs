//! Programs that reach for what is not theirs, and what the harness lets them have and reports of them.
//!
//! Some of the programs are this same binary, started as `sandbox --reach NAME ...`.

#[cfg(target_os = "linux")]
mod bare;
#[cfg(target_os = "linux")]
mod copies;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod escapes;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod life;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod reach;
#[cfg(target_os = "linux")]
mod scene;
#[cfg(target_os = "linux")]
mod system;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    {
        let mut args = std::env::args().skip(1);
        if args.next().is_some_and(|first| first == "--reach") {
            return reach::reach(&args.collect::<Vec<_>>());
        }
    }
    let mut trials = Vec::new();
    #[cfg(target_os = "linux")]
    {
        files::add(&mut trials);
        copies::add(&mut trials);
        network::add(&mut trials);
        system::add(&mut trials);
        faults::add(&mut trials);
        life::add(&mut trials);
        escapes::add(&mut trials);
    }
    #[cfg(not(target_os = "linux"))]
    elsewhere::add(&mut trials);
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(message().into()) }
}
