//! The oracle: contract x event x run -> effect.
//!
//! It is generic. What a field, an exit code or a text means is the contract's business; Rust is added only for a
//! reading rule that no platform had before.

mod answer;
mod decide;
mod effect;
mod exit;
mod facts;
mod lint;
mod reading;
pub(crate) mod remedy;
mod tell;
mod texts;

pub use effect::{Effect, HookStatus, Problem};
pub(crate) use facts::{BROKEN_PIPE_SIGNAL, reported_signal, say_signal};
pub use facts::{Ended, Facts};
pub use tell::tell;

use answer::{Answer, Refusal};
use reading::{Heard, Reading};

use crate::contract::{AnswerClass, Contract, Event, HandlerOption};

/// What the hook said, as far as it was an answer.
#[derive(Debug, Clone)]
enum Said {
    /// Nothing but white space.
    Nothing,
    /// Plain text.
    Text,
    /// An answer that the platform accepts.
    Answer(Box<Answer>),
    /// A document that the platform refuses.
    Refused(Refusal),
    /// Meant as JSON, and none.
    Broken(crate::json::SyntaxError),
    /// The hook sent itself to the background.
    Announced,
}

impl Said {
    fn class(&self) -> AnswerClass {
        match self {
            Said::Nothing => AnswerClass::Empty,
            Said::Text => AnswerClass::Text,
            Said::Answer(_) => AnswerClass::Valid,
            Said::Refused(refusal) => answer::class_of(refusal),
            Said::Broken(_) => AnswerClass::Broken,
            Said::Announced => AnswerClass::Announced,
        }
    }
}

/// What the platform would do with a run of a hook at `event`.
///
/// ```
/// use hookproof::contract::{Action, Library};
/// use hookproof::oracle::{Ended, Facts, interpret};
///
/// let contract = Library::built_in()?.select("claude-code")?;
/// let event = &contract.events["PreToolUse"];
/// let effect = interpret(&contract, event, &Facts::new(Ended::Exit(2), b"", b"not here\n"));
/// assert_eq!(effect.action, Action::Blocked);
/// assert_eq!(effect.model_sees, ["not here"]);
/// // Exit 1 blocks nothing.
/// let effect = interpret(&contract, event, &Facts::new(Ended::Exit(1), b"", b"not here\n"));
/// assert_eq!(effect.action, Action::Proceeds);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn interpret(contract: &Contract, event: &Event, facts: &Facts<'_>) -> Effect {
    let heard = Heard::read(contract, event, facts);
    let tool = facts.tool.or(contract.platform.default_tool.as_deref());
    let said = match &heard.reading {
        Reading::Empty => Said::Nothing,
        Reading::Text => Said::Text,
        Reading::Broken(error) => Said::Broken(error.clone()),
        Reading::Announced => Said::Announced,
        Reading::Document(document) => match answer::check(contract, event, &document.value) {
            Ok(()) => Said::Answer(Box::new(answer::read(contract, event, &document.value, tool))),
            Err(refusal) => Said::Refused(refusal),
        },
    };
    let run = Run { contract, event, facts, heard: &heard, said: &said, tool };
    let ruling = exit::rule(&run);
    let mut effect = decide::effect(&run, &ruling);
    effect.problems = lint::problems(&run, &ruling, &effect);
    effect
}

/// Everything that the parts of the oracle look at.
struct Run<'a> {
    contract: &'a Contract,
    event: &'a Event,
    facts: &'a Facts<'a>,
    heard: &'a Heard,
    said: &'a Said,
    tool: Option<&'a str>,
}

impl Run<'_> {
    /// The option, with its name, of the handler's configuration that is set to the value that `meaning` picks, and counts at this event.
    fn option(&self, meaning: impl Fn(&HandlerOption) -> Option<&String>) -> Option<(&str, &HandlerOption)> {
        self.contract.handler.iter().find_map(|(name, option)| {
            let value = self.facts.handler.get(name)?;
            (Some(value) == meaning(option) && !option.ignored_at.contains(&self.event.name))
                .then_some((name.as_str(), option))
        })
    }

    /// The option that shows the hook's streams to the user, if it is set.
    fn shows_streams(&self) -> Option<&HandlerOption> {
        Some(self.option(|option| option.shows_streams.as_ref())?.1)
    }

    /// stderr as text, without white space at its end.
    fn stderr(&self) -> String {
        String::from_utf8_lossy(self.facts.stderr).trim_end().to_owned()
    }
}
