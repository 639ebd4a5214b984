//! The suite proves itself, one trial a case.
//!
//! `<platform>::<Event>::<payload>::<scenario>` is a case of the reference hook: no requirement of any level may fail;
//! with `bootstrap::` or `heavy-bootstrap::` before it, one of the reference hook with its bootstrap.
//! `witness::<requirement>` is a hook that is broken on purpose: its own requirement must fail it at each of its events,
//! and no unrelated MUST may. `reference::every-requirement-is-met` says that each requirement was put to the
//! reference and held, or does not apply to it.
//!
//! Only what the filter selects is run, in one go before the first trial: hooks are then started by as many workers as
//! there are processors, and the trials are questions about what was seen.

#[path = "conformance/bootstrap.rs"]
mod bootstrap;
#[path = "conformance/expectation.rs"]
mod expectation;
#[path = "conformance/reference.rs"]
mod reference;
#[path = "conformance/run.rs"]
mod run;
#[path = "conformance/witness.rs"]
mod witness;

use std::collections::BTreeSet;
use std::error::Error;
use std::process::ExitCode;

use hookproof::contract::Library;
use hookproof::requirement::Catalogue;
use libtest_mimic::{Arguments, Trial};

use run::Suite;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // The witnesses are this program again, so that nothing has to be built or found.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|first| first == witness::SUBCOMMAND) {
        return Ok(hookproof_witness::main_from_args(words));
    }
    let arguments = Arguments::from_args();
    let trials = trials(&arguments)?;
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

fn trials(arguments: &Arguments) -> Result<Vec<Trial>, Box<dyn Error>> {
    let library = Library::built_in()?;
    let mut trials = Vec::new();
    let mut met = BTreeSet::new();
    for platform in library.platforms() {
        let suite = Suite::new(library.select(platform)?)?;
        trials.extend(reference::trials(&suite, arguments, &mut met)?);
        trials.extend(witness::trials(&suite, arguments)?);
    }
    trials.push(reference::complete(Catalogue::built_in()?, &met));
    expectation::apply(trials)
}
