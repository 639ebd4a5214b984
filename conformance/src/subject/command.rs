//! Subjects from a command line.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use hookproof_harness::Invocation;

use super::host::Host;
use super::name::stem;
use super::{Origin, Subject, program};

/// A subject that starts `program` with `args`, without a shell, at every event.
///
/// It is named after the script that an interpreter is given, else after the program.
///
/// ```
/// use hookproof::subject::from_command;
///
/// let subject = from_command("python3".as_ref(), &["/x/guard.py".into(), "--event={event}".into()]);
/// assert_eq!(subject.name, "guard.py");
/// assert_eq!(subject.event, None);
/// ```
#[must_use]
pub fn from_command(program: &OsStr, args: &[OsString]) -> Subject {
    let words: Vec<_> = std::iter::once(program).chain(args.iter().map(OsString::as_os_str)).collect();
    let words: Vec<_> = words.into_iter().map(OsStr::to_string_lossy).collect();
    let plain: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let about = program::of_words(&plain).map_or_else(String::new, |found| found.text);
    let host = Host::current();
    Subject {
        name: stem(&about),
        origin: Origin::Command,
        invocation: Invocation::Program { program: PathBuf::from(program), args: args.to_vec() },
        display: plain.iter().map(|word| host.quoted(word)).collect::<Vec<_>>().join(" "),
        environment: BTreeMap::new(),
        quotes_placeholders: false,
        event: None,
        matcher: None,
        timeout: None,
        handler: BTreeMap::new(),
        project: None,
        folder: None,
        heavy: None,
        worker: None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::from_command;

    #[rstest]
    #[case("python3", &["/x/guard.py"], "guard.py")]
    #[case("/opt/hooks/my guard", &["--strict"], "my-guard")]
    #[case("node", &["-e", "0"], "node")]
    #[case("reference-hook", &["{platform}", "{event}"], "reference-hook")]
    #[case("sh", &["-c", "cd /x && ./run.sh"], "run.sh")]
    #[case("env", &["A=1", "ruby", "a.rb"], "a.rb")]
    fn is_named_after_what_it_runs(#[case] program: &str, #[case] args: &[&str], #[case] name: &str) {
        let args: Vec<_> = args.iter().map(Into::into).collect();
        assert_eq!(from_command(program.as_ref(), &args).name, name);
    }
}
