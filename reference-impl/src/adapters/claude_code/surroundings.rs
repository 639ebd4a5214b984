//! The events of the session's surroundings: settings, instructions, folders, files, notifications.

use super::Event;
use super::answer::Hint;
use super::input::{self, Common};
use crate::guard;
use crate::run::Notes;

/// A notification is sent; nothing that a hook says reaches anyone.
pub(super) struct Notification;
/// A settings file has changed. Whether the change is good is not for a hook to say that sees only the file's name.
pub(super) struct ConfigChange;
/// An instruction file was loaded.
pub(super) struct InstructionsLoaded;
/// The session's folder has changed.
pub(super) struct CwdChanged;
/// A watched file has changed.
pub(super) struct FileChanged;
/// A folder was added to the session.
pub(super) struct DirectoryAdded;

impl Event for CwdChanged {
    const NAME: &'static str = "CwdChanged";
    type Input = input::CwdChanged;
    type Answer = Hint;

    fn answer(_: &Common, input: Self::Input, _: &mut Notes) -> Hint {
        match input.new_cwd.0 {
            // The text does not repeat the path: the person sees it, and it may hold anything.
            Some(folder) if guard::protected_folder(&folder) => Hint::Text(
                "The session's folder is now one of the system's or a whole home folder. Commands that work on \
                 everything in it will be refused; change to a project folder."
                    .into(),
            ),
            _ => Hint::Nothing,
        }
    }
}

silent! {
    Notification takes input::Notification;
    ConfigChange takes input::ConfigChange;
    InstructionsLoaded takes input::InstructionsLoaded;
    FileChanged takes input::FileChanged;
    DirectoryAdded takes input::DirectoryAdded;
}
