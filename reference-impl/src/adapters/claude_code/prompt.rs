//! The events around what a person says: prompts, slash commands, forms of an MCP server.

use super::Event;
use super::answer::{Block, Prompt};
use super::input::{self, Common};
use crate::guard;
use crate::run::Notes;

/// Before a prompt is processed.
pub(super) struct UserPromptSubmit;
/// Before a slash command or an MCP prompt is expanded.
pub(super) struct UserPromptExpansion;
/// An MCP server asks the person for something. Answering for the person is not this hook's business.
pub(super) struct Elicitation;
/// The person has answered an MCP server.
pub(super) struct ElicitationResult;

/// What a person reads whose prompt was stopped. It never repeats the secret.
fn secret_in(input: &input::Prompt) -> Option<String> {
    [&input.prompt, &input.command_args].into_iter().flatten().find_map(|text| guard::secret(text)).map(|secret| {
        format!(
            "The prompt holds {}, which would be stored and sent on. Take it out, name a file or an environment \
                 variable instead, and replace the secret if it has been shown anywhere before.",
            secret.name()
        )
    })
}

impl Event for UserPromptSubmit {
    const NAME: &'static str = "UserPromptSubmit";
    type Input = input::Prompt;
    type Answer = Prompt;

    fn answer(common: &Common, input: Self::Input, notes: &mut Notes) -> Prompt {
        match secret_in(&input) {
            Some(reason) => {
                notes.add("claude-code/UserPromptSubmit: a prompt with a secret was stopped");
                Prompt::Block(reason)
            }
            None => Prompt::Context(guard::notice::for_prompt(common.cwd.0.as_deref())),
        }
    }
}

impl Event for UserPromptExpansion {
    const NAME: &'static str = "UserPromptExpansion";
    type Input = input::Prompt;
    type Answer = Block;

    fn answer(_: &Common, input: Self::Input, notes: &mut Notes) -> Block {
        match secret_in(&input) {
            Some(reason) => {
                notes.add("claude-code/UserPromptExpansion: a command with a secret was stopped");
                Block::Because(reason)
            }
            None => Block::NoOpinion,
        }
    }
}

silent! {
    Elicitation takes input::Elicitation;
    ElicitationResult takes input::Elicitation;
}
