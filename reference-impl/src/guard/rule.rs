//! The rules, with what is said to whoever meets one.

/// Something that the guard refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    RecursiveRemoval,
    FormatDisk,
    OverwriteDisk,
    RunDownload,
    ForkBomb,
    ForcePush,
    RemoveHistory,
    DestroyRemote,
    DropData,
    OpenToAll,
    SystemFile,
    KeyFile,
    TooComplex,
}

impl Rule {
    /// What is wrong and what to do instead. Fixed texts: nothing of the refused input is repeated, so that no input
    /// can put words into the guard's mouth.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::RecursiveRemoval => {
                "Refused: this removes the root folder, a home folder or a system folder with all that is in it. \
                 Remove only what is meant, by its full path below the project folder, or ask the person to do it."
            }
            Self::FormatDisk => {
                "Refused: this makes a new file system on a device and destroys what is on it. \
                 Work on an image file in the project folder, or ask the person to do it."
            }
            Self::OverwriteDisk => {
                "Refused: this writes straight to a disk and destroys what is on it. \
                 Write to a file in the project folder, or ask the person to do it."
            }
            Self::RunDownload => {
                "Refused: this runs what a server sends before anyone has seen it. \
                 Download it to a file, read the file, and run it when it has been checked."
            }
            Self::ForkBomb => {
                "Refused: this starts itself again and again until the machine stands still. \
                 Start a fixed number of processes instead."
            }
            Self::ForcePush => {
                "Refused: this overwrites the history of the main branch for everyone. \
                 Push to a branch of your own and open a pull request, or ask the person to do it."
            }
            Self::RemoveHistory => {
                "Refused: this removes the repository with its whole history. \
                 Remove only files that are tracked, or ask the person to do it."
            }
            Self::DestroyRemote => {
                "Refused: this destroys what others work with, in a cloud or a cluster, without a question. \
                 Show what would be destroyed (a plan or a dry run) and let the person do it."
            }
            Self::DropData => {
                "Refused: this drops tables or a database with all that is in them. \
                 Write a migration, show it, and let the person run it."
            }
            Self::OpenToAll => {
                "Refused: this lets every user of the machine change the root folder, a home folder or a system folder. \
                 Change the mode of the one file that needs it, and only for its owner or group."
            }
            Self::SystemFile => {
                "Refused: files below /etc configure the whole machine. \
                 Put the change into a file of the project and ask the person to install it."
            }
            Self::KeyFile => {
                "Refused: files in a .ssh folder decide who can log in. \
                 Show the person the line that is wanted and let them add it."
            }
            Self::TooComplex => {
                "Refused: the command is nested too deeply or too long to be judged. \
                 Split it into plain steps, or write a script file, show it, and run that."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_says_what_to_do_instead() {
        use Rule::*;
        for rule in [
            RecursiveRemoval,
            FormatDisk,
            OverwriteDisk,
            RunDownload,
            ForkBomb,
            ForcePush,
            RemoveHistory,
            DestroyRemote,
            DropData,
            OpenToAll,
            SystemFile,
            KeyFile,
            TooComplex,
        ] {
            let reason = rule.reason();
            assert!(reason.starts_with("Refused: "), "{rule:?}");
            assert!(reason.matches(". ").count() >= 1, "{rule:?} has a second sentence");
            assert!(reason.encode_utf16().count() < 1_000, "{rule:?}");
            // A host may take an exit 2 with such words for a missing script and not for a block.
            assert!(!reason.contains("no such file") && !reason.contains("can't open"), "{rule:?}");
        }
    }
}
