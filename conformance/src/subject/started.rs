//! How a file is started where a person names nothing but the file.

use std::ffi::OsString;
use std::path::Path;

use super::executable;
use super::shebang::Shebang;

/// How a file is started as a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// As a program.
    Itself,
    /// As a script, by another program, because the file itself cannot be executed.
    By {
        /// The interpreter and its arguments before the script.
        interpreter: Vec<OsString>,
        /// Whether the first line of the file names the interpreter; otherwise its extension does.
        by_shebang: bool,
    },
}

/// Extensions of files that configure or describe something, and are never hooks themselves.
const DATA: &[&str] = &["json", "jsonc", "json5", "toml", "yaml", "yml", "md", "txt"];

/// Interpreters by the extension of the script, with the arguments before it. Of several the first that `PATH` has.
const INTERPRETERS: &[(&str, &[&[&str]])] = &[
    ("sh", &[&["sh"]]),
    ("bash", &[&["bash"]]),
    ("zsh", &[&["zsh"]]),
    ("fish", &[&["fish"]]),
    ("py", &[&["python3"], &["python"]]),
    ("js", &[&["node"], &["bun"]]),
    ("mjs", &[&["node"], &["bun"]]),
    ("cjs", &[&["node"], &["bun"]]),
    ("ts", &[&["bun"], &["deno", "run", "--allow-all"], &["tsx"], &["node"]]),
    ("mts", &[&["bun"], &["deno", "run", "--allow-all"], &["tsx"], &["node"]]),
    ("rb", &[&["ruby"]]),
    ("pl", &[&["perl"]]),
    ("php", &[&["php"]]),
    ("lua", &[&["lua"]]),
    ("ps1", &[&["pwsh", "-NoProfile", "-File"], &["powershell", "-NoProfile", "-File"]]),
    ("cmd", &[&["cmd", "/C"]]),
    ("bat", &[&["cmd", "/C"]]),
];

/// No script is larger, in bytes.
const LARGEST_SCRIPT: u64 = 16 * 1024 * 1024;

/// Extensions of programs that Windows starts without an interpreter.
const PROGRAMS: &[&str] = &["exe", "com"];

/// How the file at `path` is started if it is a script or a program: by itself if the system can execute it, or else by the
/// interpreter that its first line or its extension names. `None` if it is neither.
#[must_use]
pub fn started(path: &Path) -> Option<Started> {
    let length = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?.len();
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
    let extension = extension.as_deref().unwrap_or_default();
    if DATA.contains(&extension) {
        return None;
    }
    if executes_itself(path, extension) {
        return Some(Started::Itself);
    }
    if length > LARGEST_SCRIPT {
        return None;
    }
    if let Some(shebang) = Shebang::of(path) {
        let interpreter = shebang.words().iter().filter(|word| *word != "-S").map(OsString::from).collect();
        return Some(Started::By { interpreter, by_shebang: true });
    }
    let (_, choices) = INTERPRETERS.iter().find(|(known, _)| *known == extension)?;
    let chosen = choices.iter().find(|words| executable::is_there(words[0])).or(choices.first())?;
    Some(Started::By { interpreter: chosen.iter().map(OsString::from).collect(), by_shebang: false })
}

/// Whether the system starts the file without being told by what. Windows looks at the extension, Unix at a permission.
fn executes_itself(path: &Path, extension: &str) -> bool {
    if cfg!(windows) { PROGRAMS.contains(&extension) } else { executable::may_run(path) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;

    use super::{Started, started};
    use crate::subject::executable::let_run;

    fn by(words: &[&str], by_shebang: bool) -> Option<Started> {
        Some(Started::By { interpreter: words.iter().map(Into::into).collect(), by_shebang })
    }

    #[rstest]
    #[case::first_line("guard", "#!/usr/bin/env -S python3 -u\n", by(&["python3", "-u"], true))]
    #[case::first_line_before_extension("guard.py", "#!/bin/sh\n", by(&["/bin/sh"], true))]
    #[case::extension("guard.sh", "exit 0\n", by(&["sh"], false))]
    #[case::extension_in_capitals("GUARD.SH", "exit 0\n", by(&["sh"], false))]
    #[case::settings("settings.json", "#!/bin/sh\n", None)]
    #[case::text("guard", "exit 0\n", None)]
    fn a_file_that_is_not_executable(#[case] name: &str, #[case] text: &str, #[case] expected: Option<Started>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        assert_eq!(started(&path), expected);
    }

    #[cfg(unix)]
    #[rstest]
    #[case::script("guard.py", Some(Started::Itself))]
    #[case::program("guard", Some(Started::Itself))]
    #[case::file_of_a_system_without_permissions("settings.json", None)]
    fn an_executable_file(#[case] name: &str, #[case] expected: Option<Started>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        let_run(&path).unwrap();
        assert_eq!(started(&path), expected);
    }

    #[test]
    fn a_folder_is_no_program() {
        assert_eq!(started(tempfile::tempdir().unwrap().path()), None);
    }
}
