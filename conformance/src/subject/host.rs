//! The operating system that hooks are started on, as far as a configuration is read differently.

use crate::contract::{Process, System};

/// The kind of operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    /// Linux, macOS and their like.
    Unix,
    /// Windows.
    Windows,
}

impl Host {
    /// The one that this program runs on.
    pub(crate) fn current() -> Host {
        if std::env::consts::FAMILY == "windows" { Host::Windows } else { Host::Unix }
    }

    /// Its names in a configuration, the narrower first.
    pub(crate) fn systems(self) -> &'static [System] {
        match self {
            Host::Windows => &[System::Windows],
            Host::Unix if std::env::consts::OS == "macos" => &[System::Macos, System::Unix],
            Host::Unix => &[System::Linux, System::Unix],
        }
    }

    /// The contract's shell here, with the flag that takes the script.
    pub(crate) fn shell(self, process: &Process) -> &[String] {
        match self {
            Host::Unix => &process.shell,
            Host::Windows => &process.shell_windows,
        }
    }

    /// `word` as a person would type it in a command line here.
    pub(crate) fn quoted(self, word: &str) -> String {
        match self {
            // A NUL, which no argument can hold, is the only thing that cannot be quoted.
            Host::Unix => shlex::try_quote(word).map_or_else(|_| format!("{word:?}"), std::borrow::Cow::into_owned),
            Host::Windows => {
                let plain = |c: char| c.is_alphanumeric() || r"-_./\:=@%+,~".contains(c);
                if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { windows_quoted(word) }
            }
        }
    }
}

/// Quotes by the rules of the Microsoft C runtime: a backslash is doubled only where it stands before a quotation mark.
fn windows_quoted(word: &str) -> String {
    let mut out = String::from('"');
    let mut backslashes = 0;
    for c in word.chars() {
        match c {
            '\\' => backslashes += 1,
            '"' => {
                out.push_str(&"\\".repeat(backslashes * 2 + 1));
                out.push('"');
                backslashes = 0;
            }
            c => {
                out.push_str(&"\\".repeat(backslashes));
                out.push(c);
                backslashes = 0;
            }
        }
    }
    out.push_str(&"\\".repeat(backslashes * 2));
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Host;

    #[rstest]
    #[case(Host::Unix, "/x/guard.py", "/x/guard.py")]
    #[case(Host::Unix, "it's", "\"it's\"")]
    #[case(Host::Unix, "", "''")]
    #[case(Host::Windows, r"C:\x\guard.exe", r"C:\x\guard.exe")]
    #[case(Host::Windows, r"C:\my hooks\", r#""C:\my hooks\\""#)]
    #[case(Host::Windows, r#"say "hi""#, r#""say \"hi\"""#)]
    #[case(Host::Windows, "", r#""""#)]
    fn quotes_as_the_system_takes_it(#[case] host: Host, #[case] word: &str, #[case] expected: &str) {
        assert_eq!(host.quoted(word), expected);
    }
}
